"""Compound figures: several images on one canvas, in the layouts of published figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from training import fonts, marks, singles
from training.words import GROUPS, one

Rng = np.random.Generator
Box = tuple[int, int, int, int]
TITLES = [
    "T1",
    "T2",
    "FLAIR",
    "DWI",
    "ADC",
    "Pre",
    "Post",
    "Axial",
    "Coronal",
    "Sagittal",
    "Before",
    "After",
    "Day 0",
    "Day 30",
    *GROUPS,
]


@dataclass(frozen=True)
class Layout:
    """Boxes of panels on a canvas, and how it was made."""

    size: tuple[int, int]
    boxes: list[Box]
    gutter: int
    name: str


def gutter(rng: Rng) -> int:
    """The distance between panels in pixels: none, thin, usual, wide."""
    kind = rng.random()
    if kind < 0.15:
        return 0
    if kind < 0.4:
        return int(rng.integers(1, 5))
    return int(rng.integers(5, 13)) if kind < 0.75 else int(rng.integers(13, 27))


def grid(rng: Rng, n: int, side: int, gap: int, strip: int) -> Layout:
    """Equal cells in rows and columns; the last row may have fewer."""
    columns = int(np.clip(round(np.sqrt(n) * rng.uniform(0.6, 1.8)), 1, n))
    if rng.random() < 0.8:
        # Mostly no cell stays empty.
        divisors = [count for count in range(1, n + 1) if n % count == 0]
        columns = min(divisors, key=lambda count: abs(count - columns))
    rows = -(-n // columns)
    w, h = side, int(side * rng.uniform(0.7, 1.3))
    boxes = [(c * (w + gap), r * (h + gap + strip) + strip, w, h) for r in range(rows) for c in range(columns)][:n]
    return Layout((columns * (w + gap) - gap, rows * (h + gap + strip) - gap), boxes, gap, "grid")


def justified(rng: Rng, aspects: list[float], side: int, gap: int, strip: int) -> Layout:
    """Rows of one width, whose panels keep their aspect: every row has a height of its own."""
    n = len(aspects)
    rows: list[list[int]] = [[]]
    per_row = max(1, round(np.sqrt(n) * rng.uniform(0.8, 1.7)))
    for i in range(n):
        if len(rows[-1]) >= per_row + rng.integers(-1, 2) and rows[-1]:
            rows.append([])
        rows[-1].append(i)
    width, top, boxes = side * per_row, 0, []
    for row in rows:
        height = int((width - gap * (len(row) - 1)) / sum(aspects[i] for i in row))
        height = max(40, min(height, int(1.6 * side)))
        left = 0
        for i in row:
            w = int(height * aspects[i])
            boxes.append((left, top + strip, w, height))
            left += w + gap
        top += height + gap + strip
    return Layout((max(x + w for x, _, w, _ in boxes), top - gap), boxes, gap, "rows")


def split(rng: Rng, n: int, side: int, gap: int) -> Layout:
    """A rectangle that is cut again and again: uneven panels that fill it."""
    width, height = int(side * np.sqrt(n) * rng.uniform(0.9, 1.4)), int(side * np.sqrt(n) * rng.uniform(0.7, 1.1))
    boxes: list[Box] = [(0, 0, width, height)]
    while len(boxes) < n:
        boxes.sort(key=lambda box: -box[2] * box[3])
        x, y, w, h = boxes.pop(0)
        share = one_share(rng)
        if w >= h:
            cut = int((w - gap) * share)
            boxes += [(x, y, cut, h), (x + cut + gap, y, w - cut - gap, h)]
        else:
            cut = int((h - gap) * share)
            boxes += [(x, y, w, cut), (x, y + cut + gap, w, h - cut - gap)]
    return Layout((width, height), sorted(boxes, key=lambda box: (box[1], box[0])), gap, "uneven")


def one_share(rng: Rng) -> float:
    """Where a rectangle is cut: in halves, thirds or anywhere near the middle."""
    return float(rng.choice([0.5, 0.5, 1 / 3, 2 / 3, rng.uniform(0.3, 0.7)]))


def large_and_small(rng: Rng, n: int, side: int, gap: int) -> Layout:
    """One large panel, and a column or row of small ones beside it."""
    small = n - 1
    h = side * max(2, small) // 2
    cell = (h - gap * (small - 1)) // small
    large = int(h * rng.uniform(0.8, 1.3))
    boxes = [(0, 0, large, h), *[(large + gap, i * (cell + gap), cell, cell) for i in range(small)]]
    size = (large + gap + cell, h)
    if rng.random() < 0.4:
        boxes, size = [(y, x, height, width) for x, y, width, height in boxes], size[::-1]
    return Layout(size, boxes, gap, "large and small")


def _place(canvas: Image.Image, picture: Image.Image, box: Box, rng: Rng, fill: str, mode: str) -> None:
    """Puts a picture into a box: cut to fill it, or whole with margins."""
    x, y, w, h = box
    if mode == "cover":
        shown = ImageOps.fit(picture, (w, h), centering=(rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7)))
    elif mode == "stretch":
        shown = picture.resize((w, h))
    else:
        shown = ImageOps.pad(picture.convert("RGB"), (w, h), color=fill)
    canvas.paste(shown.convert("RGB"), (x, y))


def _letters(canvas: Image.Image, layout: Layout, rng: Rng, strip: int, ink: str, dark: bool) -> str:
    """Writes the letters of the panels, inside or in the strips above them; returns how."""
    alphabet = one(rng, ["ABCDEFGHIJKL", "ABCDEFGHIJKL", "abcdefghijkl", "123456789"])
    pattern = one(rng, ["{}", "{}", "{}", "({})", "{})", "{}."])
    draw = ImageDraw.Draw(canvas)
    smallest = min(min(w, h) for _, _, w, h in layout.boxes)
    font = fonts.font(
        fonts.pick(rng, one(rng, ["sans", "sans", "serif"])), int(max(9, smallest * rng.uniform(0.07, 0.16)))
    )
    corner = one(rng, ["la", "la", "ld", "ra", "rd"])
    boxed = rng.random() < 0.25
    colour = one(rng, ["white", "white", "white", "yellow", "black"] if dark else ["black"])
    pad = max(2, smallest // 40)
    for i, (x, y, w, h) in enumerate(layout.boxes[: len(alphabet)]):
        text = pattern.format(alphabet[i])
        if strip:
            size = fonts.font(fonts.pick_list("sans")[0], int(strip * 0.75))
            draw.text((x, y - strip / 2), text, font=size, fill=ink, anchor="lm")
            continue
        at = (x + pad if corner[0] == "l" else x + w - pad, y + pad if corner[1] == "a" else y + h - pad)
        if boxed:
            x0, y0, x1, y1 = draw.textbbox(at, text, font=font, anchor=corner)
            draw.rectangle((x0 - pad, y0 - pad, x1 + pad, y1 + pad), fill="white" if colour == "black" else "black")
        draw.text(at, text, font=font, fill=colour, anchor=corner)
    return "letters above" if strip else "letters inside"


def arrange(pictures: list[Image.Image], rng: Rng, radiology: list[bool]) -> tuple[Image.Image, str]:
    """Puts pictures on one canvas; returns it with the names of layout and details.

    `radiology` states for each picture whether it is a radiology image.
    """
    n, gap = len(pictures), gutter(rng)
    side = int(rng.uniform(330, 1150) / max(1, np.sqrt(n)))
    side = max(side, 90)
    strip = int(side * rng.uniform(0.07, 0.13)) if rng.random() < (0.2 if any(radiology) else 0.5) else 0
    aspects = [float(np.clip(picture.width / picture.height, 0.5, 2)) for picture in pictures]
    shape = rng.random()
    if shape < 0.45:
        layout = grid(rng, n, side, gap, strip)
    elif shape < 0.75:
        layout = justified(rng, aspects, side, gap, strip)
    elif shape < 0.9 or n < 3:
        layout, strip = split(rng, n, side, gap), 0
    else:
        layout, strip = large_and_small(rng, n, side, gap), 0
    dark = ["black"] * 5 + ["#808080", "#c8c8c8"] if any(radiology) else []
    fill = one(rng, ["white"] * 13 + ["#f0f0f0", *dark])
    ink = "white" if fill in ("black", "#808080") else "black"
    canvas = Image.new("RGB", layout.size, fill)
    mode = (
        one(rng, ["cover", "cover", "contain", "stretch"]) if radiology else one(rng, ["contain", "contain", "stretch"])
    )
    for picture, box in zip(pictures, layout.boxes, strict=False):
        _place(canvas, picture, box, rng, fill if rng.random() < 0.7 else "black", mode)
    done = [layout.name, f"gutter {gap}"]
    if strip or rng.random() < 0.6:
        done.append(_letters(canvas, layout, rng, strip, ink, dark=any(radiology)))
    if rng.random() < 0.12:
        draw = ImageDraw.Draw(canvas)
        for x, y, w, h in layout.boxes:
            draw.rectangle((x, y, x + w - 1, y + h - 1), outline=one(rng, ["black", ink]))
    if rng.random() < 0.15:
        canvas = _titles(canvas, layout, rng, fill, ink)
        done.append("titles")
    if rng.random() < 0.35:
        canvas = ImageOps.expand(canvas, int(rng.integers(1, 30)), fill)
    if max(canvas.size) > 1200:
        canvas.thumbnail((1200, 1200))
    return canvas, ", ".join(done)


def _titles(canvas: Image.Image, layout: Layout, rng: Rng, fill: str, ink: str) -> Image.Image:
    """Titles above the columns, or beside the rows."""
    columns = sorted({x for x, _, _, _ in layout.boxes})
    high = max(14, int(canvas.height * rng.uniform(0.03, 0.07)))
    taller = ImageOps.expand(canvas, (0, high, 0, 0), fill)
    draw = ImageDraw.Draw(taller)
    font = fonts.font(fonts.pick(rng, "sans"), int(high * 0.7))
    for x in columns:
        width = next(w for left, _, w, _ in layout.boxes if left == x)
        draw.text((x + width / 2, high / 2), one(rng, TITLES), font=font, fill=ink, anchor="mm")
    return taller


def inset(picture: Image.Image, other: Image.Image | None, rng: Rng) -> tuple[Image.Image, str]:
    """A picture with an inset: a part of itself enlarged, or another picture in a corner."""
    canvas = singles.fit(picture, rng, 350, 1000).convert("RGB")
    w, h = int(canvas.width * rng.uniform(0.25, 0.42)), int(canvas.height * rng.uniform(0.25, 0.42))
    draw = ImageDraw.Draw(canvas)
    if other is None:
        x, y = rng.uniform(0.3, 0.6) * canvas.width, rng.uniform(0.3, 0.6) * canvas.height
        source = (int(x), int(y), int(x + w / 2.5), int(y + h / 2.5))
        small = canvas.crop(source).resize((w, h), Image.Resampling.BICUBIC)
        draw.rectangle(source, outline=one(rng, ["white", "yellow", "red"]), width=2)
    else:
        small = ImageOps.fit(other.convert("RGB"), (w, h))
    small = ImageOps.expand(small, int(rng.integers(1, 5)), one(rng, ["white", "white", "black", "yellow"]))
    gap = int(rng.choice([0, 0, 4, 10]))
    left = gap if rng.random() < 0.5 else canvas.width - small.width - gap
    top = gap if rng.random() < 0.5 else canvas.height - small.height - gap
    canvas.paste(small, (left, top))
    return canvas, "inset"


def variant(picture: Image.Image, rng: Rng) -> Image.Image:
    """The same picture as another panel shows it: another window, a part of it, with marks."""
    picture = singles.tone(picture, rng)
    if rng.random() < 0.5:
        picture = singles.part(picture, rng, 0.4)
    if rng.random() < 0.3:
        picture = marks.annotate(picture, rng, 3)
    return picture
