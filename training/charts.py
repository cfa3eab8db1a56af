"""Charts as articles print them, drawn with matplotlib: alone, or several in one figure."""

from __future__ import annotations

import io
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib import font_manager
from PIL import Image

from training import fonts
from training.chart_kinds import KINDS, Axes, Rng
from training.words import GROUPS, QUANTITIES, one, some

COLOURS = [
    ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"],
    ["#000000", "#555555", "#999999", "#cccccc", "#333333"],
    ["#E64B35", "#4DBBD5", "#00A087", "#3C5488", "#F39B7F"],
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#F0E442"],
    ["#0000ff", "#ff0000", "#00aa00", "#000000", "#ff00ff"],
    ["#4472C4", "#ED7D31", "#A5A5A5", "#FFC000", "#5B9BD5"],
    ["#00468B", "#ED0000", "#42B540", "#0099B4", "#925E9F"],
]


def _style(rng: Rng) -> dict[str, Any]:
    """Settings of matplotlib as they differ between journals and authors."""
    path = fonts.pick(rng, one(rng, ["sans", "sans", "sans", "serif"]))
    family = font_manager.FontProperties(fname=str(path)).get_name()
    background = one(rng, ["white"] * 9 + ["#f2f2f2", "#eaeaf2", "#fffbe6"])
    open_axes = bool(rng.random() < 0.5)
    return {
        "font.family": [family, "DejaVu Sans"],
        "font.size": float(rng.uniform(6, 12)),
        "axes.facecolor": background,
        "axes.grid": bool(rng.random() < 0.3),
        "grid.color": "white" if background == "#eaeaf2" else "#dddddd",
        "axes.spines.top": open_axes,
        "axes.spines.right": open_axes,
        "axes.linewidth": float(rng.uniform(0.5, 1.6)),
        "lines.linewidth": float(rng.uniform(0.8, 2.5)),
        "xtick.direction": one(rng, ["in", "out"]),
        "ytick.direction": one(rng, ["in", "out"]),
        "axes.axisbelow": True,
    }


def _panel(axes: Axes, rng: Rng, kind: str, colours: list[str]) -> None:
    """Draws a chart with its labels into one pair of axes."""
    KINDS[kind](axes, rng, colours)
    if rng.random() < 0.85 and not axes.get_xlabel():
        axes.set_xlabel(one(rng, QUANTITIES))
    if rng.random() < 0.85 and not axes.get_ylabel():
        axes.set_ylabel(one(rng, QUANTITIES))
    if rng.random() < 0.35:
        axes.set_title(one(rng, GROUPS + QUANTITIES))


def _picture(figure: Any, dpi: int, tight: bool) -> Image.Image:
    """Renders a figure as RGB."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight" if tight else None, pad_inches=0.05)
    plt.close(figure)
    return Image.open(buffer).convert("RGB")


def single(rng: Rng) -> tuple[Image.Image, str]:
    """Draws a figure of one chart; returns it with its kind."""
    kind = one(rng, list(KINDS))
    with plt.rc_context(_style(rng)):
        figure, axes = plt.subplots(figsize=(rng.uniform(3, 7), rng.uniform(2.4, 5.2)))
        _panel(axes, rng, kind, one_palette(rng))
        return _picture(figure, int(rng.integers(70, 150)), rng.random() < 0.8), kind


def several(rng: Rng) -> tuple[Image.Image, str]:
    """Draws a compound figure of 2 to 9 charts in a grid, as authors draw them in one go."""
    rows, columns = [(1, 2), (2, 1), (1, 3), (2, 2), (2, 3), (3, 2), (3, 1), (1, 4), (3, 3)][int(rng.integers(9))]
    kinds = some(rng, list(KINDS), rows * columns)
    if rng.random() < 0.5:
        kinds = [kinds[0]] * len(kinds)
    letters = one(rng, ["ABCDEFGHI", "ABCDEFGHI", "abcdefghi", ""])
    pattern = one(rng, ["{}", "{}", "({})", "{})"])
    size = (columns * rng.uniform(2, 3.2), rows * rng.uniform(1.8, 2.8))
    with plt.rc_context(_style(rng) | {"font.size": float(rng.uniform(6, 9))}):
        figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
        colours = one_palette(rng)
        for i, axes in enumerate(grid.flat):
            _panel(axes, rng, kinds[i], colours)
            if letters:
                axes.text(
                    -0.15, 1.05, pattern.format(letters[i]), transform=axes.transAxes, fontweight="bold", fontsize=12
                )
        figure.tight_layout(pad=float(rng.uniform(0.2, 1.2)))
        return _picture(figure, int(rng.integers(70, 130)), True), "charts"


def one_palette(rng: Rng) -> list[str]:
    """Five colours, sometimes in another order."""
    colours = COLOURS[int(rng.integers(len(COLOURS)))]
    return colours if rng.random() < 0.6 else [colours[int(i)] for i in rng.permutation(5)]
