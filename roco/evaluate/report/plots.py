"""Draws the plots of a report as SVG, all in one style: quiet, safe for colour-blind readers, readable in print."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEXT, GRID, NEUTRAL = "#1f2933", "#d9dee4", "#7b8794"
COLORS = ("#2a6f97", "#d98c5f", "#5f8f5f", "#a05195", "#c9a227", "#7b8794", "#3fa7a3", "#8c5a3c")
"""Blue and orange first: the pair that people with any common colour blindness tell apart."""

WIDTH = 7.2  # inches; the width of the text on A4
ROW = 0.27  # inches of one bar
HEIGHT = 2.9  # inches of plots whose height does not depend on their rows
MOST_ROWS = 40
"""Bars or cells that one plot shows; the table has all."""

Series = Mapping[str, Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot: the name of its file, its title, and the text for readers who cannot see it."""

    name: str
    title: str
    alt: str

    def size(self) -> tuple[float, float]:
        return WIDTH, HEIGHT

    def draw(self, axes: Axes) -> None:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Bars(Plot):
    """Horizontal bars, one row per label, the first on top; several series are stacked or side by side."""

    labels: Sequence[str]
    series: Series
    axis: str = "images"
    stacked: bool = True

    def size(self) -> tuple[float, float]:
        lanes = 1 if self.stacked else len(self.series)
        legend = 0.3 if len(self.series) > 1 else 0.0
        return WIDTH, 0.9 + legend + ROW * lanes * min(len(self.labels), MOST_ROWS)

    def draw(self, axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        labels = [_plain(label, 48) for label in self.labels[:MOST_ROWS]]
        lanes = 1 if self.stacked else max(len(self.series), 1)
        left = [0.0] * len(labels)
        for lane, (name, all_values) in enumerate(self.series.items()):
            values = [float(value) for value in all_values[:MOST_ROWS]]
            height = 0.78 / lanes
            offset = 0.0 if self.stacked else (lane - (lanes - 1) / 2) * height
            places = [row + offset for row in range(len(labels))]
            start = left if self.stacked else None
            axes.barh(places, values, left=start, height=height * 0.94, color=_color(lane), label=_plain(name))
            if self.stacked:
                left = [a + b for a, b in zip(left, values, strict=True)]
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.set_xlabel(self.axis)
        if all(value == int(value) for values in self.series.values() for value in values):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_major_formatter(_thousands())
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        _legend(axes, self.series)


@dataclass(frozen=True, kw_only=True)
class Histogram(Plot):
    """Counts or shares by value; the bins of all series are those between `edges`, one more than the values."""

    edges: Sequence[float]
    series: Series
    axis: str
    counted: str = "images"
    log: bool = False

    def draw(self, axes: Axes) -> None:
        for place, (name, values) in enumerate(self.series.items()):
            filled = len(self.series) == 1
            axes.stairs(
                [float(value) for value in values], list(self.edges), color=_color(place), label=_plain(name),
                fill=filled, linewidth=1.3,
            )  # fmt: skip
        axes.set_xlabel(self.axis)
        axes.set_ylabel(self.counted)
        if self.log:
            axes.set_yscale("symlog", linthresh=1)
        else:
            axes.yaxis.set_major_formatter(_thousands())
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        _legend(axes, self.series)


@dataclass(frozen=True, kw_only=True)
class Years(Plot):
    """One line per series over the years."""

    years: Sequence[int]
    series: Series
    counted: str = "articles"

    def draw(self, axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        markers = "osD^vPX*"
        for place, (name, values) in enumerate(self.series.items()):
            axes.plot(
                list(self.years), [float(value) for value in values], color=_color(place), label=_plain(name),
                marker=markers[place % len(markers)], markersize=3.2, linewidth=1.4,
            )  # fmt: skip
        axes.set_ylabel(self.counted)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(_thousands())
        axes.grid(axis="y", color=GRID, linewidth=0.6)
        _legend(axes, self.series)


@dataclass(frozen=True, kw_only=True)
class Boxes(Plot):
    """One box per label: 5th, 25th, 50th, 75th and 95th percentile."""

    labels: Sequence[str]
    quantiles: Sequence[tuple[float, float, float, float, float]]
    axis: str

    def size(self) -> tuple[float, float]:
        return WIDTH, 0.9 + 0.34 * len(self.labels)

    def draw(self, axes: Axes) -> None:
        names = ("whislo", "q1", "med", "q3", "whishi")
        boxes: list[dict[str, Any]] = [dict(zip(names, values, strict=True)) for values in self.quantiles]
        axes.bxp(
            boxes, orientation="horizontal", showfliers=False, widths=0.55, patch_artist=True,
            boxprops={"facecolor": COLORS[0], "alpha": 0.35, "edgecolor": COLORS[0]},
            medianprops={"color": COLORS[1], "linewidth": 1.8},
        )  # fmt: skip
        axes.set_yticks(range(1, len(self.labels) + 1), [_plain(label, 48) for label in self.labels])
        axes.invert_yaxis()
        axes.set_xlabel(self.axis)
        axes.grid(axis="x", color=GRID, linewidth=0.6)


@dataclass(frozen=True, kw_only=True)
class Matrix(Plot):
    """A table of numbers as shades of blue with the numbers in the cells."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    row_axis: str = ""
    column_axis: str = ""
    shares: bool = False

    def size(self) -> tuple[float, float]:
        return min(WIDTH, 2.4 + 0.62 * len(self.columns)), 1.5 + 0.36 * len(self.rows)

    def draw(self, axes: Axes) -> None:
        most = max((value for row in self.values for value in row), default=0) or 1
        axes.imshow(
            [[float(value) for value in row] for row in self.values], cmap="Blues", vmin=0, vmax=most, aspect="auto"
        )
        for y, row in enumerate(self.values):
            for x, value in enumerate(row):
                text = f"{value:.2f}" if self.shares else f"{int(value):,}"
                color = "white" if value / most > 0.55 else TEXT
                axes.text(x, y, text, ha="center", va="center", fontsize=7.5, color=color)
        axes.set_xticks(range(len(self.columns)), [_plain(name, 28) for name in self.columns], rotation=35, ha="right")
        axes.set_yticks(range(len(self.rows)), [_plain(name, 40) for name in self.rows])
        axes.set_xlabel(self.column_axis)
        axes.set_ylabel(self.row_axis)


def svg(plot: Plot) -> str:
    """Returns a plot as an SVG element; the same plot gives the same text, and words stay text."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    style: Any = {  # its type names every setting of matplotlib
        "svg.hashsalt": plot.name, "svg.fonttype": "none", "font.size": 8.5, "font.family": "sans-serif",
        "text.color": TEXT, "axes.labelcolor": TEXT, "xtick.color": TEXT, "ytick.color": TEXT,
        "axes.edgecolor": NEUTRAL, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
        "xtick.major.size": 0, "ytick.major.size": 0, "legend.frameon": False, "figure.facecolor": "none",
        "axes.facecolor": "none", "savefig.facecolor": "none",
    }  # fmt: skip
    out = io.StringIO()
    with matplotlib.rc_context(style):
        figure, axes = pyplot.subplots(figsize=plot.size(), layout="constrained")
        try:
            plot.draw(axes)
            figure.savefig(out, format="svg", metadata={"Date": None})
        finally:
            pyplot.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _plain(text: str, most: int = 60) -> str:
    """Returns a text on one line that matplotlib does not take for a formula or for a hidden label."""
    from roco.base.terminal import printable

    line = " ".join(printable(text).split()).replace("$", r"\$").lstrip("_")
    return line if len(line) <= most else line[: most - 1] + "…"


def _color(place: int) -> str:
    return COLORS[place % len(COLORS)]


def _legend(axes: Axes, series: Series) -> None:
    if len(series) > 1:
        # Beside the axes, not on them: the layout makes room for it, whatever the height of the plot.
        axes.figure.legend(fontsize=8, ncols=min(len(series), 3), loc="outside upper center")


def _thousands() -> Any:
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: f"{value:,.0f}" if value == int(value) else f"{value:g}")
