"""Images that are not radiology images: charts, a table, a portrait, a formula; and compound images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Rng = np.random.Generator
INKS = ("#33658a", "#f26419", "#86bbd8", "#758e4f", "#2f4858")
LEFT, TOP, RIGHT, BOTTOM = 62, 30, 500, 300


def chart(rng: Rng, kind: str) -> Image.Image:
    """Draws a chart of made-up numbers (bar, line or scatter) with axes, ticks and a legend."""
    image, pen = _axes("Readers", "Sensitivity (%)")
    if kind == "bar":
        for k in range(6):
            for j in range(2):
                x, tall = LEFT + 22 + k * 70 + 22 * j, rng.uniform(90, 240)
                pen.rectangle((x, BOTTOM - tall, x + 20, BOTTOM), fill=INKS[j])
                pen.line((x + 10, BOTTOM - tall - 9, x + 10, BOTTOM - tall + 9), fill="black")
    elif kind == "line":
        for j in range(3):
            y = 250 - np.cumsum(rng.uniform(0, 1, 12)) * (20 + 9 * j)
            points = [(LEFT + 15 + 36 * k, float(max(TOP + 12, y[k]))) for k in range(12)]
            pen.line(points, fill=INKS[j], width=3)
            for a, b in points:
                pen.ellipse((a - 4, b - 4, a + 4, b + 4), fill=INKS[j])
    else:
        for j in range(2):
            for t, off in zip(rng.uniform(0.05, 0.95, 60), rng.normal(0, 18, 60), strict=True):
                a, b = LEFT + t * 430, min(BOTTOM - 6, BOTTOM - 25 - t * 200 + off * (1 + j))
                pen.ellipse((a - 3, b - 3, a + 3, b + 3), outline=INKS[j], fill=INKS[j])
        pen.line((LEFT + 10, BOTTOM - 30, RIGHT - 10, TOP + 40), fill="black", width=2)
    for j, name in enumerate(("drawn A", "drawn B")):
        pen.rectangle((LEFT + 14, TOP + 6 + 18 * j, LEFT + 26, TOP + 16 + 18 * j), fill=INKS[j])
        pen.text((LEFT + 32, TOP + 3 + 18 * j), name, fill="black", font=ImageFont.load_default(12))
    return image


def _axes(x_name: str, y_name: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (520, 350), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    for k in range(6):
        y = BOTTOM - k * (BOTTOM - TOP) // 5
        pen.line((LEFT, y, RIGHT, y), fill="#dddddd")
        pen.text((LEFT - 8, y), str(20 * k), fill="black", font=font, anchor="rm")
    pen.line((LEFT, TOP, LEFT, BOTTOM, RIGHT, BOTTOM), fill="black", width=2)
    pen.text(((LEFT + RIGHT) // 2, BOTTOM + 26), x_name, fill="black", font=font, anchor="mm")
    side = Image.new("RGB", (BOTTOM - TOP, 20), "white")
    ImageDraw.Draw(side).text(((BOTTOM - TOP) // 2, 10), y_name, fill="black", font=font, anchor="mm")
    image.paste(side.rotate(90, expand=True), (4, TOP))
    return image, pen


def sheet(rng: Rng, kind: str) -> Image.Image:
    """Draws a table of numbers, the outlines of a portrait, or a formula."""
    image = Image.new("RGB", (420, 200), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    if kind == "table":
        for row in range(6):
            pen.line((20, 30 * row + 12, 400, 30 * row + 12), fill="black", width=2 if row < 2 else 1)
            for column in range(4):
                words = (
                    ("Sequence", "TR (ms)", "TE (ms)", "Slice (mm)")
                    if row == 0
                    else [f"{v:.0f}" for v in rng.uniform(2, 900, 4)]
                )
                pen.text((28 + 95 * column, 30 * row + 18), words[column], fill="black", font=font)
    elif kind == "portrait":
        image = image.resize((160, 200))
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, 0, 160, 200), fill="#cfd8dc")
        pen.ellipse((10, 130, 150, 290), fill="#546e7a")
        pen.ellipse((50, 45, 110, 125), fill="#eceff1")
    else:
        pen.text((30, 80), "SNR = mean(signal) / sd(noise)", fill="black", font=ImageFont.load_default(24))
    return image


def panels(images: Sequence[Image.Image]) -> Image.Image:
    """Combines up to four images, two in a row, lettered A to D."""
    side, gap = 230, 8
    rows = (len(images) + 1) // 2
    out = Image.new("RGB", (2 * side + gap, rows * side + (rows - 1) * gap), "white")
    pen, font = ImageDraw.Draw(out), ImageFont.load_default(22)
    for k, image in enumerate(images):
        x, y = (k % 2) * (side + gap), (k // 2) * (side + gap)
        out.paste(image.convert("RGB").resize((side, side)), (x, y))
        pen.text((x + 8, y + 6), "ABCD"[k], fill="white", font=font, stroke_width=2, stroke_fill="black")
    return out
