"""Draws contact sheets: rows of thumbnails, each with a few lines of text below it, for review by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from roco.base.files import whole
from roco.base.terminal import printable
from roco.models.images.decode import open_thumbnail

SIDE = 200  # pixels a side of a thumbnail
GAP = 12  # pixels between thumbnails, and at the margins
LINE = 14  # pixels of a line of text
FONT_SIZE = 12
FRAME = 3  # pixels
CHARACTERS = 34  # that fit below a thumbnail

DARK, GREY, WHITE = "#1f2933", "#52606d", "#ffffff"
KEPT, DROPPED = "#2a6f97", "#d98c5f"
"""Colours of the frames of kept and of dropped images."""

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Picture(NamedTuple):
    """One image of a contact sheet: its thumbnail (None if it has none), the lines below it, whether it is kept."""

    thumbnail: bytes | None
    lines: Sequence[str]
    kept: bool


def contact_sheet(rows: Sequence[tuple[str, Sequence[Picture]]], path: Path, columns: int = 6) -> None:
    """Draws rows of pictures, each with a title, to a PNG file; the colour of a frame shows kept or dropped.

    The first `columns` pictures of a row are drawn; the title contains the number of the others.
    """
    lines = max((len(picture.lines) for _, pictures in rows for picture in pictures), default=0)
    title_height = LINE * 2
    row_height = title_height + SIDE + LINE * lines + GAP * 2
    sheet = Image.new("RGB", (columns * (SIDE + GAP) + GAP, max(1, len(rows)) * row_height + GAP), WHITE)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    for i, (title, pictures) in enumerate(rows):
        top = GAP + i * row_height
        more = f"   and {len(pictures) - columns} more" if len(pictures) > columns else ""
        draw.text((GAP, top), printable(title + more), DARK, font)
        for column, picture in enumerate(pictures[:columns]):
            left = GAP + column * (SIDE + GAP)
            _draw_picture(sheet, draw, font, picture, left, top + title_height)
    with whole(path) as part:
        sheet.save(part, "PNG")


def _draw_picture(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, font: _Font, picture: Picture, left: int, top: int
) -> None:
    frame = (left - FRAME, top - FRAME, left + SIDE + FRAME - 1, top + SIDE + FRAME - 1)
    draw.rectangle(frame, outline=KEPT if picture.kept else DROPPED, width=FRAME)
    if picture.thumbnail is None:
        draw.text((left + GAP, top + SIDE // 2), "no thumbnail", GREY, font)
    else:
        image = open_thumbnail(picture.thumbnail)
        image.thumbnail((SIDE, SIDE))
        sheet.paste(image, (left + (SIDE - image.width) // 2, top + (SIDE - image.height) // 2))
    for i, line in enumerate(picture.lines):
        draw.text((left, top + SIDE + 4 + i * LINE), printable(line)[:CHARACTERS], GREY, font)
