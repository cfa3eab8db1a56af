"""The kinds of charts: one function draws each into a pair of axes of matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from training.words import GENES, GROUPS, one, some

Axes = Any
Rng = np.random.Generator
Kind = Callable[[Axes, Rng, list[str]], None]


def line(axes: Axes, rng: Rng, colours: list[str]) -> None:
    x = np.linspace(0, rng.uniform(1, 100), int(rng.integers(5, 60)))
    for i, name in enumerate(some(rng, GROUPS, int(rng.integers(1, 5)))):
        y = np.cumsum(rng.normal(rng.uniform(-0.3, 0.5), 1, len(x)))
        if rng.random() < 0.4:
            y = rng.uniform(1, 9) * (1 - np.exp(-x / x[-1] * rng.uniform(1, 6))) + rng.normal(0, 0.1, len(x))
        marker = one(rng, ["", "o", "s", "^", "D", "x"]) if len(x) < 20 else ""
        axes.plot(x, y, one(rng, ["-", "-", "--", ":"]), marker=marker, color=colours[i % 5], label=name)
        if rng.random() < 0.25:
            axes.fill_between(x, y - 0.6, y + 0.6, color=colours[i % 5], alpha=0.2)
        elif len(x) < 20 and rng.random() < 0.5:
            axes.errorbar(x, y, yerr=rng.uniform(0.2, 0.8, len(x)), color=colours[i % 5], capsize=2, fmt="none")
    if rng.random() < 0.7:
        axes.legend(frameon=bool(rng.random() < 0.5))


def bars(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n, groups = int(rng.integers(2, 9)), int(rng.integers(1, 4))
    horizontal, stacked = rng.random() < 0.2, rng.random() < 0.2
    base, hatches = np.zeros(n), ["", "//", "xx", ".."]
    hatched = rng.random() < 0.15
    for i in range(groups):
        values = rng.uniform(1, 10, n)
        width = 0.8 if stacked else 0.8 / groups
        position = np.arange(n) + (0 if stacked else i * width)
        style = {"color": colours[i % 5], "edgecolor": one(rng, ["none", "black"]), "label": one(rng, GROUPS)}
        style["hatch"] = hatches[i] if hatched else ""
        if horizontal:
            axes.barh(position, values, width, left=base if stacked else 0, **style)
        else:
            error = rng.uniform(0.2, 1, n) if rng.random() < 0.5 and not stacked else None
            axes.bar(position, values, width, bottom=base if stacked else 0, yerr=error, capsize=3, **style)
        base = base + values
    ticks = np.arange(n) + (0 if stacked else 0.4 - 0.4 / groups)
    names = some(rng, GROUPS + GENES, n)
    if horizontal:
        axes.set_yticks(ticks, names)
    else:
        axes.set_xticks(ticks, names, rotation=int(rng.choice([0, 45, 90])) if n > 4 else 0)
        if rng.random() < 0.3:
            top = float(base.max() if stacked else 11)
            axes.plot([0, 0, 1, 1], [top, top * 1.03, top * 1.03, top], color="k", lw=1)
            axes.text(0.5, top * 1.03, one(rng, ["*", "**", "***", "ns", "p < 0.001"]), ha="center", va="bottom")
    if groups > 1:
        axes.legend(frameon=False)


def scatter(axes: Axes, rng: Rng, colours: list[str]) -> None:
    for i in range(int(rng.integers(1, 4))):
        n = int(rng.integers(15, 400))
        x = rng.normal(rng.uniform(0, 4), 1, n)
        y = x * rng.uniform(-1, 1) + rng.normal(rng.uniform(0, 4), rng.uniform(0.3, 1.2), n)
        marker = one(rng, ["o", "o", "s", "^", "x", "+"])
        axes.scatter(
            x, y, s=float(rng.uniform(4, 40)), c=colours[i % 5], marker=marker, alpha=0.7, label=one(rng, GROUPS)
        )
        if rng.random() < 0.4:
            slope, offset = np.polyfit(x, y, 1)
            ends = np.array([x.min(), x.max()])
            axes.plot(ends, slope * ends + offset, color=colours[i % 5])
            axes.text(
                0.05, 0.92, f"r = {rng.uniform(-1, 1):.2f}, p = {rng.uniform(0, 0.2):.3f}", transform=axes.transAxes
            )
    if rng.random() < 0.4:
        axes.legend()


def boxes(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n = int(rng.integers(2, 8))
    data = [rng.normal(rng.uniform(0, 5), rng.uniform(0.5, 2), 60) for _ in range(n)]
    if rng.random() < 0.3:
        axes.violinplot(data, showmedians=True)
    else:
        drawn = axes.boxplot(data, patch_artist=True, widths=float(rng.uniform(0.3, 0.8)))
        for i, patch in enumerate(drawn["boxes"]):
            patch.set_facecolor(colours[i % 5] if rng.random() < 0.8 else "white")
    if rng.random() < 0.5:
        for i, values in enumerate(data):
            axes.scatter(rng.normal(i + 1, 0.06, 60), values, s=5, c="k", alpha=0.5)
    axes.set_xticks(range(1, n + 1), some(rng, GROUPS, n), rotation=30 if n > 4 else 0)


def histogram(axes: Axes, rng: Rng, colours: list[str]) -> None:
    for i in range(int(rng.integers(1, 3))):
        values = rng.gamma(rng.uniform(1, 6), 2, 600)
        axes.hist(
            values,
            bins=int(rng.integers(8, 60)),
            color=colours[i],
            alpha=0.7,
            edgecolor=one(rng, ["none", "white", "black"]),
        )


def roc(axes: Axes, rng: Rng, colours: list[str]) -> None:
    for i in range(int(rng.integers(1, 5))):
        steps = int(rng.integers(10, 80))
        x = np.sort(np.concatenate([[0, 1], rng.random(steps)]))
        power = rng.uniform(0.1, 0.6)
        draw = axes.step if rng.random() < 0.6 else axes.plot
        draw(x, x**power, color=colours[i % 5], label=f"{one(rng, GROUPS)} (AUC = {1 / (1 + power):.3f})")
    axes.plot([0, 1], [0, 1], "--", color="grey", lw=1)
    axes.set(xlim=(-0.01, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right")


def survival(axes: Axes, rng: Rng, colours: list[str]) -> None:
    for i, name in enumerate(some(rng, GROUPS, int(rng.integers(2, 5)))):
        times = np.sort(rng.exponential(rng.uniform(10, 60), 50))
        share = np.cumprod(1 - rng.uniform(0, 0.04, 50))
        axes.step(times, share, where="post", color=colours[i % 5], label=name)
        marks = rng.choice(50, 8, replace=False)
        axes.plot(times[marks], share[marks], "+", color=colours[i % 5])
    axes.set_ylim(0, 1.05)
    axes.legend(frameon=False)
    axes.text(0.05, 0.1, f"log-rank p = {rng.uniform(0, 0.2):.3f}", transform=axes.transAxes)


def forest(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n = int(rng.integers(5, 16))
    centre, spread = rng.normal(0, 0.5, n), rng.uniform(0.2, 0.9, n)
    axes.errorbar(centre, range(n), xerr=spread, fmt="none", color="black", lw=1, capsize=float(rng.choice([0, 2])))
    axes.scatter(centre, range(n), marker="s", s=rng.uniform(10, 90, n), c=colours[0], zorder=3)
    axes.axvline(0, color="k", ls="--", lw=0.8)
    axes.fill([-0.2, 0, 0.2, 0], [-1, -1.3, -1, -0.7], color="black")
    axes.set_yticks(
        range(n),
        [f"{one(rng, ['Smith', 'Li', 'Kumar', 'Rossi', 'Meyer', 'Kim'])} {rng.integers(1990, 2024)}" for _ in range(n)],
    )
    for i in range(n):
        text = f"{centre[i]:.2f} [{centre[i] - spread[i]:.2f}, {centre[i] + spread[i]:.2f}]"
        axes.text(1.02, i, text, transform=axes.get_yaxis_transform(), va="center")


def heatmap(axes: Axes, rng: Rng, colours: list[str]) -> None:
    rows, columns = int(rng.integers(4, 40)), int(rng.integers(4, 30))
    values = rng.normal(0, 1, (rows, columns)) + np.outer(rng.normal(0, 1, rows), rng.normal(0, 1, columns))
    cmap = one(rng, ["viridis", "RdBu_r", "coolwarm", "jet", "Reds", "bwr", "gray", "YlGnBu"])
    shown = axes.imshow(values, cmap=cmap, aspect="auto", interpolation="nearest")
    if rng.random() < 0.6:
        axes.figure.colorbar(shown, ax=axes)
    if rows * columns < 70:
        for row in range(rows):
            for column in range(columns):
                axes.text(column, row, f"{values[row, column]:.1f}", ha="center", va="center", fontsize=6)
    if rows < 15:
        axes.set_yticks(range(rows), some(rng, GENES, rows))


def volcano(axes: Axes, rng: Rng, colours: list[str]) -> None:
    change = rng.normal(0, 1.2, 900)
    level = np.abs(change) * rng.exponential(1.5, 900)
    hit = (np.abs(change) > 1) & (level > 2)
    axes.scatter(change[~hit], level[~hit], s=4, c="#999999")
    axes.scatter(change[hit & (change > 0)], level[hit & (change > 0)], s=6, c=colours[3])
    axes.scatter(change[hit & (change < 0)], level[hit & (change < 0)], s=6, c=colours[0])
    axes.axvline(-1, ls=":", c="k")
    axes.axvline(1, ls=":", c="k")
    for i in rng.choice(900, 6, replace=False):
        axes.text(change[i], level[i], one(rng, GENES), fontsize=6)


def spectrum(axes: Axes, rng: Rng, colours: list[str]) -> None:
    x = np.linspace(0, 10, 1500)
    y = rng.normal(0, 0.01, 1500)
    for _ in range(int(rng.integers(4, 25))):
        y += rng.exponential(0.4) / (1 + ((x - rng.uniform(0, 10)) / rng.uniform(0.01, 0.1)) ** 2)
    axes.plot(x, y, lw=0.8, color=colours[0])
    if rng.random() < 0.5:
        axes.invert_xaxis()
        axes.set_xlabel("δ (ppm)")
    for _ in range(int(rng.integers(0, 5))):
        axes.annotate(
            f"({rng.integers(1, 5)}{rng.integers(1, 3)}{rng.integers(1, 4)})",
            (rng.uniform(1, 9), y.max() * rng.uniform(0.5, 1)),
        )


def traces(axes: Axes, rng: Rng, colours: list[str]) -> None:
    """ECG, EEG or patch-clamp traces above each other."""
    t = np.linspace(0, 4, 1600)
    for i in range(int(rng.integers(1, 10))):
        beat = np.zeros_like(t)
        if rng.random() < 0.5:
            for start in np.arange(rng.uniform(0, 0.5), 4, rng.uniform(0.5, 1)):
                beat += np.exp(-(((t - start) / 0.015) ** 2)) + 0.2 * np.exp(-(((t - start - 0.2) / 0.05) ** 2))
        else:
            beat = 0.3 * np.convolve(rng.normal(0, 1, 1600), np.ones(12) / 4, "same")
        axes.plot(t, beat + rng.normal(0, 0.02, 1600) - 1.3 * i, lw=0.7, color=colours[0])
    if rng.random() < 0.6:
        axes.set_axis_off()
        axes.plot([3.4, 3.4, 3.9], [-1, -1.5, -1.5], "k", lw=2)
        axes.text(3.4, -1.6, "500 ms", va="top")


def pie(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n = int(rng.integers(2, 7))
    style = {"width": 0.4} if rng.random() < 0.3 else {}
    axes.pie(
        rng.uniform(1, 6, n),
        labels=some(rng, GROUPS, n),
        colors=[*colours, "#bbbbbb", "#dddddd"][:n],
        autopct="%1.0f%%",
        wedgeprops=style,
    )


def dendrogram(axes: Axes, rng: Rng, colours: list[str]) -> None:
    nodes = [(float(i), 0.0) for i in range(int(rng.integers(6, 30)))]
    leaves, sideways = len(nodes), rng.random() < 0.5
    while len(nodes) > 1:
        i = int(rng.integers(len(nodes) - 1))
        (x0, y0), (x1, y1) = nodes[i], nodes[i + 1]
        top = max(y0, y1) + rng.uniform(0.3, 1)
        xs, ys = [x0, x0, x1, x1], [y0, top, top, y1]
        axes.plot(*((ys, xs) if sideways else (xs, ys)), color=colours[0], lw=1)
        nodes[i : i + 2] = [((x0 + x1) / 2, top)]
    names = [f"{one(rng, GENES)}-{rng.integers(99)}" for _ in range(leaves)]
    if sideways:
        axes.set_yticks(range(leaves), names, fontsize=6)
    else:
        axes.set_xticks(range(leaves), names, rotation=90, fontsize=6)


def contour(axes: Axes, rng: Rng, colours: list[str]) -> None:
    x, y = np.meshgrid(np.linspace(-3, 3, 60), np.linspace(-3, 3, 60))
    z = sum(rng.normal() * np.exp(-((x - rng.normal(0, 1.5)) ** 2) - (y - rng.normal(0, 1.5)) ** 2) for _ in range(6))
    draw = axes.contourf if rng.random() < 0.7 else axes.contour
    shown = draw(x, y, z, levels=int(rng.integers(6, 20)), cmap=one(rng, ["viridis", "jet", "gray", "coolwarm", "hot"]))
    if rng.random() < 0.6:
        axes.figure.colorbar(shown, ax=axes)


def statistics_map(axes: Axes, rng: Rng, colours: list[str]) -> None:
    """Statistics over time of an MRI or fMRI study: a carpet of grey values, or a glass brain of points."""
    carpet = rng.normal(0, 1, (120, 200)) + 1.5 * np.sin(np.linspace(0, rng.uniform(5, 40), 200))
    axes.imshow(carpet, cmap="gray", aspect="auto", interpolation="nearest", vmin=-3, vmax=3)
    axes.set(xlabel="Volume", ylabel="Voxel")


def correlation(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n = int(rng.integers(6, 60))
    data = rng.normal(0, 1, (n, 30)) + rng.normal(0, 1, (1, 30)) * rng.normal(0, 1, (n, 1))
    shown = axes.imshow(np.corrcoef(data), cmap=one(rng, ["RdBu_r", "jet", "viridis", "gray"]), vmin=-1, vmax=1)
    axes.figure.colorbar(shown, ax=axes)


def confusion(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n = int(rng.integers(2, 8))
    counts = rng.integers(0, 15, (n, n)) + np.diag(rng.integers(30, 100, n))
    axes.imshow(counts, cmap=one(rng, ["Blues", "Greens", "Greys"]))
    for row in range(n):
        for column in range(n):
            colour = "white" if counts[row, column] > counts.max() / 2 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    axes.set(xlabel="Predicted", ylabel="True")


def bland_altman(axes: Axes, rng: Rng, colours: list[str]) -> None:
    x, y = rng.uniform(10, 60, 70), rng.normal(0.5, 2, 70)
    axes.scatter(x, y, s=14, facecolors=one(rng, ["none", colours[0]]), edgecolors=colours[0])
    for level, name in (
        (y.mean(), "Mean"),
        (y.mean() + 1.96 * y.std(), "+1.96 SD"),
        (y.mean() - 1.96 * y.std(), "-1.96 SD"),
    ):
        axes.axhline(level, ls="--", color="k", lw=1)
        axes.text(x.max(), level, f"{name}\n{level:.2f}", va="center")


def radar(axes: Axes, rng: Rng, colours: list[str]) -> None:
    n = int(rng.integers(4, 9))
    angles = np.linspace(0, 2 * np.pi, n + 1)
    for radius in (0.5, 1):
        axes.plot(radius * np.cos(angles), radius * np.sin(angles), color="#cccccc", lw=1)
    for i in range(int(rng.integers(1, 4))):
        values = np.append(values := rng.uniform(0.3, 1, n), values[0])
        axes.fill(values * np.cos(angles), values * np.sin(angles), color=colours[i], alpha=0.3)
        axes.plot(values * np.cos(angles), values * np.sin(angles), color=colours[i])
    for angle, name in zip(angles, some(rng, GROUPS, n), strict=False):
        axes.text(1.15 * np.cos(angle), 1.15 * np.sin(angle), name, ha="center", va="center")
    axes.set_aspect("equal")
    axes.set_axis_off()


def surface_outline(axes: Axes, rng: Rng, colours: list[str]) -> None:
    """A dense network of nodes and edges."""
    n = int(rng.integers(12, 60))
    points = rng.normal(0, 1, (n, 2))
    for i in range(n):
        for j in rng.choice(n, int(rng.integers(1, 4)), replace=False):
            axes.plot(*points[[i, j]].T, color="#aaaaaa", lw=0.6, zorder=1)
    axes.scatter(*points.T, s=rng.uniform(20, 300, n), c=[colours[int(k)] for k in rng.integers(0, 5, n)], zorder=2)
    axes.set_axis_off()


KINDS: dict[str, Kind] = {
    "line chart": line,
    "bar chart": bars,
    "scatter plot": scatter,
    "box plot": boxes,
    "histogram": histogram,
    "ROC curve": roc,
    "survival curve": survival,
    "forest plot": forest,
    "heat map": heatmap,
    "volcano plot": volcano,
    "spectrum": spectrum,
    "traces": traces,
    "pie chart": pie,
    "dendrogram": dendrogram,
    "contour plot": contour,
    "carpet plot of MRI": statistics_map,
    "correlation matrix": correlation,
    "confusion matrix": confusion,
    "Bland-Altman plot": bland_altman,
    "radar chart": radar,
    "network": surface_outline,
}
