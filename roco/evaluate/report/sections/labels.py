"""Modalities, regions and directions: Tables S2 to S4 of the supplement."""

from __future__ import annotations

from collections.abc import Iterable

from roco.base.labels import DIRECTIONS, KINDS, MODALITIES, REGIONS
from roco.evaluate.report import paper
from roco.evaluate.report.by_split import UNKNOWN, by_split
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.render import Cell

XRAY = "DRXR"


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
    counted = by_split(inputs, f"table-{number.lower()}", title, kind, values, names)
    labels = {**dict.fromkeys(names, 0), **counted.totals}  # a label that no image has has 0 images
    ours: dict[str, Cell] = {label: number for label, number in labels.items() if label != UNKNOWN}
    ours["all with a label"] = sum(number for label, number in counted.totals.items() if label != UNKNOWN)
    return Content(
        tables=(counted.table,),
        plots=(counted.plot,),
        compared=paper.compared(f"Table {number}", ours),
    )
