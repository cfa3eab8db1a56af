"""Writes the store `lance`: one table of LanceDB with rows, words and vectors, and the indexes of its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.tables import CUI_MAPPING_COLUMNS
from roco.base.terminal import excerpt
from roco.baselines.neighbours.search import unit
from roco.baselines.retrieve.store.lance_table import (
    CENTRES,
    CONTENT,
    FOLDER,
    OWN,
    PHASH,
    ROW,
    STRANGER,
    TABLE,
    VECTOR,
    WORDS,
    Content,
    library,
    sizes,
)
from roco.baselines.retrieve.words import words_of
from roco.models import arrays
from roco.release.format import CUI_MAPPING

IVF_FROM = 25_000
"""Vectors from which a search reads an IVF index; fewer are all compared, which takes 0.1 s for the shipped encoder."""

PARTITION = 8192
"""Vectors of a partition of the IVF index, about."""

BLOCK = 4096
"""Rows that are converted and written together."""

LABELS = ("split", "license", "modality", "region", "direction", "language")
SORTED = ("id", "sha256", "article_key", "year")
"""Columns with an index for filters: of few values, and of many."""


def write(
    folder: Path,
    table: pa.Table,
    names: Mapping[str, str],
    texts: Sequence[str],
    vectors: Mapping[str, NDArray[Any]],
    *,
    centred: frozenset[str] = frozenset(VECTOR),
    ivf_from: int = IVF_FROM,
) -> list[str]:
    """Writes the files of the store into a new folder; returns the names of those whose digest the manifest states.

    names: of concepts. texts: those whose words are found, one for each row. vectors: in 16 bits, by IMAGE and TEXT.
    centred: the kinds of vectors from which their mean is subtracted. Raises DataError for a column that the table
    cannot have.
    """
    lancedb = library()
    _check(table.column_names)
    with (folder / CUI_MAPPING).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([CUI_MAPPING_COLUMNS, *sorted(names.items())])
    has = {of: np.asarray(found.any(axis=1)) for of, found in vectors.items()}
    centres = {of: _centre(found, has[of], of in centred) for of, found in vectors.items()}
    arrays.write(folder / CENTRES, dict(centres))
    schema = _schema(table.schema, {of: found.shape[1] for of, found in vectors.items()})
    blocks = _blocks(schema, table, texts, vectors, centres)
    reader = pa.RecordBatchReader.from_batches(schema, blocks)
    # A row without an image has no vector; by default that would be an error.
    made = lancedb.connect(str((folder / FOLDER).resolve())).create_table(TABLE, reader, on_bad_vectors="null")
    partitions = {}
    for of in vectors:
        count = int(has[of].sum())
        partitions[of] = max(1, count // PARTITION) if count >= ivf_from else 0
        if partitions[of]:
            _index_vectors(made, VECTOR[of], schema.field(VECTOR[of]).type.list_size, partitions[of])
    _index_columns(made, table.column_names)
    cuis = pc.unique(pc.list_flatten(table["concepts"])).to_pylist()
    concepts = tuple(sorted(filter(None, cuis)))
    found = sizes(folder)
    digests = {name: file_digest(folder / FOLDER / name) for name in found}
    Content(rows=len(table), files=found, digests=digests, partitions=partitions, concepts=concepts).write(folder)
    return [CUI_MAPPING, CENTRES, CONTENT]


def _check(names: Sequence[str]) -> None:
    for name in names:
        if "." in name or name.startswith(OWN) or name in STRANGER:
            hint = "write the index with --store files"
            raise DataError(f"the store 'lance' cannot have a column '{excerpt(name)}'", hint)


def _centre(vectors: NDArray[Any], has: NDArray[np.bool_], is_centred: bool) -> NDArray[np.float32]:
    """Returns the mean of the vectors, zeros if it is not subtracted; in blocks, since they may be large."""
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors) if is_centred else 0, BLOCK):
        total += vectors[start : start + BLOCK].sum(0, dtype=np.float64)
    centre: NDArray[np.float32] = (total / max(1, int(has.sum()))).astype(np.float32)
    return centre


def _schema(schema: pa.Schema, widths: Mapping[str, int]) -> pa.Schema:
    own = [(ROW, pa.int64()), (WORDS, pa.string()), (PHASH, pa.uint64())]
    own += [(VECTOR[of], pa.list_(pa.float16(), width)) for of, width in widths.items()]
    return pa.schema([*schema.remove_metadata(), *(pa.field(*one) for one in own)])


def _blocks(
    schema: pa.Schema,
    table: pa.Table,
    texts: Sequence[str],
    vectors: Mapping[str, NDArray[Any]],
    centres: Mapping[str, NDArray[np.float32]],
) -> Iterator[pa.RecordBatch]:
    """Yields the rows with the columns of the index: words as the default store reads them, vectors of length 1."""
    for start in range(0, len(table), BLOCK):
        part = table.slice(start, BLOCK)
        rows = slice(start, start + len(part))
        hashes = [int(one, 16) if one else None for one in part["phash"].to_pylist()]
        columns = [column.combine_chunks() for column in part.columns]
        columns += [
            pa.array(np.arange(rows.start, rows.stop)),
            pa.array([" ".join(words_of(text)) for text in texts[rows]], pa.string()),
            pa.array(hashes, pa.uint64()),
        ]
        for of, found in vectors.items():
            has = np.asarray(found[rows].any(axis=1))
            values = unit(found[rows], centres[of]).astype(np.float16)
            flat = pa.array(values.reshape(-1), pa.float16())
            columns.append(pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=pa.array(~has)))
        yield pa.record_batch(columns, schema=schema)


def _index_vectors(made: Any, column: str, width: int, partitions: int) -> None:
    """Makes an IVF index. A bit for each number of a vector chooses candidates (RabitQ), if the width allows it."""
    from lancedb.index import IvfFlat, IvfRq

    kind = IvfRq if width % 8 == 0 else IvfFlat
    made.create_index(column, config=kind(distance_type="cosine", num_partitions=partitions))


def _index_columns(made: Any, names: Sequence[str]) -> None:
    from lancedb.index import FTS, Bitmap, BTree, LabelList

    # The words are already those of the default store, so LanceDB splits them at spaces and changes nothing.
    words = FTS(
        base_tokenizer="whitespace", stem=False, remove_stop_words=False, lower_case=False, ascii_folding=False,
        max_token_length=None,
    )  # fmt: skip
    made.create_index(WORDS, config=words)
    made.create_index("concepts", config=LabelList())
    for name in set(LABELS) & set(names):
        made.create_index(name, config=Bitmap())
    for name in (ROW, *(name for name in SORTED if name in names)):
        made.create_index(name, config=BTree())
