"""Drawn phantoms, one function for each kind of examination: they look like it and are nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from roco.demo.strokes import (
    SIDE, Array, Point, X, Y, arc, ball, blur, bone, edge, lines, noise, oval, picture, radius,
)  # fmt: skip

Rng = np.random.Generator


def _film(density: Array, low: float, high: float) -> Array:
    """Grey values of a radiograph from the mass in the beam: dense is white."""
    return np.clip((1 - np.exp(-density) - low) / (high - low), 0, 1)


def chest(rng: Rng, finding: str) -> Image.Image:
    """Chest X-ray, posteroanterior: nodule, effusion, cardiomegaly, lines or plain."""
    if finding == "lateral":
        return _chest_lateral(rng)
    wide = 1.0 + rng.uniform(-0.03, 0.03)
    trunk = edge(np.maximum(np.abs(X) / (0.86 * wide), 0.0) + np.clip(-Y - 0.78, 0, 1) * (0.4 + 1.5 * np.abs(X)), 0.06)
    mass = 0.85 * trunk + 0.25 * oval(0, 0.75, 0.9, 0.6, soft=0.9)
    mass += 0.5 * edge(np.abs(X) / 0.16 + np.clip(Y + 0.85, 0, 1) * 3, 0.5) * 0.6
    lungs = np.zeros_like(X)
    for side in (-1, 1):  # the right lung, on the left of the film, stands lower and is broader
        bottom = 0.62 if side < 0 else 0.68
        shape = radius(0.43 * side * wide, 0.0, 0.36, 0.82, -5 * side)
        dome = edge(1 + (Y - bottom + 0.5 * (X - 0.38 * side) ** 2 * 2), 0.05)
        lungs = np.maximum(lungs, np.sqrt(np.clip(1 - shape**2.6, 0, 1)) * dome)
    big = 1.35 if finding == "cardiomegaly" else 1.0
    heart = ball(0.13 * big, 0.34, 0.36 * big, 0.37, 28) + 0.7 * ball(-0.10, 0.38, 0.18, 0.32)
    mediastinum = edge(np.abs(X + 0.01) / 0.13, 0.5) + 0.7 * ball(0.13, -0.32, 0.09, 0.12)
    mass -= 0.62 * lungs * (1 - 0.75 * np.clip(heart + mediastinum, 0, 1))
    mass += 0.30 * heart + 0.30 * mediastinum
    mass += (0.34 * blur(_bronchi(rng), 3) + 0.028 * noise(rng, 9)) * lungs
    mass += 0.17 * _ribs() * edge(np.abs(X) / (0.84 * wide), 0.04)
    for side in (-1, 1):
        mass += 0.33 * bone((0.10 * side, -0.67), (0.78 * side, -0.84), 0.032, 0.045)
        mass += 0.16 * ball(0.80 * side, -0.38, 0.13, 0.40, 12 * side) + 0.06 * ball(0.45 * side, 0.45, 0.36, 0.33)
    for k in range(13):  # vertebrae, faint behind the heart
        mass += 0.10 * edge(np.maximum(np.abs(X) / 0.085, np.abs(Y + 0.9 - 0.145 * k) / 0.058), 0.25)
    mass += 0.30 * (1 - edge(1 + Y - 0.80 + 0.25 * X * X, 0.3)) * trunk
    if finding == "nodule":
        mass += 0.38 * ball(-0.46, -0.20, 0.085, 0.08)
    if finding == "effusion":
        level = 0.30 - 1.1 * np.clip(X - 0.30, 0, 1) ** 2 * 3  # the fluid climbs along the wall
        mass += 0.75 * (1 - edge(1 + Y - level, 0.22)) * edge(np.abs(X - 0.44) / 0.36, 0.25) * edge(Y / 0.75, 0.4)
    if finding == "lines":
        mass += 0.5 * lines([([(-0.62, -0.95), (-0.5, -0.76), (-0.2, -0.66), (-0.1, -0.4), (-0.09, 0.0)], 1.8)])
    image = _film(blur(mass, 1.5) + 0.02 * noise(rng, 3), 0.10, 0.86)
    image = np.maximum(image, 0.9 * lines([([(-0.86, -0.72), (-0.86, -0.84), (-0.82, -0.84), (-0.82, -0.78), (-0.86, -0.78), (-0.82, -0.72)], 1.6)]))  # fmt: skip  # noqa: E501 - the marker R
    return picture(image, rng)


def _chest_lateral(rng: Rng) -> Image.Image:
    """The same from the side: breastbone on the left, spine on the right, the heart low and in front."""
    spine = 0.50 + 0.16 * np.cos(1.7 * (Y + 0.1)) - 0.10
    trunk = edge(np.abs(X - 0.02) / (0.72 - 0.10 * np.clip(-Y - 0.45, 0, 1)), 0.06)
    mass = 0.95 * trunk * np.sqrt(np.clip(1.15 - (X / 0.8) ** 2, 0, 1))
    lung = edge(radius(0.02, -0.05, 0.56, 0.80, 4), 0.10) * edge(1 + Y - 0.56 + 0.55 * (X - 0.1) ** 2, 0.06)
    heart = ball(-0.22, 0.30, 0.27, 0.32, 30)
    mass -= 0.60 * lung * (1 - 0.8 * heart) - 0.30 * heart - 0.22 * ball(-0.05, -0.34, 0.22, 0.16)
    mass += 0.20 * blur(lines([p for t in (0.6, 1.6, 2.4, -1.2) for p in _tree(rng, (0.02, -0.05), t, 0.22, 3.0, 4)]), 3) * lung
    ribs = [([(0.60 - 1.1 * t, -0.75 + 0.15 * k + 0.42 * t**1.6) for t in np.linspace(0, 1, 20)], 8.0) for k in range(9)]
    mass += 0.11 * blur(lines(ribs), 2) * trunk
    for k in range(14):
        body = np.maximum(np.abs(X - spine) / 0.095, np.abs(Y + 0.98 - 0.145 * k - 0.06 * (X - spine)) / 0.058)
        mass += 0.26 * edge(body, 0.25)
    mass += 0.35 * bone((-0.56, -0.52), (-0.64, 0.22), 0.035, 0.04) + 0.03 * noise(rng, 9) * trunk
    return picture(_film(blur(mass, 1.5) + 0.02 * noise(rng, 3), 0.08, 0.80), rng)


@cache
def _ribs() -> Array:
    """Ten pairs of ribs: the rear half bright, the front half fainter and steeper, brighter at their edges."""
    rear, front = [], []
    for k in range(10):
        y, reach = -0.72 + 0.145 * k, (0.50 + 0.36 * np.sin(min(1.0, (k + 1.4) / 6) * np.pi / 2))
        for side in (-1, 1):
            rear.append(([(side * (0.08 + (reach - 0.08) * t), y - 0.10 * np.sin(np.pi * t * 0.8) + 0.16 * t**2.2) for t in np.linspace(0, 1, 24)], 11.0))  # fmt: skip  # noqa: E501
            front.append(([(side * (reach - 0.42 * t), y + 0.06 + 0.10 * t + 0.18 * t**2) for t in np.linspace(0, 1, 16)], 9.0))  # fmt: skip  # noqa: E501
    band, faint = lines(rear), lines(front)
    rim = np.clip(band - 0.8 * blur(band, 6), 0, 1)
    return blur(band, 2) * 0.75 + rim * 0.8 + 0.38 * blur(faint, 3)


def _tree(rng: Rng, at: Point, angle: float, length: float, width: float, depth: int, spread: float = 0.5) -> list[tuple[list[Point], float]]:  # fmt: skip  # noqa: E501
    """A branching vessel: each part winds a little, its two children are thinner and shorter."""
    points, (x, y) = [at], at
    for _ in range(6):
        angle += rng.normal(0, 0.10)
        x, y = x + length / 6 * np.cos(angle), y + length / 6 * np.sin(angle)
        points.append((float(x), float(y)))
    out = [(points, width)]
    if depth:
        for turn in (-spread, spread):
            out += _tree(rng, points[-1], angle + turn * rng.uniform(0.5, 1.3), length * rng.uniform(0.66, 0.9), width * rng.uniform(0.6, 0.78), depth - 1, spread)  # fmt: skip  # noqa: E501
    return out


def _bronchi(rng: Rng) -> Array:
    paths = []
    for side, angle in ((-1, np.pi), (1, 0.0)):
        for turn in (-1.1, -0.4, 0.4, 1.0):
            paths += _tree(rng, (0.16 * side, -0.05), angle + turn, 0.20, 3.4, 4)
    return lines(paths)


def limb(rng: Rng, what: str) -> Image.Image:
    """Radiograph of a knee, anteroposterior, or of a hand, posteroanterior."""
    if what == "hand":
        bones: list[tuple[Point, Point, float, float]] = []
        flesh = oval(0.02, 0.38, 0.46, 0.42, soft=0.15) + oval(0, 1.0, 0.32, 0.5, soft=0.2)
        for root, tip in (((-0.26, 0.42), (-0.72, -0.12)), ((-0.20, 0.22), (-0.36, -0.72)), ((-0.04, 0.20), (-0.08, -0.86)), ((0.11, 0.22), (0.18, -0.74)), ((0.25, 0.28), (0.44, -0.48))):  # fmt: skip  # noqa: E501
            parts = (0, 0.46, 0.80, 1.0) if root[1] > 0.4 else (0, 0.40, 0.68, 0.86, 1.0)
            at = [(root[0] + (tip[0] - root[0]) * t, root[1] + (tip[1] - root[1]) * t) for t in parts]
            for a, b, k in zip(at, at[1:], range(4), strict=False):
                gap = 0.045 / max(0.1, float(np.hypot(b[0] - a[0], b[1] - a[1])))
                near, far = (_between(a, b, gap), _between(b, a, gap))
                bones.append((near, far, 0.034 - 0.005 * k, 0.056 - 0.008 * k))
            flesh = np.maximum(flesh, 0.95 * ball_strip(root, tip, 0.105))
        density = 0.42 * np.clip(flesh, 0, 1)
        for a, b, shaft, end in bones:
            density += 0.75 * bone(a, b, shaft, end)
        for x, y in ((-0.19, 0.50), (-0.07, 0.50), (0.05, 0.49), (0.16, 0.51), (-0.13, 0.64), (0.0, 0.65), (0.12, 0.63)):  # fmt: skip  # noqa: E501
            density += 0.55 * (ball(x, y, 0.07, 0.075) - 0.4 * ball(x, y, 0.05, 0.055))
        density += 0.8 * bone((-0.14, 0.80), (-0.16, 1.6), 0.10, 0.14) + 0.8 * bone((0.13, 0.82), (0.13, 1.6), 0.06, 0.10)
    else:
        flesh = edge(np.abs(X) / (0.60 + 0.10 * Y * Y - 0.05 * Y), 0.2)
        density = 0.55 * flesh * np.sqrt(np.clip(1 - (X / 0.75) ** 2, 0, 1))
        density += 0.8 * bone((0.0, -1.8), (0.0, -0.13), 0.17, 0.36) * edge(1 + Y + 0.06 - 0.25 * X * X, 0.05)
        density += 0.8 * bone((0.02, 0.12), (0.0, 1.9), 0.16, 0.37) * edge(1 - Y + 0.02 - 0.05 * np.abs(X), 0.05)
        density += 0.55 * bone((0.40, 0.30), (0.33, 1.9), 0.055, 0.10) + 0.35 * ball(-0.02, -0.30, 0.19, 0.20)
        density += 0.06 * noise(rng, 4) * (density > 0.7)
    return picture(_film(blur(density, 1.5) + 0.012 * noise(rng, 3), 0.02, 0.72), rng)


def _between(a: Point, b: Point, t: float) -> Point:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def ball_strip(a: Point, b: Point, width: float) -> Array:
    """Thickness of a round strip of flesh from a to b."""
    return np.clip(bone(a, b, width, width) / 0.45, 0, 1)


def mammogram(rng: Rng, view: str) -> Image.Image:
    """Mammogram, craniocaudal or mediolateral oblique, with a mass."""
    mlo = view == "mlo"
    breast = radius(-1.0, 0.10 if mlo else 0.0, 1.35, 0.86)
    inside = edge(breast, 0.03)
    gland = np.clip(0.5 + 0.34 * noise(rng, 34) + 0.22 * noise(rng, 12) + 0.10 * noise(rng, 5), 0, 1.3)
    cone = edge(radius(-0.55, 0.08, 0.72, 0.52), 0.7)
    image = inside * (0.20 + 0.12 * np.clip(1 - breast, 0, 1)) + cone * inside * gland * 0.50
    strands = lines([part for a in (-0.8, -0.35, 0.0, 0.35, 0.8) for part in _tree(rng, (0.28, 0.05), np.pi + a, 0.30, 2.2, 4, 0.3)])  # fmt: skip  # noqa: E501
    image += 0.16 * blur(strands, 2) * inside + 0.10 * (edge(breast, 0.02) - edge(breast * 1.03, 0.02))
    spikes = 1 + 0.10 * np.sin(13 * np.arctan2(Y + 0.18, X + 0.28)) + 0.05 * noise(rng, 10)
    image += 0.42 * edge(radius(-0.28, -0.18, 0.12, 0.115) * spikes, 0.6)
    if mlo:
        image = np.maximum(image, 0.74 * edge(1 + (X + 1) / 0.75 + (Y + 1) / 1.35 - 1, 0.05) * (1 + 0.05 * noise(rng, 5)))
    else:
        dots = [((rng.normal(-0.45, 0.07), rng.normal(0.26, 0.06)), rng.uniform(0.8, 1.6)) for _ in range(16)]
        image = np.maximum(image, lines([([p, p], w) for p, w in dots]))
    return picture(image, rng, 0.014)


def ct(rng: Rng, level: str) -> Image.Image:
    """Axial CT slice: thorax, abdomen or head; window of soft tissue."""
    return picture(ct_slice(rng, level), rng, 0.03)


def ct_slice(rng: Rng, level: str) -> Array:
    return _ct_head(rng, level) if level.startswith("head") else _ct_trunk(rng, level)


def _ct_trunk(rng: Rng, level: str) -> Array:
    skin = radius(0, 0, 0.90, 0.66)
    a = 0.30 * edge(skin, 0.02) * (1 + 0.04 * noise(rng, 5))  # fat
    wall = edge(radius(0, 0.01, 0.80, 0.57) * (1 + 0.01 * noise(rng, 30)), 0.03)
    a = np.maximum(a, 0.50 * wall)
    cavity = edge(radius(0, -0.03, 0.72, 0.49), 0.03)
    a = a * (1 - cavity) + 0.33 * cavity
    a = _thorax(rng, a) if level == "thorax" else _abdomen(rng, a)
    a = np.maximum(a, 0.85 * oval(0, 0.36, 0.13, 0.115) * (0.82 + 0.12 * noise(rng, 4)) + 0.2 * (oval(0, 0.36, 0.13, 0.115) - oval(0, 0.36, 0.11, 0.095)))  # fmt: skip  # noqa: E501
    a = np.maximum(a, 0.95 * lines([([(0, 0.50), (0, 0.60)], 7), ([(-0.05, 0.49), (-0.2, 0.45)], 6), ([(0.05, 0.49), (0.2, 0.45)], 6)]))  # fmt: skip  # noqa: E501
    a = a * (1 - oval(0, 0.48, 0.05, 0.035)) + 0.45 * oval(0, 0.48, 0.05, 0.035)
    ribs = [(arc(0, -0.01, 0.76, 0.53, t, t + 11), 7.0) for t in (8, 38, 126, 160, 190, 222, 300, 338)]
    a = np.maximum(a, 0.95 * lines(ribs))
    table = lines([(arc(0, -0.55, 1.5, 1.36, 52, 128), 2.5)])
    return np.clip(np.maximum(a, 0.5 * table) + 0.012 * noise(rng, 2), 0, 1)


def _thorax(rng: Rng, a: Array) -> Array:
    for side in (-1, 1):
        lung = edge(np.maximum(radius(0.40 * side, -0.01, 0.32, 0.45, -6 * side), 2 - radius(0.10, -0.14, 0.30, 0.27)), 0.03)  # fmt: skip  # noqa: E501
        a = a * (1 - lung) + 0.035 * lung
        dots = [((rng.normal(0.40 * side, 0.13), rng.normal(0, 0.18)), rng.uniform(0.7, 2.6)) for _ in range(46)]
        tree = [p for t in (-0.9, -0.2, 0.6) for p in _tree(rng, (0.14 * side, 0.02), (np.pi if side < 0 else 0) + t, 0.15, 2.6, 3)]  # fmt: skip  # noqa: E501
        a = np.maximum(a, 0.5 * lung * np.maximum(lines([([p, p], w) for p, w in dots]), lines(tree)))
    heart = oval(0.10, -0.15, 0.28, 0.24, 25)
    a = a * (1 - heart) + 0.58 * heart
    for cx, cy, r in ((0.17, 0.24, 0.075), (-0.05, -0.22, 0.10), (0.20, -0.08, 0.11)):  # enhanced blood
        a = np.maximum(a, 0.80 * oval(cx, cy, r, r, soft=0.15))
    a = np.maximum(a, 0.55 * oval(-0.42, -0.16, 0.075, 0.068, soft=0.2))  # a nodule of the right lung
    return a


def _abdomen(rng: Rng, a: Array) -> Array:
    texture = 1 + 0.05 * noise(rng, 5)
    bowel = [(rng.uniform(-0.1, 0.5), rng.uniform(-0.4, -0.05), rng.uniform(0.05, 0.09)) for _ in range(9)]
    for cx, cy, r in bowel:
        a = np.maximum(a, 0.50 * oval(cx, cy, r * 1.3, r)) - 0.18 * oval(cx, cy, r * 0.8, r * 0.5, soft=0.4)
    liver = edge(radius(-0.36, -0.10, 0.36, 0.38, 12) * (1 + 0.02 * noise(rng, 40)), 0.03)
    a = a * (1 - liver) + 0.60 * liver * texture
    a = np.maximum(a, 0.70 * liver * blur(lines(_tree(rng, (-0.10, -0.12), np.pi * 0.98, 0.26, 5, 3)), 2))
    a = a * (1 - oval(-0.44, -0.22, 0.09, 0.08, soft=0.2)) + 0.40 * oval(-0.44, -0.22, 0.09, 0.08, soft=0.2)
    a = np.maximum(a, 0.62 * texture * oval(0.54, 0.10, 0.14, 0.24, -18, soft=0.05))  # spleen
    for side in (-1, 1):
        kidney = oval(0.31 * side, 0.26, 0.13, 0.155, -25 * side, soft=0.06)
        a = a * (1 - kidney) + 0.82 * kidney - 0.34 * oval(0.27 * side, 0.26, 0.06, 0.07, soft=0.5)
    stomach = oval(0.32, -0.24, 0.26, 0.17, -20, soft=0.05)
    a = a * (1 - stomach) + 0.48 * stomach
    a = np.where((Y < -0.24) & (oval(0.32, -0.24, 0.22, 0.14, -20) > 0.5), 0.0, a).astype(np.float32)
    a = np.maximum(a, 0.52 * oval(0.04, 0.0, 0.26, 0.055, -8, soft=0.3) * texture)  # pancreas
    return np.maximum(a, 0.86 * (oval(0.05, 0.20, 0.07, 0.07) + oval(-0.09, 0.19, 0.07, 0.055)))


def _brain(rng: Rng, rx: float, ry: float) -> tuple[Array, Array, Array]:
    """Masks of an axial brain, 0 to 1: brain, white matter, fluid (sulci, fissure and ventricles)."""
    r = radius(0, 0, rx, ry)
    folds = np.abs(noise(rng, 17) + 0.7 * noise(rng, 30))
    deep = np.clip((r - 0.55) / 0.45, 0, 1)
    sulci = np.clip(1 - folds / (0.03 + 0.24 * deep), 0, 1) * deep
    fissure = np.exp(-((X / 0.012) ** 2)) * (np.abs(Y) > 0.30)
    ventricles = np.zeros_like(X)
    for side in (-1, 1):
        ventricles = np.maximum(ventricles, oval(0.085 * side, -0.17, 0.055, 0.20, 14 * side, soft=0.2))
        ventricles = np.maximum(ventricles, oval(0.19 * side, 0.24, 0.05, 0.19, -28 * side, soft=0.2))
    fluid = np.maximum.reduce([sulci, fissure, ventricles, oval(0, 0.06, 0.014, 0.10, soft=0.4)])
    white = edge(r * 1.24 + 0.10 * noise(rng, 13) * deep + 0.35 * blur(sulci, 6), 0.12)
    for side in (-1, 1):  # grey kernels beside the ventricles
        white = white * (1 - oval(0.15 * side, 0.05, 0.075, 0.13, -14 * side, soft=0.3))
        white = white * (1 - oval(0.28 * side, -0.02, 0.05, 0.17, -8 * side, soft=0.4))
    return edge(r * (1 + 0.008 * noise(rng, 20)), 0.03), white, np.clip(fluid, 0, 1).astype(np.float32)


def _ct_head(rng: Rng, level: str) -> Array:
    brain, white, fluid = _brain(rng, 0.625, 0.79)
    head, skull = radius(0, 0, 0.735, 0.91), radius(0, 0, 0.695, 0.87)
    a = 0.34 * edge(head, 0.02)
    a = np.maximum(a, edge(skull, 0.02))
    inner = edge(radius(0, 0, 0.64, 0.81) * (1 + 0.006 * noise(rng, 40)), 0.02)
    a = a * (1 - inner) + inner * (0.24 + brain * (0.27 - 0.09 * white) * (1 - 0.75 * fluid))
    a += inner * (0.02 * noise(rng, 4) + 0.10 * np.exp(-((X / 0.008) ** 2)) * (np.abs(Y) > 0.45))
    if level == "head_bleed":
        clot = edge(radius(0.30, -0.06, 0.15, 0.20, 15) * (1 + 0.08 * noise(rng, 25)), 0.12)
        halo = edge(radius(0.30, -0.06, 0.22, 0.28, 15), 0.3)
        a = a - 0.10 * halo * inner * (1 - clot) + clot * (0.86 - a)
    return np.clip(a, 0, 1).astype(np.float32)


def mr(rng: Rng, sequence: str) -> Image.Image:
    """MR image: brain axial as t1, t2 or flair, or the lumbar spine, sagittal."""
    if sequence == "spine":
        return _mr_spine(rng)
    brain, white, fluid = _brain(rng, 0.66, 0.82)
    grey_level, white_level, water, fat = {"t1": (0.42, 0.64, 0.10, 0.95), "t2": (0.52, 0.34, 0.98, 0.72), "flair": (0.52, 0.40, 0.05, 0.60)}[sequence]  # fmt: skip  # noqa: E501
    scalp = edge(radius(0, 0, 0.80, 0.95), 0.02) - edge(radius(0, 0, 0.755, 0.905), 0.02)
    a = fat * scalp * (0.85 + 0.1 * noise(rng, 14))
    inner = edge(radius(0, 0, 0.69, 0.845), 0.02)
    a += inner * water * 0.85 * (1 - brain)
    tissue = grey_level + (white_level - grey_level) * white
    a += brain * (tissue * (1 - fluid) + water * fluid + 0.02 * noise(rng, 5))
    if sequence != "t1":
        core, halo = oval(-0.34, -0.22, 0.10, 0.11, soft=0.3), oval(-0.34, -0.20, 0.20, 0.22, 20, soft=0.7)
        a += 0.38 * halo * brain * white - (0.3 * core if sequence == "flair" else -0.3 * core)
    return picture(np.clip(a * (1 + 0.10 * X - 0.05 * Y), 0, 1), rng, 0.02)


def _mr_spine(rng: Rng) -> Image.Image:
    bend = 0.16 * np.cos(2.0 * (Y + 0.1)) - 0.12  # lordosis
    u = X + bend - 0.16
    a = 0.16 + 0.05 * noise(rng, 8) + 0.55 * edge(np.abs(X - 0.86) / 0.16, 0.3) * (1 + 0.1 * noise(rng, 6))
    a += 0.12 * edge(np.abs(u - 0.52) / 0.20, 0.6) * (1 + 0.5 * noise(rng, 7))
    a = a + (0.86 - a) * edge(np.abs(u - 0.15) / 0.085, 0.15)  # fluid of the canal, then cord and roots
    cord = edge(np.abs(u - 0.14) / np.clip(0.04 - 0.05 * np.clip(Y + 0.25, 0, 1), 0.004, 1), 0.5) * (Y < 0.35)
    a = a - 0.45 * cord - 0.10 * (np.abs(noise(rng, 3)) * edge(np.abs(u - 0.16) / 0.06, 0.3) * (Y > -0.1))
    for k in range(7):
        y = -0.90 + 0.315 * k
        tilt = Y + 0.25 * bend * X * (k - 3)
        body = edge((np.abs((u + 0.12) / 0.195) ** 5 + np.abs((tilt - y) / 0.115) ** 5) ** 0.2, 0.06)
        a = a * (1 - body) + body * (0.46 + 0.05 * noise(rng, 4))
        disc = edge((np.abs((u + 0.12 - (0.045 if k == 4 else 0)) / 0.20) ** 4 + np.abs((tilt - y - 0.158) / 0.038) ** 4) ** 0.25, 0.2)  # fmt: skip  # noqa: E501
        a = a * (1 - disc) + disc * (0.16 if k == 4 else 0.68)
    return picture(np.clip(a, 0, 1), rng, 0.02)


def ultrasound(rng: Rng, organ: str) -> Image.Image:
    """Sector image: liver with a cyst, gallbladder with a stone and its shadow, or the beating heart's four chambers."""
    apex, half, reach = -1.12, 0.66, 2.02
    depth, angle = np.hypot(X, Y - apex), np.arctan2(X, Y - apex)
    sector = edge(np.abs(angle) / half, 0.01) * edge(depth / reach, 0.01) * (depth > 0.24)
    echo = 0.34 + 0.06 * noise(rng, 40)
    if organ == "heart":
        echo = _four_chambers(echo, rng)
    else:
        wall = radius(0.10, -0.05, 0.40, 0.21, 24) if organ == "gallstone" else radius(-0.18, 0.0, 0.22, 0.20)
        echo += 0.28 * np.exp(-(((wall - 1.03) / 0.06) ** 2))
        echo = echo * (1 - 0.96 * edge(wall, 0.08))
        behind = edge(np.abs(angle - (0.09 if organ == "gallstone" else -0.16)) / 0.14, 0.4) * (depth > 1.35)
        echo *= 1 + 0.5 * behind * (organ == "cyst")
        vessels = lines(_tree(rng, (0.55, 0.55), -2.6, 0.34, 8, 2))
        echo = echo * (1 - 0.7 * blur(vessels, 3)) + 0.5 * np.exp(-(((depth - 1.80 + 0.1 * angle) / 0.022) ** 2))
        if organ == "gallstone":
            echo += 0.75 * oval(0.19, 0.10, 0.07, 0.045, soft=0.5)
            shade = edge(np.abs(angle - np.arctan2(0.19, 0.10 - apex)) / 0.055, 0.3) * (depth > 1.25)
            echo *= 1 - 0.88 * shade
    polar = np.abs(noise(rng, 3.2, (SIDE, 2 * SIDE)) + 1j * noise(rng, 3.2, (SIDE, 2 * SIDE)))  # speckle: Rayleigh
    rows = np.clip(depth / reach * (SIDE - 1), 0, SIDE - 1).astype(int)
    columns = np.clip((angle / half + 1) / 2 * (2 * SIDE - 1), 0, 2 * SIDE - 1).astype(int)
    a = echo * (0.30 + 0.75 * polar[rows, columns]) * (1.15 - 0.30 * depth) * sector
    a = a + 0.5 * np.exp(-(((depth - 0.27) / 0.03) ** 2)) * sector
    ticks = lines([([(0.95, y), (0.985, y)], 0.8) for y in np.linspace(-0.85, 0.85, 11)])
    bar = np.where((np.abs(X + 0.93) < 0.022) & (np.abs(Y + 0.55) < 0.30), 0.5 - (Y + 0.55) / 0.6, 0)
    return picture(np.maximum(np.clip(blur(a.astype(np.float32), 1.3), 0, 1), np.maximum(0.6 * ticks, bar)), rng, 0.008)  # fmt: skip  # noqa: E501


