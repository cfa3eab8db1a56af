"""Draws confusion matrices of two raters, absolute or normalised, as in Figures 4 to 9 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from roco.evaluate.metrics.agreement import normalised

CELL = 0.62  # inches
MARGIN = 1.9  # inches for names, titles and the scale
DARK = 0.55  # share of the largest value from which the text of a cell is white


def draw(
    matrix: ArrayLike,
    labels: Sequence[str],
    path: Path,
    *,
    first: str,
    second: str,
    over: str | None = None,
    title: str = "",
) -> None:
    """Draws a matrix of counts to a PNG or SVG file, by its suffix; the same matrix gives the same bytes.

    Rows are the labels of the first rater, columns those of the second. over: normalised over "true" (each row sums to
    1) or "pred" (each column); None for counts.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "roco"  # fixed ids in the SVG
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text, so that it can be searched
    from matplotlib import pyplot

    values = normalised(matrix, over)
    most = float(values.max()) if values.size else 0.0
    side = CELL * len(labels) + MARGIN
    figure, axes = pyplot.subplots(figsize=(side + 0.6, side))
    image = axes.imshow(values, cmap="Blues", vmin=0, vmax=most or 1)
    for (row, column), value in _cells(values.tolist()):
        text = f"{value:.2f}" if over else f"{int(value)}"
        color = "white" if most and value / most > DARK else "#1f2933"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(labels)), [_plain(label) for label in labels], rotation=45, ha="right", fontsize=8.5)
    axes.set_yticks(range(len(labels)), [_plain(label) for label in labels], fontsize=8.5)
    axes.set_xlabel(_plain(second))
    axes.set_ylabel(_plain(first))
    axes.set_title(_plain(title), fontsize=10)
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.04)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)


def _cells(rows: list[list[float]]) -> list[tuple[tuple[int, int], float]]:
    return [((row, column), value) for row, values in enumerate(rows) for column, value in enumerate(values)]


def _plain(text: str) -> str:
    """Returns a text that matplotlib does not take for a formula."""
    return text.replace("$", r"\$")
