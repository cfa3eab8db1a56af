"""Generated pictures that resemble radiology images: diffraction, gels, micrographs, k-space, masks, test patterns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training import fonts
from training.words import GENES, GROUPS, one

Rng = np.random.Generator


def _grey(values: np.ndarray) -> Image.Image:
    """Values of any range as an 8-bit grey image."""
    low, high = np.percentile(values, [0.5, 99.5])
    scaled = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return Image.fromarray((255 * scaled).astype(np.uint8))


def _noise(rng: Rng, size: int, power: float) -> np.ndarray:
    """Noise whose spectrum falls with a power of the frequency: clouds, rock, tissue."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(rng.normal(0, 1, (size, size))) / frequency**power
    spectrum[0, 0] = 0
    values = np.fft.ifft2(spectrum).real
    return values / values.std()


def _radius(size: int, x: float = 0.5, y: float = 0.5) -> np.ndarray:
    ys, xs = np.mgrid[0:size, 0:size] / size
    return np.hypot(xs - x, ys - y)


def diffraction(rng: Rng) -> Image.Image:
    """X-ray or electron diffraction: rings or spots around a beam stop."""
    size = int(rng.integers(256, 700))
    radius = _radius(size)
    values = np.exp(-radius * 6) + rng.normal(0, 0.02, (size, size))
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(3, 12))):
            values += rng.uniform(0.1, 0.6) * np.exp(
                -(((radius - rng.uniform(0.05, 0.48)) / rng.uniform(0.002, 0.01)) ** 2)
            )
    else:
        a, b = rng.normal(0, 0.05, 2), rng.normal(0, 0.05, 2)
        for i in range(-9, 10):
            for j in range(-9, 10):
                x, y = 0.5 + i * a[0] + j * b[0], 0.5 + i * a[1] + j * b[1]
                if 0 < x < 1 and 0 < y < 1:
                    box = (
                        slice(max(0, int(y * size) - 12), int(y * size) + 12),
                        slice(max(0, int(x * size) - 12), int(x * size) + 12),
                    )
                    spot = np.exp(-((_radius(size, x, y)[box] * size / rng.uniform(2, 5)) ** 2))
                    values[box] += spot * rng.uniform(0.2, 1.5) * np.exp(-3 * np.hypot(x - 0.5, y - 0.5))
    values[radius < rng.uniform(0.01, 0.04)] = 0
    return _grey(-values if rng.random() < 0.4 else values)


def gel(rng: Rng) -> Image.Image:
    """A gel or a blot: bands in lanes."""
    width, height, lanes = int(rng.integers(300, 700)), int(rng.integers(80, 500)), int(rng.integers(3, 14))
    values = 0.15 * np.array(_grey(_noise(rng, 512, 1.2)).resize((width, height)), float) / 255
    ys, xs = np.mgrid[0:height, 0:width]
    for lane in range(lanes):
        centre = (lane + 0.5) * width / lanes
        for _ in range(int(rng.integers(1, 9))):
            y, thick = rng.uniform(0.08, 0.92) * height, rng.uniform(0.006, 0.03) * height + 1.5
            band = np.exp(-(((ys - y) / thick) ** 2)) / (1 + np.exp((np.abs(xs - centre) - 0.35 * width / lanes) / 2))
            values += rng.uniform(0.2, 1) * band
    image = _grey(values + rng.normal(0, 0.02, values.shape))
    if rng.random() < 0.6:
        image = Image.fromarray(255 - np.asarray(image))
    if rng.random() < 0.4:
        framed = Image.new("L", (width + 90, height + 30), 255)
        framed.paste(image, (0, 30))
        draw = ImageDraw.Draw(framed)
        font = fonts.font(fonts.pick(rng, "sans"), 14)
        for lane in range(lanes):
            draw.text(((lane + 0.5) * width / lanes, 15), str(lane + 1), font=font, fill=0, anchor="mm")
        draw.text((width + 6, 30 + height / 2), f"{one(rng, GENES)}", font=font, fill=0, anchor="lm")
        return framed
    return image


def electron_micrograph(rng: Rng) -> Image.Image:
    """A scanning or transmission electron micrograph: particles or texture, with an information bar."""
    size = int(rng.integers(300, 800))
    values = _noise(rng, size, rng.uniform(0.8, 1.8))
    if rng.random() < 0.6:
        shapes = Image.new("L", (size, size), 0)
        draw = ImageDraw.Draw(shapes)
        scale = rng.uniform(0.02, 0.12) * size
        for _ in range(int(rng.integers(10, 150))):
            x, y, r = rng.uniform(0, size), rng.uniform(0, size), scale * rng.uniform(0.5, 1.5)
            draw.ellipse(
                (x - r, y - r * rng.uniform(0.6, 1), x + r, y + r),
                fill=int(rng.integers(60, 255)),
                outline=int(rng.integers(180, 256)),
            )
        values = 0.35 * values + np.asarray(shapes.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3))), float) / 50
    image = _grey(values + rng.normal(0, 0.15, values.shape)).crop((0, 0, size, int(size * rng.uniform(0.7, 1))))
    return _information_bar(rng, image) if rng.random() < 0.7 else image


