"""Fonts for drawn text: those that matplotlib carries, and those of font packages in the packages folder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import font_manager
from PIL import ImageFont

CARRIED = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SANS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"]
SERIF = ["DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "STIXGeneral.ttf", "STIXGeneralBol.ttf"]
MONO = ["DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"]
ITALIC = ["DejaVuSans-Oblique.ttf", "STIXGeneralItalic.ttf"]

_extra: list[Path] = []


def add_folder(folder: Path) -> None:
    """Adds the fonts of a folder to those that `pick` chooses from."""
    known = set(_extra)
    for path in sorted([*folder.rglob("*.ttf"), *folder.rglob("*.otf")]):
        if path not in known:
            _extra.append(path)
    pick_list.cache_clear()


def register() -> None:
    """Lets matplotlib choose among its own fonts and the added ones only: the same charts on every machine.

    All are registered before the first chart, since matplotlib compares all fonts that it knows of a family.
    """
    font_manager.fontManager.ttflist = []
    for path in sorted(CARRIED.glob("*.ttf")) + _extra:
        font_manager.fontManager.addfont(path)


@lru_cache
def pick_list(style: str) -> list[Path]:
    """The font files of a style: sans, serif, mono or any; faces similar to Arial and Times are counted three times."""
    carried = {"sans": SANS, "serif": SERIF, "mono": MONO}.get(style, SANS + SERIF + MONO + ITALIC)
    files = [CARRIED / name for name in carried]
    for path in _extra:
        name = path.name.lower()
        is_mono = "mono" in name or "courier" in name or "cursor" in name
        is_serif = any(word in name for word in ("serif", "times", "roman", "tinos")) and "sans" not in name
        kind = "mono" if is_mono else "serif" if is_serif else "sans"
        if style in (kind, "any"):
            files += [path] * 3
    return files


def pick(rng: np.random.Generator, style: str = "any") -> Path:
    """Chooses a font file."""
    files = pick_list(style)
    return files[int(rng.integers(len(files)))]


@lru_cache(maxsize=512)
def font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    """Opens a font at a size in pixels."""
    return ImageFont.truetype(str(path), max(6, size))
