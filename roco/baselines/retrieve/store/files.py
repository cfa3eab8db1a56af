"""The default store of an index: files of its folder, searched exactly by numpy.

```
figures.parquet   a row for each image, with what a hit shows and what filters read
cui_mapping.csv   the names of concepts
words.npz         the words of captions, concepts, titles and mentions
vectors.npy       vectors of images in 16 bits, rows x width; zeros for a row without one
texts.npy         vectors of captions; only with an encoder of texts
```
"""

from __future__ import annotations

import csv
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.tables import CUI_MAPPING_COLUMNS
from roco.baselines.neighbours.search import NOBODY, nearest, unit
from roco.baselines.retrieve.concept_query import ConceptQuery
from roco.baselines.retrieve.folder import AGAIN, MOST_BYTES
from roco.baselines.retrieve.hits import COLUMNS
from roco.baselines.retrieve.store.store import IMAGE, TEXT, Fingerprint, Found, Restriction
from roco.baselines.retrieve.store.vector_file import centred, in_blocks, read_vectors
from roco.baselines.retrieve.words import Words
from roco.models import arrays
from roco.models.images.hamming import hex_distance
from roco.models.images.hashes import DUPLICATE_BITS, DUPLICATE_FINE_BITS
from roco.release.format import CUI_MAPPING, FIGURES
from roco.release.read import Release
from roco.release.select import selection
from roco.release.select.flags import SelectOptions
from roco.release.select.values import checked

WORDS = "words.npz"
VECTORS = {IMAGE: "vectors.npy", TEXT: "texts.npy"}
_IN_MEMORY = frozenset((*COLUMNS, "sha256", "phash", "phash_fine", "direction", "language"))
"""Columns that are kept in memory, besides numbers: those of hits, of filters except --where, and of duplicates."""

_REMEMBERED = 32
"""Filters whose rows are kept in memory, a byte a row: the search page repeats them in each query."""

Mask = NDArray[np.bool_]


def write(
    folder: Path, table: pa.Table, names: Mapping[str, str], texts: Sequence[str], vectors: Mapping[str, NDArray[Any]]
) -> list[str]:
    """Writes the files of the store into a new folder; returns their names.

    names: of concepts. texts: those whose words are found, one for each row. vectors: in 16 bits, by IMAGE and TEXT.
    """
    pq.write_table(table, folder / FIGURES, compression="zstd")
    with (folder / CUI_MAPPING).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([CUI_MAPPING_COLUMNS, *sorted(names.items())])
    words = Words.of(texts)
    values = {name: getattr(words, name) for name in ("starts", "documents", "counts", "lengths")}
    arrays.write(folder / WORDS, {"terms": np.frombuffer("\n".join(words.terms).encode(), np.uint8)} | values)
    for of, found in vectors.items():
        arrays.write_one(folder / VECTORS[of], found.astype(np.float16, copy=False))
    return [FIGURES, CUI_MAPPING, WORDS, *(VECTORS[of] for of in vectors)]


