"""Where the text of an article cites its figures: by a link, within a range of links, or in plain words."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lxml import etree

from roco.base.errors import RejectedInput
from roco.sources.jats.citations import Cited, cited_in, is_range, number_of
from roco.sources.jats.text import Prose, child, name_of, prose_of, tags, text_of, title_of

Element = etree._Element


class Mention(NamedTuple):
    """A passage that cites a figure.

    text: the paragraph, title, list item or cell, white space folded; section: titles of the sections around it,
    joined by " / "; start, end: offsets in text of the first citation; kind: "direct" by a link of its own,
    "range" between the ends of a range such as "Figs 1–3", "text" in plain words without a link.
    """

    text: str
    section: str
    start: int
    end: int
    kind: str


MOST = 32 << 20
"""Characters of all passages of one article, each counted for every figure it cites: real articles have thousands."""

_CELLS = ("td", "th")
_WALKED_NAMES = ("p", "title", "list-item", "def", "term")
_TELLS = tags(*_WALKED_NAMES, *_CELLS)
_WALKED = tags(*_WALKED_NAMES, "xref")
_FOREIGN = tags("sub-article", "response", "ref-list", "front-stub", "title-group", "permissions")
_IS_RANGE = re.compile(r"\d[A-Za-z]?\)?\s*(?:[\u2010-\u2015\u2212-]|[a-zé]{1,7}\s)\s*[SAsa]?\d")  # far from always
_RANK = {"direct": 0, "range": 1, "text": 2}


def mentions_of(
    article: Element,
    owners: Iterable[Element],
    images: Mapping[Element, Sequence[Element]],
    in_words: frozenset[str] | None = None,
) -> dict[Element, tuple[Mention, ...]]:
    """For each figure of the article itself the passages that cite it, each once, in order of the document.

    in_words: the numbers that the article cites without a link, see `worded_numbers`; null where nobody looked. Raises
    RejectedInput where a long passage cites so many figures that its copies would fill the memory.
    """
    figures = _Figures(owners, images)
    found: defaultdict[Element, dict[str, Mention]] = defaultdict(dict)
    sections: dict[Element | None, str] = {}
    if not figures.own:
        return {}
    length = 0
    worded = in_words is None or not in_words.isdisjoint(figures.by_number)
    for passage in _citing(article) if worded else _linking(article, figures):
        if _is_foreign(passage):
            continue
        prose = prose_of(passage)
        inside = _figures_around(passage)
        for fig, start, end, kind in _citations(passage, prose, figures, worded):
            if fig not in inside and prose.text not in found[fig]:
                section = _section(passage, sections)
                found[fig][prose.text] = Mention(prose.text, section, start, end, kind)
                length += len(prose.text)
                if length > MOST:
                    raise RejectedInput(f"XML: the passages that cite its figures have more than {MOST} characters")
    return {fig: tuple(mentions.values()) for fig, mentions in found.items() if mentions}


class _Figures:
    """The figures of the article itself, by each id and by the number of their labels."""

    def __init__(self, owners: Iterable[Element], images: Mapping[Element, Sequence[Element]]) -> None:
        self.own: list[Element] = []
        self.by_id: defaultdict[str, list[Element]] = defaultdict(list)
        self.by_number: defaultdict[str, list[Element]] = defaultdict(list)
        for owner in owners:
            if name_of(owner) not in ("fig", "fig-group") or _is_foreign(owner):
                continue
            self.own.append(owner)
            groups = owner.iterancestors("{*}fig-group")
            parts = owner.iterchildren("{*}fig") if name_of(owner) == "fig-group" else ()
            for named in (owner, *groups, *parts, *images.get(owner, ()), *owner.iterchildren("{*}alternatives")):
                if named.get("id"):
                    self.by_id[str(named.get("id"))].append(owner)
            if number := _number(owner):
                self.by_number[number].append(owner)
        self.numbered = {fig for figs in self.by_number.values() for fig in figs}
        self.order = {fig: i for i, fig in enumerate(self.own)}

    def cited(self, ref: Element) -> list[Element]:
        rid = ref.get("rid") or ""
        return self.by_id.get(rid) or [fig for one in rid.split() for fig in self.by_id.get(one, ())]

    def between(self, first: Element, last: Element) -> list[Element]:
        return self.own[self.order[first] + 1 : self.order[last]]


def _citing(article: Element) -> Iterator[Element]:
    """The passages that may cite a figure in words or by a link; of tables, whose cells are many, those with a link."""
    seen: set[Element] = set()
    for element in article.iter(*_WALKED):
        if name_of(element) != "xref":
            text = str(etree.tostring(element, encoding="unicode", method="text", with_tail=False)).lower()
            passage = element if "fig" in text or "abb" in text else None
        else:
            passage = _passage(element)
        if passage is not None and passage not in seen:
            seen.add(passage)
            yield passage


def _number(fig: Element) -> str | None:
    """The number of a figure: of its label, or where it has none of the words that its caption begins with."""
    label = child(fig, "label")
    if label is not None:
        return number_of(title_of(label))
    begins = re.match(r"\S+\s+\S+", text_of(child(fig, "caption")))
    return number_of(begins[0]) if begins else None


def _linking(article: Element, figures: _Figures) -> Iterable[Element]:
    """The passages with a link to a figure, each once."""
    return dict.fromkeys(_passage(ref) for ref in article.iter(*tags("xref")) if figures.cited(ref))


def _is_foreign(element: Element) -> bool:
    return next(element.iterancestors(*_FOREIGN), None) is not None


def _figures_around(passage: Element) -> set[Element]:
    return set(passage.iterancestors("{*}fig", "{*}fig-group"))


def _citations(passage: Element, prose: Prose, figures: _Figures, worded: bool) -> list[tuple[Element, int, int, str]]:
    """Figure, offsets and kind of each citation that is the passage's own, the surest kind first."""
    linked = [(figs, a, b) for r, a, b in prose.refs if (figs := figures.cited(r)) and _passage(r) is passage]
    found = [(fig, a, b, "direct") for figs, a, b in linked for fig in figs]
    found += _linked_ranges(prose.text, linked, figures)
    if worded or _IS_RANGE.search(prose.text):
        nested = [prose_of(e).text for e in passage.iter(*_TELLS) if e is not passage]
        for said, cited in cited_in(prose.text):
            if not any(said in text for text in nested):
                found += _worded(cited, prose.refs, figures)
    return sorted(found, key=lambda c: (_RANK[c[3]], c[1]))


