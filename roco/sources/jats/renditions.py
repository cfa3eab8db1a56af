"""Groups the graphics of one figure into images, and orders the renditions of each image from best to worst.

Called by `figures.py`, which makes one `Figure` for each group. The order matters later: `stages/extract_rows.py` uses
the first rendition that the package contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lxml import etree

from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.sources.jats.languages import language_code
from roco.sources.jats.meta import LANG
from roco.sources.jats.tree import href_of, name_of

DRAWN = ("svg", "svgz", "eps", "ps", "emf", "wmf", "pdf", "ai")
"""Extensions of vector drawings. An article may name one while its package contains the raster image."""
MOVING = (
    "mp4", "mov", "avi", "mpg", "mpeg", "wmv", "flv", "m4v", "webm", "mkv", "ogv", "3gp", "swf", "mp3", "wav", "qt",
)  # fmt: skip
"""Extensions of video and audio files."""

# Values of content-type that name the purpose of a rendition, best first.
_PURPOSES = {"high": 0, "hires": 0, "online": 1, "web": 2, "print": 3, "low": 4}
_THUMBNAIL_SUFFIX = re.compile(r"[._-](?:thumb(?:nail)?s?|tn)$", re.I)
_KNOWN_EXTENSIONS = frozenset((*IMAGE_EXTENSIONS, *DRAWN))

Element = etree._Element


def stem_of(name: str) -> str:
    """Returns a file name without its extension if that is a known one; any other dot is part of the name."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot and stem and extension.lower() in _KNOWN_EXTENSIONS else name


def renditions(images: Sequence[Element]) -> Iterator[tuple[str, ...]]:
    """Yields, for each image of one figure, the file names of its renditions: full size first, thumbnails last.

    Two graphics are renditions of one image if they share an <alternatives> element or a file stem, if one is marked
    as the thumbnail of its neighbour, or if they are the print and the screen version of the figure, or the figure in
    two languages.
    """
    graphics = [image for image in images if href_of(image)]
    thumbnails = _thumbnails(graphics)
    for group in _grouped(graphics, thumbnails):
        # Python's sort is stable: graphics of equal rank keep the order of the document.
        ordered = sorted(group, key=lambda image: (image in thumbnails, _rank(image)))
        names = [href_of(image) for image in ordered]
        yield tuple(dict.fromkeys(names))


def _grouped(graphics: Sequence[Element], thumbnails: set[Element]) -> list[list[Element]]:
    """Returns the graphics grouped by the image they show, in the order of the document."""
    groups: list[list[Element]] = []
    by_alternatives: dict[Element, list[Element]] = {}
    by_stem: dict[str, list[Element]] = {}
    thumbnails_first = bool(graphics) and graphics[0] in thumbnails
    all_one_image = _are_versions_of_one_image(graphics)

    for graphic in graphics:
        alternatives = _alternatives_of(graphic)
        stem = _stem(graphic, graphic in thumbnails)

        # <alternatives> is the explicit statement of JATS, so inside of it names are not compared: SciELO puts
        # renditions with unrelated names into one <alternatives>.
        if alternatives is not None:
            group = by_alternatives.get(alternatives)
        else:
            group = by_stem.get(stem)

        # A graphic that matches no group by name may still belong to the group just before it.
        if group is None and groups:
            previous = groups[-1]
            if all_one_image or (alternatives is None and _pairs_with(graphic, previous, thumbnails, thumbnails_first)):
                group = previous

        if group is None:
            group = []
            groups.append(group)
        group.append(graphic)

        # The first group of a stem keeps it; a later <alternatives> with the same stem is another image.
        by_stem.setdefault(stem, group)
        if alternatives is not None:
            by_alternatives[alternatives] = group
    return groups


def _are_versions_of_one_image(graphics: Sequence[Element]) -> bool:
    """Returns whether every graphic states another purpose (print, online …), or another language."""
    if len(graphics) < 2:
        return False
    purposes = {_purpose(graphic) for graphic in graphics}
    languages = {language_code(graphic.get(LANG)) for graphic in graphics}
    return len(graphics) in (len(purposes & set(_PURPOSES)), len(languages - {None}))


def _thumbnails(graphics: Sequence[Element]) -> set[Element]:
    """Returns the graphics that are thumbnails: by an attribute, or by a name like `f1.thumb.jpg` beside `f1.jpg`.

    The name alone is not enough: where no full-size image has the same stem, `tn` may be part of an ordinary name.
    """
    stems = {_stem(graphic, is_thumbnail=False) for graphic in graphics}
    thumbnails = set()
    for graphic in graphics:
        own_stem = _stem(graphic, is_thumbnail=False)
        full_size_stem = _stem(graphic, is_thumbnail=True)
        has_full_size = full_size_stem != own_stem and full_size_stem in stems
        if _is_marked_as_thumbnail(graphic) or has_full_size:
            thumbnails.add(graphic)
    return thumbnails


def _is_marked_as_thumbnail(graphic: Element) -> bool:
    """Returns whether an attribute contains "thumb", or a size in pixels as SciELO writes (`scielo-267x140`)."""
    attributes = f"{graphic.get('content-type') or ''} {graphic.get('specific-use') or ''}".lower()
    if "thumb" in attributes:
        return True
    words = attributes.replace("scielo-", "").split()
    return any(_is_pixel_size(word) for word in words)


def _is_pixel_size(word: str) -> bool:
    return "x" in word and word.replace("x", "", 1).isdecimal()


def _pairs_with(
    graphic: Element, previous: Sequence[Element], thumbnails: set[Element], thumbnails_first: bool
) -> bool:
    """Returns whether a graphic shows the same image as the group before it, because one of the two is a thumbnail.

    Some publishers put the thumbnail before its image, others after it; the first graphic of the figure decides.
    """
    if thumbnails_first:
        return graphic not in thumbnails and thumbnails.issuperset(previous)
    return graphic in thumbnails


def _alternatives_of(graphic: Element) -> Element | None:
    """Returns the <alternatives> around a graphic; one outside of the figure does not count."""
    nearest = next(graphic.iterancestors("{*}alternatives", "{*}fig"), None)
    if nearest is None or name_of(nearest) != "alternatives":
        return None
    return nearest


def _stem(graphic: Element, is_thumbnail: bool) -> str:
    stem = stem_of(href_of(graphic)).casefold()
    return _THUMBNAIL_SUFFIX.sub("", stem) if is_thumbnail else stem


def _purpose(graphic: Element) -> str:
    return (graphic.get("content-type") or "").lower()


class _Rank(NamedTuple):
    """The order of renditions, best first: English before other languages, then by stated purpose and file format."""

    in_another_language: bool
    purpose: int
    file_format: int


def _rank(graphic: Element) -> _Rank:
    # A graphic without a stated purpose ranks with "web": after the high-resolution file, before the print version.
    purpose = _PURPOSES.get(_purpose(graphic), _PURPOSES["web"])
    extension = extension_of(href_of(graphic))
    in_another_language = language_code(graphic.get(LANG)) not in (None, "en")
    if extension in IMAGE_EXTENSIONS:
        return _Rank(in_another_language, purpose, IMAGE_EXTENSIONS.index(extension))
    if extension in DRAWN:
        return _Rank(in_another_language, purpose, len(IMAGE_EXTENSIONS))
    # PMC writes names without extension, which mean the JPEG of the package.
    return _Rank(in_another_language, purpose, 0)
