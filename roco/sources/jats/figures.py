"""The images that an article names: its figures, and what is no figure of its own, with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.base.text import fold
from roco.sources.jats.mentions import Mention, mentions_of
from roco.sources.jats.meta import HREF, LANG
from roco.sources.jats.renditions import MOVING, renditions
from roco.sources.jats.terms import credit_of, figure_license
from roco.sources.jats.text import child, children, name_of, plain_caption, text_of

_NOT_OWN = {"sub-article": "sub-article", "response": "response"}
_PLACES = {  # what an image is when it stands in such an element, and not in the text
    "supplementary-material": "supplementary material",
    "bio": "portrait of an author",
    "author-notes": "portrait of an author",
    "contrib": "portrait of an author",
    "contrib-group": "portrait of an author",
    "journal-meta": "logo",
    "abstract": "graphical abstract",
    "trans-abstract": "graphical abstract",
    "front": "front matter",
    "front-stub": "front matter",
    "fn": "footnote",
    "ack": "acknowledgement",
    "ref-list": "reference list",
    "ref": "reference list",
    "glossary": "glossary",
    "license": "logo",
}
_FORMULAS = frozenset({"inline-formula", "disp-formula", "disp-formula-group", "chem-struct", "chem-struct-wrap"})
_FIG_TYPES = {
    "graphical-abstract": "graphical abstract",
    "teaser": "graphical abstract",
    "author-photo": "portrait of an author",
    "portrait": "portrait of an author",
    "cover": "cover",
    "logo": "logo",
}
_MET = tuple(
    f"{{*}}{n}" for n in ("fig", "graphic", "inline-graphic", "media", "inline-media", "supplementary-material")
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One image that an article names, or a figure without any.

    key: id attribute, else element and ordinal; k: which image of the figure, from 0; hrefs: the names of its
    renditions, best first; drop and detail: why it is no figure of the article, null for those that are.
    """

    key: str
    k: int = 0
    fig_id: str | None = None
    label: str | None = None
    caption_raw: str | None = None
    caption: str | None = None
    caption_from: str | None = None
    hrefs: tuple[str, ...] = ()
    credit: str | None = None
    license: str | None = None
    n_graphics: int = 0
    mentions: tuple[Mention, ...] = ()
    drop: str | None = None
    detail: str | None = None


def figures_of(
    article: etree._Element, language: str | None, in_words: frozenset[str] | None = None, *, cited: bool = True
) -> Iterator[Figure]:
    """All images of an article in order of the document.

    in_words: see `jats_mentions.mentions_of`; cited: whether the passages that cite them are looked for.
    """
    images: defaultdict[etree._Element, list[etree._Element]] = defaultdict(list)
    order: dict[etree._Element, None] = {}
    for element in article.iter(*_MET):
        name = name_of(element)
        owner = element if name == "fig" else _owner(element)
        order.setdefault(owner)
        if name != "fig":
            images[owner].append(element)
    mentions = mentions_of(article, order, images, in_words) if cited else {}
    ordinals: defaultdict[str, int] = defaultdict(int)
    for owner in order:
        name = name_of(owner)
        ordinals[name] += 1
        key = owner.get("id") or f"{name}-{ordinals[name]}"
        if name in ("fig", "fig-group"):
            yield from _figure(owner, key, images[owner], mentions.get(owner, ()), language)
        else:
            yield from _other(owner, key, images[owner])


def _owner(image: etree._Element) -> etree._Element:
    """The figure an image belongs to; a table, a formula or the image itself where it belongs to none."""
    if name_of(image) in ("inline-graphic", "inline-media", "supplementary-material"):
        return image
    for above in image.iterancestors():
        name = name_of(above)
        if name in ("fig", "fig-group"):
            return above
        if name in _FORMULAS or name in ("table-wrap", "supplementary-material"):
            break
    return image


def _figure(
    fig: etree._Element, key: str, images: Sequence[etree._Element], mentions: Sequence[Mention], language: str | None
) -> Iterator[Figure]:
    caption, source = _caption(fig, language)
    label = fold(text_of(child(fig, "label"))) or None
    if name_of(fig) == "fig-group" and not caption:
        caption, source, label = _of_parts(fig, language, label)
    terms = [p for e in (fig, *fig.iterancestors("{*}fig-group"), *images) for p in children(e, "permissions")]
    scope = _outside(fig) or _FIG_TYPES.get((fig.get("fig-type") or "").lower())
    one = Figure(
        key=key,
        fig_id=fig.get("id"),
        label=label,
        caption_raw=caption or None,
        caption=plain_caption(caption) or None,
        caption_from=source,
        mentions=tuple(mentions),
        credit=credit_of(fig, terms),
        license=figure_license(terms),
        drop="scope" if scope else None,
        detail=scope,
    )
    stills = [i for i in images if not _moves(i)]
    groups = list(renditions([i for i in stills if name_of(i) == "graphic" or _pictures(i)]))
    if not groups and not scope:
        moving = [i.get(HREF) or "" for i in images if _moves(i)]
        if moving or children(fig, "media"):
            one = replace(one, drop="video", detail=", ".join(moving) or "another medium")
        else:
            held = [
                name_of(e)
                for e in fig.iter("{*}table-wrap", "{*}table", "{*}preformat", "{*}code", "{*}fig")
                if e is not fig
            ]
            one = replace(one, drop="no_graphic", detail=f"it holds {held[0]}" if held else "it names no image")
    for k, hrefs in enumerate(groups or [()]):
        yield replace(one, k=k, hrefs=hrefs, n_graphics=len(groups))


