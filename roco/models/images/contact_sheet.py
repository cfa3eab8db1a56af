"""Contact sheets: small pictures in rows with words below, to be looked at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from roco.base.files import whole

SIDE = 200  # pixels of a picture
GAP = 12
LINE = 14  # pixels of a line of words
INK, PALE, PAPER = "#1f2933", "#52606d", "#ffffff"
KEPT, LEFT = "#2a6f97", "#d98c5f"


class Picture(NamedTuple):
    """A thumbnail, None where there is none; the words below it; whether its image stays."""

    thumbnail: bytes | None
    words: Sequence[str]
    stays: bool


def contact_sheet(rows: Sequence[tuple[str, Sequence[Picture]]], path: Path, columns: int = 6) -> None:
    """Draws rows of pictures, each with a title, to a PNG; a frame tells images that stay from those that left.

    Of a row the first `columns` pictures are drawn, and how many more there are is said.
    """
    lines = max((len(p.words) for _, pictures in rows for p in pictures), default=0)
    step = LINE * 2 + SIDE + LINE * lines + GAP * 2
    sheet = Image.new("RGB", (columns * (SIDE + GAP) + GAP, max(1, len(rows)) * step + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    for at, (title, pictures) in enumerate(rows):
        top = GAP + at * step
        more = f"   and {len(pictures) - columns} more" if len(pictures) > columns else ""
        draw.text((GAP, top), _plain(title + more), INK, font)
        for column, picture in enumerate(pictures[:columns]):
            _draw(sheet, draw, font, picture, GAP + column * (SIDE + GAP), top + LINE * 2)
    with whole(path) as part:
        sheet.save(part, "PNG")


def _draw(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    picture: Picture, left: int, top: int,
) -> None:  # fmt: skip
    draw.rectangle(
        (left - 3, top - 3, left + SIDE + 2, top + SIDE + 2), outline=KEPT if picture.stays else LEFT, width=3
    )
    if picture.thumbnail is not None:
        # The thumbnail is a JPEG of our own making, not a file from outside.
        image = Image.open(io.BytesIO(picture.thumbnail), formats=("JPEG",)).convert("RGB")
        image.thumbnail((SIDE, SIDE))
        sheet.paste(image, (left + (SIDE - image.width) // 2, top + (SIDE - image.height) // 2))
    else:
        draw.text((left + GAP, top + SIDE // 2), "no picture", PALE, font)
    for at, words in enumerate(picture.words):
        draw.text((left, top + SIDE + 4 + at * LINE), _plain(words)[:34], PALE, font)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
