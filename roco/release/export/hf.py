"""Parquet as `datasets` and the viewer of the Hugging Face Hub read it: images, captions, concepts and labels by split.

The columns are declared twice, in the files and in README.md: a reader takes a feature from a file only if its Arrow
type is the expected one, and otherwise ignores it without an error.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.labels import KINDS
from roco.release.export.card import copied, copied_files, license_file
from roco.release.export.engine import PlannedFile, Writing
from roco.release.export.hf_card import METADATA_CONFIG, card
from roco.release.export.options import ExportOptions
from roco.release.export.rows import FIELDS, ReleaseRows, Shard, image_name, label_names
from roco.release.format import FIGURES
from roco.release.front_matter import HUB_SPLITS

ROWS_PER_GROUP = 100
BYTES_PER_GROUP = 64 << 20
"""A row group ends after this many rows, or with the image that reaches this many bytes; it is held in memory.

The viewer of the Hub reads at most 300 MB for a page of 100 rows.
"""

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_UNPACKED = ("image.bytes",)
"""Columns without compression, which shrinks images by 3 %, and without statistics and dictionaries."""


class Features(NamedTuple):
    """The columns of the images: their Arrow schema, and their features as `datasets` names them."""

    schema: pa.Schema
    features: dict[str, dict[str, Any]]
    numbers: dict[str, dict[str, int]]  # of each column of labels, the number of each label


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the shards of each split, the metadata of all images, and the files that describe them."""
    features = features_of(rows)
    shards = rows.shards(options.shard_bytes)
    names: dict[str, list[str]] = {}
    planned = []
    for shard in shards:
        names.setdefault(shard.split, []).append(shard_name(shard))
        write = functools.partial(_write_shard, rows, shard, features)
        planned.append(PlannedFile(shard_name(shard), shard.n_images, write))
    planned += [copied(rows, FIGURES, f"{METADATA_CONFIG}/{FIGURES}"), *copied_files(rows), license_file(rows)]
    return [*planned, PlannedFile("README.md", 0, functools.partial(_write_card, rows, names, features))]


def shard_name(shard: Shard) -> str:
    """Returns the name that the Hub gives a shard: `data/train-00000-of-00003.parquet`."""
    return f"data/{HUB_SPLITS[shard.split]}-{shard.number:05d}-of-{shard.of:05d}.parquet"


def features_of(rows: ReleaseRows) -> Features:
    """Returns the columns of the images; those with labels are numbered, null where the label is unknown."""
    fields: list[tuple[str, pa.DataType]] = [("image", IMAGE)]
    features: dict[str, dict[str, Any]] = {"image": {"_type": "Image"}}
    numbers = {}
    for name, field in FIELDS.items():
        if name in KINDS:
            labels = label_names(name, rows.totals)
            numbers[name] = {label: number for number, label in enumerate(labels)}
            fields.append((name, pa.int64()))
            features[name] = {"names": labels, "_type": "ClassLabel"}
        elif pa.types.is_list(field.type):
            fields.append((name, field.type))
            features[name] = {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"}
        else:
            fields.append((name, field.type))
            features[name] = {"dtype": str(field.type), "_type": "Value"}
    return Features(pa.schema(fields), features, numbers)


# --- shards -------------------------------------------------------------------------------------------------------


def _write_shard(rows: ReleaseRows, shard: Shard, features: Features, part: Path, writing: Writing) -> None:
    columns = list(_leaves(features.schema))
    packed = [column for column in columns if column not in _UNPACKED]
    key = json.dumps({"info": {"features": features.features}}, ensure_ascii=False)
    # Arrow's own schema would drop the key, and make the bytes depend on how a table was computed.
    with pq.ParquetWriter(
        part,
        features.schema,
        compression={column: "zstd" if column in packed else "none" for column in columns},
        use_dictionary=packed,
        write_statistics=packed,
        store_schema=False,
    ) as writer:
        for group in _groups(rows, shard):
            writer.write_table(_table(rows, group, features), row_group_size=len(group))
            writing.advance(len(group))
        writer.add_key_value_metadata({"huggingface": key})


def _leaves(schema: pa.Schema) -> Iterator[str]:
    """Yields the columns of the file: those of an image, and the elements of lists."""
    for field in schema:
        if field.type == IMAGE:
            yield from (f"{field.name}.{inner.name}" for inner in IMAGE)
        elif pa.types.is_list(field.type):
            yield f"{field.name}.list.element"
        else:
            yield field.name


Group = Sequence[tuple[Mapping[str, Any], bytes]]


def _groups(rows: ReleaseRows, shard: Shard) -> Iterator[Group]:
    """Yields the rows of each row group with their images."""
    group: list[tuple[Mapping[str, Any], bytes]] = []
    size = 0
    for row in rows.rows(shard):
        data = rows.image(row)
        group.append((row, data))
        size += len(data)
        if len(group) == ROWS_PER_GROUP or size >= BYTES_PER_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def _table(rows: ReleaseRows, group: Group, features: Features) -> pa.Table:
    described = [rows.description(row) for row, _ in group]
    for name, numbers in features.numbers.items():
        for description in described:
            label = description[name]
            description[name] = None if label is None else numbers[label]
    images = pa.array([data for _, data in group], pa.binary())
    names = pa.array([image_name(row) for row, _ in group], pa.string())
    columns = [pa.StructArray.from_arrays([images, names], fields=list(IMAGE))]
    for name in FIELDS:
        columns.append(pa.array([one[name] for one in described], features.schema.field(name).type))
    return pa.Table.from_arrays(columns, schema=features.schema)


def _write_card(
    rows: ReleaseRows, shards: Mapping[str, Sequence[str]], features: Features, part: Path, writing: Writing
) -> None:
    text = card(rows, shards, features.features, writing.files)
    part.write_text(text, encoding="utf-8", newline="\n")
