"""Finds images that are the same, of which one stays, and images that are alike, which tie splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.schema import types
from roco.core.stage import Decision, drop, put
from roco.models.images.near import pairs


class _Near(NamedTuple):
    """Another image, and how far it is: bits of phash and of phash_fine that differ; none where both are equal."""

    row: int
    phash: int
    phash_fine: int


@dataclass(frozen=True, kw_only=True)
class Dedup(Decision):
    """Lets one image of each group of the same images stay, and groups those that are alike.

    The same (`duplicate_group`): equal bytes, or at most `radius` bits of phash and `confirm` bits of phash_fine
    apart. Images come in order: those of the earlier release, then those of most pixels, then by image_key; each is
    compared with those that stay and leaves for the first that is within reach. So nothing is chained: whatever left
    is that near to the image that stands for it. Images of the earlier release never leave.

    Alike (`similar_group`): within `similar_radius` and `similar_confirm` bits, as frames of a clip and slices of a
    volume are. These are chained, nearest pairs first, as long as a group has at most `similar_most` images; none
    leaves, but `split` keeps them together. Images that show nothing (phash null) are compared by their bytes alone.
    How the radii were chosen: docs/duplicates.md.
    """

    needs = ("image",)
    reads = ("image_key", "sha256", "phash", "phash_fine", "width", "height")
    optional = ("pinned_id",)
    writes = types("duplicate_group", "similar_group")
    reasons = ("duplicate",)
    scope = "table"
    version = 2

    radius: int = 6
    confirm: int = 36
    similar_radius: int = 8
    similar_confirm: int = 140
    similar_most: int = 200

    def __post_init__(self) -> None:
        if not 0 <= self.radius <= self.similar_radius <= 16:
            raise RecipeError(
                f"dedup: radius = {self.radius}, similar_radius = {self.similar_radius}",
                "0 to 16 bits, the first not above the second",
            )

    def __call__(self, batch: pa.Table) -> pa.Table:
        every = [{**row, "row": i} for i, row in enumerate(batch.to_pylist()) if row["drop"] is None]
        rows, copies = _without_copies(every)
        near = _neighbours(rows, self.similar_radius, self.similar_confirm)
        stands = self._same(rows, near)
        by_row = {row["row"]: row for row in every}
        # What is near to an image is as near to its copies; those of the earlier release stay all the same.
        stands |= {c: stands.get(r, (r, _Near(r, 0, 0))) for c, r in copies.items() if not by_row[c]["pinned_id"]}
        for copy, row in copies.items():
            near[copy].append(_Near(row, 0, 0))
        similar = self._alike(every, near, stands)
        groups: dict[int, str] = {}
        for i, (survivor, _) in stands.items():
            groups[i] = groups[survivor] = by_row[survivor]["image_key"]
        details = {i: _told(by_row[near.row]["figure_id"], near) for i, (_, near) in stands.items()}
        n = range(len(batch))
        batch = put(batch, "duplicate_group", pa.array([groups.get(i) for i in n], pa.string()))
        batch = put(batch, "similar_group", pa.array([similar.get(i) for i in n], pa.string()))
        said = pa.array([details.get(i) for i in n], pa.string())
        return drop(batch, pa.array([i in stands for i in n], pa.bool_()), "duplicate", said)

    def _same(self, rows: Sequence[Mapping[str, Any]], near: Mapping[int, list[_Near]]) -> dict[int, tuple[int, _Near]]:
        """Row that leaves -> the row that stays for it, with its distance."""
        order = {row["row"]: at for at, row in enumerate(sorted(rows, key=_rank))}
        pinned = {row["row"] for row in rows if row["pinned_id"]}
        stands: dict[int, tuple[int, _Near]] = {}
        for i in sorted(order, key=order.__getitem__):
            if i in pinned:
                continue
            reach = [n for n in near[i] if order[n.row] < order[i] and n.row not in stands and self._is_same(n)]
            if reach:
                first = min(reach, key=lambda n: order[n.row])
                stands[i] = (first.row, first)
        return stands

    def _is_same(self, near: _Near) -> bool:
        return near.phash <= self.radius and near.phash_fine <= self.confirm

    def _alike(
        self, rows: Sequence[Mapping[str, Any]], near: Mapping[int, list[_Near]], stands: Mapping[int, Any]
    ) -> dict[int, str]:
        """Row -> name of its group, for the images that stay and are like another."""
        keys = {row["row"]: (row["image_key"], row["figure_id"]) for row in rows if row["row"] not in stands}
        members = {i: [i] for i in keys}
        home = {i: i for i in keys}
        edges = [(n.phash, n.phash_fine, *sorted((keys[i], keys[n.row])), i, n.row)
                 for i in keys for n in near[i] if n.row in keys]  # fmt: skip
        for *_, i, j in sorted(edges):
            a, b = sorted((home[i], home[j]), key=lambda h: (len(members[h]), keys[h]))
            if a != b and len(members[a]) + len(members[b]) <= self.similar_most:
                for member in members[a]:
                    home[member] = b
                members[b] += members.pop(a)
        names = {h: min(keys[m][0] for m in group) for h, group in members.items() if len(group) > 1}
        return {i: names[h] for i, h in home.items() if h in names}


def _without_copies(every: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], dict[int, int]]:
    """One row for each pair of hashes, the first by rank; and for each other row the one that stands for it.

    Those of equal hashes are as near to all others, so nothing is lost; images that show nothing go by their bytes.
    """
    first: dict[Any, int] = {}
    rows, copies = [], {}
    for row in sorted(every, key=_rank):
        hashes = (row["phash"], row["phash_fine"])
        same = first.setdefault(hashes if all(hashes) else row["sha256"] or row["figure_id"], row["row"])
        if same == row["row"]:
            rows.append(row)
        else:
            copies[row["row"]] = same
    return rows, copies


def _rank(row: Mapping[str, Any]) -> tuple[bool, int, str, str]:
    return not row["pinned_id"], -(row["width"] or 0) * (row["height"] or 0), row["image_key"] or "", row["figure_id"]


def _told(figure: str, near: _Near) -> str:
    if near.phash == near.phash_fine == 0:
        return f"the same as {figure}, bit for bit or by both hashes"
    return f"the same as {figure}, but for {near.phash} of 64 and {near.phash_fine} of 576 bits"


def _neighbours(rows: Sequence[Mapping[str, Any]], radius: int, confirm: int) -> defaultdict[int, list[_Near]]:
    """For each row all others within reach; no two have the same bytes."""
    near: defaultdict[int, list[_Near]] = defaultdict(list)

    def join(a: int, b: int, phash: int, phash_fine: int) -> None:
        near[a].append(_Near(b, phash, phash_fine))
        near[b].append(_Near(a, phash, phash_fine))

    shown = [row for row in rows if row["phash"] and row["phash_fine"]]
    of: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in shown:
        of[int(row["phash"], 16)].append(row)
    values = np.array(sorted(of), dtype=np.uint64)
    for i, j, bits in zip(*(part.tolist() for part in pairs(values, radius)), strict=True):
        for one in of[int(values[i])]:
            for other in of[int(values[j])]:
                if (more := _apart(one, other)) <= confirm:
                    join(one["row"], other["row"], bits, more)
    for same in of.values():
        for at, one in enumerate(same):
            for other in same[at + 1 :]:
                if (more := _apart(one, other)) <= confirm:
                    join(one["row"], other["row"], 0, more)
    return near


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return (int(one["phash_fine"], 16) ^ int(other["phash_fine"], 16)).bit_count()
