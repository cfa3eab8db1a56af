"""The text of contact sheets: the font, and lines that are as wide as a thumbnail."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from PIL import ImageFont

from roco.base.terminal import printable

LINE = 15  # pixels of a line of text
FONT_SIZE = 12

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def load_font() -> Font:
    """Returns DejaVu Sans, which has Greek and Cyrillic letters and comes with matplotlib; else Pillow's own font."""
    spec = importlib.util.find_spec("matplotlib")
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), FONT_SIZE)
    return ImageFont.load_default(FONT_SIZE)


def wrapped(text: str, width: int, font: Font) -> list[str]:
    """Returns the lines of a text, each at most `width` pixels wide; words that are longer are divided."""
    lines: list[str] = []
    line = ""
    for word in printable(text).split(" "):
        candidate = f"{line} {word}" if line else word
        if font.getlength(candidate) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        *full, line = _divided(word, width, font)
        lines += full
    return [*lines, line] if line else lines


def _divided(word: str, width: int, font: Font) -> list[str]:
    """Returns a word in pieces that fit; it is divided after a slash, dot or hyphen where that is possible."""
    pieces = []
    while font.getlength(word) > width:
        end = 1
        while font.getlength(word[: end + 1]) <= width:
            end += 1
        mark = max(word.rfind(sign, 1, end) for sign in "/.-_")
        cut = mark + 1 if mark > end // 2 else end
        pieces.append(word[:cut])
        word = word[cut:]
    return [*pieces, word]
