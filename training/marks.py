"""Marks on images as authors and scanners leave them: arrows, letters, callipers, rulers, burnt-in text, bars."""

from __future__ import annotations

import matplotlib
import numpy as np
from PIL import Image, ImageDraw

from training import fonts
from training.words import one, some

Rng = np.random.Generator
BRIGHT = ["white", "white", "white", "yellow", "#ffcc00", "red", "#00ff00", "cyan"]
NAMES = ["ANON", "DOE^J", "PATIENT 01", "TEST", "CASE 12", "SUBJ 007"]
HOSPITALS = ["GENERAL HOSPITAL", "DEPT OF RADIOLOGY", "UNIV CLINIC", "IMAGING CENTRE", "CITY HOSPITAL"]


def canvas(image: Image.Image) -> tuple[ImageDraw.ImageDraw, float]:
    """A drawing context, and the unit of all sizes: a hundredth of the shorter side."""
    return ImageDraw.Draw(image), min(image.size) / 100


def arrow(image: Image.Image, rng: Rng, colour: str) -> None:
    """An arrow that points at something: with a shaft, as a bare head, filled or hollow."""
    draw, unit = canvas(image)
    x, y = rng.uniform(0.15, 0.85) * image.width, rng.uniform(0.15, 0.85) * image.height
    angle, length, head = rng.uniform(0, 6.28), rng.uniform(6, 16) * unit, rng.uniform(2.5, 5) * unit
    spread = rng.uniform(0.3, 0.6)
    sides = [(x - head * np.cos(angle + turn), y - head * np.sin(angle + turn)) for turn in (-spread, spread)]
    width = max(1, round(rng.uniform(0.4, 1.4) * unit))
    style = one(rng, ["shaft", "shaft", "head", "hollow"])
    if style == "shaft":
        draw.line([(x, y), (x - length * np.cos(angle), y - length * np.sin(angle))], fill=colour, width=width)
    if style == "hollow":
        draw.line([(x, y), *sides, (x, y)], fill=colour, width=width)
    else:
        draw.polygon([(x, y), *sides], fill=colour)


def ring(image: Image.Image, rng: Rng, colour: str) -> None:
    """A circle, an ellipse or a box around a finding, drawn through or dashed."""
    draw, unit = canvas(image)
    x, y = rng.uniform(0.2, 0.8) * image.width, rng.uniform(0.2, 0.8) * image.height
    w, h = rng.uniform(5, 18) * unit, rng.uniform(5, 18) * unit
    width = max(1, round(rng.uniform(0.3, 1) * unit))
    if rng.random() < 0.3:
        draw.rectangle((x - w, y - h, x + w, y + h), outline=colour, width=width)
    elif rng.random() < 0.5:
        draw.ellipse((x - w, y - h, x + w, y + h), outline=colour, width=width)
    else:
        for start in range(0, 360, 30):
            draw.arc((x - w, y - h, x + w, y + h), start, start + 16, fill=colour, width=width)


def word(image: Image.Image, rng: Rng, colour: str) -> None:
    """A letter, an asterisk or an abbreviation beside a structure."""
    draw, unit = canvas(image)
    text = one(
        rng,
        ["*", "*", "A", "B", "T", "LV", "RV", "LA", "AO", "RA", "GB", "L", "K", "1", "2", "M", "P", "Liver", "Mass"],
    )
    font = fonts.font(fonts.pick(rng, "sans"), int(rng.uniform(4, 9) * unit))
    draw.text((rng.uniform(0.2, 0.8) * image.width, rng.uniform(0.2, 0.8) * image.height), text, font=font, fill=colour)


def measurement(image: Image.Image, rng: Rng, colour: str) -> None:
    """Callipers: two crosses joined by dots or a line, with or without the length."""
    draw, unit = canvas(image)
    x, y = rng.uniform(0.2, 0.7) * image.width, rng.uniform(0.2, 0.7) * image.height
    angle, length, arm = rng.uniform(-1.6, 1.6), rng.uniform(8, 35) * unit, 1.3 * unit
    end = x + length * np.cos(angle), y + length * np.sin(angle)
    for px, py in ((x, y), end):
        draw.line((px - arm, py, px + arm, py), fill=colour, width=max(1, int(unit / 2.5)))
        draw.line((px, py - arm, px, py + arm), fill=colour, width=max(1, int(unit / 2.5)))
    if rng.random() < 0.6:
        for share in np.linspace(0, 1, max(4, int(length / (2.2 * unit)))):
            px, py = x + share * (end[0] - x), y + share * (end[1] - y)
            draw.rectangle((px, py, px + unit / 3, py + unit / 3), fill=colour)
    else:
        draw.line([(x, y), end], fill=colour, width=max(1, int(unit / 3)))
    if rng.random() < 0.7:
        font = fonts.font(fonts.pick(rng, "sans"), int(rng.uniform(3, 5) * unit))
        draw.text(
            (end[0] + unit, end[1]), f"{rng.uniform(0.3, 15):.1f} {one(rng, ['cm', 'mm'])}", font=font, fill=colour
        )


