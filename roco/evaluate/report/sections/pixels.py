"""The image files: sizes, formats, colour modes, bytes and intensities (Figures S3 and S4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from roco.evaluate.report import paper
from roco.evaluate.report.by_split import UNKNOWN, by_split, modalities
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.decoded import BINS
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Histogram
from roco.evaluate.report.quantiles import distributions
from roco.evaluate.report.render import Cell, ReportTable

GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")
"""Pillow's modes of one channel of grey."""
GREY, COLOR = "greyscale images", "RGB images"


def figure_s3(inputs: Inputs) -> Content:
    """Intensity histograms of 128 bins, by split, of greyscale images and of RGB images, whose three channels count
    together. Each image counts equally, as the share of its samples in each bin. An image is greyscale if its file has
    one channel; others count as RGB, also where their channels are equal."""
    sample = inputs.decoded
    splits = inputs.values("split")
    plots, rows = [], []
    for place, kind in enumerate((GREY, COLOR)):
        of_split = {}
        for split in inputs.splits:
            members = [
                image.intensities
                for image in sample.images
                if splits[image.place] == split and (image.mode in GREY_MODES) == (kind == GREY)
            ]
            if members:
                of_split[f"{split} (n = {len(members)})"] = np.mean(members, axis=0)
                rows.append(_intensity_row(kind, split, len(members), of_split[f"{split} (n = {len(members)})"]))
        if of_split:
            plots.append(
                Histogram(
                    name=f"figure-s3-{'ab'[place]}",
                    title=f"Intensities, {kind}",
                    alt=f"Histograms of the intensities of {kind}, one line for each of {', '.join(of_split)}.",
                    edges=[256 / BINS * edge for edge in range(BINS + 1)],
                    series={name: [100 * float(value) for value in mean] for name, mean in of_split.items()},
                    axis="intensity, 0 is black",
                    counted="% of the samples",
                    log=True,  # the first bin, black, has a multiple of any other
                )
            )
    columns = ("images", "split", "decoded", "mean intensity", "share of black", "share of white")
    ours: dict[str, Cell] = {}
    if "mode" in inputs.available:
        grey = sum(mode in GREY_MODES for mode in inputs.values("mode"))
        ours = {GREY: grey, COLOR: inputs.size - grey}
    return Content(
        tables=(ReportTable("Intensities of the sample", columns, rows),),
        plots=tuple(plots),
        compared=paper.compared("Figure S3", ours),
        notes=(sample.note, "Black and white are the first and the last of the 128 bins."),
    )


def _intensity_row(kind: str, split: str, images: int, mean: NDArray[np.float64]) -> tuple[Cell, ...]:
    centres = 256 / BINS * (np.arange(BINS) + 0.5) - 0.5
    return (kind, split, images, float(centres @ mean), float(mean[0]), float(mean[-1]))


def figure_s4(inputs: Inputs) -> Content:
    """Width and height of the images in pixels, by split and by modality."""
    widths, heights, places, note = _sizes(inputs)
    splits, groups = inputs.values("split"), modalities(inputs)
    tables, plots = [], []
    for kind, of_image, order in (("split", splits, inputs.splits), ("modality", groups, ())):
        chosen = [of_image[place] for place in places]
        for what, numbers in (("width", widths), ("height", heights)):
            name, title = f"figure-s4-{what}-{kind}", f"{what.capitalize()} by {kind}"
            one = distributions(name, title, f"{what}, pixels", numbers, chosen, order)
            tables.append(one.table)
            plots.append(one.plot)
    return Content(tables=tuple(tables), plots=tuple(plots), notes=(note,) if note else ())


def _sizes(inputs: Inputs) -> tuple[NDArray[np.float64], NDArray[np.float64], Sequence[int], str]:
    """Returns widths, heights, their rows and a note: of all images where columns have them, else of the sample."""
    if {"width", "height"} <= inputs.available:
        if not inputs.size:
            raise NotAvailable("the dataset has no images")
        columns = (inputs.column(name).to_numpy().astype(np.float64) for name in ("width", "height"))
        width, height = columns
        return width, height, range(inputs.size), ""
    sample = inputs.decoded
    width = np.array([image.width for image in sample.images], dtype=np.float64)
    height = np.array([image.height for image in sample.images], dtype=np.float64)
    return width, height, [image.place for image in sample.images], sample.note


def image_files(inputs: Inputs) -> Content:
    """Formats, colour modes and bytes of the image files, as the files have them: L is grey, RGB is colour. A file may
    have RGB channels although it shows grey only."""
    notes: tuple[str, ...] = ()
    if {"format", "mode", "n_bytes"} <= inputs.available:
        formats = [value or UNKNOWN for value in inputs.values("format")]
        modes = [value or UNKNOWN for value in inputs.values("mode")]
        n_bytes = inputs.column("n_bytes").to_numpy().astype(np.float64)
        places: Sequence[int] = range(inputs.size)
        if not inputs.size:
            raise NotAvailable("the dataset has no images")
    else:
        sample = inputs.decoded
        formats, modes = [image.format for image in sample.images], [image.mode for image in sample.images]
        n_bytes = np.array([image.n_bytes for image in sample.images], dtype=np.float64)
        places, notes = [image.place for image in sample.images], (sample.note,)
    tables, plots = [], []
    for kind, labels in (("format", formats), ("mode", modes)):
        values: list[str | None] = [None] * inputs.size
        for place, label in zip(places, labels, strict=True):
            values[place] = label
        counted = by_split(inputs, f"image-{kind}s", f"Images by {kind} of the file", kind, values)
        tables.append(counted.table)
        plots.append(counted.plot)
    splits = inputs.values("split")
    chosen = [splits[place] for place in places]
    of_bytes = distributions("image-bytes", "Kilobytes by split", "kilobytes", n_bytes / 1000, chosen, inputs.splits)
    total = float(np.nansum(n_bytes))
    notes += (f"{len(places):,} files have {total / 1e6:,.1f} MB in total.",)
    return Content(tables=(*tables, of_bytes.table), plots=(*plots, of_bytes.plot), notes=notes)
