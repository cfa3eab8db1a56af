"""Which of the graphics of a figure show the same image, and which of these is the best."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from roco.base.formats import IMAGE_EXTENSIONS
from roco.sources.jats.meta import HREF
from roco.sources.jats.text import name_of

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

_PRINTS = {"high": 0, "hires": 0, "online": 1, "web": 2, "print": 3, "low": 4}
_THUMB = re.compile(r"[._-](?:thumb(?:nail)?s?|tn)$", re.I)
_KNOWN = frozenset((*IMAGE_EXTENSIONS, *DRAWN))

Element = etree._Element


def stem_of(name: str) -> str:
    """A file name without its extension, where that is a known one: other dots belong to the name."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot and stem and extension.lower() in _KNOWN else name


def renditions(images: Sequence[Element]) -> Iterator[tuple[str, ...]]:
    """The images of one figure, each as the names of its renditions, full size before thumbnails.

    Renditions stand in one <alternatives>, have one stem, are marked as thumbnails of the image beside them, or
    are the same image for print and screen.
    """
    named = [i for i in images if i.get(HREF)]
    small = _thumbnails(named)
    thumbs_first = bool(named) and named[0] in small
    prints = {_print(i) for i in named}
    one_image = len(named) > 1 and len(prints) == len(named) and prints <= set(_PRINTS)
    groups: list[list[Element]] = []
    held: dict[object, list[Element]] = {}  # by <alternatives>, and by the stem of the name
    for image in named:
        holder, picture = _holder(image), _picture(image, image in small)
        group = held.get(picture if holder is None else holder)
        if (
            group is None
            and groups
            and (one_image or (holder is None and _beside(image, groups[-1], small, thumbs_first)))
        ):
            group = groups[-1]
        if group is None:
            group = []
            groups.append(group)
        group.append(image)
        held.setdefault(picture, group)
        if holder is not None:
            held[holder] = group
    for group in groups:
        best_first = sorted(group, key=lambda image: (image in small, *_worth(image)))
        yield tuple(dict.fromkeys(str(i.get(HREF)) for i in best_first))


def _thumbnails(images: Sequence[Element]) -> set[Element]:
    """The images that are marked as thumbnails; by its name alone only one whose image stands there too."""
    stems = {_picture(i, False) for i in images}
    return {i for i in images if _is_marked(i) or _picture(i, True) in stems - {_picture(i, False)}}


def _is_marked(image: Element) -> bool:
    kind = f"{image.get('content-type') or ''} {image.get('specific-use') or ''}".lower()
    sized = kind.replace("scielo-", "").split()
    return "thumb" in kind or any(w.replace("x", "", 1).isdecimal() and "x" in w for w in sized)


def _beside(image: Element, group: Sequence[Element], small: set[Element], thumbs_first: bool) -> bool:
    """Whether an image shows the same as those just before it: a thumbnail behind its image, or an image behind it."""
    return image not in small and small.issuperset(group) if thumbs_first else image in small


def _holder(image: Element) -> Element | None:
    above = next(image.iterancestors("{*}alternatives", "{*}fig"), None)
    return above if above is not None and name_of(above) == "alternatives" else None


def _picture(image: Element, small: bool) -> str:
    stem = stem_of(image.get(HREF) or "").casefold()
    return _THUMB.sub("", stem) if small else stem


def _print(image: Element) -> str:
    return (image.get("content-type") or "").lower()


def _worth(image: Element) -> tuple[int, int]:
    extension = (image.get(HREF) or "").rpartition(".")[2].lower()
    if extension in IMAGE_EXTENSIONS:
        rank = IMAGE_EXTENSIONS.index(extension)
    else:
        rank = len(IMAGE_EXTENSIONS) if extension in DRAWN else 0
    return _PRINTS.get(_print(image), 2), rank
