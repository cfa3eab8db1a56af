"""Finds duplicates, of which one image is kept, and near-duplicates, which `split` keeps in one split."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.columns import (
    NONE,
    Column,
    Indices,
    Mask,
    codes,
    first_of,
    has_text,
    not_empty,
    taken,
    taken_by_chunks,
)
from roco.base.errors import RecipeError
from roco.base.guarantees import UNIQUE
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.models.images.hashes import DUPLICATE_BITS, DUPLICATE_FINE_BITS
from roco.models.images.near import FineHashes, Pairs, first_equal, near_pairs, parsed
from roco.release.precedence import PRECEDENCE_COLUMNS, precedences

_NUMBERS_AT_ONCE = 100_000


@dataclass(frozen=True, kw_only=True)
class Dedup(Decision):
    """Keeps one image per duplicate group and groups near-duplicates.

    Duplicates (`duplicate_group`) have the same bytes, or differ in at most `radius` bits of phash and `confirm` bits
    of phash_fine. Images of the previous release come first, then those of a dataset that is a source (with their
    labels, ids and splits), then those with the most pixels, then the smallest image_key; each is compared with the
    images kept so far and dropped for the first one within the radii. Groups are therefore not chained: every dropped
    image is this close to the image kept for it. Images of the previous release are never dropped, and those of a
    dataset only for an image of the previous release or of a dataset that is listed first.

    Near-duplicates (`similar_group`), such as frames of a clip or slices of a volume, differ in at most
    `similar_radius` and `similar_confirm` bits. They are chained, nearest pairs first, up to `similar_most` images per
    group; all are kept, and `split` puts them in one split. Images without content (phash is null) are compared by
    their bytes alone. docs/duplicates.md describes how the radii were chosen.
    """

    needs = ("image",)
    reads = ("image_key", "sha256", "phash", "phash_fine", "width", "height")
    optional = PRECEDENCE_COLUMNS
    writes = types("duplicate_group", "similar_group")
    reasons = {"duplicate": Reason("another image of the same duplicate group is kept")}
    ensures = (UNIQUE,)
    scope = "table"
    version = 3

    radius: int = DUPLICATE_BITS
    confirm: int = DUPLICATE_FINE_BITS
    similar_radius: int = 8
    similar_confirm: int = 140
    similar_most: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.radius <= self.similar_radius <= 16:
            raise RecipeError(
                f"invalid radii (dedup): radius = {self.radius}, similar_radius = {self.similar_radius}",
                "use 0 to 16 bits, with radius not larger than similar_radius",
            )

    def __call__(self, batch: pa.Table) -> pa.Table:
        images = _Images.of(batch)
        # Images with the same hashes have the same neighbours, so only one of them is compared with the others.
        original = images.originals()
        is_distinct = original == np.arange(len(original))
        compared = np.flatnonzero(is_distinct & images.has_hashes)
        fine = FineHashes(images.fine.texts, images.rows[compared])
        near = near_pairs(images.phash[compared], fine, self.similar_radius, self.similar_confirm)
        near = near._replace(first=compared[near.first], second=compared[near.second])

        kept_for, at = self._duplicates(images, near)
        _add_copies(images, original, kept_for, at)
        similar = self._similar(images, near, original, kept_for)
        return images.decided(kept_for, similar, _Distances(near, at))

    def _duplicates(self, images: _Images, near: Pairs) -> tuple[Indices, Indices]:
        """Returns the place of the image that is kept for each duplicate, and the position of their pair; else NONE."""
        is_duplicate = (near.bits <= self.radius) & (near.fine_bits <= self.confirm)
        pairs = np.flatnonzero(is_duplicate & images.may_be_dropped(near.second, near.first))
        # In order of priority, so all images that could be kept for this one are already decided.
        pairs = pairs[np.lexsort((near.first[pairs], near.second[pairs]))]
        kept_for, at = np.full(len(images), NONE), np.full(len(images), NONE)
        for pair, first, second in _numbers(pairs, near.first[pairs], near.second[pairs]):
            if kept_for[second] == NONE and kept_for[first] == NONE:
                kept_for[second], at[second] = first, pair
        return kept_for, at

    def _similar(self, images: _Images, near: Pairs, original: Indices, kept_for: Indices) -> Indices:
        """Returns the group of near-duplicates of each kept image: its member with the first name; else NONE."""
        is_kept = kept_for == NONE
        copies = np.flatnonzero((original != np.arange(len(original))) & is_kept & is_kept[original])
        of_kept = np.flatnonzero(is_kept[near.first] & is_kept[near.second])
        one = np.concatenate([near.first[of_kept], original[copies]])
        other = np.concatenate([near.second[of_kept], copies])
        bits = np.concatenate([near.bits[of_kept], np.zeros(len(copies), np.uint8)])
        fine_bits = np.concatenate([near.fine_bits[of_kept], np.zeros(len(copies), np.uint16)])
        # Nearest pairs first; ties by the names of both, so that they do not depend on the order of the rows.
        names = images.name_ranks
        low, high = np.minimum(names[one], names[other]), np.maximum(names[one], names[other])
        order = np.lexsort((high, low, fine_bits, bits))
        # The images of these pairs, by name: a group is named after its first member.
        places = np.unique(np.concatenate([one, other]))
        places = places[np.argsort(names[places])]
        number = np.full(len(images), NONE, np.int32)
        number[places] = np.arange(len(places), dtype=np.int32)
        group = _joined(len(places), number[one[order]], number[other[order]], self.similar_most)
        first = np.full(len(places), len(places))
        np.minimum.at(first, group, np.arange(len(places)))
        is_grouped = np.bincount(group, minlength=len(places))[group] > 1
        found = np.full(len(images), NONE)
        found[places[is_grouped]] = places[first[group[is_grouped]]]
        return found


def _joined(n: int, one: NDArray[np.int32], other: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    """Returns the group of each of n images, which are joined along pairs, in order.

    Each image starts as a group of its own. Groups are joined unless both together would have more images than `most`.
    """
    group_of = array("i", range(n))
    size = array("i", [1]) * n
    following = array("i", range(n))  # the next image of the same group, in a ring
    for a, b in _numbers(one, other):
        smaller, larger = group_of[a], group_of[b]
        if smaller == larger or size[smaller] + size[larger] > most:
            continue
        if size[smaller] > size[larger]:
            smaller, larger = larger, smaller
        member = smaller
        while group_of[member] != larger:
            group_of[member] = larger
            member = following[member]
        size[larger] += size[smaller]
        following[smaller], following[larger] = following[larger], following[smaller]
    return np.array(group_of, np.int32)


def _numbers(*columns: NDArray[np.integer[Any]]) -> Iterator[tuple[int, ...]]:
    """Yields the rows of some columns as Python numbers, some of which exist at a time."""
    for start in range(0, len(columns[0]), _NUMBERS_AT_ONCE):
        yield from zip(*(column[start : start + _NUMBERS_AT_ONCE].tolist() for column in columns), strict=True)


# --- images ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Images:
    """The images that are not dropped yet, as columns in order of priority: the first of several duplicates is kept.

    batch: the table, also of images that were dropped before. rows: of each image in it. has_hashes: both. name_ranks:
    numbers in the order of the names. Texts are not copied: those of millions of images are most of the memory.
    """

    batch: pa.Table
    rows: NDArray[np.int32]
    phash: NDArray[np.uint64]
    fine: FineHashes
    has_hashes: Mask
    precedence: NDArray[np.int32]
    is_pinned: Mask
    name_ranks: NDArray[np.int32]

    @classmethod
    def of(cls, batch: pa.Table) -> _Images:
        names = pa.table({"image_key": pc.fill_null(batch["image_key"], ""), "figure_id": batch["figure_id"]})
        by_name = pc.sort_indices(names, [("image_key", "ascending"), ("figure_id", "ascending")])
        name_ranks = np.empty(len(batch), np.int32)
        name_ranks[np.asarray(by_name)] = np.arange(len(batch), dtype=np.int32)
        del names, by_name
        precedence = precedences(batch).astype(np.int32)
        width, height = (np.asarray(pc.fill_null(batch[name], 0), np.int64) for name in ("width", "height"))
        rows = np.flatnonzero(np.asarray(pc.is_null(batch["drop"]))).astype(np.int32)
        rows = rows[np.lexsort((name_ranks[rows], -(width * height)[rows], precedence[rows]))]
        return cls(
            batch=batch,
            rows=rows,
            phash=parsed(batch["phash"], 1)[rows, 0],
            fine=FineHashes(batch["phash_fine"], rows),
            has_hashes=(has_text(batch["phash"]) & has_text(batch["phash_fine"]))[rows],
            precedence=precedence[rows],
            is_pinned=has_text(batch["pinned_by"])[rows],
            name_ranks=name_ranks[rows],
        )

    def __len__(self) -> int:
        return len(self.rows)

    def may_be_dropped(self, images: Indices, others: Indices) -> Mask:
        """Returns which images may be dropped as duplicates of other ones that are kept.

        Images that keep their id are not dropped for each other: whoever has the release or dataset has both.
        """
        return ~self.is_pinned[images] | (self.precedence[others] < self.precedence[images])

    def originals(self) -> Indices:
        """Returns, for each image, the first one with the same hashes.

        Images without content have no hashes and are identified by their bytes.
        """
        original = np.arange(len(self))
        with_hashes = np.flatnonzero(self.has_hashes)
        fine = FineHashes(self.fine.texts, self.rows[with_hashes])
        original[with_hashes] = with_hashes[first_equal(self.phash[with_hashes], fine)]
        without = np.flatnonzero(~self.has_hashes)
        digests, figures = (taken_by_chunks(self.batch[name], self.rows[without]) for name in ("sha256", "figure_id"))
        # Without a digest, an image is a copy of none.
        original[without] = without[first_of(codes(pc.coalesce(not_empty(digests), figures)))]
        return original

    def decided(self, kept_for: Indices, similar_group: Indices, distances: _Distances) -> pa.Table:
        """Returns the table with the groups, and without the duplicates."""
        dropped = np.flatnonzero(kept_for != NONE)
        kept = kept_for[dropped]
        group = np.full(len(self), NONE)
        group[dropped], group[kept] = kept, kept
        batch = put(self.batch, "duplicate_group", self._names_at_rows(group))
        batch = put(batch, "similar_group", self._names_at_rows(similar_group))
        details = _details(taken_by_chunks(batch["figure_id"], self.rows[kept]), *distances.of(dropped))
        at_row = np.full(len(batch), NONE)
        at_row[self.rows[dropped]] = np.arange(len(dropped))
        return drop(batch, pa.array(at_row != NONE), "duplicate", taken(details, at_row))

    def _names_at_rows(self, groups: Indices) -> pa.Array:
        """Returns the keys of the images after which groups are named as a column of the table; null for NONE."""
        named = np.unique(groups[groups != NONE])
        keys = pc.fill_null(taken_by_chunks(self.batch["image_key"], self.rows[named]), "")
        at_row = np.full(len(self.batch), NONE)
        at_row[self.rows] = np.where(groups == NONE, NONE, np.searchsorted(named, groups))
        return taken(keys, at_row)


@dataclass(frozen=True)
class _Distances:
    """How far duplicates are from the images kept for them. at: the position of their pair, NONE for copies."""

    near: Pairs
    at: Indices

    def of(self, images: Indices) -> tuple[Indices, Indices]:
        """Returns the bits in which both hashes of some images differ from those that are kept."""
        at = self.at[images]
        is_pair = at != NONE
        bits, fine_bits = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
        bits[is_pair], fine_bits[is_pair] = self.near.bits[at[is_pair]], self.near.fine_bits[at[is_pair]]
        return bits, fine_bits


def _add_copies(images: _Images, original: Indices, kept_for: Indices, at: Indices) -> None:
    """Drops copies for the image that is kept for their original, or else for the original itself."""
    copies = np.flatnonzero(original != np.arange(len(original)))
    of_original = original[copies]
    kept = np.where(kept_for[of_original] == NONE, of_original, kept_for[of_original])
    is_dropped = images.may_be_dropped(copies, kept)
    kept_for[copies[is_dropped]] = kept[is_dropped]
    at[copies[is_dropped]] = at[of_original[is_dropped]]


def _details(kept: Column, bits: Indices, fine_bits: Indices) -> pa.Array:
    """Returns what is stored about duplicates: the image that is kept for each, and how much both hashes differ."""
    is_equal = pa.array((bits == 0) & (fine_bits == 0))
    texts = [pa.array(numbers).cast(pa.string()) for numbers in (bits, fine_bits)]
    differ = pc.binary_join_element_wise(texts[0], " of 64 and ", texts[1], " of 576 bits differ", "")
    how = pc.if_else(is_equal, "same bytes or same hashes", differ)
    return pc.binary_join_element_wise("duplicate of ", kept, ": ", how, "")
