"""Drawn phantoms of cross-sections: CT, MR, ultrasound, PET and PET/CT."""

from __future__ import annotations

import numpy as np
from PIL import Image

from roco.recipes.demo.drawing import (
    SIDE,
    Array,
    X,
    Y,
    arc,
    ball,
    blur,
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


def ct(rng: Rng, level: str) -> Image.Image:
    """Draws an axial CT slice of thorax, abdomen or head in a soft-tissue window."""
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
    a = np.maximum(
        a,
        0.85 * oval(0, 0.36, 0.13, 0.115) * (0.82 + 0.12 * noise(rng, 4))
        + 0.2 * (oval(0, 0.36, 0.13, 0.115) - oval(0, 0.36, 0.11, 0.095)),
    )
    a = np.maximum(
        a,
        0.95
        * lines([([(0, 0.50), (0, 0.60)], 7), ([(-0.05, 0.49), (-0.2, 0.45)], 6), ([(0.05, 0.49), (0.2, 0.45)], 6)]),
    )
    a = a * (1 - oval(0, 0.48, 0.05, 0.035)) + 0.45 * oval(0, 0.48, 0.05, 0.035)
    ribs = [(arc(0, -0.01, 0.76, 0.53, t, t + 11), 7.0) for t in (8, 38, 126, 160, 190, 222, 300, 338)]
    a = np.maximum(a, 0.95 * lines(ribs))
    table = lines([(arc(0, -0.55, 1.5, 1.36, 52, 128), 2.5)])
    return np.asarray(np.clip(np.maximum(a, 0.5 * table) + 0.012 * noise(rng, 2), 0, 1))


def _thorax(rng: Rng, a: Array) -> Array:
    for side in (-1, 1):
        lung = edge(
            np.maximum(radius(0.40 * side, -0.01, 0.32, 0.45, -6 * side), 2 - radius(0.10, -0.14, 0.30, 0.27)), 0.03
        )
        a = a * (1 - lung) + 0.035 * lung
        dots = [((rng.normal(0.40 * side, 0.13), rng.normal(0, 0.18)), rng.uniform(0.7, 2.6)) for _ in range(46)]
        vessels = [
            p
            for t in (-0.9, -0.2, 0.6)
            for p in tree(rng, (0.14 * side, 0.02), (np.pi if side < 0 else 0) + t, 0.15, 2.6, 3)
        ]
        a = np.maximum(a, 0.5 * lung * np.maximum(lines([([p, p], w) for p, w in dots]), lines(vessels)))
    heart = oval(0.10, -0.15, 0.28, 0.24, 25)
    a = a * (1 - heart) + 0.58 * heart
    for cx, cy, r in ((0.17, 0.24, 0.075), (-0.05, -0.22, 0.10), (0.20, -0.08, 0.11)):  # enhanced blood
        a = np.maximum(a, 0.80 * oval(cx, cy, r, r, soft=0.15))
    nodule = oval(-0.42, -0.16, 0.075, 0.068, soft=0.2)  # in the right lung
    return np.asarray(np.maximum(a, 0.55 * nodule))


def _abdomen(rng: Rng, a: Array) -> Array:
    texture = 1 + 0.05 * noise(rng, 5)
    bowel = [(rng.uniform(-0.1, 0.5), rng.uniform(-0.4, -0.05), rng.uniform(0.05, 0.09)) for _ in range(9)]
    for cx, cy, r in bowel:
        a = np.maximum(a, 0.50 * oval(cx, cy, r * 1.3, r)) - 0.18 * oval(cx, cy, r * 0.8, r * 0.5, soft=0.4)
    liver = edge(radius(-0.36, -0.10, 0.36, 0.38, 12) * (1 + 0.02 * noise(rng, 40)), 0.03)
    a = a * (1 - liver) + 0.60 * liver * texture
    a = np.maximum(a, 0.70 * liver * blur(lines(tree(rng, (-0.10, -0.12), np.pi * 0.98, 0.26, 5, 3)), 2))
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
    """Returns masks of an axial brain, 0 to 1: brain, white matter, fluid (sulci, fissure and ventricles)."""
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
    return np.asarray(np.clip(a, 0, 1), dtype=np.float32)


def mr(rng: Rng, sequence: str) -> Image.Image:
    """MR image: brain axial as t1, t2 or flair, or the lumbar spine, sagittal."""
    if sequence == "spine":
        return _mr_spine(rng)
    brain, white, fluid = _brain(rng, 0.66, 0.82)
    grey_level, white_level, water, fat = {
        "t1": (0.42, 0.64, 0.10, 0.95),
        "t2": (0.52, 0.34, 0.98, 0.72),
        "flair": (0.52, 0.40, 0.05, 0.60),
    }[sequence]
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
        disc = edge(
            (np.abs((u + 0.12 - (0.045 if k == 4 else 0)) / 0.20) ** 4 + np.abs((tilt - y - 0.158) / 0.038) ** 4)
            ** 0.25,
            0.2,
        )
        a = a * (1 - disc) + disc * (0.16 if k == 4 else 0.68)
    return picture(np.clip(a, 0, 1), rng, 0.02)


def ultrasound(rng: Rng, organ: str) -> Image.Image:
    """Sector image: liver with a cyst, gallbladder with a stone and its shadow, or four chambers of a heart."""
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
        vessels = lines(tree(rng, (0.55, 0.55), -2.6, 0.34, 8, 2))
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
    return picture(np.maximum(np.clip(blur(a.astype(np.float32), 1.3), 0, 1), np.maximum(0.6 * ticks, bar)), rng, 0.008)


def _four_chambers(echo: Array, rng: Rng) -> Array:
    heart = edge(radius(0.0, 0.05, 0.50, 0.68), 0.08)
    echo = echo * (1 - 0.55 * heart) + 0.38 * heart
    for cx, cy, rx, ry, turn in (
        (0.20, -0.16, 0.16, 0.31, -8),
        (-0.21, -0.12, 0.13, 0.27, 10),
        (0.19, 0.44, 0.17, 0.18, 0),
        (-0.20, 0.43, 0.16, 0.17, 0),
    ):
        chamber = edge(radius(cx, cy, rx, ry, turn) * (1 + 0.03 * noise(rng, 20)), 0.15)
        echo = echo * (1 - 0.93 * chamber)
    valves = lines(
        [
            ([(0.03, 0.19), (0.17, 0.10)], 3.0),
            ([(0.36, 0.20), (0.24, 0.09)], 3.0),
            ([(-0.04, 0.20), (-0.16, 0.13)], 2.6),
            ([(-0.35, 0.21), (-0.24, 0.12)], 2.6),
        ]
    )
    return echo + 0.5 * blur(valves, 2)


def pet(rng: Rng, what: str) -> Image.Image:
    """Draws a coronal whole-body PET with dark uptake, or `fused`: an axial PET/CT of the thorax in colour."""
    if what == "fused":
        grey = ct_slice(rng, "thorax")
        hot = oval(-0.42, -0.16, 0.15, 0.14, soft=1.2) + 0.75 * oval(0.20, -0.08, 0.17, 0.17, soft=1.2)
        hot = np.clip(hot * (1 + 0.1 * noise(rng, 8)) + 0.12 * oval(0, 0, 0.8, 0.6), 0, 1)
        warm = np.stack(
            [np.clip(2.2 * hot, 0, 1), np.clip(2.4 * hot - 0.9, 0, 1), np.clip(3 * hot - 2.1, 0, 1)], axis=-1
        )
        return picture(np.clip(0.75 * grey[..., None] * (1 - 0.5 * hot[..., None]) + 0.85 * warm, 0, 1), rng, 0.01)
    body = ball(0, -0.82, 0.13, 0.15) + 0.8 * ball(0, -0.22, 0.28, 0.50) + ball(0, 0.22, 0.26, 0.22)
    for side in (-1, 1):
        body = np.maximum(body, flesh((0.30 * side, -0.45), (0.36 * side, 0.25), 0.075))
        body = np.maximum(body, 0.9 * flesh((0.13 * side, 0.35), (0.12 * side, 1.2), 0.11))
    up = 0.16 * body * (1 + 0.12 * noise(rng, 7))
    for cx, cy, rx, ry, strength in (
        (0, -0.86, 0.11, 0.11, 0.9),
        (0.05, -0.30, 0.08, 0.08, 0.6),
        (-0.10, -0.02, 0.15, 0.11, 0.22),
        (-0.11, 0.10, 0.045, 0.07, 0.6),
        (0.12, 0.10, 0.045, 0.07, 0.6),
        (0, 0.40, 0.075, 0.06, 1.0),
        (-0.15, -0.38, 0.045, 0.045, 0.9),
    ):
        up += strength * np.sqrt(ball(cx, cy, rx, ry)) * oval(cx, cy, rx, ry, soft=0.8)
    return picture(np.clip(1 - blur(np.asarray(up, np.float32), 5), 0, 1), rng, 0.02)