def ruler(image: Image.Image, rng: Rng, colour: str) -> None:
    """Ticks of a centimetre scale at one side, or a scale bar in a corner."""
    draw, unit = canvas(image)
    if rng.random() < 0.6:
        x = image.width - 2 * unit if rng.random() < 0.7 else 2 * unit
        for i, y in enumerate(np.linspace(0.2, 0.85, int(rng.integers(6, 22))) * image.height):
            reach = (3 if i % 5 == 0 else 1.6) * unit * (1 if x < image.width / 2 else -1)
            draw.line((x, y, x + reach, y), fill=colour, width=max(1, int(unit / 3)))
        return
    length, y = rng.uniform(10, 25) * unit, image.height - 6 * unit
    draw.rectangle((image.width - 5 * unit - length, y, image.width - 5 * unit, y + unit), fill=colour)
    font = fonts.font(fonts.pick(rng, "sans"), int(4 * unit))
    draw.text(
        (image.width - 5 * unit - length / 2, y - unit),
        one(rng, ["1 cm", "5 cm", "10 cm"]),
        font=font,
        fill=colour,
        anchor="mb",
    )


def corner_text(image: Image.Image, rng: Rng, lines: dict[str, list[str]], colour: str = "white") -> None:
    """Lines of text in the corners, as scanners and viewers burn them in: keys lt, rt, lb, rb."""
    draw, unit = canvas(image)
    font = fonts.font(fonts.pick(rng, one(rng, ["sans", "sans", "mono"])), int(rng.uniform(2.4, 4) * unit))
    step = font.size * 1.25
    for corner, texts in lines.items():
        for i, text in enumerate(texts):
            x = 1.5 * unit if corner[0] == "l" else image.width - 1.5 * unit
            y = 1.5 * unit + i * step if corner[1] == "t" else image.height - 1.5 * unit - (len(texts) - i) * step
            draw.text((x, y), text, font=font, fill=colour, anchor="la" if corner[0] == "l" else "ra")


def scanner_lines(rng: Rng, modality: str) -> dict[str, list[str]]:
    """Texts as a scanner of a modality prints them, made up."""
    date = f"{rng.integers(1, 29):02d}.{rng.integers(1, 13):02d}.{rng.integers(2004, 2024)}"
    texts = {
        "DRCT": [
            f"kV {rng.choice([80, 100, 120])}",
            f"mA {rng.integers(50, 400)}",
            f"SL {rng.choice([1, 2.5, 5])} mm",
            f"W {rng.integers(80, 1600)} L {rng.integers(-600, 300)}",
            f"Z {rng.uniform(1, 2):.2f}",
        ],
        "DRMR": [
            f"TR {rng.integers(300, 6000)}",
            f"TE {rng.integers(5, 120)}",
            f"SP {rng.uniform(-90, 90):.1f}",
            f"FoV {rng.integers(180, 420)}",
            "1.5T",
        ],
        "DRUS": [
            f"MI {rng.uniform(0.4, 1.5):.1f}",
            f"TIS {rng.uniform(0.1, 1):.1f}",
            f"{rng.uniform(2, 14):.1f} MHz",
            f"FR {rng.integers(12, 60)}Hz",
            f"D {rng.uniform(3, 18):.1f}cm",
            f"G {rng.integers(30, 90)}%",
        ],
        "DRAN": [
            f"LAO {rng.integers(0, 60)}",
            f"CRAN {rng.integers(0, 40)}",
            f"Fr {rng.integers(1, 60)}",
            f"{rng.integers(60, 110)} kV",
        ],
        "DRXR": [one(rng, ["PORTABLE", "AP", "PA", "SUPINE", "ERECT", "LATERAL"]), f"{rng.integers(60, 125)} kVp"],
        "DRPE": ["FDG", f"SUV {rng.integers(4, 12)}", f"SL {rng.choice([3, 5])} mm"],
    }.get(modality, [f"Im {rng.integers(1, 200)}"])
    corners = some(rng, ["lt", "rt", "lb", "rb"], int(rng.integers(1, 5)))
    lines: dict[str, list[str]] = {}
    for corner in dict.fromkeys(corners):
        own = [one(rng, HOSPITALS), date, one(rng, NAMES)] if corner[1] == "t" else texts
        lines[corner] = some(rng, own, int(rng.integers(1, len(own) + 1)))
    return lines


