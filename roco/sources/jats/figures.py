"""Lists the images of an article: its figures, and all other images with the reason why they are not figures.

`article.parse` calls `figures_of`, which yields one `Figure` for each image:

1. `_owner` assigns each image to the <fig> or <fig-group> around it;
2. `renditions.renditions` groups the graphics of a figure into images;
3. `captions.caption_of` chooses the caption, and `text.plain_caption` normalises it; `translations.Translation`
   finds the English caption of figures of an article in another language;
4. `scope.out_of_scope` gives the reason for dropping images outside of the article's own text;
5. `mentions.mentions_of` finds the passages that cite the figure.

The next step is `stages/extract_rows.figure_rows`, which makes one row of each `Figure` and finds its image file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.base.text import visible
from roco.sources.jats.captions import Caption, caption_and_label_of_parts, caption_of, label_of
from roco.sources.jats.mentions import Mention, mentions_of
from roco.sources.jats.nesting import wholes_of
from roco.sources.jats.renditions import MOVING, renditions
from roco.sources.jats.scope import (
    FORMULAS,
    OTHER_DOCUMENTS,
    image_outside_figures,
    located_in,
    out_of_scope,
    out_of_scope_fig_type,
)
from roco.sources.jats.terms import credit_of, figure_license, permissions_of
from roco.sources.jats.text import plain_caption
from roco.sources.jats.translations import Translation
from roco.sources.jats.tree import children, href_of, name_of

Element = etree._Element

_FIGURES_AND_IMAGES = tuple(
    f"{{*}}{name}" for name in ("fig", "graphic", "inline-graphic", "media", "inline-media", "supplementary-material")
)
# What a figure without an image may contain instead; named in its drop_detail.
_OTHER_CONTENT = ("{*}table-wrap", "{*}table", "{*}preformat", "{*}code", "{*}fig")


@dataclass(frozen=True, slots=True)
class Figure:
    """One image that an article names, or a figure without an image.

    key: the id attribute, else element name and ordinal (`fig-3`)
    k: index of the image within the figure, from 0
    caption_raw, caption: as written but with single spaces, and normalised by `text.plain_caption`
    caption_from: origin of the caption, see `captions.Caption`
    hrefs: file names of the renditions of the image, best first
    n_graphics: number of images of the figure
    located_in: the box, appendix or back matter that contains it; None in the ordinary text
    drop, detail: why this is not a figure of the article; None for figures that are kept
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
    located_in: str | None = None
    drop: str | None = None
    detail: str | None = None


def figures_of(article: Element, in_words: frozenset[str] | None = None, *, cited: bool = True) -> Iterator[Figure]:
    """Yields all images of an article in the order of the document.

    in_words: see `mentions.mentions_of`; cited: false skips the search for passages that cite the figures.
    """
    images: defaultdict[Element, list[Element]] = defaultdict(list)
    owners: dict[Element, None] = {}  # a dict as an ordered set
    for element in article.iter(*_FIGURES_AND_IMAGES):
        if name_of(element) == "fig":
            owners.setdefault(element)  # a figure without an image is listed, too
        else:
            owner = _owner(element)
            owners.setdefault(owner)
            images[owner].append(element)

    figures = [owner for owner in owners if name_of(owner) in ("fig", "fig-group")]
    translation = Translation(article, figures, images)
    mentions: Mapping[Element, Sequence[Mention]] = {}
    if cited:
        mentions = translation.with_mentions(mentions_of(article, figures, images, in_words), images, in_words)

    ordinals: defaultdict[str, int] = defaultdict(int)
    for owner in owners:
        name = name_of(owner)
        ordinals[name] += 1
        key = owner.get("id") or f"{name}-{ordinals[name]}"
        if name in ("fig", "fig-group"):
            yield from _images_of_figure(owner, key, images, mentions.get(owner, ()), translation)
        else:
            yield from _image_without_figure(owner, key)


def _owner(image: Element) -> Element:
    """Returns the <fig> or <fig-group> around an image; the image itself if there is none.

    An image in a table, a formula or a supplement inside of a figure is not the figure's image.
    """
    if name_of(image) in ("inline-graphic", "inline-media", "supplementary-material"):
        return image
    for ancestor in image.iterancestors():
        name = name_of(ancestor)
        if name in ("fig", "fig-group"):
            return ancestor
        if name in FORMULAS or name in ("table-wrap", "supplementary-material"):
            return image
    return image


def _images_of_figure(
    fig: Element,
    key: str,
    images: Mapping[Element, Sequence[Element]],
    mentions: Sequence[Mention],
    translation: Translation,
) -> Iterator[Figure]:
    """Yields a figure once for each of its images; once without hrefs if it has none."""
    twin = translation.twins.get(fig)
    scope = out_of_scope(fig, translation.document if fig in translation.only_here else None)
    figure = _figure_without_images(fig, key, images.get(fig, ()), mentions, twin, scope or out_of_scope_fig_type(fig))
    groups = _named_files(images.get(fig, ()))
    if twin is not None:
        groups = _with_files_of_translation(groups, _named_files(images.get(twin, ())))
    if not groups:
        if figure.drop is None:
            drop, detail = _why_no_image(fig, images.get(fig, ()))
            figure = replace(figure, drop=drop, detail=detail)
        yield figure
        return
    for k, hrefs in enumerate(groups):
        yield replace(figure, k=k, hrefs=hrefs, n_graphics=len(groups))