def _four_chambers(echo: Array, rng: Rng) -> Array:
    heart = edge(radius(0.0, 0.05, 0.50, 0.68), 0.08)
    echo = echo * (1 - 0.55 * heart) + 0.38 * heart
    for cx, cy, rx, ry, turn in ((0.20, -0.16, 0.16, 0.31, -8), (-0.21, -0.12, 0.13, 0.27, 10), (0.19, 0.44, 0.17, 0.18, 0), (-0.20, 0.43, 0.16, 0.17, 0)):  # fmt: skip  # noqa: E501
        chamber = edge(radius(cx, cy, rx, ry, turn) * (1 + 0.03 * noise(rng, 20)), 0.15)
        echo = echo * (1 - 0.93 * chamber)
    valves = lines([([(0.03, 0.19), (0.17, 0.10)], 3.0), ([(0.36, 0.20), (0.24, 0.09)], 3.0), ([(-0.04, 0.20), (-0.16, 0.13)], 2.6), ([(-0.35, 0.21), (-0.24, 0.12)], 2.6)])  # fmt: skip  # noqa: E501
    return echo + 0.5 * blur(valves, 2)


def angiogram(rng: Rng, what: str) -> Image.Image:
    """Angiogram: a contrast-filled cerebral tree with an aneurysm, or a coronary artery with a stenosis; vessels dark."""
    a = 0.74 + 0.03 * noise(rng, 60) - 0.10 * radius(0, 0, 1.2, 1.2) ** 2 + 0.012 * noise(rng, 4)
    if what == "cerebral":
        a = a - 0.10 * (edge(radius(0.05, -0.1, 0.98, 0.92), 0.03) - edge(radius(0.05, -0.1, 0.94, 0.88), 0.03))
        siphon = [(-0.10 + 0.06 * float(np.sin(9 * t)), 1.02 - 0.78 * t) for t in np.linspace(0, 1, 24)]
        paths = [([*siphon, (-0.06, 0.24)], 11.0), *_tree(rng, (-0.06, 0.24), -0.35, 0.30, 7.5, 6, 0.42), *_tree(rng, (-0.06, 0.24), -2.0, 0.28, 6.5, 6, 0.42)]  # fmt: skip  # noqa: E501
        bulge = oval(-0.17, 0.20, 0.085, 0.075, soft=0.2)
    else:
        a = a - 0.12 * blur(lines([(arc(0.9, 1.4, 1.7, 1.5, 180, 260), 60)]), 12)
        paths = [([(-1.1, -0.80), (-0.80, -0.74), (-0.62, -0.62)], 8.0), ([(-0.62, -0.62), (-0.42, -0.55)], 10.0), ([(-0.42, -0.55), (-0.33, -0.50)], 2.6)]  # fmt: skip  # noqa: E501
        paths += _tree(rng, (-0.33, -0.50), 0.75, 0.42, 8.5, 4, 0.45) + _tree(rng, (-0.52, -0.58), 0.1, 0.40, 6.0, 4, 0.4)
        bulge = np.zeros_like(X)
    vessels = np.maximum(blur(lines(paths), 1.6), bulge)
    return picture(np.clip(a - 0.62 * np.clip(vessels, 0, 1), 0, 1), rng, 0.02)