def orientation(image: Image.Image, rng: Rng) -> None:
    """The letters A, P, R, L, H, F at the sides of a section."""
    draw, unit = canvas(image)
    font = fonts.font(fonts.pick(rng, "sans"), int(rng.uniform(3, 5) * unit))
    top, left = one(rng, ["A", "H", "S"]), one(rng, ["R", "A", "L"])
    pairs = {"A": "P", "H": "F", "S": "I", "R": "L", "L": "R"}
    draw.text((image.width / 2, 2 * unit), top, font=font, fill="white", anchor="ma")
    draw.text((2 * unit, image.height / 2), left, font=font, fill="white", anchor="lm")
    if rng.random() < 0.6:
        draw.text((image.width / 2, image.height - 2 * unit), pairs[top], font=font, fill="white", anchor="md")
        draw.text((image.width - 2 * unit, image.height / 2), pairs[left], font=font, fill="white", anchor="rm")


def side_marker(image: Image.Image, rng: Rng) -> None:
    """The lead marker of a radiograph."""
    draw, unit = canvas(image)
    font = fonts.font(fonts.pick(rng, "sans"), int(rng.uniform(5, 11) * unit))
    x, y = rng.choice([0.08, 0.9]) * image.width, rng.choice([0.08, 0.5, 0.85]) * image.height
    draw.text(
        (x, y),
        one(rng, ["R", "L", "R", "L", "D", "PA"]),
        font=font,
        fill=int(rng.integers(190, 256)) if image.mode == "L" else "white",
        anchor="mm",
    )


def colour_bar(image: Image.Image, rng: Rng) -> Image.Image:
    """Adds a grey or colour bar at the right, inside the picture or beside it."""
    bar = np.linspace(1, 0, max(16, int(image.height * rng.uniform(0.25, 0.9))))
    grey = rng.random() < 0.6
    cmap = matplotlib.colormaps["gray" if grey else one(rng, ["jet", "hot", "viridis"])]
    width = max(6, int(image.width * rng.uniform(0.02, 0.045)))
    strip = Image.fromarray((255 * cmap(np.repeat(bar[:, None], width, 1))[..., :3]).astype(np.uint8))
    image = image.convert("RGB")
    if rng.random() < 0.5:
        image.paste(strip, (image.width - width - 4, (image.height - strip.height) // 2))
        return image
    wide = Image.new("RGB", (image.width + width + 40, image.height), "black" if rng.random() < 0.7 else "white")
    wide.paste(image, (0, 0))
    wide.paste(strip, (image.width + 6, (image.height - strip.height) // 2))
    draw, unit = canvas(wide)
    font = fonts.font(fonts.pick(rng, "sans"), int(3 * unit))
    for share, text in ((0.0, f"{rng.integers(50, 300)}"), (1.0, "0")):
        y = (image.height - strip.height) / 2 + share * strip.height
        draw.text(
            (image.width + width + 9, y),
            text,
            font=font,
            fill="white" if wide.getpixel((wide.width - 1, 0)) == (0, 0, 0) else "black",
            anchor="lm",
        )
    return wide


def annotate(image: Image.Image, rng: Rng, most: int = 5) -> Image.Image:
    """Puts one to `most` marks of one or two colours on an image."""
    image = image.convert("RGB")
    colours = some(rng, BRIGHT + (["black"] if np.asarray(image).mean() > 140 else []), 2)
    for _ in range(int(rng.integers(1, most + 1))):
        mark = [arrow, arrow, arrow, ring, word, word, measurement][int(rng.integers(7))]
        mark(image, rng, colours[int(rng.random() < 0.2)])
    return image
