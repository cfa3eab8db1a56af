"""Licences of the images, and how many of them may be used commercially."""

from __future__ import annotations

from collections import Counter

from roco.base.licenses import COMMERCIAL_LICENSES
from roco.evaluate.report.by_split import UNKNOWN, by_split, modalities, share
from roco.evaluate.report.content import Content
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.render import Cell, ReportTable
from roco.release.format import license_words


def licenses(inputs: Inputs) -> Content:
    """Images by licence of their article. An image counts as commercial if its licence allows commercial use of the
    unchanged image, as CC BY and CC0 do; CC BY-NC does not."""
    values = [name or UNKNOWN for name in inputs.values("license")]
    names = {name: license_words(name) for name in values}
    counted = by_split(inputs, "licenses", "Images by licence", "licence", values, names)
    tables = [counted.table, _commercial(inputs, values)]
    notes = []
    if "license_version" in inputs.available:
        tables.append(_versions(values, inputs.values("license_version")))
    if "figure_license" in inputs.available:
        own = inputs.size - inputs.column("figure_license").null_count
        notes.append(f"{own:,} images have a figure that states a licence of its own.")
    return Content(tables=tuple(tables), plots=(counted.plot,), notes=tuple(notes))


def _commercial(inputs: Inputs, licenses: list[str]) -> ReportTable:
    """Returns the commercial share of all images, of each split and of each modality."""
    may = [name in COMMERCIAL_LICENSES for name in licenses]
    groups: list[tuple[str, list[str]]] = [("split", inputs.values("split"))]
    groups.append(("modality", modalities(inputs)))
    rows: list[tuple[Cell, ...]] = [("all", "", sum(may), len(may), share(sum(may), len(may)))]
    for kind, values in groups:
        images, commercial = Counter(values), Counter(value for value, one in zip(values, may, strict=True) if one)
        for value in inputs.splits if kind == "split" else sorted(images):
            rows.append((kind, value, commercial[value], images[value], share(commercial[value], images[value])))
    return ReportTable("Images that may be used commercially", ("", "", "commercial", "images", "share"), rows)


def _versions(licenses: list[str], versions: list[str | None]) -> ReportTable:
    counts = Counter((name, version or UNKNOWN) for name, version in zip(licenses, versions, strict=True))
    rows: list[tuple[Cell, ...]] = []
    for (name, version), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        rows.append((license_words(name), version, number, number / len(licenses)))
    return ReportTable("Images by version of the licence", ("licence", "version", "images", "share"), rows)
