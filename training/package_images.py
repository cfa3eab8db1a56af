"""The images of packages as records: reads each file by its kind, names groups and folds."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from training import volumes
from training.fetching import Package, members
from training.records import Record, fold
from training.singles import eight_bits

SOURCES = {
    "pydicom-data": "pydicom",
    "mricron-data": "mricron",
    "insighttoolkit5-examples": "itk",
    "invesalius-examples": "invesalius",
}
"""The names under which the labelled images list the same sources."""
LONGEST = 1600
"""Larger pictures are scaled down."""


def images(package: Package, file: Path) -> Iterator[tuple[Record, Image.Image]]:
    """The images of a package, each with its record."""
    for entry in package.images:
        found = list(members(file, [entry["path"]]))
        if not found:
            raise ValueError(f"{package.name} {package.version} has no {entry['path']}")
        if len(found) > 1 and "frames" in entry:
            # Files of one volume: some of them, evenly spaced.
            chosen = np.unique(np.linspace(0.1 * (len(found) - 1), 0.9 * (len(found) - 1), entry["frames"]).round())
            found = [found[int(i)] for i in chosen]
        for name, content in found:
            yield from _of_file(package, entry, name, content)


def _of_file(
    package: Package, entry: dict[str, Any], name: str, content: bytes
) -> Iterator[tuple[Record, Image.Image]]:
    """The images of one file."""
    stem = PurePosixPath(name).name.split(".nii")[0].removesuffix(".dcm").rsplit(".", 1)[0]
    group = entry.get("group") or f"{package.name}-{stem}"
    simulated = entry.get("kind", "").startswith("simulated")
    label = entry.get("class", "radiology")
    for part, picture in _pictures(name, content, entry, simulated):
        if max(picture.size) > LONGEST:
            picture.thumbnail((LONGEST, LONGEST))
        yield (
            Record(
                path=f"images/packages/{package.name}/{stem}{'-' + part if part else ''}.png",
                label=label,
                modality=entry.get("modality", ""),
                kind=entry.get("kind", "plain"),
                source=entry.get("source") or _source(package.name),
                group=group,
                derived=simulated,
                fold=fold(entry.get("key", group), group),
                licence=package.licence,
            ),
            picture,
        )


def _source(name: str) -> str:
    """The coarse source: packages that carry the pictures of one project are one source."""
    return SOURCES.get(name, name)


def _pictures(name: str, content: bytes, entry: dict[str, Any], simulated: bool) -> list[tuple[str, Image.Image]]:
    """The pictures in a file: sections, frames, or the file itself."""
    if name.endswith((".nii", ".nii.gz")):
        volume = volumes.nifti(content, as_stored="slices" in entry["planes"])
        pictures = volumes.sections(volume, entry["planes"])
        return (
            [(part, volumes.pet(picture, i)) for i, (part, picture) in enumerate(pictures)] if simulated else pictures
        )
    if name.endswith(".ssdf"):
        return volumes.sections(volumes.ssdf(content), entry["planes"], bright=97)
    if name.endswith(".inv3"):
        if simulated:
            return volumes.radiographs(volumes.inv3(content), entry["planes"])
        return volumes.sections(volumes.inv3(content), entry["planes"], entry.get("windows"))
    if name.endswith(".dcm"):
        return volumes.dicom(content, entry.get("frames", 1), entry.get("windows"))
    if name.endswith(".npy"):
        values = np.load(io.BytesIO(content), allow_pickle=False).astype(float)
        return [("", volumes.to_image(values, *np.percentile(values, [1, 99.7])))]
    if name.endswith(".ima.gz"):
        values = np.frombuffer(gzip.decompress(content), ">u2").reshape(256, 256).astype(float)
        return [("", volumes.to_image(values, *np.percentile(values, [1, 99.7])))]
    picture = Image.open(io.BytesIO(content))
    if picture.mode.startswith("I"):
        values = np.asarray(picture, float)
        return [("", volumes.to_image(values, *np.percentile(values, [1, 99.7])))]
    return [("", eight_bits(picture))]