def _passage(ref: Element) -> Element:
    """The passage that a link stands in: a heading of a kind unknown here is one too."""
    parent = ref.getparent()
    return next(ref.iterancestors(*_TELLS), ref if parent is None else parent)


def _linked_ranges(
    text: str, linked: Sequence[tuple[list[Element], int, int]], figures: _Figures
) -> Iterator[tuple[Element, int, int, str]]:
    """The figures between two links that are joined by a dash or "to", where no labels say which these are."""
    for (one, start, end), (other, begin, stop) in itertools.pairwise(linked):
        first, last = one[-1], other[0]
        if not figures.numbered.issuperset((first, last)) and is_range(text[end:begin]):
            for fig in figures.between(first, last):
                yield fig, start, stop, "range"


def _worded(
    cited: Sequence[Cited], refs: Sequence[tuple[Element, int, int]], figures: _Figures
) -> Iterator[tuple[Element, int, int, str]]:
    """What "Figs 1, 3–5" in plain words, or in the words of a link, cites beside what links say."""
    for one in cited:
        around = [] if one.between else [r for r, a, b in refs if a <= one.start and one.end <= b]
        if any((r.get("ref-type") or "fig").lower() not in ("fig", "figure", "other") for r in around):
            continue
        kind = "range" if one.between or (one.to and around) else "text"
        for fig in figures.by_number.get(one.number, ()):
            yield fig, one.start, one.end, kind


def _section(passage: Element, known: dict[Element | None, str]) -> str:
    """Titles of the sections around a passage, the outermost first; a caption goes by its figure's label."""
    parent = passage.getparent()
    if parent not in known:
        known[parent] = " / ".join(reversed(list(_path(passage))))
    return known[parent]


def _path(passage: Element) -> Iterator[str]:
    for above in passage.iterancestors():
        name = name_of(above)
        if name in ("sec", "app", "ack", "boxed-text", "abstract", "trans-abstract", "glossary", "notes"):
            if title := title_of(child(above, "title") if child(above, "title") is not None else child(above, "label")):
                yield title
            elif "abstract" in name:
                yield "Abstract"
            elif box := title_of(child(above, "caption", "title")):
                yield box
        elif name == "caption":
            label = text_of(child(above.getparent(), "label"))
            yield f"caption of {label}" if label else "caption"