def pet(rng: Rng, what: str) -> Image.Image:
    """PET: whole body, coronal, uptake dark; or `fused`, an axial PET/CT of the thorax in colour."""
    if what == "fused":
        grey = ct_slice(rng, "thorax")
        hot = oval(-0.42, -0.16, 0.15, 0.14, soft=1.2) + 0.75 * oval(0.20, -0.08, 0.17, 0.17, soft=1.2)
        hot = np.clip(hot * (1 + 0.1 * noise(rng, 8)) + 0.12 * oval(0, 0, 0.8, 0.6), 0, 1)
        warm = np.stack([np.clip(2.2 * hot, 0, 1), np.clip(2.4 * hot - 0.9, 0, 1), np.clip(3 * hot - 2.1, 0, 1)], axis=-1)
        return picture(np.clip(0.75 * grey[..., None] * (1 - 0.5 * hot[..., None]) + 0.85 * warm, 0, 1), rng, 0.01)
    body = ball(0, -0.82, 0.13, 0.15) + 0.8 * ball(0, -0.22, 0.28, 0.50) + ball(0, 0.22, 0.26, 0.22)
    for side in (-1, 1):
        body = np.maximum(body, ball_strip((0.30 * side, -0.45), (0.36 * side, 0.25), 0.075))
        body = np.maximum(body, 0.9 * ball_strip((0.13 * side, 0.35), (0.12 * side, 1.2), 0.11))
    up = 0.16 * body * (1 + 0.12 * noise(rng, 7))
    for cx, cy, rx, ry, strength in ((0, -0.86, 0.11, 0.11, 0.9), (0.05, -0.30, 0.08, 0.08, 0.6), (-0.10, -0.02, 0.15, 0.11, 0.22), (-0.11, 0.10, 0.045, 0.07, 0.6), (0.12, 0.10, 0.045, 0.07, 0.6), (0, 0.40, 0.075, 0.06, 1.0), (-0.15, -0.38, 0.045, 0.045, 0.9)):  # fmt: skip  # noqa: E501
        up += strength * np.sqrt(ball(cx, cy, rx, ry)) * oval(cx, cy, rx, ry, soft=0.8)
    return picture(np.clip(1 - blur(np.asarray(up, np.float32), 5), 0, 1), rng, 0.02)


PHANTOMS: dict[str, Callable[[Rng, str], Image.Image]] = {
    "chest": chest, "limb": limb, "mammogram": mammogram, "ct": ct, "mr": mr, "ultrasound": ultrasound, "angiogram": angiogram, "pet": pet,
}  # fmt: skip  # noqa: E501
