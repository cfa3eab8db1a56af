"""Modalities, regions and directions: Tables S2 to S4 of the supplement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from roco.base.labels import DIRECTIONS, KINDS, MODALITIES, REGIONS
from roco.evaluate.report import paper
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.render import Cell, ReportTable

XRAY = "DRXR"
UNKNOWN = "unknown"


def table_s2(inputs: Inputs) -> Content:
    """Images by modality: the modality column, in the published layout the single modality among the manual concepts;
    an image with none or several of them counts as DRCO, combined modalities."""
    modalities: list[str | None] = [image.modality or UNKNOWN for image in inputs.images.images]
    if set(modalities) <= {UNKNOWN}:
        raise NotAvailable("no image has a modality")
    names = {label: f"{label} {term.name}" for label, term in MODALITIES.items()}
    return _by_split(inputs, "S2", "Images by modality", "modality", modalities, names)


def table_s3(inputs: Inputs) -> Content:
    """X-ray images (DRXR) by body region of the IRMA code: the region column, in the published layout the region among
    the manual concepts."""
    return _of_xrays(inputs, "S3", "X-ray images by body region", "region", REGIONS)


def table_s4(inputs: Inputs) -> Content:
    """X-ray images (DRXR) by direction: the direction column, in the published layout the direction among the manual
    concepts."""
    return _of_xrays(inputs, "S4", "X-ray images by direction", "direction", DIRECTIONS)


def _of_xrays(inputs: Inputs, number: str, title: str, kind: str, terms: Iterable[str]) -> Content:
    labels = label_of_images(inputs, kind)
    values = [
        (label or UNKNOWN) if image.modality == XRAY else None
        for label, image in zip(labels, inputs.images.images, strict=True)
    ]
    if not any(values):
        raise NotAvailable(f"the dataset has no X-ray images ({XRAY})")
    names = {label: label.replace("_", " ") for label in terms}
    return _by_split(inputs, number, title, kind, values, names)


def label_of_images(inputs: Inputs, kind: str) -> list[str | None]:
    """Returns the label of each image; kind: region or direction."""
    if kind in inputs.available:
        return inputs.values(kind)
    if not inputs.release.published:
        raise NotAvailable(f"the release has no column '{kind}'")
    label_of = {term.cui: label for label, term in KINDS[kind].items()}
    found = []
    for image in inputs.images.images:
        labels = sorted(label_of[cui] for cui in image.manual if cui in label_of)
        found.append(labels[0] if labels else None)
    return found


def _by_split(
    inputs: Inputs, number: str, title: str, kind: str, values: list[str | None], names: dict[str, str]
) -> Content:
    """Returns images by label and split, most frequent first; images whose value is None are not counted."""
    splits = inputs.values("split")
    pairs = [(value, split) for value, split in zip(values, splits, strict=True) if value is not None]
    counts, totals = Counter(pairs), Counter(value for value, _ in pairs)
    order = sorted(totals, key=lambda label: (label == UNKNOWN, -totals[label], label))
    rows: list[tuple[Cell, ...]] = []
    for label in order:
        by_split = [counts[label, split] for split in inputs.splits]
        rows.append((names.get(label, label), *by_split, totals[label]))
    rows.append(("all", *(sum(counts[label, split] for label in order) for split in inputs.splits), len(pairs)))
    labels = [names.get(label, label) for label in order]
    plot = Bars(
        name=f"table-{number.lower()}",
        title=title,
        alt=f"Bar chart, {title.lower()}: "
        + ", ".join(f"{names.get(one, one)} {totals[one]:,}" for one in order)
        + ".",
        labels=labels,
        series={split: [counts[label, split] for label in order] for split in inputs.splits},
    )
    ours: dict[str, Cell] = {label: totals[label] for label in order if label != UNKNOWN}
    ours["all with a label"] = sum(totals[label] for label in order if label != UNKNOWN)
    return Content(
        tables=(ReportTable(title, (kind, *inputs.splits, "all"), rows),),
        plots=(plot,),
        compared=paper.compared(f"Table {number}", ours),
    )
