"""The formats of exports by name, and the function that writes one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, UsageError, nearest
from roco.base.progress import NullProgress, Progress
from roco.base.version import __version__
from roco.release.export import coco, croissant, fiftyone, hf, labelstudio, llava, openclip, webdataset
from roco.release.export.engine import Exported, PlannedFile, write_export
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows

Plan = Callable[[ReleaseRows, ExportOptions], list[PlannedFile]]
"""Returns the files of an export in the order in which they are written."""


class Format(NamedTuple):
    """A format: the function that plans its files, what it is for, and the options that it reads."""

    plan: Plan
    meaning: str
    options: tuple[str, ...] = ()


FORMATS: dict[str, Format] = {
    "hf": Format(hf.plan, "Parquet for `datasets` and the Hugging Face Hub, with images", ("shard_mb",)),
    "webdataset": Format(webdataset.plan, "tar shards for WebDataset, open_clip and timm", ("shard_mb",)),
    "croissant": Format(croissant.plan, "croissant.json, a description of the release folder", ("url",)),
    "llava": Format(llava.plan, "instruction data for LLaVA and LLaMA-Factory, with image files"),
    "coco": Format(coco.plan, "captions as in COCO for pycocotools and torchvision, with image files"),
    "openclip": Format(openclip.plan, "tables for open_clip, with image files"),
    "labelstudio": Format(
        labelstudio.plan, "tasks for Label Studio with the modality as prediction, with image files", ("image_url",)
    ),
    "fiftyone": Format(fiftyone.plan, "a table for FiftyOne, with image files"),
}


def export(
    release: str | Path, format: str, out: str | Path, options: ExportOptions | None = None,
    progress: Progress | None = None,
) -> Exported:  # fmt: skip
    """Writes a release in another format to the folder `out`, and continues an export that was interrupted.

    format: a name of FORMATS. The images keep their bytes, and each is compared with its SHA-256. The same release,
    format, options and versions of roco and pyarrow give the same bytes. Raises UsageError for an unknown format, and
    DataError for an invalid release, or a folder that contains something else.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format '{format}'", nearest(format, FORMATS))
    source, folder = Path(release).resolve(), Path(out).resolve()
    if folder == source or source in folder.parents:
        raise DataError(f"the export would be inside the release: {out}", "choose a folder outside of it")
    options = options or ExportOptions()
    _check_used(format, options)
    rows = ReleaseRows(Path(release))
    try:
        identity = {
            "format": format,
            "options": options.stated(),
            "release": rows.digest,
            "written_by": {"roco": __version__, "pyarrow": pa.__version__},
        }
        return write_export(Path(out), identity, FORMATS[format].plan(rows, options), progress or NullProgress())
    finally:
        rows.close()


def _check_used(format: str, options: ExportOptions) -> None:
    """Raises UsageError for an option that the format does not read: it would have no effect."""
    for field in dataclasses.fields(options):
        is_set = getattr(options, field.name) != field.default
        if is_set and field.name not in FORMATS[format].options:
            readers = " and ".join(name for name, one in FORMATS.items() if field.name in one.options)
            flag = "--" + field.name.replace("_", "-")
            raise UsageError(f"{flag} with the format {format}", f"leave it out: it has an effect on {readers} only")
