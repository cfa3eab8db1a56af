"""What scanners and viewers put on their screens: ECG, M-mode, Doppler, colour flow, bars of text, maps in colour."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from training import fonts, marks
from training.words import one, some

Rng = np.random.Generator


def _waves(rng: Rng, width: int, height: int, colour: str) -> Image.Image:
    """A strip of an ECG on black."""
    strip = Image.new("RGB", (width, height), "black")
    x = np.arange(width)
    y = np.zeros(width)
    period = width / rng.uniform(2, 9)
    for start in np.arange(rng.uniform(0, period), width, period):
        y += np.exp(-(((x - start) / (period * 0.02)) ** 2)) - 0.25 * np.exp(
            -(((x - start - period * 0.04) / (period * 0.02)) ** 2)
        )
        y += 0.2 * np.exp(-(((x - start - period * 0.3) / (period * 0.06)) ** 2))
    points = list(zip(x.tolist(), (height * (0.8 - 0.65 * y)).tolist(), strict=True))
    ImageDraw.Draw(strip).line(points, fill=colour, width=2)
    return strip


def ecg(image: Image.Image, rng: Rng) -> Image.Image:
    """The trace of an ECG along the lower edge: inside one picture of a scanner."""
    image = image.convert("RGB")
    strip = _waves(
        rng,
        image.width,
        max(24, int(image.height * rng.uniform(0.08, 0.18))),
        one(rng, ["#00ff00", "yellow", "cyan", "white"]),
    )
    if rng.random() < 0.5:
        low = Image.fromarray(np.maximum(np.asarray(image)[-strip.height :], np.asarray(strip)))
        image.paste(low, (0, image.height - strip.height))
        return image
    longer = Image.new("RGB", (image.width, image.height + strip.height), "black")
    longer.paste(image, (0, 0))
    longer.paste(strip, (0, image.height))
    return longer


def m_mode(image: Image.Image, rng: Rng) -> Image.Image:
    """An M-mode sweep under a smaller picture in two dimensions, in one black screen."""
    grey = image.convert("L")
    width, height = image.width, int(image.height * rng.uniform(0.6, 1.1))
    pixels = np.asarray(grey.resize((grey.width, height)), float)
    start = int(rng.uniform(0.35, 0.6) * grey.width)
    columns = pixels[:, start : start + 6].mean(1)
    t = np.arange(width)
    shift = rng.uniform(1, 9) * np.sin(t * 2 * np.pi * rng.uniform(2, 8) / width) + rng.normal(0, 0.6, width)
    depth = np.arange(height)[:, None] + shift[None] * np.linspace(0, 1.5, height)[:, None]
    sweep = columns[np.clip(depth, 0, height - 1).astype(int)] * rng.uniform(0.75, 1.25, (height, width))
    screen = Image.new("L", (width, int(image.height * 0.6) + height + 12), int(rng.integers(0, 14)))
    small = grey.resize((int(width * 0.6), int(image.height * 0.6)))
    screen.paste(small, ((width - small.width) // 2, 0))
    screen.paste(Image.fromarray(sweep.clip(0, 255).astype(np.uint8)), (0, small.height + 12))
    return screen.convert("RGB")


def doppler(image: Image.Image, rng: Rng) -> Image.Image:
    """A spectral Doppler trace under a smaller picture, in one black screen, with baseline and scale."""
    width, height = image.width, int(image.height * rng.uniform(0.35, 0.7))
    t = np.arange(width)
    period = width / rng.uniform(2, 7)
    phase = (t % period) / period
    envelope = 0.15 + 0.7 * np.exp(-(((phase - 0.2) / 0.12) ** 2)) + 0.25 * np.exp(-(((phase - 0.6) / 0.15) ** 2))
    base, sign = height * rng.uniform(0.55, 0.85), 1
    y = (base - np.arange(height)[:, None]) / base * sign
    filled = (y > 0) & (y < envelope[None])
    values = filled * rng.gamma(2, 45, (height, width)) * (
        0.4 + y.clip(0, 1) / envelope[None].clip(0.1)
    ) + rng.exponential(6, (height, width))
    small = image.convert("RGB").resize((int(width * 0.7), int(image.height * 0.7)))
    if rng.random() < 0.6:
        small = colour_flow(small, rng)
    screen = Image.new("RGB", (width, small.height + height + 8), "black")
    screen.paste(small, ((width - small.width) // 2, 0))
    screen.paste(Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert("RGB"), (0, small.height + 8))
    draw, unit = marks.canvas(screen)
    draw.line(
        (0, small.height + 8 + base, width, small.height + 8 + base), fill=one(rng, ["white", "yellow", "#888888"])
    )
    font = fonts.font(fonts.pick(rng, "sans"), int(3 * unit))
    for share in (0.25, 0.5, 0.75):
        draw.text(
            (width - unit, small.height + 8 + base * (1 - share)),
            f"{int(share * 120)}",
            font=font,
            fill="white",
            anchor="rm",
        )
    return screen


def colour_flow(image: Image.Image, rng: Rng) -> Image.Image:
    """A colour box with red and blue flow on a picture of ultrasound."""
    pixels = np.asarray(image.convert("RGB"), float).copy()
    height, width = pixels.shape[:2]
    y0, x0 = int(rng.uniform(0.25, 0.45) * height), int(rng.uniform(0.25, 0.45) * width)
    y1, x1 = y0 + int(rng.uniform(0.2, 0.35) * height), x0 + int(rng.uniform(0.2, 0.4) * width)
    ys, xs = np.mgrid[y0:y1, x0:x1]
    field = np.sin(xs / width * rng.uniform(5, 14) + rng.uniform(0, 6)) + np.cos(
        ys / height * rng.uniform(5, 14) + rng.uniform(0, 6)
    )
    field += rng.normal(0, 0.25, field.shape)
    box = pixels[y0:y1, x0:x1]
    box[field > 0.9] = np.array([235, 60, 20]) * 0.85 + 0.15 * box[field > 0.9]
    box[field < -0.9] = np.array([30, 70, 235]) * 0.85 + 0.15 * box[field < -0.9]
    shown = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    ImageDraw.Draw(shown).rectangle((x0, y0, x1, y1), outline=one(rng, ["white", "#00ff00", "yellow"]))
    return shown


def viewer(image: Image.Image, rng: Rng) -> Image.Image:
    """The screen of a scanner or viewer: the image between bars of text, buttons, grey fields."""
    dark = one(rng, ["black", "black", "#1a1a2a", "#202020", "#d4d0c8"])
    text = "black" if dark == "#d4d0c8" else one(rng, ["white", "#cccccc", "#ffff80"])
    left, right = (int(image.width * rng.choice([0, 0.15, 0.3]) * rng.uniform(0.7, 1.2)) for _ in range(2))
    top, bottom = (int(image.height * rng.choice([0, 0.06, 0.12])) for _ in range(2))
    screen = Image.new("RGB", (image.width + left + right, image.height + top + bottom), dark)
    screen.paste(image.convert("RGB"), (left, top))
    draw, unit = marks.canvas(screen)
    font = fonts.font(fonts.pick(rng, "sans"), int(rng.uniform(2.2, 3.4) * unit))
    lines = [
        line for values in marks.scanner_lines(rng, one(rng, ["DRUS", "DRCT", "DRMR"])).values() for line in values
    ]
    x = 4 if left else image.width + left + 4 if right else 4
    for i, line in enumerate(lines):
        draw.text((x, top + 4 + i * font.size * 1.4), line, font=font, fill=text)
    if top:
        draw.text(
            (4, top / 2),
            "  ".join(some(rng, ["File", "Edit", "View", "Tools", "Patient", "Report", "Help"], 4)),
            font=font,
            fill=text,
            anchor="lm",
        )
    if rng.random() < 0.3 and right:
        for i in range(int(rng.integers(2, 7))):
            y = screen.height * (0.3 + 0.09 * i)
            draw.rounded_rectangle(
                (left + image.width + 4, y, screen.width - 4, y + screen.height * 0.06), 3, outline=text
            )
    return screen


def heat(image: Image.Image, rng: Rng) -> Image.Image:
    """A map in hot colours over a section, as of fMRI or perfusion, or of PET over CT."""
    pixels = np.asarray(image.convert("RGB"), float)
    level = _blobs(pixels, rng, rng.uniform(0.02, 0.09))
    colour = np.stack([255 * np.ones_like(level), 255 * level.clip(0, 1) ** 1.5, 40 * level], -1)
    weight = (level > 0.25)[..., None] * rng.uniform(0.5, 0.9)
    return Image.fromarray((pixels * (1 - weight) + colour * weight).clip(0, 255).astype(np.uint8))


def fused(image: Image.Image, rng: Rng) -> Image.Image:
    """PET fused with CT: the whole section in the colours of a hot metal, with a few bright spots of uptake."""
    pixels = np.asarray(image.convert("RGB"), float)
    body = pixels.mean(-1) / 255
    uptake = rng.uniform(0.05, 0.3) * (body > 0.1) * (0.5 + body) + _blobs(pixels, rng, rng.uniform(0.03, 0.12))
    uptake = uptake.clip(0, 1)
    # Black, red, yellow, white.
    hot = np.stack([uptake / 0.37, (uptake - 0.37) / 0.37, (uptake - 0.74) / 0.26], -1).clip(0, 1)
    share = rng.uniform(0.3, 0.7)
    return Image.fromarray((255 * (body[..., None] * (1 - share) + hot * share)).clip(0, 255).astype(np.uint8))


def region(image: Image.Image, rng: Rng) -> Image.Image:
    """A region in one colour over a section, as a segmentation is shown: filled or as an outline."""
    pixels = np.asarray(image.convert("RGB"), float)
    inside = _blobs(pixels, rng, rng.uniform(0.04, 0.12)) > 0.4
    if rng.random() < 0.4:
        shifted = np.roll(inside, 2, 0) & np.roll(inside, -2, 0) & np.roll(inside, 2, 1) & np.roll(inside, -2, 1)
        inside &= ~shifted
    weight = inside[..., None] * rng.uniform(0.4, 1)
    colour = np.array([(255, 0, 0), (0, 220, 0), (255, 220, 0), (0, 160, 255)][int(rng.integers(4))])
    return Image.fromarray((pixels * (1 - weight) + colour * weight).astype(np.uint8))


def _blobs(pixels: np.ndarray, rng: Rng, size: float) -> np.ndarray:
    """Soft spots of 0 to 1 and more where the picture is not black."""
    height, width = pixels.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width] / max(height, width)
    level = np.zeros((height, width))
    for _ in range(int(rng.integers(1, 5))):
        y, x = (
            rng.uniform(0.25, 0.75) * height / max(height, width),
            rng.uniform(0.25, 0.75) * width / max(height, width),
        )
        stretch, r = rng.uniform(0.5, 2), size * rng.uniform(0.5, 1.5)
        level += rng.uniform(0.5, 1) * np.exp(-((ys - y) ** 2 * stretch + (xs - x) ** 2 / stretch) / r**2)
    return level * (pixels.mean(-1) > 25)
