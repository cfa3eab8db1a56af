"""Draws contact sheets: a grid of thumbnails in groups, each with its text below it, for review by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from roco.base.errors import DataError, UsageError
from roco.base.files import whole
from roco.base.terminal import printable
from roco.models.images.decode import open_thumbnail
from roco.models.images.sheet_text import LINE, Font, load_font, wrapped

SIDE = 200  # pixels a side of a thumbnail
GAP = 14  # pixels between thumbnails, and at the margins
FRAME = 3  # pixels
COLUMNS = 6
PAGE_HEIGHT = 1816  # pixels of a page of a PDF: the proportions of A4, for six columns
DOTS_PER_INCH = 155  # of a PDF: a page is as wide as A4

DARK, GREY, LIGHT, WHITE = "#1f2933", "#52606d", "#cbd2d9", "#ffffff"
KEPT, DROPPED = "#2a6f97", "#d98c5f"
"""Colours of the frames of kept and of dropped images."""


class SheetFormat(NamedTuple):
    """A format of contact sheets: its name as Pillow writes it, and the largest side in pixels that it allows."""

    name: str
    largest: int
    settings: Mapping[str, object] = {}


_JPEG = SheetFormat("JPEG", 65_535, {"quality": 90})
_TIFF = SheetFormat("TIFF", 2**31, {"compression": "tiff_deflate"})
_PDF_SETTINGS = {"quality": 90, "title": "Contact sheet", "creationDate": None, "modDate": None}  # the same each time
FORMATS = {
    ".png": SheetFormat("PNG", 2**31),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": SheetFormat("WEBP", 16_383, {"quality": 90}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".pdf": SheetFormat("PDF", 2**31, _PDF_SETTINGS),
}
"""Suffix of a file name -> the format in which a contact sheet of that name is written."""


class Picture(NamedTuple):
    """One image of a contact sheet: its thumbnail (None if it has none), the text below it, whether it is kept."""

    thumbnail: bytes | None
    lines: Sequence[str]
    kept: bool


class Group(NamedTuple):
    """Pictures that belong together, and the title above them."""

    title: str
    pictures: Sequence[Picture]


class _Cell(NamedTuple):
    """A picture in its place: in the first cell of a group, the lines of its title; span: cells below the title."""

    picture: Picture
    text: list[str]
    title: list[str]
    span: int


def sheet_format(path: Path) -> SheetFormat:
    """Returns the format that the name of a file asks for; raises UsageError if no sheet can be written in it."""
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise UsageError(
            f"unknown format of a contact sheet: '{printable(path.name)}'", f"use a name that ends with {_named()}"
        )
    return format


def contact_sheet(groups: Sequence[Group], path: Path) -> None:
    """Draws groups of pictures to a file, in the format of its name; the colour of a frame shows kept or dropped.

    Small groups share a row; all pictures and all of their text are drawn. A PDF has as many pages as are needed.
    """
    format = sheet_format(path)
    rows = _arranged(groups)
    settings: dict[str, object] = dict(format.settings)
    if format.name == "PDF":
        pages = [_drawn(page) for page in _pages(rows)]
        settings |= {"save_all": True, "append_images": pages[1:], "resolution": DOTS_PER_INCH}
    else:
        height = sum(map(_height, rows)) + 2 * GAP
        if height > format.largest:
            message = f"the contact sheet is {height:,} pixels high; {format.name} allows {format.largest:,}"
            raise DataError(message, "name the file .png or .pdf, or draw fewer images")
        pages = [_drawn(rows)]
    with whole(path) as part:
        pages[0].save(part, format.name, **settings)


def _named() -> str:
    *others, last = FORMATS
    return f"{', '.join(others)} or {last}"


# --- arranging --------------------------------------------------------------------------------------------------------


def _arranged(groups: Sequence[Group]) -> list[list[_Cell]]:
    """Places pictures into rows of COLUMNS cells; a group begins a new row if it does not fit into the current one."""
    font = load_font()
    rows: list[list[_Cell]] = [[]]
    for group in groups:
        if len(group.pictures) > COLUMNS - len(rows[-1]) and rows[-1]:
            rows.append([])
        for number, picture in enumerate(group.pictures):
            if len(rows[-1]) == COLUMNS:
                rows.append([])
            title: list[str] = []
            span = min(len(group.pictures) - number, COLUMNS - len(rows[-1]))
            if number == 0:
                title = wrapped(group.title, span * (SIDE + GAP) - GAP, font)
            text = [line for line in picture.lines for line in wrapped(line, SIDE, font)]
            rows[-1].append(_Cell(picture, text, title, span))
    return [row for row in rows if row]


def _pages(rows: Sequence[list[_Cell]]) -> list[list[list[_Cell]]]:
    """Divides rows into pages of about PAGE_HEIGHT; a row that is higher has a page of its own."""
    pages: list[list[list[_Cell]]] = [[]]
    used = 2 * GAP
    for row in rows:
        if pages[-1] and used + _height(row) > PAGE_HEIGHT:
            pages.append([])
            used = 2 * GAP
        pages[-1].append(row)
        used += _height(row)
    return pages


def _title_height(row: Sequence[_Cell]) -> int:
    return LINE * max(len(cell.title) for cell in row) + GAP


def _height(row: Sequence[_Cell]) -> int:
    """Returns the pixels from the top of the titles of a row to the top of those of the next one."""
    return _title_height(row) + SIDE + LINE * max(len(cell.text) for cell in row) + 2 * GAP


# --- drawing ----------------------------------------------------------------------------------------------------------


def _drawn(rows: Sequence[Sequence[_Cell]]) -> Image.Image:
    width = COLUMNS * (SIDE + GAP) + GAP
    sheet = Image.new("RGB", (width, sum(map(_height, rows)) + 2 * GAP), WHITE)
    draw, font = ImageDraw.Draw(sheet), load_font()
    top = GAP
    for row in rows:
        below_titles = top + _title_height(row)
        for column, cell in enumerate(row):
            left = GAP + column * (SIDE + GAP)
            if cell.title:
                _draw_title(draw, font, cell, left, below_titles - GAP // 2)
            _draw_picture(sheet, draw, font, cell, left, below_titles)
        top += _height(row)
    return sheet


def _draw_title(draw: ImageDraw.ImageDraw, font: Font, cell: _Cell, left: int, bottom: int) -> None:
    """Draws a title and a line below it, as long as the group."""
    right = left + cell.span * (SIDE + GAP) - GAP
    draw.line((left, bottom, right, bottom), LIGHT)
    for number, line in enumerate(cell.title):
        draw.text((left, bottom - 2 - LINE * (len(cell.title) - number)), line, DARK, font)


def _draw_picture(sheet: Image.Image, draw: ImageDraw.ImageDraw, font: Font, cell: _Cell, left: int, top: int) -> None:
    frame = (left - FRAME, top - FRAME, left + SIDE + FRAME - 1, top + SIDE + FRAME - 1)
    draw.rectangle(frame, outline=KEPT if cell.picture.kept else DROPPED, width=FRAME)
    if cell.picture.thumbnail is None:
        draw.text((left + GAP, top + SIDE // 2), "no image", GREY, font)
    else:
        image = open_thumbnail(cell.picture.thumbnail)
        image.thumbnail((SIDE, SIDE))
        sheet.paste(image, (left + (SIDE - image.width) // 2, top + (SIDE - image.height) // 2))
    for number, line in enumerate(cell.text):
        draw.text((left, top + SIDE + FRAME + 2 + number * LINE), line, GREY, font)
