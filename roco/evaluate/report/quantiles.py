"""Distributions by group: mean and quantiles as a table and as boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.plots import Boxes
from roco.evaluate.report.render import Cell, ReportTable

SHARES = (5, 25, 50, 75, 95)
COLUMNS = ("images", "mean", "min", "5 %", "25 %", "median", "75 %", "95 %", "max")


class Distributions(NamedTuple):
    """The distributions of one number in several groups, as a table and as boxes."""

    table: ReportTable
    plot: Boxes


def distributions(
    name: str, title: str, axis: str, numbers: NDArray[np.float64], groups: Sequence[str], order: Sequence[str] = ()
) -> Distributions:
    """Returns the distribution of all images and of each group; numbers that are not finite are not counted.

    Raises NotAvailable if there are none.

    name: of the plot. axis: the number with its unit. groups: of each image. order: of the groups, by default by name.
    """
    group_of = np.array(groups, dtype=object)
    finite = np.isfinite(numbers)
    rows: list[tuple[Cell, ...]] = []
    labels, boxes = [], []
    for group in ("all", *(order or sorted(set(groups)))):
        chosen = numbers[finite if group == "all" else finite & (group_of == group)]
        if not len(chosen):
            continue
        five = tuple(float(value) for value in np.percentile(chosen, SHARES))
        rows.append((group, len(chosen), float(chosen.mean()), float(chosen.min()), *five, float(chosen.max())))
        labels.append(group)
        boxes.append((five[0], five[1], five[2], five[3], five[4]))
    if not boxes:
        raise NotAvailable(f"no image has a value: {axis}")
    medians = ", ".join(f"{label} {box[2]:g}" for label, box in zip(labels, boxes, strict=True))
    plot = Boxes(
        name=name,
        title=title,
        alt=f"Boxes (5, 25, 50, 75 and 95 %) of {axis}; medians: {medians}.",
        labels=labels,
        quantiles=boxes,
        axis=axis,
    )
    return Distributions(ReportTable(title, ("", *COLUMNS), rows), plot)
