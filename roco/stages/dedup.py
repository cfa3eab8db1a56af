"""Finds duplicates, of which one image is kept, and near-duplicates, which `split` keeps in one split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.columns import NONE, Indices, Mask, has_text, not_empty, taken
from roco.base.errors import RecipeError
from roco.base.guarantees import UNIQUE
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.models.images.hashes import DUPLICATE_BITS, DUPLICATE_FINE_BITS
from roco.models.images.near import WORDS, Pairs, near_pairs, parsed
from roco.release.precedence import PRECEDENCE_COLUMNS, precedences


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
        near = near_pairs(images.phash[compared], images.fine[compared], self.similar_radius, self.similar_confirm)
        near = near._replace(first=compared[near.first], second=compared[near.second])

        kept_for, at = self._duplicates(images, near)
        _add_copies(images, original, kept_for, at)
        similar = self._similar(images, near, original, kept_for)
        return images.decided(batch, kept_for, similar, _Distances(near, at))

    def _duplicates(self, images: _Images, near: Pairs) -> tuple[Indices, Indices]:
        """Returns the place of the image that is kept for each duplicate, and the position of their pair; else NONE."""
        is_duplicate = (near.bits <= self.radius) & (near.fine_bits <= self.confirm)
        pairs = np.flatnonzero(is_duplicate & images.may_be_dropped(near.second, near.first))
        # In order of priority, so all images that could be kept for this one are already decided.
        pairs = pairs[np.lexsort((near.first[pairs], near.second[pairs]))]
        kept_for, at = np.full(len(images), NONE), np.full(len(images), NONE)
        for pair, first, second in zip(
            pairs.tolist(), near.first[pairs].tolist(), near.second[pairs].tolist(), strict=True
        ):
            if kept_for[second] == NONE and kept_for[first] == NONE:
                kept_for[second], at[second] = first, pair
        return kept_for, at

    def _similar(self, images: _Images, near: Pairs, original: Indices, kept_for: Indices) -> dict[int, list[int]]:
        """Returns the groups of near-duplicates among the kept images: the places of their members, by one of them."""
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

        # Each image starts as a group of its own. Groups are joined along the pairs; the smaller one is added to the
        # larger one, unless both together would be too large.
        members: dict[int, list[int]] = {}  # by the place that represents the group
        group_of: dict[int, int] = {}
        for a, b in zip(one[order].tolist(), other[order].tolist(), strict=True):
            groups = [group_of.setdefault(place, place) for place in (a, b)]
            for group in groups:
                members.setdefault(group, [group])
            smaller, larger = sorted(groups, key=lambda group: (len(members[group]), names[group]))
            if smaller == larger or len(members[smaller]) + len(members[larger]) > self.similar_most:
                continue
            for member in members[smaller]:
                group_of[member] = larger
            members[larger] += members.pop(smaller)
        return {group: places for group, places in members.items() if len(places) > 1}


# --- images ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Images:
    """The images that are not dropped yet, as columns in order of priority: the first of several duplicates is kept.

    rows: in the table. table: figure_id, image_key and identity of each. has_hashes: both. name_ranks: places in the
    order of the names.
    """

    rows: Indices
    table: pa.Table
    phash: NDArray[np.uint64]
    fine: NDArray[np.uint64]
    has_hashes: Mask
    precedence: Indices
    is_pinned: Mask
    name_ranks: Indices

    @classmethod
    def of(cls, batch: pa.Table) -> _Images:
        rows = np.flatnonzero(np.asarray(pc.is_null(batch["drop"])))
        # Without the hashes, whose text is most of the table: of millions of images it is not copied.
        table = batch.select(list(_SMALL_COLUMNS)).take(pa.array(rows))
        precedence = precedences(table)
        keys = pa.table(
            {
                "precedence": pa.array(precedence), "figure_id": table["figure_id"],
                "pixels": pc.multiply(*(pc.fill_null(table[name], 0).cast(pa.int64()) for name in ("width", "height"))),
                "image_key": pc.fill_null(table["image_key"], ""),
                "identity": pc.coalesce(not_empty(table["sha256"]), table["figure_id"]),
            }
        )  # fmt: skip
        by = [("precedence", "ascending"), ("pixels", "descending"), ("image_key", "ascending")]
        order = np.asarray(pc.sort_indices(keys, [*by, ("figure_id", "ascending")]), np.int64)
        names = keys.select(["figure_id", "image_key", "identity"]).take(pa.array(order)).combine_chunks()
        by_name = pc.sort_indices(names, [("image_key", "ascending"), ("figure_id", "ascending")])
        name_ranks = np.empty(len(rows), np.int64)
        name_ranks[np.asarray(by_name)] = np.arange(len(rows))
        rows = rows[order]
        return cls(
            rows=rows,
            table=names,
            phash=parsed(batch["phash"], 1)[rows, 0],
            fine=parsed(batch["phash_fine"], WORDS)[rows],
            has_hashes=(has_text(batch["phash"]) & has_text(batch["phash_fine"]))[rows],
            precedence=precedence[order],
            is_pinned=has_text(batch["pinned_by"])[rows],
            name_ranks=name_ranks,
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
        keys = np.column_stack([self.phash[with_hashes], self.fine[with_hashes]])
        original[with_hashes] = with_hashes[_first_equal(keys)]
        without = np.flatnonzero(~self.has_hashes)
        codes = self.table["identity"].take(pa.array(without)).combine_chunks().dictionary_encode()
        numbers = np.asarray(codes.indices if isinstance(codes, pa.DictionaryArray) else codes.chunk(0).indices)
        _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
        original[without] = without[first[inverse]]
        return original

    def decided(
        self, batch: pa.Table, kept_for: Indices, similar: dict[int, list[int]], distances: _Distances
    ) -> pa.Table:
        """Returns the table with the groups, and without the duplicates."""
        dropped = np.flatnonzero(kept_for != NONE)
        kept = kept_for[dropped]
        group = np.full(len(self), NONE)
        group[dropped], group[kept] = kept, kept
        similar_group = np.full(len(self), NONE)
        for places in similar.values():
            similar_group[places] = min(places, key=self.name_ranks.__getitem__)
        names, figures = self.table["image_key"], self.table["figure_id"].take(pa.array(kept)).to_pylist()
        details = pa.array(list(map(_detail, figures, *distances.of(dropped))), pa.string())
        at_row = np.full(len(batch), NONE)
        at_row[self.rows[dropped]] = np.arange(len(dropped))
        batch = put(batch, "duplicate_group", self._at_rows(names, group, len(batch)))
        batch = put(batch, "similar_group", self._at_rows(names, similar_group, len(batch)))
        return drop(batch, pa.array(at_row != NONE), "duplicate", taken(details, at_row))

    def _at_rows(self, values: pa.ChunkedArray, places: Indices, n: int) -> pa.Array:
        """Returns values of the images at some places as a column of the table; null for NONE."""
        of_rows = np.full(n, NONE)
        of_rows[self.rows] = places
        return taken(values, of_rows)


@dataclass(frozen=True)
class _Distances:
    """How far duplicates are from the images kept for them. at: the position of their pair, NONE for copies."""

    near: Pairs
    at: Indices

    def of(self, images: Indices) -> tuple[list[int], list[int]]:
        """Returns the bits in which both hashes of some images differ from those that are kept."""
        at = self.at[images]
        is_pair = at != NONE
        bits, fine_bits = np.zeros(len(at), np.int64), np.zeros(len(at), np.int64)
        bits[is_pair], fine_bits[is_pair] = self.near.bits[at[is_pair]], self.near.fine_bits[at[is_pair]]
        return bits.tolist(), fine_bits.tolist()


_SMALL_COLUMNS = ("figure_id", "image_key", "sha256", "width", "height", *PRECEDENCE_COLUMNS)


def _add_copies(images: _Images, original: Indices, kept_for: Indices, at: Indices) -> None:
    """Drops copies for the image that is kept for their original, or else for the original itself."""
    copies = np.flatnonzero(original != np.arange(len(original)))
    of_original = original[copies]
    kept = np.where(kept_for[of_original] == NONE, of_original, kept_for[of_original])
    is_dropped = images.may_be_dropped(copies, kept)
    kept_for[copies[is_dropped]] = kept[is_dropped]
    at[copies[is_dropped]] = at[of_original[is_dropped]]


def _first_equal(keys: NDArray[np.uint64]) -> Indices:
    """Returns, for each row, the first row that is equal to it."""
    order = np.lexsort(keys.T[::-1]) if len(keys) else np.empty(0, np.int64)  # stable: equal rows stay in order
    is_new = np.ones(len(keys), bool)
    ordered = keys[order]
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = order[np.flatnonzero(is_new)][np.cumsum(is_new) - 1] if len(keys) else order
    out = np.empty(len(keys), np.int64)
    out[order] = first
    return out


def _detail(kept: str, bits: int, fine_bits: int) -> str:
    if bits == fine_bits == 0:
        return f"duplicate of {kept}: same bytes or same hashes"
    return f"duplicate of {kept}: {bits} of 64 and {fine_bits} of 576 bits differ"
