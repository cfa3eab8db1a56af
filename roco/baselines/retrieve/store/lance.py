"""The store `lance`: one table of LanceDB on disk, for collections that memory does not hold.

Up to a stated number of vectors a search compares all of them. Above it reads some partitions of an IVF index, takes
more candidates than it needs, and compares these again by their vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.baselines.retrieve.folder import AGAIN, MOST_BYTES
from roco.baselines.retrieve.hits import COLUMNS
from roco.baselines.retrieve.store.lance_filters import Admitted, Filters, RowsOfTable
from roco.baselines.retrieve.store.lance_table import (
    CENTRES,
    PHASH,
    ROW,
    VECTOR,
    WORDS,
    Content,
    open_table,
    reading,
)
from roco.baselines.retrieve.store.store import IMAGE, Fingerprint, Found, Restriction
from roco.baselines.retrieve.store.vector_file import centred
from roco.baselines.retrieve.words import K1, words_of
from roco.models import arrays
from roco.models.images.hamming import hex_distance
from roco.models.images.hashes import DUPLICATE_BITS, DUPLICATE_FINE_BITS
from roco.release.select.flags import literal

PROBED = 5
"""A search reads this multiple of the square root of the number of partitions: recall@10 was 0.95 and more, with 1 and
4 million vectors without clusters (docs/search.md)."""

CANDIDATES = 500
"""Vectors at least that are compared again with the query."""

MORE = 50
"""Rows that are asked for beyond those that are needed: the order of the first ones is decided by exact cosines."""

FEW = 2_000
"""Rows of a mask up to which all their vectors are compared."""

_DISTANCE, _SCORE = "_distance", "_score"

Mask = NDArray[np.bool_]


class LanceStore:
    """The table of an index, opened; rows stay on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = Content.read(path)
        self._table = open_table(path, self._content)
        release = RowsOfTable(path, self._table)
        self._filters = Filters(release, self._table.schema)
        known = release.concept_names()
        self.names = {cui: known.get(cui, cui) for cui in self._content.concepts} | known
        self._centres = arrays.read(path / CENTRES, MOST_BYTES, "a file of means", AGAIN)
        for of in self._content.partitions:
            kind = self._table.schema.field(VECTOR[of]).type
            if of not in self._centres or self._centres[of].shape != (getattr(kind, "list_size", None),):
                raise DataError(f"{path}: its files do not belong together", AGAIN)

    def __len__(self) -> int:
        return self._content.rows

    def row_of(self, id: str) -> int | None:
        found = self._read([ROW], f"id = {literal(id)}")
        return int(found[ROW][0].as_py()) if len(found) else None

    def rows(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        found = self._take(rows, COLUMNS)
        return [{name: row[name] for name in COLUMNS} for row in found.to_pylist()]

    # --- vectors -----------------------------------------------------------------------------------------------------

    def vectors(self, rows: Sequence[int], of: str = IMAGE) -> NDArray[np.float32]:
        column = self._take(rows, [VECTOR[of]])[VECTOR[of]].combine_chunks()
        values: NDArray[np.float32] = np.zeros((len(column), len(self._centres[of])), np.float32)
        has = np.asarray(column.is_valid())
        flat = column.drop_null().flatten()
        values[has] = np.asarray(flat).reshape(-1, values.shape[1]).astype(np.float32)
        return values

    def compared(self, vectors: NDArray[Any], of: str = IMAGE) -> NDArray[np.float32]:
        return centred(self.path, vectors, self._centres, of)

    def by_vector(self, vector: NDArray[np.float32], depth: int, restriction: Restriction, of: str = IMAGE) -> Found:
        query = vector.reshape(-1)
        if not query.any():
            return []
        admitted = self._filters.admitted(restriction)
        if admitted.mask is not None and admitted.mask.sum() <= FEW:
            rows = self._chosen(admitted.mask, admitted.sql)
        else:
            rows = self._until_enough(lambda limit: self._nearest(query, limit, admitted, of), depth + MORE, admitted)
        # LanceDB's distances are of 16 bits; with the vectors themselves, equal ones are equally near.
        vectors = self.vectors(rows, of).astype(np.float64)
        has = vectors.any(axis=1)
        similarities = (vectors[has] * query.astype(np.float64)).sum(1)
        return _best(np.array(rows, np.int64)[has], similarities, depth)

    def _nearest(self, query: NDArray[np.float32], limit: int, admitted: Admitted, of: str) -> NDArray[np.int64]:
        search = self._table.search(query, vector_column_name=VECTOR[of]).distance_type("cosine").limit(limit)
        partitions = self._content.partitions[of]
        if not partitions or limit > len(self) // 10:
            search = search.bypass_vector_index()
        else:
            # With a filter that few rows pass, more partitions are read until there are enough.
            search = search.minimum_nprobes(math.ceil(PROBED * math.sqrt(partitions))).maximum_nprobes(0)
            search = search.refine_factor(max(1, -(-CANDIDATES // limit)))
        return self._rows_of(search, _DISTANCE, admitted)

    # --- words, concepts, images --------------------------------------------------------------------------------------

    def by_words(self, query: str, depth: int, restriction: Restriction) -> Found:
        from lancedb.query import MatchQuery

        admitted = self._filters.admitted(restriction)
        words = MatchQuery(" ".join(sorted(set(words_of(query)))), WORDS)
        scores: dict[int, float] = {}

        def find(limit: int) -> NDArray[np.int64]:
            search = self._table.search(words, query_type="fts").limit(limit)
            found = self._found(search, _SCORE, admitted)
            # Lucene's form of BM25 lacks the constant factor.
            scores.update(zip(found[ROW].to_pylist(), (found[_SCORE].to_numpy() / (K1 + 1)).tolist(), strict=True))
            return np.asarray(found[ROW].to_numpy())

        rows = self._until_enough(find, depth + MORE, admitted)
        return _best(np.array(rows, np.int64), np.array([scores[row] for row in rows]), depth)

    def by_concepts(self, depth: int, restriction: Restriction) -> Found:
        wanted = set(restriction.concepts.wanted if restriction.concepts else ())
        admitted = self._filters.admitted(restriction)
        best: Found = []
        with reading(self.path):
            query = self._table.search().select([ROW, "concepts"])
            for batch in (query.where(admitted.sql) if admitted.sql else query).to_batches():
                for row, cuis in zip(batch[ROW].to_pylist(), batch["concepts"].to_pylist(), strict=True):
                    if admitted.mask is None or admitted.mask[row]:
                        shared = len(wanted.intersection(cuis or ()))
                        best.append((row, shared / max(1, len(cuis or ()) + len(wanted) - shared)))
                best = sorted(best, key=lambda one: (-one[1], one[0]))[:depth]
        return best

    def duplicates(self, image: Fingerprint) -> list[int]:
        rows = set(self._read([ROW], f"sha256 = {literal(image.sha256)}")[ROW].to_pylist())
        if image.phash is None or image.phash_fine is None:
            return sorted(rows)
        value = np.uint64(int(image.phash, 16))
        near: list[int] = []
        with reading(self.path):
            for batch in self._table.search().where(f"{PHASH} IS NOT NULL").select([ROW, PHASH]).to_batches():
                is_near = np.bitwise_count(batch[PHASH].to_numpy() ^ value) <= DUPLICATE_BITS
                near += batch[ROW].to_numpy()[is_near].tolist()
        for row, fine in zip(near, self._take(near, ["phash_fine"])["phash_fine"].to_pylist(), strict=True):
            if fine is not None and hex_distance(fine, image.phash_fine) <= DUPLICATE_FINE_BITS:
                rows.add(row)
        return sorted(rows)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _until_enough(self, find: Callable[[int], NDArray[np.int64]], depth: int, admitted: Admitted) -> list[int]:
        """Returns the first rows of a search within a mask; asks for more rows as long as too few are within it."""
        mask = admitted.mask
        if mask is None:
            found = find(min(depth, len(self))) if len(self) else np.zeros(0, np.int64)
            return list(found.tolist())
        # As many as contain enough of them, if the condition has nothing to do with the query.
        limit = int(2 * depth * len(self) / max(1, mask.sum()))
        while True:
            limit = min(limit, len(self))
            found = find(limit)
            kept = found[mask[found]]
            if len(kept) >= depth or limit == len(self):
                return list(kept[:depth].tolist())
            limit *= 4

    def _chosen(self, mask: Mask, sql: str | None) -> list[int]:
        """Returns the rows that a mask of few rows and SQL admit."""
        rows: list[int] = np.flatnonzero(mask).tolist()
        if not rows or not sql:
            return rows
        return sorted(self._read([ROW], f"{ROW} IN ({', '.join(map(str, rows))}) AND {sql}")[ROW].to_pylist())

    def _found(self, search: Any, of: str, admitted: Admitted) -> pa.Table:
        with reading(self.path):
            return (search.where(admitted.sql) if admitted.sql else search).select([ROW, of]).to_arrow()

    def _rows_of(self, search: Any, of: str, admitted: Admitted) -> NDArray[np.int64]:
        return np.asarray(self._found(search, of, admitted)[ROW].to_numpy())

    def _read(self, columns: Sequence[str], where: str) -> pa.Table:
        with reading(self.path):
            return self._table.search().where(where).select(list(columns)).to_arrow()

    def _take(self, rows: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Returns columns of some rows, in the given order."""
        with reading(self.path):
            if not len(rows):
                return self._table.search().where("false").select([*columns]).to_arrow()
            found = self._table.take_offsets(list(rows)).select([*columns, ROW]).to_arrow()
            at = {row: place for place, row in enumerate(found[ROW].to_pylist())}
            return found.take(pa.array([at[row] for row in rows], pa.int64())).select(list(columns))


def _best(rows: NDArray[np.int64], scores: NDArray[np.float64], depth: int) -> Found:
    """Returns the rows with the highest scores; equal ones in the order of the rows."""
    order = np.lexsort((rows, -scores))[:depth]
    return [(int(rows[at]), float(scores[at])) for at in order]
