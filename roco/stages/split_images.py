"""The images that `split` divides, as columns, and the random but fixed order in which they come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, Indices, runs
from roco.base.schema import SPLITS
from roco.release.precedence import precedences
from roco.release.relations import first_text, relations

_AT_ONCE = 1 << 20  # images whose keys are compared at a time


@dataclass(frozen=True)
class Images:
    """The images that are not dropped yet, as columns.

    table: the columns that `split` reads. rows: in the whole table. bonds: a row for each image, numbers of what it
    shares with the other images of its unit, NONE where it shares nothing. stratum: numbers by `strata`.
    released: the split that a released image has, a number by `splits`, else NONE. seed: determines the order.
    """

    table: pa.Table
    rows: Indices
    bonds: Indices
    strata: tuple[str, ...]
    stratum: Indices
    splits: tuple[str, ...]
    released: Indices
    seed: str

    @classmethod
    def of(cls, batch: pa.Table, by: Literal["article", "image"], seed: str) -> Images:
        is_kept = pc.is_null(batch["drop"])
        rows = np.flatnonzero(np.asarray(is_kept))
        table = batch if len(rows) == len(batch) else batch.filter(is_kept)
        strata, stratum = _numbered(table["modality"], ("",))
        splits, released = _numbered(table["pinned_split"], SPLITS)
        bonds = np.arange(len(table))[:, None] if by == "image" else _bonds(table)
        stratum[stratum == NONE] = 0
        return cls(table, rows, bonds, strata, stratum, splits, released, seed)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _keys(self) -> pa.ChunkedArray:
        """Returns what determines the order of each image; it does not depend on the rest of the corpus."""
        return first_text(self.table, ["image_key", "article_key", "figure_id"])

    def precedences(self, places: Indices) -> Indices:
        """Returns the precedence of some images, see `release.precedence`."""
        return precedences(self.table.select(["pinned_by", "given_id", "archive"]).take(pa.array(places)))

    def by_name(self, places: Indices, group: Indices) -> Indices:
        """Returns the order of some images: by group, then by key and figure_id."""
        names = pa.table(
            {
                "group": pa.array(group),
                "key": self._keys.take(pa.array(places)),
                "figure_id": self.table["figure_id"].take(pa.array(places)),
            }
        )
        return np.asarray(pc.sort_indices(names, [(name, "ascending") for name in names.column_names]), np.int64)

    def first_of_each(self, places: Indices, group: Indices) -> Indices:
        """Returns, for each of the groups 0, 1, …, the image whose key, then figure_id, is the smallest.

        places, group: of each image that is in a group.
        """
        order = np.argsort(group, kind="stable")
        bounds = runs(group[order])
        first = places[order[bounds[:-1]]]
        several = np.flatnonzero(np.diff(bounds) > 1)
        for some in _blocks(several, np.diff(bounds)[several], _AT_ONCE):
            members = order[_spans(bounds[some], np.diff(bounds)[some])]
            of_block = members[self.by_name(places[members], group[members])]
            first[some] = places[of_block[runs(group[of_block])[:-1]]]
        return first

    def at_random(self, places: Indices, group: Indices) -> Indices:
        """Returns a random but fixed order of some images: by group, then by the hash of key and seed, key, figure_id.

        Neither the order of the rows nor the rest of the corpus matters.
        """
        hashes = np.empty(len(places), np.uint64)
        for start in range(0, len(places), _AT_ONCE):
            digests = [digest[:8] for digest in self._digests(places[start : start + _AT_ONCE])]
            hashes[start : start + _AT_ONCE] = np.frombuffer(b"".join(digests), ">u8")
        order = np.lexsort((hashes, group))

        # Images with an equal beginning of the hash, which are mostly those with the same key.
        is_tied = np.zeros(len(order), bool)
        is_tied[1:] = (hashes[order[1:]] == hashes[order[:-1]]) & (group[order[1:]] == group[order[:-1]])
        bounds = runs(np.cumsum(~is_tied))
        for run in np.flatnonzero(np.diff(bounds) > 1):
            tied = order[bounds[run] : bounds[run + 1]]
            of_run = places[tied]
            keys = self._keys.take(pa.array(of_run)).to_pylist()
            ids = self.table["figure_id"].take(pa.array(of_run)).to_pylist()
            sort_keys = list(zip(self._digests(of_run), keys, ids, strict=True))
            order[bounds[run] : bounds[run + 1]] = tied[sorted(range(len(tied)), key=sort_keys.__getitem__)]
        return order

    def _digests(self, places: Indices) -> Iterator[bytes]:
        # The length of the seed distinguishes seed "a" and key "bc" from seed "ab" and key "c".
        prefix = f"{len(self.seed)}:{self.seed}".encode()
        for key in self._keys.take(pa.array(places)).cast(pa.binary()).to_pylist():
            yield hashlib.sha256(prefix + key).digest()


def _bonds(table: pa.Table) -> Indices:
    """Returns the relations of the images; numbers of different kinds are different."""
    bonds = np.stack(list(relations(table).values()), axis=1)
    offset = 0
    for kind in range(bonds.shape[1]):
        numbers = bonds[:, kind]
        numbers[numbers != NONE] += offset
        offset = max(offset, int(numbers.max(initial=NONE)) + 1)
    return bonds


def _numbered(texts: pa.ChunkedArray, first: tuple[str, ...]) -> tuple[tuple[str, ...], Indices]:
    """Returns the distinct texts, the given ones first, and the number of each text; NONE for null and empty ones."""
    present = [text for text in pc.unique(texts).to_pylist() if text]
    names = (*first, *(text for text in present if text not in first))
    found = pc.index_in(texts, value_set=pa.array(names, pa.string()))
    numbers = np.array(pc.fill_null(found, NONE), np.int64)
    if "" in names:
        numbers[numbers == names.index("")] = NONE
    return names, numbers


def _spans(starts: Indices, lengths: Indices) -> Indices:
    """Returns the places of several spans, one after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(lengths.sum())


def _blocks(places: Indices, sizes: Indices, most: int) -> Iterator[Indices]:
    """Yields consecutive places whose sizes sum to about `most` at a time."""
    block = np.cumsum(sizes) // most
    bounds = runs(block)
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield places[start:end]