def _information_bar(rng: Rng, image: Image.Image) -> Image.Image:
    """Adds the bar of an electron microscope, or a scale bar in the picture."""
    font = fonts.font(fonts.pick(rng, "sans"), max(11, image.width // 36))
    label = f"{rng.choice([1, 2, 5, 10, 20, 50, 100, 200, 500])} {rng.choice(['µm', 'nm'])}"
    if rng.random() < 0.5:
        high = max(24, image.width // 18)
        framed = Image.new("L", (image.width, image.height + high), 0)
        framed.paste(image, (0, 0))
        draw = ImageDraw.Draw(framed)
        text = f"{rng.integers(5, 30)}.0kV  WD {rng.uniform(3, 12):.1f}mm  x{rng.integers(1, 90)},000   {label}"
        draw.text((8, image.height + high / 2), text, font=font, fill=255, anchor="lm")
        return framed
    draw = ImageDraw.Draw(image)
    length = image.width * rng.uniform(0.1, 0.3)
    draw.rectangle((image.width - 15 - length, image.height - 20, image.width - 15, image.height - 15), fill=255)
    draw.text((image.width - 15 - length / 2, image.height - 24), label, font=font, fill=255, anchor="mb")
    return image


def micro_ct(rng: Rng) -> Image.Image:
    """A section of rock, foam or a fossil by micro-CT: a disc of grains and pores."""
    size = int(rng.integers(256, 700))
    values = np.digitize(_noise(rng, size, rng.uniform(1.1, 1.9)), np.sort(rng.normal(0, 0.7, 3))) + rng.normal(
        0, 0.25, (size, size)
    )
    if rng.random() < 0.7:
        values[_radius(size) > rng.uniform(0.42, 0.5)] = -1.5
    return _grey(values).filter(ImageFilter.GaussianBlur(0.7))


def k_space(rng: Rng) -> Image.Image:
    """Raw data of MRI: the logarithm of a spectrum, with or without missing lines."""
    size = int(rng.choice([128, 192, 256, 320]))
    picture = _noise(rng, size, 1.6) * (_radius(size) < 0.4)
    spectrum = np.log(np.abs(np.fft.fftshift(np.fft.fft2(picture))) + 1e-2)
    if rng.random() < 0.4:
        keep = (rng.random(size) < 0.4) | (np.abs(np.arange(size) - size / 2) < size / 16)
        spectrum[~keep] = spectrum.min()
    return _grey(spectrum).resize((size * 2, size * 2), Image.Resampling.NEAREST)


def mask(rng: Rng) -> Image.Image:
    """A segmentation: flat regions in white or in colours on black or purple."""
    size = int(rng.integers(200, 600))
    levels = int(rng.integers(1, 6))
    labels = np.digitize(_noise(rng, size, 2.2), np.linspace(0.8, 2, levels)) * (_radius(size) < rng.uniform(0.25, 0.5))
    if levels == 1:
        return Image.fromarray((255 * (labels > 0)).astype(np.uint8))
    first = one(rng, ["#000000", "#000000", "#440154"])
    colours = np.array([_rgb(first), *[rng.integers(40, 256, 3) for _ in range(levels)]], dtype=np.uint8)
    return Image.fromarray(colours[labels])


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def pattern(rng: Rng) -> Image.Image:
    """A test pattern: ramps, bars, line pairs, squares."""
    size = int(rng.integers(256, 600))
    ys, xs = np.mgrid[0:size, 0:size]
    kind = int(rng.integers(5))
    if kind == 0:
        values = (xs // max(1, size // int(rng.integers(6, 20)))).astype(float)
    elif kind == 1:
        values = xs.astype(float) + ys * rng.choice([0, 1])
    elif kind == 2:
        values = np.sign(np.sin(xs**1.5 / size)) * (ys % (size // 4) < size // 5)
    elif kind == 3:
        values = ((xs // (size // 16) + ys // (size // 16)) % 2).astype(float)
    else:
        values = 0.1 + ((xs % (size // 5) < size // 9) & (ys % (size // 5) < size // 9)) * (
            xs // (size // 5) + ys // (size // 5) + 1.0
        )
    return _grey(values + rng.normal(0, rng.choice([0, 0.02]), values.shape))


def histology(rng: Rng) -> Image.Image:
    """A stained section: pink tissue with violet nuclei."""
    size = int(rng.integers(300, 700))
    tissue = np.clip(0.5 + 0.25 * _noise(rng, size, 1.4), 0, 1)[..., None]
    eosin, pale = np.array([226, 120, 170]) + rng.normal(0, 12, 3), np.array([247, 226, 238])
    image = Image.fromarray(
        np.clip(pale * (1 - tissue) + eosin * tissue + rng.normal(0, 5, (size, size, 1)), 0, 255).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    scale = rng.uniform(0.004, 0.02) * size
    for _ in range(int(rng.integers(100, 900))):
        x, y, r = rng.uniform(0, size), rng.uniform(0, size), scale * rng.uniform(0.7, 1.4)
        draw.ellipse(
            (x - r, y - r * rng.uniform(0.5, 1), x + r, y + r),
            fill=(int(rng.integers(70, 120)), int(rng.integers(40, 80)), int(rng.integers(110, 160))),
        )
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
    return image.convert("L") if rng.random() < 0.15 else image


def fluorescence(rng: Rng) -> Image.Image:
    """Fluorescence: stained cells in one to three colours, or in grey, on black."""
    size = int(rng.integers(256, 700))
    channels = []
    for _ in range(3):
        values = np.zeros((size, size))
        for _ in range(int(rng.integers(5, 40))):
            r = rng.uniform(0.01, 0.05)
            values += rng.uniform(0.2, 1) / (
                1 + np.exp((_radius(size, rng.random(), rng.random()) - r) / (r * 0.15)).clip(max=1e6)
            )
        channels.append(
            np.clip(values * (0.7 + 0.2 * _noise(rng, size, 0.8)), 0, 1) if rng.random() < 0.7 else 0 * values
        )
    stack = np.stack(channels, -1)
    if stack.max() == 0 or rng.random() < 0.35:
        return _grey(stack.sum(-1) + rng.random((size, size)) * 0.05)
    return Image.fromarray((255 * stack).astype(np.uint8))


def sky(rng: Rng) -> Image.Image:
    """Stars and a galaxy."""
    size = int(rng.integers(256, 700))
    values = 0.3 * np.exp(-_radius(size, *rng.uniform(0.3, 0.7, 2)) / rng.uniform(0.03, 0.1)) + rng.exponential(
        0.01, (size, size)
    )
    image = _grey(values)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(50, 400))):
        x, y, r = rng.uniform(0, size), rng.uniform(0, size), rng.exponential(1)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=int(rng.integers(120, 256)))
    return image.filter(ImageFilter.GaussianBlur(0.7))


def endoscopy(rng: Rng) -> Image.Image:
    """An endoscopic view: reddish mucosa in a round or cut field with dark corners and a text field."""
    size = int(rng.integers(300, 600))
    folds = np.clip(
        0.55 + 0.16 * _noise(rng, size, 1.9) - 1.2 * (_radius(size, *rng.uniform(0.35, 0.65, 2)) < 0.1), 0, 1
    )
    shade = np.clip(1.25 - 1.5 * _radius(size), 0.1, 1)
    pixels = np.stack([235 * folds, 130 * folds**1.4, 105 * folds**1.6], -1) * shade[..., None]
    for _ in range(int(rng.integers(3, 20))):
        pixels[_radius(size, *rng.uniform(0.2, 0.8, 2)) < rng.uniform(0.003, 0.015)] = 250
    pixels[_radius(size) > rng.uniform(0.45, 0.65)] = 5
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        framed = Image.new("RGB", (int(size * 1.3), size), "black")
        framed.paste(image, (framed.width - size, 0))
        draw = ImageDraw.Draw(framed)
        for i in range(4):
            draw.text(
                (6, 10 + 20 * i), f"{one(rng, GROUPS)[:8]}", font=fonts.font(fonts.pick(rng, "sans"), 13), fill="white"
            )
        return framed
    return image


KINDS: dict[str, Callable[[Rng], Image.Image]] = {
    "X-ray diffraction": diffraction,
    "gel": gel,
    "electron micrograph": electron_micrograph,
    "micro-CT": micro_ct,
    "k-space": k_space,
    "segmentation mask": mask,
    "test pattern": pattern,
    "histology": histology,
    "fluorescence": fluorescence,
    "sky": sky,
    "endoscopy": endoscopy,
}


def single(rng: Rng) -> tuple[Image.Image, str]:
    """Draws one of the kinds; returns it with its kind."""
    kind = one(rng, list(KINDS))
    return KINDS[kind](rng), kind
