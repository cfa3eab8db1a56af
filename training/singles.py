"""Single radiology images in the looks of published ones: frames, margins, marks, burnt-in text, M-mode, viewers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from training import fonts, marks, screens
from training.words import one, some

Rng = np.random.Generator


def fit(image: Image.Image, rng: Rng, low: int = 300, high: int = 1000) -> Image.Image:
    """Scales an image so that its longer side is within limits; small images are enlarged three times at most."""
    longest = max(image.size)
    wanted = min(int(rng.integers(low, high + 1)), 3 * longest)
    size = (max(1, round(image.width * wanted / longest)), max(1, round(image.height * wanted / longest)))
    return image.resize(size, Image.Resampling.LANCZOS if wanted < longest else Image.Resampling.BICUBIC)


def eight_bits(image: Image.Image) -> Image.Image:
    """An image as L or RGB; colour that is nearly grey becomes L."""
    if image.mode in ("I;16", "I", "F"):
        values = np.asarray(image, float)
        return Image.fromarray((255 * (values - values.min()) / max(np.ptp(values), 1)).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "P"):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    image = image.convert("RGB") if image.mode != "L" else image
    if image.mode == "RGB":
        pixels = np.asarray(image.resize((64, 64)), int)
        if (pixels.max(-1) - pixels.min(-1)).mean() < 2:
            return image.convert("L")
    return image


def tone(image: Image.Image, rng: Rng) -> Image.Image:
    """Another brightness, contrast, sharpness; seldom inverted, tinted or printed."""
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.25))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.75, 1.4))
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.3)))
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(2, 9), (image.height, image.width))
        pixels = np.asarray(image, float)
        image = Image.fromarray(
            (pixels + (noise if pixels.ndim == 2 else noise[..., None])).clip(0, 255).astype(np.uint8)
        )
    if image.mode == "L" and rng.random() < 0.06:
        dark, bright = (
            some(rng, ["#000010", "#0a0500", "#000000"], 1)[0],
            one(rng, ["#cfe0ff", "#fff0d8", "#d8ffe6", "#e6e6ff"]),
        )
        image = ImageOps.colorize(image, dark, bright)
    return image


def part(image: Image.Image, rng: Rng, least: float = 0.7) -> Image.Image:
    """A part of an image, at least a share of each side."""
    w, h = (rng.uniform(least, 1) * side for side in image.size)
    x, y = rng.uniform(0, image.width - w), rng.uniform(0, image.height - h)
    return image.crop((int(x), int(y), int(x + w), int(y + h)))


def frame(image: Image.Image, rng: Rng) -> Image.Image:
    """Margins in white, black or grey, on some sides or all; a thin frame; rounded corners."""
    colour = one(rng, ["white", "white", "white", "black", "black", "#808080", "#f2f2f2"])
    image = image.convert("RGB")
    style = one(rng, ["even", "uneven", "line", "sides", "pad"])
    if style == "even":
        return ImageOps.expand(image, int(rng.integers(2, 45)), colour)
    if style == "line":
        image = ImageOps.expand(image, int(rng.integers(1, 5)), one(rng, ["black", "white", "#404040"]))
        return ImageOps.expand(image, int(rng.integers(0, 25)), colour)
    if style == "uneven":
        sides = tuple(int(v) for v in rng.integers(0, max(6, int(0.12 * max(image.size))), 4))
        return ImageOps.expand(image, sides, colour)
    if style == "sides":
        bar = int(rng.uniform(0.03, 0.3) * image.width)
        return ImageOps.expand(
            image, (bar, 0, bar if rng.random() < 0.7 else 0, 0), "black" if rng.random() < 0.7 else colour
        )
    side = max(image.size)
    return ImageOps.pad(image, (side, int(side * rng.uniform(0.7, 1))), color=colour)


def lone_letter(image: Image.Image, rng: Rng) -> Image.Image:
    """A panel letter on an image that is single all the same: the figure's other panels are files of their own."""
    image = image.convert("RGB")
    letter = one(rng, ["{}", "{}", "({})", "{}.", "{})"]).format(one(rng, list("ABCDabcd")))
    if rng.random() < 0.4:
        margin = int(rng.uniform(0.05, 0.1) * image.height)
        above = rng.random() < 0.5
        image = ImageOps.expand(image, (0, margin if above else 0, 0, 0 if above else margin), "white")
        draw, _ = marks.canvas(image)
        y = margin / 2 if above else image.height - margin / 2
        font = fonts.font(fonts.pick(rng), int(margin * 0.75))
        draw.text((rng.choice([0.02, 0.5]) * image.width, y), letter, font=font, fill="black", anchor="lm")
        return image
    draw, unit = marks.canvas(image)
    font = fonts.font(fonts.pick(rng), int(rng.uniform(6, 12) * unit))
    x, y = one(rng, ["lr"])[0], rng.random() < 0.6
    at = (
        2 * unit if x == "l" and rng.random() < 0.8 else image.width - 2 * unit,
        2 * unit if y else image.height - 2 * unit,
    )
    anchor = ("l" if at[0] < image.width / 2 else "r") + ("a" if y else "d")
    if rng.random() < 0.3:
        box = draw.textbbox(at, letter, font=font, anchor=anchor)
        draw.rectangle((box[0] - unit, box[1] - unit, box[2] + unit, box[3] + unit), fill="white")
        draw.text(at, letter, font=font, fill="black", anchor=anchor)
    else:
        draw.text(at, letter, font=font, fill=one(rng, ["white", "white", "yellow"]), anchor=anchor)
    return image


