"""Counts images by a label and split: the table and the bars that many sections share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from roco.base.labels import MODALITIES
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import MOST_ROWS, Bars
from roco.evaluate.report.render import Cell, ReportTable

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
    splits = inputs.values("split")
    pairs = [(value, split) for value, split in zip(values, splits, strict=True) if value is not None]
    counts, totals = Counter(pairs), Counter(value for value, _ in pairs)
    order = sorted(totals, key=lambda label: (label == UNKNOWN, -totals[label], label))
    rows: list[tuple[Cell, ...]] = []
    for label in order:
        by_split = [counts[label, split] for split in inputs.splits]
        rows.append((names.get(label, label), *by_split, totals[label], totals[label] / len(pairs)))
    sums = [sum(counts[label, split] for label in order) for split in inputs.splits]
    rows.append(("all", *sums, len(pairs), 1.0 if pairs else None))
    spoken = [f"{names.get(label, label)} {totals[label]:,}" for label in order[:MOST_ROWS]]
    plot = Bars(
        name=name,
        title=title,
        alt=f"Bar chart, {title.lower()}: {', '.join(spoken)}.",
        labels=[names.get(label, label) for label in order],
        series={split: [counts[label, split] for label in order] for split in inputs.splits},
    )
    return BySplit(ReportTable(title, (kind, *inputs.splits, "all", "share"), rows), plot, dict(totals))


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
