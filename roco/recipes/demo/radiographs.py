"""Drawn phantoms of projections: radiographs of chest, knee and hand, mammograms, angiograms."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from roco.recipes.demo.drawing import (
    Array,
    Point,
    X,
    Y,
    arc,
    ball,
    blur,
    bone,
    edge,
    flesh,
    lines,
    noise,
    oval,
    picture,
    radius,
    tree,
)

Rng = np.random.Generator


def _film(density: Array, low: float, high: float) -> Array:
    """Returns the grey values of a radiograph from the mass in the beam: dense is white."""
    return np.clip((1 - np.exp(-density) - low) / (high - low), 0, 1)


def chest(rng: Rng, finding: str) -> Image.Image:
    """Draws a chest X-ray: nodule, effusion, cardiomegaly, lines or plain (posteroanterior), or lateral."""
    if finding == "lateral":
        return _chest_lateral(rng)
    wide = 1.0 + rng.uniform(-0.03, 0.03)
    trunk = edge(np.maximum(np.abs(X) / (0.86 * wide), 0.0) + np.clip(-Y - 0.78, 0, 1) * (0.4 + 1.5 * np.abs(X)), 0.06)
    mass = 0.85 * trunk + 0.25 * oval(0, 0.75, 0.9, 0.6, soft=0.9)
    mass += 0.5 * edge(np.abs(X) / 0.16 + np.clip(Y + 0.85, 0, 1) * 3, 0.5) * 0.6
    lungs = np.zeros_like(X)
    for side in (-1, 1):  # the right lung, on the left of the film, is lower and broader
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
    film = picture(image, rng)
    ImageDraw.Draw(film).text((52, 44), "R", fill=235, font=ImageFont.load_default(22))  # the patient's right
    return film


def _chest_lateral(rng: Rng) -> Image.Image:
    """Draws a lateral chest X-ray: sternum on the left, spine on the right, the heart low and anterior."""
    spine = 0.50 + 0.16 * np.cos(1.7 * (Y + 0.1)) - 0.10
    trunk = edge(np.abs(X - 0.02) / (0.72 - 0.10 * np.clip(-Y - 0.45, 0, 1)), 0.06)
    mass = 0.95 * trunk * np.sqrt(np.clip(1.15 - (X / 0.8) ** 2, 0, 1))
    lung = edge(radius(0.02, -0.05, 0.56, 0.80, 4), 0.10) * edge(1 + Y - 0.56 + 0.55 * (X - 0.1) ** 2, 0.06)
    heart = ball(-0.22, 0.30, 0.27, 0.32, 30)
    mass -= 0.60 * lung * (1 - 0.7 * heart) - 0.24 * heart - 0.22 * ball(-0.05, -0.34, 0.22, 0.16)
    mass += (
        0.20
        * blur(lines([p for t in (0.6, 1.6, 2.4, -1.2) for p in tree(rng, (0.02, -0.05), t, 0.22, 3.0, 4)]), 3)
        * lung
    )
    ribs = [
        ([(0.60 - 1.1 * t, -0.75 + 0.15 * k + 0.42 * t**1.6) for t in np.linspace(0, 1, 20)], 8.0) for k in range(9)
    ]
    mass += 0.11 * blur(lines(ribs), 2) * trunk
    for k in range(14):
        body = np.maximum(np.abs(X - spine) / 0.095, np.abs(Y + 0.98 - 0.145 * k - 0.06 * (X - spine)) / 0.058)
        mass += 0.26 * edge(body, 0.25)
    mass += 0.35 * bone((-0.56, -0.52), (-0.64, 0.22), 0.035, 0.04) + 0.03 * noise(rng, 9) * trunk
    return picture(_film(blur(mass, 1.5) + 0.02 * noise(rng, 3), 0.08, 0.80), rng)


@cache
def _ribs() -> Array:
    """Draws ten pairs of ribs: posterior halves bright, anterior halves fainter and steeper, with brighter edges."""
    rear, front = [], []
    for k in range(10):
        y, reach = -0.72 + 0.145 * k, (0.50 + 0.36 * np.sin(min(1.0, (k + 1.4) / 6) * np.pi / 2))
        for side in (-1, 1):
            rear.append(
                (
                    [
                        (side * (0.08 + (reach - 0.08) * t), y - 0.10 * np.sin(np.pi * t * 0.8) + 0.16 * t**2.2)
                        for t in np.linspace(0, 1, 24)
                    ],
                    11.0,
                )
            )
            front.append(
                ([(side * (reach - 0.42 * t), y + 0.06 + 0.10 * t + 0.18 * t**2) for t in np.linspace(0, 1, 16)], 9.0)
            )
    band, faint = lines(rear), lines(front)
    rim = np.clip(band - 0.8 * blur(band, 6), 0, 1)
    return blur(band, 2) * 0.75 + rim * 0.8 + 0.38 * blur(faint, 3)


def _bronchi(rng: Rng) -> Array:
    paths = []
    for side, angle in ((-1, np.pi), (1, 0.0)):
        for turn in (-1.1, -0.4, 0.4, 1.0):
            paths += tree(rng, (0.16 * side, -0.05), angle + turn, 0.20, 3.4, 4)
    return lines(paths)


def limb(rng: Rng, what: str) -> Image.Image:
    """Draws a radiograph of a knee (anteroposterior) or of a hand (posteroanterior)."""
    density = _hand() if what == "hand" else _knee(rng)
    return picture(_film(blur(density, 1.5) + 0.012 * noise(rng, 3), 0.02, 0.72), rng)


FINGERS = (  # root and tip, the thumb first
    ((-0.26, 0.42), (-0.72, -0.12)), ((-0.20, 0.22), (-0.36, -0.72)), ((-0.04, 0.20), (-0.08, -0.86)),
    ((0.11, 0.22), (0.18, -0.74)), ((0.25, 0.28), (0.44, -0.48)),
)  # fmt: skip
CARPALS = ((-0.19, 0.50), (-0.07, 0.50), (0.05, 0.49), (0.16, 0.51), (-0.13, 0.64), (0.0, 0.65), (0.12, 0.63))


@cache
def _hand() -> Array:
    soft = oval(0.02, 0.38, 0.46, 0.42, soft=0.15) + oval(0, 1.0, 0.32, 0.5, soft=0.2)
    bones = np.zeros_like(X)
    for k, (root, tip) in enumerate(FINGERS):
        soft = np.maximum(soft, 0.95 * flesh(root, tip, 0.105))
        joints = [_between(root, tip, t) for t in ((0, 0.46, 0.80, 1.0) if k == 0 else (0, 0.40, 0.68, 0.86, 1.0))]
        for j, (a, b) in enumerate(pairwise(joints)):
            gap = 0.045 / max(0.1, math.dist(a, b))
            bones += 0.75 * bone(_between(a, b, gap), _between(b, a, gap), 0.034 - 0.005 * j, 0.056 - 0.008 * j)
    for x, y in CARPALS:
        bones += 0.55 * (ball(x, y, 0.07, 0.075) - 0.4 * ball(x, y, 0.05, 0.055))
    bones += 0.8 * bone((-0.14, 0.80), (-0.16, 1.6), 0.10, 0.14) + 0.8 * bone((0.13, 0.82), (0.13, 1.6), 0.06, 0.10)
    return np.asarray(0.42 * np.clip(soft, 0, 1) + bones)


def _knee(rng: Rng) -> Array:
    soft = edge(np.abs(X) / (0.60 + 0.10 * Y * Y - 0.05 * Y), 0.2)
    density = 0.55 * soft * np.sqrt(np.clip(1 - (X / 0.75) ** 2, 0, 1))
    density += 0.8 * bone((0.0, -1.8), (0.0, -0.13), 0.17, 0.36) * edge(1 + Y + 0.06 - 0.25 * X * X, 0.05)
    density += 0.8 * bone((0.02, 0.12), (0.0, 1.9), 0.16, 0.37) * edge(1 - Y + 0.02 - 0.05 * np.abs(X), 0.05)
    density += 0.55 * bone((0.40, 0.30), (0.33, 1.9), 0.055, 0.10) + 0.35 * ball(-0.02, -0.30, 0.19, 0.20)
    return np.asarray(density + 0.06 * noise(rng, 4) * (density > 0.7))


def _between(a: Point, b: Point, t: float) -> Point:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def mammogram(rng: Rng, view: str) -> Image.Image:
    """Draws a mammogram, craniocaudal or mediolateral oblique, with a mass."""
    mlo = view == "mlo"
    breast = radius(-1.0, 0.10 if mlo else 0.0, 1.35, 0.86)
    inside = edge(breast, 0.03)
    gland = np.clip(0.5 + 0.34 * noise(rng, 34) + 0.22 * noise(rng, 12) + 0.10 * noise(rng, 5), 0, 1.3)
    cone = edge(radius(-0.55, 0.08, 0.72, 0.52), 0.7)
    image = inside * (0.20 + 0.12 * np.clip(1 - breast, 0, 1)) + cone * inside * gland * 0.50
    strands = lines(
        [part for a in (-0.8, -0.35, 0.0, 0.35, 0.8) for part in tree(rng, (0.28, 0.05), np.pi + a, 0.30, 2.2, 4, 0.3)]
    )
    image += 0.16 * blur(strands, 2) * inside + 0.10 * (edge(breast, 0.02) - edge(breast * 1.03, 0.02))
    spikes = 1 + 0.10 * np.sin(13 * np.arctan2(Y + 0.18, X + 0.28)) + 0.05 * noise(rng, 10)
    image += 0.42 * edge(radius(-0.28, -0.18, 0.12, 0.115) * spikes, 0.6)
    if mlo:
        image = np.maximum(
            image, 0.74 * edge(1 + (X + 1) / 0.75 + (Y + 1) / 1.35 - 1, 0.05) * (1 + 0.05 * noise(rng, 5))
        )
    else:
        dots = [((rng.normal(-0.45, 0.07), rng.normal(0.26, 0.06)), rng.uniform(0.8, 1.6)) for _ in range(16)]
        image = np.maximum(image, lines([([p, p], w) for p, w in dots]))
    return picture(image, rng, 0.014)


def angiogram(rng: Rng, what: str) -> Image.Image:
    """Draws an angiogram with dark vessels: a cerebral tree with an aneurysm, or a coronary artery with a stenosis."""
    a = 0.74 + 0.03 * noise(rng, 60) - 0.10 * radius(0, 0, 1.2, 1.2) ** 2 + 0.012 * noise(rng, 4)
    if what == "cerebral":
        a = a - 0.10 * (edge(radius(0.05, -0.1, 0.98, 0.92), 0.03) - edge(radius(0.05, -0.1, 0.94, 0.88), 0.03))
        siphon = [(-0.10 + 0.06 * float(np.sin(9 * t)), 1.02 - 0.78 * t) for t in np.linspace(0, 1, 24)]
        paths = [
            ([*siphon, (-0.06, 0.24)], 11.0),
            *tree(rng, (-0.06, 0.24), -0.35, 0.30, 7.5, 6, 0.42),
            *tree(rng, (-0.06, 0.24), -2.0, 0.28, 6.5, 6, 0.42),
        ]
        bulge = oval(-0.17, 0.20, 0.085, 0.075, soft=0.2)
    else:
        a = a - 0.12 * blur(lines([(arc(0.9, 1.4, 1.7, 1.5, 180, 260), 60)]), 12)
        paths = [
            ([(-1.1, -0.80), (-0.80, -0.74), (-0.62, -0.62)], 8.0),
            ([(-0.62, -0.62), (-0.42, -0.55)], 10.0),
            ([(-0.42, -0.55), (-0.33, -0.50)], 2.6),
        ]
        paths += tree(rng, (-0.33, -0.50), 0.75, 0.42, 8.5, 4, 0.45) + tree(rng, (-0.52, -0.58), 0.1, 0.40, 6.0, 4, 0.4)
        bulge = np.zeros_like(X)
    vessels = np.maximum(blur(lines(paths), 1.6), bulge)
    return picture(np.clip(a - 0.62 * np.clip(vessels, 0, 1), 0, 1), rng, 0.02)