class _InMemory(Release):
    """The table of an index as filters read it: from memory, except for columns that are rarely asked for."""

    def __init__(self, path: Path, table: pa.Table) -> None:
        super().__init__(path, published=False)
        self._table = table

    def table(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        if columns is None or split is not None or not set(columns) <= set(self._table.column_names):
            return super().table(split, columns)
        return self._table.select(list(columns))


class FileStore:
    """The files of an index, opened. centred: the kinds of vectors from which their mean is subtracted."""

    def __init__(self, path: Path, centred: frozenset[str]) -> None:
        self.path = path
        self._centred = centred
        release = Release(path, published=False)
        self._table = release.table(columns=_kept(release))
        pa.default_memory_pool().release_unused()  # what reading the file took besides
        self._release = _InMemory(path, self._table)
        known = release.concept_names()
        self._masks: OrderedDict[str, Mask] = OrderedDict()
        try:
            self._ids: list[str] = self._table["id"].to_pylist()
            lists = self._table["concepts"].combine_chunks()
            parents, cuis = pc.list_parent_indices(lists), pc.list_flatten(lists)
            self.names = {cui: known.get(cui, cui) for cui in pc.unique(cuis).to_pylist()} | known
            self._postings = _postings(cuis, np.asarray(parents))
            self._n_concepts = np.bincount(np.asarray(parents), minlength=len(self._ids))
            self._words = _words(path / WORDS)
            if len(self._words.lengths) != len(self._ids):
                raise ValueError("not as many texts as rows")
            self._read: dict[str, NDArray[np.float16]] = {
                of: read_vectors(path / name, len(self._ids)) for of, name in VECTORS.items() if (path / name).is_file()
            }
        except (KeyError, TypeError, ValueError, IndexError) as err:
            raise DataError(f"{path}: its files do not belong together", AGAIN) from err

    def __len__(self) -> int:
        return len(self._ids)

    def row_of(self, id: str) -> int | None:
        return self._row_of.get(id)

    def rows(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._table.select(list(COLUMNS)).take(pa.array(rows, pa.int64())).to_pylist()
        return found

    # --- vectors -----------------------------------------------------------------------------------------------------

    def vectors(self, rows: Sequence[int], of: str = IMAGE) -> NDArray[np.float32]:
        return self._units[of][np.asarray(rows, np.int64)]

    def compared(self, vectors: NDArray[Any], of: str = IMAGE) -> NDArray[np.float32]:
        return centred(self.path, vectors, self._centres, of)

    def by_vector(self, vector: NDArray[np.float32], depth: int, restriction: Restriction, of: str = IMAGE) -> Found:
        allowed = self._has[of] & self._allowed(restriction)
        found = nearest(vector.reshape(1, -1), self._units[of], depth, allowed=allowed)
        pairs = zip(found.positions[0].tolist(), found.similarities[0].tolist(), strict=True)
        return [pair for pair in pairs if pair[0] != NOBODY]

    @cached_property
    def _has(self) -> dict[str, Mask]:
        """Which rows have a vector."""
        return {of: np.concatenate([part.any(axis=1) for part in in_blocks(read)]) for of, read in self._read.items()}

    @cached_property
    def _centres(self) -> dict[str, NDArray[np.float32]]:
        """The mean of the vectors that is subtracted from each, zeros where none is."""
        centres = {}
        for of, vectors in self._read.items():
            total = np.zeros(vectors.shape[1])
            for part in in_blocks(vectors) if of in self._centred else ():
                total += part.sum(0, dtype=np.float64)
            centres[of] = (total / max(1, int(self._has[of].sum()))).astype(np.float32)
        return centres

    @cached_property
    def _units(self) -> dict[str, NDArray[np.float32]]:
        """The vectors as they are compared."""
        units = {}
        for of, vectors in self._read.items():
            units[of] = np.empty(vectors.shape, np.float32)
            start = 0
            for part in in_blocks(vectors):
                units[of][start : start + len(part)] = unit(part, self._centres[of])
                start += len(part)
            units[of][~self._has[of]] = 0
        return units

    # --- words, concepts, images --------------------------------------------------------------------------------------

    def by_words(self, query: str, depth: int, restriction: Restriction) -> Found:
        scores = self._words.scores(query)
        return _best(scores, (scores > 0) & self._allowed(restriction), depth)

    def by_concepts(self, depth: int, restriction: Restriction) -> Found:
        wanted = restriction.concepts.wanted if restriction.concepts else ()
        shared = np.zeros(len(self), np.int64)
        for cui in wanted:
            shared[self._postings.get(cui, [])] += 1
        jaccard = shared / np.maximum(1, self._n_concepts + len(wanted) - shared)
        return _best(jaccard, self._allowed(restriction), depth)

    def duplicates(self, image: Fingerprint) -> list[int]:
        rows = set(self._rows_of_hash.get(image.sha256, ()))
        if image.phash is not None and image.phash_fine is not None:
            value = np.uint64(int(image.phash, 16))
            near = np.flatnonzero(np.bitwise_count(self._phashes ^ value) <= DUPLICATE_BITS)
            for row in near.tolist():
                fine = self._table["phash_fine"][row].as_py()
                if fine is not None and hex_distance(fine, image.phash_fine) <= DUPLICATE_FINE_BITS:
                    rows.add(row)
        return sorted(rows)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self._ids)}

    @cached_property
    def _rows_of_hash(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, hash in enumerate(self._table["sha256"].to_pylist()):
            if hash is not None:
                found.setdefault(hash, []).append(row)
        return found

    @cached_property
    def _phashes(self) -> NDArray[np.uint64]:
        """The perceptual hash of each row; 0 for a row without one, which `duplicates` skips by its second hash."""
        values = (int(one, 16) if one else 0 for one in self._table["phash"].to_pylist())
        return np.fromiter(values, np.uint64, len(self))

    # --- restrictions -------------------------------------------------------------------------------------------------

    def _allowed(self, restriction: Restriction) -> Mask:
        """Returns which rows a restriction admits."""
        allowed = self._of_filters(restriction.filters) & self._of_concepts(restriction.concepts)
        if restriction.not_articles:
            excluded = [self._article_numbers[key] for key in restriction.not_articles if key in self._article_numbers]
            allowed &= ~np.isin(self._articles, excluded)
        for id in restriction.not_ids:
            row = self.row_of(id)
            if row is not None:
                allowed[row] = False
        return allowed

    def _of_filters(self, filters: SelectOptions | None) -> Mask:
        if filters is None or not filters.stated():
            return np.ones(len(self), bool)
        key = json.dumps(filters.stated(), sort_keys=True)
        mask = self._masks.get(key)  # once: another thread may remove it meanwhile
        if mask is None:
            _, _, chosen = selection.mask(self._release, checked(self._release, filters))
            mask = self._masks[key] = np.asarray(chosen)
            while len(self._masks) > _REMEMBERED:
                self._masks.popitem(last=False)
        return mask.copy()

    def _of_concepts(self, query: ConceptQuery | None) -> Mask:
        return np.ones(len(self), bool) if query is None else query.holds(self._with_concept)

    def _with_concept(self, cui: str) -> Mask:
        mask = np.zeros(len(self), bool)
        mask[self._postings.get(cui, [])] = True
        return mask

    @cached_property
    def _article_numbers(self) -> dict[str, int]:
        return {key: number for number, key in enumerate(dict.fromkeys(self._table["article_key"].to_pylist()))}

    @cached_property
    def _articles(self) -> NDArray[np.int64]:
        numbers = self._article_numbers
        return np.fromiter((numbers[key] for key in self._table["article_key"].to_pylist()), np.int64, len(self))


def _kept(release: Release) -> list[str]:
    """Returns the columns that are kept in memory: _IN_MEMORY, and numbers, which take little."""
    schema = release.schema
    return [field.name for field in schema if field.name in _IN_MEMORY or pa.types.is_primitive(field.type)]


def _best(scores: NDArray[np.float64], allowed: Mask, depth: int) -> Found:
    """Returns the allowed rows with the highest scores; equal ones in the order of the rows."""
    rows = np.flatnonzero(allowed)
    order = rows[np.lexsort((rows, -scores[rows]))][:depth]
    return [(int(row), float(scores[row])) for row in order]


def _postings(cuis: pa.Array, parents: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Returns the rows of each concept."""
    encoded = cuis.dictionary_encode()
    codes = np.asarray(encoded.indices)
    order = np.argsort(codes, kind="stable")
    names = encoded.dictionary.to_pylist()
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    return {
        name: np.unique(parents[order[start:stop]])
        for name, start, stop in zip(names, starts[:-1], starts[1:], strict=True)
    }


def _words(path: Path) -> Words:
    found = arrays.read(path, MOST_BYTES, "a file of words", AGAIN)
    terms = found.pop("terms").tobytes().decode()
    return Words(tuple(terms.split("\n")) if terms else (), **found)