def collimated(image: Image.Image, rng: Rng) -> Image.Image:
    """A radiograph turned by a few degrees within black or white edges."""
    colour = int(rng.choice([0, 0, 255]))
    grey = image.convert("L")
    return grey.rotate(
        rng.uniform(-9, 9), expand=bool(rng.random() < 0.5), fillcolor=colour, resample=Image.Resampling.BICUBIC
    )


def texts(image: Image.Image, rng: Rng, modality: str) -> Image.Image:
    """Burnt-in text of a scanner, orientation letters, rulers, side markers."""
    image = image.convert("RGB")
    if modality == "DRXR":
        marks.side_marker(image, rng)
        if rng.random() < 0.5:
            return image
    if rng.random() < 0.75:
        marks.corner_text(
            image, rng, marks.scanner_lines(rng, modality), one(rng, ["white", "white", "#ffff66", "#bbbbbb"])
        )
    if modality in ("DRCT", "DRMR", "DRPE") and rng.random() < 0.5:
        marks.orientation(image, rng)
    if rng.random() < 0.4:
        marks.ruler(image, rng, one(rng, ["white", "#00ff00", "yellow"]))
    return image


SPECIAL: dict[str, list[tuple[str, Callable[[Image.Image, Rng], Image.Image], float]]] = {
    "DRUS": [
        ("ECG strip", screens.ecg, 0.1),
        ("M-mode", screens.m_mode, 0.1),
        ("Doppler", screens.doppler, 0.1),
        ("colour flow", screens.colour_flow, 0.12),
    ],
    "DRAN": [("ECG strip", screens.ecg, 0.1)],
    "DRXR": [("collimated", collimated, 0.15)],
    "DRMR": [("heat map", screens.heat, 0.08), ("region", screens.region, 0.05)],
    "DRCT": [("PET over CT", screens.heat, 0.05), ("fused PET", screens.fused, 0.06), ("region", screens.region, 0.05)],
    "DRPE": [],
}
"""What is done to images of one modality only, each with its probability."""


def decorate(image: Image.Image, modality: str, rng: Rng) -> tuple[Image.Image, str]:
    """Makes a published look of a single radiology image; returns it with the names of what was done."""
    done: list[str] = []
    image = part(tone(eight_bits(image), rng), rng) if rng.random() < 0.5 else tone(eight_bits(image), rng)
    image = fit(image, rng)
    for name, change, probability in SPECIAL.get(modality, []):
        if rng.random() < probability and not done:
            image = change(image, rng)
            done.append(name)
    if rng.random() < 0.4:
        image = texts(image, rng, modality)
        done.append("burnt-in text")
    if rng.random() < 0.12:
        image = marks.colour_bar(image, rng)
        done.append("bar")
    if rng.random() < 0.12:
        image = screens.viewer(image, rng)
        done.append("viewer")
    if rng.random() < 0.5:
        image = marks.annotate(image, rng)
        done.append("marks")
    if rng.random() < 0.3:
        image = frame(image, rng)
        done.append("frame")
    if rng.random() < 0.22:
        image = lone_letter(image, rng)
        done.append("lone letter")
    if max(image.size) > 1200:
        image.thumbnail((1200, 1200))
    if image.mode == "RGB" and rng.random() < 0.02:
        image = image.convert("L")
    return image, ", ".join(done) or "plain"
