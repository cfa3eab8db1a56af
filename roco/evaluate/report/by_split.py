"""Counts images by a label and split: the table and the bars that many sections share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from roco.base.labels import MODALITIES
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import MOST_ROWS, Bars
from roco.evaluate.report.render import Cell, ReportTable
from roco.release.counts import by_split as counts_by_split
from roco.release.counts import total

UNKNOWN = "unknown"

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BySplit(NamedTuple):
    """Images by label and split, the most frequent label first and `unknown` last. totals: of each label."""

    table: ReportTable
    plot: Bars
    totals: Mapping[str, int]


def by_split(
    inputs: Inputs,
    name: str,
    title: str,
    kind: str,
    values: Sequence[str | None],
    names: Mapping[str, str] | None = None,
) -> BySplit:
    """Counts the images of each label in each split.

    name: of the plot. kind: the header of the labels. values: the label of each image, in the order of the ids; an
    image whose value is None is not counted. names: label -> how it is shown.
    """
    names = names or {}
    counts = counts_by_split(values, inputs.values("split"), inputs.splits)
    counts.sort(key=lambda one: (one.label == UNKNOWN, -one.total, one.label))
    everything = total(counts, inputs.splits)
    rows: list[tuple[Cell, ...]] = [
        (names.get(one.label, one.label), *one.by_split, one.total, share(one.total, everything.total))
        for one in (*counts, everything)
    ]
    plot = Bars(
        name=name,
        title=title,
        alt=f"Bar chart, {title.lower()}: {', '.join(f'{row[0]} {row[-2]:,}' for row in rows[:-1][:MOST_ROWS])}.",
        labels=[names.get(one.label, one.label) for one in counts],
        series={split: [one.by_split[place] for one in counts] for place, split in enumerate(inputs.splits)},
    )
    totals = {one.label: one.total for one in counts}
    return BySplit(ReportTable(title, (kind, *inputs.splits, "all", "share"), rows), plot, totals)


def modalities(inputs: Inputs) -> list[str]:
    """Returns the modality of each image, `unknown` without one."""
    return [image.modality or UNKNOWN for image in inputs.images.images]


def share(part: float, whole: float) -> float | None:
    """Returns a share, None of nothing."""
    return part / whole if whole else None


def first_of(keys: Iterable[Key], values: Iterable[Value | None]) -> dict[Key, Value]:
    """Returns the first value of each key that is not null; a key without a value is missing."""
    found: dict[Key, Value] = {}
    for key, value in zip(keys, values, strict=True):
        if value is not None:
            found.setdefault(key, value)
    return found


def modality_name(label: str) -> str:
    """Returns a modality with its name, `DRCT Computed tomography`; another label as it is."""
    return f"{label} {MODALITIES[label].name}" if label in MODALITIES else label
