"""The file embeddings.parquet of a release: the embedding of each image, and the network that computed it.

Columns: id, embedding (16-bit floats). The metadata of the file states the backbone under `roco.backbone`, as JSON:
name, width, and what determines the values: SHA-256 of the network, size, mean and standard deviation of its images.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import whole
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE
from roco.base.terminal import excerpt
from roco.release.format import EMBEDDINGS
from roco.release.problems import Problem

METADATA = b"roco.backbone"
WIDEST = 65_536  # numbers of an embedding
_ROW_GROUP = 4_096  # images

CARD_ROW = (
    "| `embeddings.parquet` | `id` and `embedding` of each image; the metadata of the file states the network |\n"
)
_BEFORE = "| `removed.parquet` |"


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of images. ids: in their order. vectors: images x width. backbone: as the file states it."""

    ids: tuple[str, ...]
    vectors: NDArray[np.float16]
    backbone: Mapping[str, Any]


def table_of(ids: pa.ChunkedArray, values: pa.ChunkedArray, backbone: Mapping[str, Any]) -> pa.Table:
    """Returns the table of embeddings; images without one are left out.

    values: 16-bit floats, little-endian, as bytes. backbone: with its width.
    """
    has = pc.is_valid(values)
    kept = values.filter(has)
    joined = b"".join(kept.to_pylist())
    width = int(backbone["width"])
    numbers = pa.array(np.frombuffer(joined, "<f2"))
    vectors = pa.FixedSizeListArray.from_arrays(numbers, width)
    stated = {METADATA: json.dumps(dict(backbone), sort_keys=True).encode()}
    return pa.table({"id": ids.filter(has), "embedding": vectors}).replace_schema_metadata(stated)


def write_embeddings(path: Path, table: pa.Table) -> None:
    """Writes a table of embeddings and its metadata, which state the backbone."""
    with whole(path) as part, pq.ParquetWriter(part, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP)
        writer.add_key_value_metadata(table.schema.metadata)


def chosen(path: Path, ids: pa.Array) -> pa.Table | None:
    """Returns the rows of some images of a file of embeddings; None if there is no file."""
    if not path.is_file():
        return None
    table = _table(path)
    return table.filter(pc.is_in(table["id"], value_set=ids))


def read_embeddings(release: Path) -> Embeddings | None:
    """Returns the embeddings of a release, None if it has none; raises DataError for a file that is invalid."""
    path = release / EMBEDDINGS
    if not path.is_file():
        return None
    try:
        table = _table(path)
        backbone = parse_json(table.schema.metadata[METADATA])
        vectors = _vectors(table["embedding"])
        ids = tuple(table["id"].to_pylist())
        if not isinstance(backbone, dict) or vectors.shape[1] != backbone.get("width") or None in ids:
            raise ValueError("rows of another width")
    except (*UNREADABLE, KeyError, TypeError, ValueError) as err:
        hint = f"run roco verify {release} for details, or remove the file: the embeddings are then computed"
        raise DataError(f"{path} is invalid: {excerpt(err)}", hint) from err
    return Embeddings(ids, vectors, backbone)


def check_embeddings(release: Path, ids: Collection[str]) -> Iterator[Problem]:
    """Yields the problems of the embeddings of a release: of the file, of its ids and of its values."""
    try:
        found = read_embeddings(release)
    except DataError as err:
        yield Problem(err.message.partition(" is ")[2], EMBEDDINGS)
        return
    if found is None:
        return
    known = set(ids)
    seen: set[str] = set()
    for id in found.ids:
        if id not in known:
            yield Problem(f"unknown id {excerpt(id)}", EMBEDDINGS)
        elif id in seen:
            yield Problem(f"duplicate id {excerpt(id)}", EMBEDDINGS)
        seen.add(id)
    if not np.isfinite(found.vectors).all():
        yield Problem("values that are not finite", EMBEDDINGS)


def with_row(card: str) -> str:
    """Returns a dataset card whose table of files contains the embeddings."""
    return card.replace(_BEFORE, CARD_ROW + _BEFORE, 1)


def _table(path: Path) -> pa.Table:
    """Reads the table with what the file states of the backbone; raises ValueError if it states none."""
    with pq.ParquetFile(path) as file:
        stated = (file.metadata.metadata or {}).get(METADATA)
        if stated is None:
            raise ValueError("it does not state the backbone")
        return file.read().replace_schema_metadata({METADATA: stated})


def _vectors(column: pa.ChunkedArray) -> NDArray[np.float16]:
    """Returns lists of one length as an array; raises ValueError for others."""
    lists = column.combine_chunks()
    numbers, lengths = pc.list_flatten(lists), pc.unique(pc.list_value_length(lists)).to_pylist()
    if len(lengths) != 1 or not lengths[0] or lengths[0] > WIDEST or numbers.null_count:
        raise ValueError(f"embeddings of the widths {excerpt(lengths)}")
    if numbers.type != pa.float16():
        raise ValueError(f"embeddings of the type {excerpt(numbers.type)}")
    vectors: NDArray[np.float16] = np.asarray(numbers).reshape(-1, lengths[0])
    return vectors
