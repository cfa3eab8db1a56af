"""Which paragraphs of an article cite which of its figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lxml import etree

from roco.sources.jats_text import name_of, prose_of

_TELLS = frozenset({"p", "title", "list-item", "td", "th", "def"})
_SILENT = frozenset({"caption", "fig", "sub-article", "response", "ref-list", "fn"})


def mentions_of(
    refs: Sequence[etree._Element],
    owners: Iterable[etree._Element],
    images: Mapping[etree._Element, Sequence[etree._Element]],
) -> dict[etree._Element, tuple[str, ...]]:
    """For each figure of the article itself the paragraphs that cite it, by any id it goes by."""
    targets: defaultdict[str, list[etree._Element]] = defaultdict(list)
    for owner in owners:
        foreign = next(owner.iterancestors("{*}sub-article", "{*}response"), None) is not None
        if name_of(owner) in ("fig", "fig-group") and not foreign:
            groups = owner.iterancestors("{*}fig-group")
            for named in (owner, *groups, *images.get(owner, ()), *owner.iterchildren("{*}alternatives")):
                if named.get("id"):
                    targets[str(named.get("id"))].append(owner)
    said: dict[etree._Element, str] = {}
    found: defaultdict[etree._Element, dict[str, None]] = defaultdict(dict)
    for ref in refs:
        cited = [fig for rid in (ref.get("rid") or "").split() for fig in targets.get(rid, ())]
        paragraph = _paragraph(ref) if cited else None
        if paragraph is None:
            continue
        text = said.get(paragraph)
        if text is None:
            text = said[paragraph] = prose_of(paragraph)
        for fig in cited:
            if text:
                found[fig].setdefault(text)
    return {fig: tuple(texts) for fig, texts in found.items()}


def _paragraph(ref: etree._Element) -> etree._Element | None:
    """The paragraph around a citation in the running text; none for captions, tables' notes, other articles."""
    nearest = None
    for above in ref.iterancestors():
        name = name_of(above)
        if name in _SILENT:
            return None
        if nearest is None and name in _TELLS:
            nearest = above
    return nearest