def _other(image: etree._Element, key: str, images: Sequence[etree._Element]) -> Iterator[Figure]:
    """An image that stands in no figure; documents that are no image give nothing."""
    href = image.get(HREF)
    above = {name_of(a) for a in image.iterancestors()}
    if not href or not (name_of(image) in ("graphic", "inline-graphic") or _pictures(image) or _moves(image)):
        return
    reason, detail = "scope", _outside(image)
    if detail is None or (above & _FORMULAS and not above & set(_NOT_OWN)):
        reason, detail = _loose(image, above)
    if _moves(image):
        reason, detail = "video", href
    yield Figure(key=key, hrefs=(href,), n_graphics=1, drop=reason, detail=detail)


def _loose(image: etree._Element, above: set[str]) -> tuple[str, str]:
    if name_of(image) == "supplementary-material":
        return "scope", "supplementary material"
    if above & _FORMULAS:
        return "scope", "formula"
    if "table-wrap" in above:
        return "table", "image of a table"
    return "scope", "inline graphic" if name_of(image) == "inline-graphic" else "image outside any figure"


def _outside(element: etree._Element) -> str | None:
    """Which part of the document, other than the article's own text, an element stands in."""
    found = None
    for above in element.iterancestors():
        name = name_of(above)
        if name in _NOT_OWN:
            return f"{_NOT_OWN[name]}: {above.get('article-type') or above.get('response-type') or 'no type'}"
        if name == "abstract" and (above.get("abstract-type") or "graphical") not in ("graphical", "visual", "teaser"):
            found = "abstract"
        elif found is None:
            found = _PLACES.get(name)
    return found


def _pictures(element: etree._Element) -> bool:
    """Whether a medium or supplement is a still image."""
    kind = (element.get("mimetype") or "").lower().partition("/")[0]
    return kind == "image" or extension_of(element.get(HREF) or "") in IMAGE_EXTENSIONS


def _moves(element: etree._Element) -> bool:
    kind = (element.get("mimetype") or "").lower().partition("/")[0]
    return kind in ("video", "audio") or (element.get(HREF) or "").rpartition(".")[2].lower() in MOVING


def _caption(fig: etree._Element, language: str | None) -> tuple[str, str | None]:
    """The caption, and whose it is: the figure's, its group's, or the group's before the figure's own."""
    own = _own_caption(fig, language)
    shared = " ".join(filter(None, (_own_caption(g, language) for g in reversed([*fig.iterancestors("{*}fig-group")]))))
    if own and shared:
        return f"{shared} {own}", "group and figure"
    return own or shared, "figure" if own else "group" if shared else None


def _of_parts(group: etree._Element, language: str | None, label: str | None) -> tuple[str, str | None, str | None]:
    """Caption and label of a group that has the image where its figures have the words: parts, or two languages."""
    parts = [fig for fig in children(group, "fig") if _own_caption(fig, language)]
    spoken = [_language(fig, language) for fig in parts]
    if len(set(spoken)) > 1:
        wanted = next((w for w in ("en", _language(group, language)) if w in spoken), spoken[0])
        parts = [parts[spoken.index(wanted)]]
    if len(parts) == 1:
        label = label or fold(text_of(child(parts[0], "label"))) or None
    caption = " ".join(_own_caption(fig, language) for fig in parts)
    return caption, "parts" if caption else None, label


def _language(element: etree._Element, otherwise: str | None) -> str:
    return (element.get(LANG) or otherwise or "en").partition("-")[0].lower()


def _own_caption(owner: etree._Element, language: str | None) -> str:
    """Of several captions that in English or else in the article's language, that for the screen before print."""
    found = children(owner, "caption")
    if len(found) > 1:
        found = [c for c in found if c.get("specific-use") != "print"] or found
        told = [_language(c, language) for c in found]
        for wanted in ("en", _language(owner, language)):
            if wanted in told:
                found = [c for c, of in zip(found, told, strict=True) if of == wanted]
                break
    return next(filter(None, map(text_of, found)), "")
