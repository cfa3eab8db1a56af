"""Images of a release as a dataset of Hugging Face, with their original bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from roco.base.errors import MissingExtra, UsageError
from roco.base.files import path_error, whole
from roco.base.licenses import COMMERCIAL_LICENSES
from roco.release.load.row import Row
from roco.release.load.rows import Rows
from roco.release.load.targets import CLASSES

if TYPE_CHECKING:
    import datasets


IN_MEMORY = 2_000_000_000  # bytes of images
BYTES_AT_ONCE = 32 << 20

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SCHEMA = pa.schema(
    [
        ("image", IMAGE),
        ("image_id", pa.string()),
        ("caption", pa.string()),
        ("cui", pa.list_(pa.string())),
        ("cui_manual", pa.list_(pa.string())),
        *((kind, pa.int64()) for kind in CLASSES),
        ("license", pa.string()),
        ("license_url", pa.string()),
        ("commercial_ok", pa.bool_()),
        ("attribution", pa.string()),
        ("pmcid", pa.string()),
        ("doi", pa.string()),
        ("year", pa.int64()),
    ]
)
COLUMNS = tuple(SCHEMA.names)
"""The columns; modality, region and direction are of the feature ClassLabel, null where there is no label."""


def to_hf(data: Rows, folder: Path | None) -> datasets.Dataset:
    """Returns a dataset of Hugging Face; see `Dataset.to_hf`."""
    try:
        import datasets
    except ImportError as err:
        raise MissingExtra("datasets", "hub") from err
    schema = SCHEMA if data.has_images else SCHEMA.remove(0)
    features = _features(datasets, schema)
    schema = features.arrow_schema
    if folder is None:
        _check_size(data)
        table = pa.Table.from_batches(_batches(data, schema), schema)
        return datasets.Dataset(datasets.table.InMemoryTable(table))
    if folder.exists():
        raise UsageError(f"{folder} already exists", "give a new folder")
    try:
        folder.mkdir(parents=True)
        path = folder / "data.arrow"
        with whole(path) as part, pa.OSFile(str(part), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for batch in _batches(data, schema):
                writer.write_batch(batch)
    except OSError as err:
        raise path_error(err) from err
    return datasets.Dataset.from_file(str(path))


def _features(datasets: Any, schema: pa.Schema) -> Any:
    """Returns the features: ClassLabel for the labels, Image for the image."""
    features = datasets.Features.from_arrow_schema(schema)
    for kind, labels in CLASSES.items():
        features[kind] = datasets.ClassLabel(names=list(labels))
    if "image" in schema.names:
        features["image"] = datasets.Image()
    return features


def _check_size(data: Rows) -> None:
    if not data.has_images:
        return
    n_bytes = sum(data.figures.file(id).size for id in data.column("id").to_pylist())
    if n_bytes > IN_MEMORY:
        what = f"the images have {n_bytes / 1e9:.1f} GB, more than {IN_MEMORY / 1e9:.0f} GB in memory"
        raise UsageError(what, "give folder=…, a new folder on a disk with that space")


def _batches(data: Rows, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yields the rows, a bounded number of bytes at a time."""
    rows: list[dict[str, Any]] = []
    n_bytes = 0
    for row, attribution in zip(data, data.attributions(), strict=True):
        rows.append(_values(row, data.has_images, attribution))
        n_bytes += len(rows[-1]["image"]["bytes"]) if data.has_images else 1000
        if n_bytes >= BYTES_AT_ONCE:
            yield pa.RecordBatch.from_pylist(rows, schema)
            rows, n_bytes = [], 0
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema)


def _values(row: Row, images: bool, attribution: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        "image_id": row.id,
        "caption": row.caption,
        "cui": list(row.concepts),
        "cui_manual": list(row.concepts_manual),
        "license": row.license,
        "license_url": row.license_url,
        "commercial_ok": row.license in COMMERCIAL_LICENSES,
        "attribution": attribution,
        "pmcid": row.pmcid,
        "doi": row.doi,
        "year": row.year,
    }
    for kind, labels in CLASSES.items():
        label = getattr(row, kind)
        values[kind] = None if label is None else labels.index(label)
    if images:
        values["image"] = {"bytes": row.image.bytes(), "path": row.image.file}
    return values