def _named_files(images: Sequence[Element]) -> list[tuple[str, ...]]:
    """Returns the file names of the renditions of each image of a figure."""
    return list(renditions([image for image in images if _is_named_as_image(image)]))


def _with_files_of_translation(
    groups: list[tuple[str, ...]], translated: list[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Adds the files of the English figure, which are used if the article's own are missing."""
    if not groups:
        return translated
    if len(groups) != len(translated):
        return groups
    return [tuple(dict.fromkeys((*own, *other))) for own, other in zip(groups, translated, strict=True)]


def _figure_without_images(
    fig: Element,
    key: str,
    images: Sequence[Element],
    mentions: Sequence[Mention],
    twin: Element | None,
    scope: str | None,
) -> Figure:
    """Returns what all images of a figure share: caption, label, rights, mentions, and the reason if it is dropped.

    twin: the same figure in the English translation; scope: why it is no figure of the article
    """
    caption, label = _caption_and_label(fig)
    if twin is not None and caption.language != "en":
        english, english_label = _caption_and_label(twin)
        if english.text:
            caption, label = english._replace(origin="translation"), english_label or label

    # Rights may be stated by the figure, by a group or figure around it, or by a single graphic of it.
    wholes = list(wholes_of(fig))
    holders = [fig, *wholes, *images]
    permissions = [element for holder in holders for element in permissions_of(holder)]

    return Figure(
        key=key,
        fig_id=fig.get("id"),
        label=label,
        caption_raw=visible(caption.text) or None,
        caption=plain_caption(caption.text) or None,
        caption_from=caption.origin,
        mentions=tuple(mentions),
        credit=credit_of((fig, *wholes), permissions),
        license=figure_license(permissions),
        located_in=located_in(fig),
        drop="scope" if scope else None,
        detail=scope,
    )


def _caption_and_label(fig: Element) -> tuple[Caption, str | None]:
    caption = caption_of(fig)
    label = next(filter(None, map(label_of, (fig, *wholes_of(fig)))), None)
    if name_of(fig) == "fig-group" and not caption.text:
        return caption_and_label_of_parts(fig, label)
    return caption, label


def _why_no_image(fig: Element, images: Sequence[Element]) -> tuple[str, str]:
    """Returns `drop` and `drop_detail` for a figure without a still image."""
    videos = [href_of(image) for image in images if _is_video(image)]
    if videos:
        return "video", ", ".join(videos) or "media of another kind"
    if children(fig, "media"):
        return "video", "media of another kind"
    for element in fig.iter(*_OTHER_CONTENT):
        if element is not fig:
            return "no_graphic", f"contains <{name_of(element)}> instead of an image"
    return "no_graphic", "names no image"


def _image_without_figure(image: Element, key: str) -> Iterator[Figure]:
    """Yields the one dropped `Figure` of an image outside of figures; nothing for media that are not images."""
    href = href_of(image)
    is_graphic = name_of(image) in ("graphic", "inline-graphic")
    if not href or not (is_graphic or _is_raster(image) or _is_video(image)):
        return
    drop, detail = _reason_without_figure(image, href)
    yield Figure(key=key, hrefs=(href,), n_graphics=1, drop=drop, detail=detail)


def _reason_without_figure(image: Element, href: str) -> tuple[str, str]:
    """Returns `drop` and `drop_detail`."""
    if _is_video(image):
        return "video", href
    ancestors = {name_of(ancestor) for ancestor in image.iterancestors()}
    scope = out_of_scope(image)
    # "formula" says more than "footnote" or "abstract", but not more than "sub-article".
    is_own_formula = bool(ancestors & FORMULAS) and not ancestors & OTHER_DOCUMENTS
    if scope is not None and not is_own_formula:
        return "scope", scope
    return image_outside_figures(image, ancestors)


def _is_named_as_image(element: Element) -> bool:
    """Whether an element in a figure is a still image: any <graphic>, or a medium with the type or name of one."""
    if _is_video(element):
        return False
    return name_of(element) == "graphic" or _is_raster(element)


def _is_raster(element: Element) -> bool:
    return _media_type(element) == "image" or _extension(element) in IMAGE_EXTENSIONS


def _is_video(element: Element) -> bool:
    return _media_type(element) in ("video", "audio") or _extension(element) in MOVING


def _media_type(element: Element) -> str:
    # Some publishers write the whole type into the attribute: mimetype="image/jpeg".
    return (element.get("mimetype") or "").lower().partition("/")[0]


def _extension(element: Element) -> str:
    return extension_of(href_of(element))
