"""Shapes of which phantoms are drawn: ovals, ellipsoids, bones, noise, lines; arrays of SIDE x SIDE, mostly 0 to 1."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from roco.base.formats import FORMAT_OF_EXTENSION

Array = NDArray[Any]
Point = tuple[float, float]
Path = tuple[Sequence[Point], float]  # points and width in pixels

SIDE = 400
_ramp = np.linspace(-1, 1, SIDE, dtype=np.float32)
X, Y = (a.astype(np.float32) for a in np.meshgrid(_ramp, _ramp))  # x to the right, y downwards, both -1 to 1


def radius(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> Array:
    """Returns the distance from the centre of an oval in its radii: 1 on its edge; turn in degrees, clockwise."""
    return _radius(cx, cy, rx, ry, turn, (slice(None), slice(None)))


def _radius(cx: float, cy: float, rx: float, ry: float, turn: float, window: tuple[slice, slice]) -> Array:
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    x, y = _ramp[window[1]] - np.float32(cx), _ramp[window[0], None] - np.float32(cy)
    u, v = x * (c / rx) + y * (s / rx), y * (c / ry) - x * (s / ry)
    return np.asarray(np.sqrt(u * u + v * v), dtype=np.float32)


def edge(distance: Array, soft: float = 0.04) -> Array:
    """Returns 1 inside and 0 outside, with a smooth step of width `soft` around a distance of 1."""
    t = np.clip((1 + soft / 2 - distance) / soft, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def oval(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0, soft: float = 0.06) -> Array:
    window = _window(cx, cy, max(rx, ry) * (1 + soft))
    out = np.zeros_like(X)
    out[window] = edge(_radius(cx, cy, rx, ry, turn, window), soft)
    return out


def ball(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> Array:
    """Returns the thickness of an ellipsoid along the beam, 1 in the centre."""
    window = _window(cx, cy, max(rx, ry))
    out = np.zeros_like(X)
    out[window] = np.sqrt(np.clip(1 - _radius(cx, cy, rx, ry, turn, window) ** 2, 0, 1))
    return out


def bone(a: Point, b: Point, shaft: float, end: float) -> Array:
    """Returns the density of a long bone from a to b: bright cortex, marrow inside, ends wider than the shaft."""
    (ax, ay), (bx, by) = a, b
    dx, dy, reach = bx - ax, by - ay, max(shaft, end)
    window = _window((ax + bx) / 2, (ay + by) / 2, reach + max(abs(dx), abs(dy)) / 2)
    x, y = X[window], Y[window]
    t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    width = shaft + (end - shaft) * np.square(np.square(2 * t - 1))
    r = np.hypot(x - ax - t * dx, y - ay - t * dy) / width
    density = np.zeros_like(X)
    density[window] = np.sqrt(np.clip(1 - r**2, 0, 1)) - 0.55 * np.sqrt(np.clip(1 - (r / 0.72) ** 2, 0, 1))
    return density


def _window(cx: float, cy: float, reach: float) -> tuple[slice, slice]:
    """Returns rows and columns of the square around a point; drawing small shapes only there is faster."""
    at = [[round((c + d + 1) / 2 * (SIDE - 1)) for d in (-reach, reach)] for c in (cy, cx)]
    rows, columns = ([min(SIDE, max(0, k)) for k in pair] for pair in at)
    return slice(rows[0], rows[1] + 2), slice(columns[0], columns[1] + 2)


def flesh(a: Point, b: Point, width: float) -> Array:
    """Returns the thickness of a cylinder of soft tissue from a to b."""
    return np.asarray(np.clip(bone(a, b, width, width) / 0.45, 0, 1))


def noise(rng: np.random.Generator, scale: float, shape: tuple[int, int] = (SIDE, SIDE)) -> Array:
    """Returns smooth noise with mean 0 and a standard deviation near 1; scale: size of its blobs in pixels."""
    small = (max(2, round(shape[0] / scale)), max(2, round(shape[1] / scale)))
    field = Image.fromarray(rng.standard_normal(small, np.float32))
    return np.asarray(field.resize((shape[1], shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)


def blur(a: Array, pixels: float) -> Array:
    small = Image.fromarray(a).resize(
        (max(2, round(a.shape[1] / pixels)), max(2, round(a.shape[0] / pixels))), Image.Resampling.BOX
    )
    return np.asarray(small.resize((a.shape[1], a.shape[0]), Image.Resampling.BICUBIC), dtype=np.float32)


def lines(paths: Sequence[Path]) -> Array:
    """Draws lines through points from -1 to 1, with widths in pixels; drawn at double size for soft edges."""
    sheet = Image.new("L", (2 * SIDE, 2 * SIDE))
    pen = ImageDraw.Draw(sheet)
    for points, width in paths:
        xy = [((x + 1) * SIDE, (y + 1) * SIDE) for x, y in points]
        pen.line(xy, fill=255, width=max(1, round(2 * width)), joint="curve")
        for x, y in (xy[0], xy[-1]):
            pen.ellipse((x - width, y - width, x + width, y + width), fill=255)
    return np.asarray(sheet.reduce(2), dtype=np.float32) / 255


def tree(
    rng: np.random.Generator, at: Point, angle: float, length: float, width: float, depth: int, spread: float = 0.5
) -> list[Path]:
    """Returns a branching vessel: each segment bends a little, its two branches are thinner and shorter."""
    points, (x, y) = [at], at
    for _ in range(6):
        angle += rng.normal(0, 0.10)
        x, y = x + length / 6 * np.cos(angle), y + length / 6 * np.sin(angle)
        points.append((float(x), float(y)))
    out: list[Path] = [(points, width)]
    if depth:
        for turn in (-spread, spread):
            out += tree(
                rng,
                points[-1],
                angle + turn * rng.uniform(0.5, 1.3),
                length * rng.uniform(0.66, 0.9),
                width * rng.uniform(0.6, 0.78),
                depth - 1,
                spread,
            )
    return out


def arc(cx: float, cy: float, rx: float, ry: float, start: float, stop: float) -> list[Point]:
    """Returns points on a part of an oval; degrees, clockwise from the right."""
    angles = [math.radians(start + (stop - start) * k / 39) for k in range(40)]
    return [(cx + rx * math.cos(t), cy + ry * math.sin(t)) for t in angles]


def picture(a: Array, rng: np.random.Generator, grain: float = 0.012) -> Image.Image:
    """Converts grey values or colours from 0 to 1 to an image with grain."""
    dust = grain * rng.standard_normal(a.shape[:2], np.float32).reshape(a.shape[:2] + (1,) * (a.ndim - 2))
    return Image.fromarray((np.clip(a + dust, 0, 1) * 255).astype(np.uint8))


def trim(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Crops the image randomly at each side, so that two images of a kind are not near-duplicates."""
    width, height = image.size
    left, top, right, bottom = rng.uniform(0, 0.10, 4)
    return image.crop((int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height)))


def stamp(image: Image.Image, mark: str = "PHANTOM") -> Image.Image:
    """Writes a word into the lower left corner, with a dark outline to be readable on any background."""
    font = ImageFont.load_default(15)
    pen = ImageDraw.Draw(image)
    x, y = 8, image.height - 24
    ink: Any = 235 if image.mode == "L" else (235, 235, 235)
    pen.text((x, y), mark, font=font, fill=ink, stroke_width=2, stroke_fill=0 if image.mode == "L" else (0, 0, 0))
    return image


def encode(image: Image.Image, suffix: str) -> bytes:
    """Encodes the image in the format of a suffix: jpg, png, tif or gif."""
    out = io.BytesIO()
    kind = FORMAT_OF_EXTENSION[suffix]
    options: dict[str, dict[str, Any]] = {"JPEG": {"quality": 84}, "TIFF": {"compression": "tiff_lzw"}}
    image.save(out, kind, **options.get(kind, {}))
    return out.getvalue()
