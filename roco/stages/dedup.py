"""Finds duplicates, of which one image is kept, and near-duplicates, which `split` keeps in one split."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.guarantees import UNIQUE
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.models.images.hamming import hamming_distance, pairs_within
from roco.models.images.hashes import DUPLICATE_BITS, DUPLICATE_FINE_BITS
from roco.release.precedence import PRECEDENCE_COLUMNS, precedence


class _Image(NamedTuple):
    """One image, as far as duplicates depend on it; row: its position in the table."""

    row: int
    figure_id: str
    image_key: str
    sha256: str | None
    phash: int | None
    phash_fine: int | None
    pixels: int
    precedence: int
    is_pinned: bool

    @property
    def has_hashes(self) -> bool:
        return self.phash is not None and self.phash_fine is not None

    @property
    def priority(self) -> tuple[int, int, str, str]:
        """Sort key: of several duplicates the first one is kept."""
        return self.precedence, -self.pixels, self.image_key, self.figure_id

    def may_be_dropped_for(self, other: _Image) -> bool:
        """Returns whether this image may be dropped as a duplicate of another one that is kept.

        Images that keep their id are not dropped for each other: whoever has the release or dataset has both.
        """
        return not self.is_pinned or other.precedence < self.precedence


class _Neighbour(NamedTuple):
    """Another image within reach: its row and how many bits of each hash differ."""

    row: int
    phash: int
    phash_fine: int


_Neighbours = Mapping[int, Sequence[_Neighbour]]
"""The neighbours of each row."""


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
        images = [_image(row, position) for position, row in enumerate(batch.to_pylist()) if row["drop"] is None]
        by_row = {image.row: image for image in images}

        # Images with the same hashes have the same neighbours, so only one of them is compared with the others.
        distinct, copies = _distinct(images)
        near = _neighbours(distinct, self.similar_radius, self.similar_confirm)
        kept_for = self._duplicates(distinct, near)
        for copy, original in copies.items():
            near[copy].append(_Neighbour(original, 0, 0))
            kept = kept_for.get(original, _Neighbour(original, 0, 0))
            if by_row[copy].may_be_dropped_for(by_row[kept.row]):
                kept_for[copy] = kept

        duplicate_group: dict[int, str] = {}
        for row, kept in kept_for.items():
            name = by_row[kept.row].image_key
            duplicate_group[row] = name
            duplicate_group[kept.row] = name
        similar_group = self._similar([image for image in images if image.row not in kept_for], near)
        details = {row: _detail(by_row[kept.row].figure_id, kept) for row, kept in kept_for.items()}

        rows = range(len(batch))
        batch = put(batch, "duplicate_group", pa.array([duplicate_group.get(row) for row in rows], pa.string()))
        batch = put(batch, "similar_group", pa.array([similar_group.get(row) for row in rows], pa.string()))
        dropped = pa.array([row in kept_for for row in rows], pa.bool_())
        return drop(batch, dropped, "duplicate", pa.array([details.get(row) for row in rows], pa.string()))

    def _duplicates(self, images: Sequence[_Image], near: _Neighbours) -> dict[int, _Neighbour]:
        """Maps the row of each duplicate to the neighbour that is kept for it."""
        order = {image.row: place for place, image in enumerate(sorted(images, key=lambda image: image.priority))}
        by_row = {image.row: image for image in images}
        kept_for: dict[int, _Neighbour] = {}
        for row in order:  # in order of priority, so all images that could be kept for this one are already decided
            candidates = []
            for other in near[row]:
                is_kept = order[other.row] < order[row] and other.row not in kept_for
                if not is_kept or not by_row[row].may_be_dropped_for(by_row[other.row]):
                    continue
                if other.phash <= self.radius and other.phash_fine <= self.confirm:
                    candidates.append(other)
            if candidates:
                kept_for[row] = min(candidates, key=lambda other: order[other.row])
        return kept_for

    def _similar(self, kept: Sequence[_Image], near: _Neighbours) -> dict[int, str]:
        """Maps the row of each kept image that has near-duplicates to the name of its group."""
        names = {image.row: (image.image_key, image.figure_id) for image in kept}
        edges: list[tuple[int, int, list[tuple[str, str]], int, int]] = []
        for image in kept:
            for other in near[image.row]:
                if other.row in names:
                    both = sorted((names[image.row], names[other.row]))  # ties do not depend on the order of the rows
                    edges.append((other.phash, other.phash_fine, both, image.row, other.row))

        # Each image starts as a group of its own. Groups are joined along the edges, nearest pairs first; the smaller
        # one is added to the larger one, unless both together would be too large.
        members = {row: [row] for row in names}  # by the row that represents the group
        group_of = {row: row for row in names}
        for _, _, _, row, other_row in sorted(edges):
            joined = (group_of[row], group_of[other_row])
            smaller, larger = sorted(joined, key=lambda group: (len(members[group]), names[group]))
            if smaller == larger or len(members[smaller]) + len(members[larger]) > self.similar_most:
                continue
            for member in members[smaller]:
                group_of[member] = larger
            members[larger] += members.pop(smaller)

        similar_group: dict[int, str] = {}
        for group in members.values():
            if len(group) > 1:
                name = min(names[row][0] for row in group)
                similar_group.update(dict.fromkeys(group, name))
        return similar_group


def _image(row: Mapping[str, Any], position: int) -> _Image:
    return _Image(
        row=position,
        figure_id=row["figure_id"],
        image_key=row["image_key"] or "",
        sha256=row["sha256"],
        phash=int(row["phash"], 16) if row["phash"] else None,
        phash_fine=int(row["phash_fine"], 16) if row["phash_fine"] else None,
        pixels=(row["width"] or 0) * (row["height"] or 0),
        precedence=precedence(row),
        is_pinned=bool(row["pinned_by"]),
    )


def _distinct(images: Sequence[_Image]) -> tuple[list[_Image], dict[int, int]]:
    """Returns one image for each pair of hashes, the first by priority, and a map of the other rows to it.

    Images without content have no hashes and are identified by their bytes.
    """
    first_row: dict[Hashable, int] = {}
    distinct: list[_Image] = []
    copies: dict[int, int] = {}
    for image in sorted(images, key=lambda image: image.priority):
        identity: Hashable = image.sha256 or image.figure_id
        if image.has_hashes:
            identity = (image.phash, image.phash_fine)
        original = first_row.setdefault(identity, image.row)
        if original == image.row:
            distinct.append(image)
        else:
            copies[image.row] = original
    return distinct, copies


def _neighbours(images: Sequence[_Image], radius: int, confirm: int) -> defaultdict[int, list[_Neighbour]]:
    """Finds all pairs of images within both radii; images: no two with the same hashes."""
    near: defaultdict[int, list[_Neighbour]] = defaultdict(list)

    def compare(image: _Image, other: _Image, phash_bits: int) -> None:
        assert image.phash_fine is not None and other.phash_fine is not None
        fine_bits = hamming_distance(image.phash_fine, other.phash_fine)
        if fine_bits <= confirm:
            near[image.row].append(_Neighbour(other.row, phash_bits, fine_bits))
            near[other.row].append(_Neighbour(image.row, phash_bits, fine_bits))

    # The search for pairs needs distinct values, so images with the same phash are compared with each other below.
    by_phash: defaultdict[int, list[_Image]] = defaultdict(list)
    for image in images:
        if image.phash is not None and image.has_hashes:
            by_phash[image.phash].append(image)
    values = np.array(sorted(by_phash), dtype=np.uint64)
    first, second, distances = pairs_within(values, radius)
    for i, j, phash_bits in zip(first.tolist(), second.tolist(), distances.tolist(), strict=True):
        for image, other in itertools.product(by_phash[int(values[i])], by_phash[int(values[j])]):
            compare(image, other, phash_bits)
    for same_phash in by_phash.values():
        for image, other in itertools.combinations(same_phash, 2):
            compare(image, other, 0)
    return near


def _detail(kept: str, distance: _Neighbour) -> str:
    if distance.phash == distance.phash_fine == 0:
        return f"duplicate of {kept}: same bytes or same hashes"
    return f"duplicate of {kept}: {distance.phash} of 64 and {distance.phash_fine} of 576 bits differ"
