"""The images that an article names: its figures, and what is no figure of its own, with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from roco.sources.jats_mentions import mentions_of
from roco.sources.jats_text import child, children, fold, name_of, plain_caption, text_of

_HREF = "{http://www.w3.org/1999/xlink}href"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RASTER = ("jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "gif", "bmp", "jp2")
"""Extensions of image files, best rendition first."""
DRAWN = ("svg", "svgz", "eps", "ps", "emf", "wmf", "pdf", "ai")
"""Extensions of drawings that an article may name where its package holds a raster image."""
MOVING = (
    "mp4",
    "mov",
    "avi",
    "mpg",
    "mpeg",
    "wmv",
    "flv",
    "m4v",
    "webm",
    "mkv",
    "ogv",
    "3gp",
    "swf",
    "mp3",
    "wav",
    "qt",
)

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
_PRINTS = {"online": 0, "high": 0, "hires": 0, "web": 1, "print": 2, "low": 3}
_MET = tuple(
    f"{{*}}{n}" for n in ("fig", "graphic", "inline-graphic", "media", "inline-media", "supplementary-material", "xref")
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
    hrefs: tuple[str, ...] = ()
    n_graphics: int = 0
    mentions_in_text: tuple[str, ...] = ()
    drop: str | None = None
    detail: str | None = None


def figures_of(article: etree._Element, language: str | None) -> Iterator[Figure]:
    """All images of an article in order of the document, in one pass over it."""
    met = list(article.iter(*_MET))
    images: defaultdict[etree._Element, list[etree._Element]] = defaultdict(list)
    order: dict[etree._Element, None] = {}
    refs: list[etree._Element] = []
    for element in met:
        name = name_of(element)
        if name == "xref":
            refs.append(element)
            continue
        owner = element if name == "fig" else _owner(element)
        order.setdefault(owner)
        if name != "fig":
            images[owner].append(element)
    mentions = mentions_of(refs, order, images)
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
    fig: etree._Element, key: str, images: Sequence[etree._Element], mentions: Sequence[str], language: str | None
) -> Iterator[Figure]:
    caption = _caption(fig, language)
    scope = _outside(fig) or _FIG_TYPES.get((fig.get("fig-type") or "").lower())
    one = Figure(
        key=key,
        fig_id=fig.get("id"),
        label=fold(text_of(child(fig, "label"))) or None,
        caption_raw=caption or None,
        caption=plain_caption(caption) or None,
        mentions_in_text=tuple(mentions),
        drop="scope" if scope else None,
        detail=scope,
    )
    stills = [i for i in images if not _moves(i)]
    groups = list(_renditions([i for i in stills if name_of(i) == "graphic" or _pictures(i)]))
    if not groups and not scope:
        moving = [i.get(_HREF) or "" for i in images if _moves(i)]
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
    href = image.get(_HREF)
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


def _renditions(images: Sequence[etree._Element]) -> Iterator[tuple[str, ...]]:
    """The images of one figure, each as the names of its renditions, full size before thumbnails.

    Renditions stand in one <alternatives>, have one stem, are marked as thumbnails of the image before them, or
    are the same image for print and screen.
    """
    groups: list[list[etree._Element]] = []
    holders: dict[etree._Element, list[etree._Element]] = {}
    stems: dict[str, list[etree._Element]] = {}
    prints = {(i.get("content-type") or "").lower() for i in images}
    one_image = len(images) > 1 and len(prints) == len(images) and prints <= set(_PRINTS)
    for image in images:
        href = image.get(_HREF)
        if not href:
            continue
        above = next((a for a in image.iterancestors("{*}alternatives", "{*}fig")), None)
        holder = above if above is not None and name_of(above) == "alternatives" else None
        group = holders.get(holder) if holder is not None else stems.get(stem_of(href).casefold())
        if group is None and groups and ((_small(image) and holder is None) or one_image):
            group = groups[-1]
        if group is None:
            group = []
            groups.append(group)
        group.append(image)
        stems.setdefault(stem_of(href).casefold(), group)
        if holder is not None:
            holders[holder] = group
    for group in groups:
        yield tuple(dict.fromkeys(str(i.get(_HREF)) for i in sorted(group, key=_worth)))


def _worth(image: etree._Element) -> tuple[bool, int, int]:
    extension = (image.get(_HREF) or "").rpartition(".")[2].lower()
    rank = RASTER.index(extension) if extension in RASTER else (len(RASTER) if extension in DRAWN else 0)
    return _small(image), _PRINTS.get((image.get("content-type") or "").lower(), 1), rank


def _small(image: etree._Element) -> bool:
    kind = f"{image.get('content-type') or ''} {image.get('specific-use') or ''}".lower()
    sized = kind.replace("scielo-", "").split()
    return "thumb" in kind or any(w.replace("x", "", 1).isdecimal() and "x" in w for w in sized)


def stem_of(name: str) -> str:
    """A file name without its extension, where that is a known one: other dots belong to the name."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot and stem and extension.lower() in _KNOWN else name


_KNOWN = frozenset((*RASTER, *DRAWN))


def _pictures(element: etree._Element) -> bool:
    """Whether a medium or supplement is a still image."""
    kind = (element.get("mimetype") or "").lower().partition("/")[0]
    return kind == "image" or (element.get(_HREF) or "").rpartition(".")[2].lower() in RASTER


def _moves(element: etree._Element) -> bool:
    kind = (element.get("mimetype") or "").lower().partition("/")[0]
    return kind in ("video", "audio") or (element.get(_HREF) or "").rpartition(".")[2].lower() in MOVING


def _caption(fig: etree._Element, language: str | None) -> str:
    """The figure's own caption, else that of its group; of several that in the article's language."""
    for owner in (fig, *(a for a in fig.iterancestors("{*}fig-group"))):
        found = children(owner, "caption")
        found = [c for c in found if c.get("specific-use") != "print"] or found
        found = [c for c in found if (c.get(_LANG) or language) == language] or found
        for caption in found:
            if text := text_of(caption):
                return text
    return ""
