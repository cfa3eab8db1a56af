"""Divides the figures into train, valid and test; what belongs together is never in two of them."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.schema import SPLITS, types
from roco.core.stage import Decision, drop, put
from roco.release.previous import articles_of, seal
from roco.release.read import bonds

_RANK = {split: rank for rank, split in enumerate(("test", "valid", "train"))}
"""Of two splits that clash, the first is the one that stays."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Where valid and test may come from: articles from a year on, and none of an earlier dataset.

    So the paper chose them: later articles, none of the first ROCO (section Dataset Creation).
    """

    from_year: int | None = None
    not_in: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Split(Decision):
    """Gives each unit to train, valid or test, by images in the wanted proportion.

    A unit is the images that are tied by an article, a similar group or the words of a long caption. Images of an
    earlier release keep their split, and their unit follows them. A new image that would tie two splits leaves
    (`leak`); where old images are tied across splits, test beats valid beats train, and the loser leaves.

    Other units are given by modality, the rarest first, within it in the order of a keyed hash; each goes where most
    images of its rarest modality are lacking, then most images of all. So each modality has its share of each split,
    and neither the order of the rows nor their number of workers matters. The fractions are of all images.

    by: "image" splits single images, as the paper did (75 : 12.5 : 12.5): its card says what leaks. held_out:
    where valid and test may come from, `{from_year = 2021, not_in = "FOLDER"}`; the rest is train.
    """

    reads = ("article_key",)
    optional = ("image_key", "similar_group", "duplicate_group", "caption", "modality", "year", "pinned_split")
    writes = types("split")
    reasons = ("leak",)
    scope = "table"
    version = 2

    fractions: tuple[float, ...] = (0.75, 0.125, 0.125)
    seed: str = "roco"
    by: Literal["article", "image"] = "article"
    held_out: HeldOut | None = None

    def __post_init__(self) -> None:
        fractions = self.fractions
        if len(fractions) != len(SPLITS):
            raise RecipeError(f"split: {len(fractions)} fractions for {len(SPLITS)} splits", _HINT)
        if not all(math.isfinite(f) and f >= 0 for f in fractions):
            raise RecipeError(f"split: fractions must not be below 0: {list(fractions)}", _HINT)
        if abs(sum(fractions) - 1) > 1e-6:
            raise RecipeError(f"split: the fractions sum to {sum(fractions):g}, not to 1", _HINT)

    @property
    def content(self) -> tuple[Path, ...]:
        return seal(self.held_out.not_in) if self.held_out else ()

    def __call__(self, batch: pa.Table) -> pa.Table:
        images = [_image(i, row, self.by) for i, row in enumerate(batch.to_pylist()) if row["drop"] is None]
        leaks = dict(_clashes(images))
        ties = _Ties()
        for image in sorted((m for m in images if m.pinned), key=lambda m: (m.key, m.figure)):
            if image.row not in leaks:
                ties.bind(image.bonds, image.pinned)
        for image in sorted((m for m in images if not m.pinned), key=lambda m: (self._place(m.key), m.figure)):
            if clash := ties.bind(image.bonds, None):
                leaks[image.row] = f"it would tie {clash[0]} and {clash[1]} together"
        given = self._given([m for m in images if m.row not in leaks], ties)
        out = put(batch, "split", pa.array([given.get(i) for i in range(len(batch))], pa.string()))
        details = pa.array([leaks.get(i) for i in range(len(batch))], pa.string())
        return drop(out, pa.array([i in leaks for i in range(len(batch))], pa.bool_()), "leak", details)

    def _given(self, images: Sequence[_Image], ties: _Ties) -> dict[int, str]:
        """Row -> split of all images that stay: units that are bound keep their split, the others are dealt."""
        units: defaultdict[str, list[_Image]] = defaultdict(list)
        for image in images:
            units[ties.unit(image.bonds)].append(image)
        strata = Counter(image.stratum for image in images)
        lacking = _Lacking(self.fractions, strata)
        found: dict[str, str] = {}
        for name, unit in units.items():
            if (split := ties.split.get(name)) is not None:
                found[name] = split
                lacking.take(split, unit)
        rare = {name: min((strata[m.stratum], m.stratum) for m in unit) for name, unit in units.items()}
        least = {name: min((m.key, m.figure) for m in unit) for name, unit in units.items()}
        for name in sorted(units.keys() - found.keys(), key=lambda n: (rare[n], self._place(least[n][0]), least[n][1])):
            unit = units[name]
            split = self._deal(unit, rare[name][1], lacking)
            found[name] = split
            lacking.take(split, unit)
        return {image.row: found[name] for name, unit in units.items() for image in unit}

    def _deal(self, unit: Sequence[_Image], stratum: str, lacking: _Lacking) -> str:
        if self.held_out is None:
            return lacking.most(stratum)
        if not self._may_be_held_out(unit):
            return "train"
        # The few that may be held out are held out first, for the others cannot.
        held = [split for split in ("valid", "test") if lacking.of[stratum].get(split, 0) >= 0.5]
        return max(held, key=lambda split: lacking.of[stratum][split]) if held else "train"

    def _may_be_held_out(self, unit: Sequence[_Image]) -> bool:
        assert self.held_out is not None
        year, known = self.held_out.from_year, self.held_out.not_in
        return all(
            (year is None or (m.year or 0) >= year) and (known is None or m.article not in articles_of(known))
            for m in unit
        )

    def _place(self, key: str) -> tuple[bytes, str]:
        # The length before the seed keeps ("a", "bc") and ("ab", "c") apart.
        return hashlib.sha256(f"{len(self.seed)}:{self.seed}{key}".encode()).digest(), key


_HINT = "write three numbers for train, valid and test that sum to 1: fractions = [0.75, 0.125, 0.125]"


class _Image(NamedTuple):
    row: int
    figure: str
    key: str  # what it is ordered by: the same whatever else is in the corpus
    bonds: tuple[str, ...]  # what it shares with images of its unit; the first is always there
    stratum: str
    pinned: str | None
    article: str
    year: int | None


def _image(i: int, row: Mapping[str, Any], by: str) -> _Image:
    key = row["image_key"] or row["article_key"] or row["figure_id"]
    tied = (f"image {row['figure_id']}",) if by == "image" else tuple(bonds(row))
    return _Image(
        i,
        row["figure_id"],
        key,
        tied,
        row["modality"] or "",
        row["pinned_split"],
        row["article_key"] or "",
        row["year"],
    )


def _clashes(images: Sequence[_Image]) -> Iterator[tuple[int, str]]:
    """Old images that are tied to old images of a split that beats theirs; found in the order of what beats."""
    taken: dict[str, str] = {}
    for split in _RANK:
        mine = [m for m in images if m.pinned == split]
        stay = []
        for image in mine:
            beaten = next((taken[bond] for bond in image.bonds if bond in taken), None)
            if beaten:
                yield image.row, f"it is tied to an image of {beaten}, which beats {split}"
            else:
                stay.append(image)
        for image in stay:
            taken.update(dict.fromkeys(image.bonds, split))


class _Ties:
    """Bonds that belong together (union-find), each set with the split it is bound to, if any."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}
        self.split: dict[str, str] = {}  # by the root of the set

    def unit(self, tied: Sequence[str]) -> str:
        return self._root(tied[0])

    def bind(self, tied: Sequence[str], split: str | None) -> tuple[str, str] | None:
        """Ties the bonds of an image; where these are of two splits nothing is done, and the two are told."""
        roots = list(dict.fromkeys(self._root(bond) for bond in tied))
        splits = sorted({s for s in (split, *(self.split.get(root) for root in roots)) if s}, key=SPLITS.index)
        if len(splits) > 1:
            return splits[0], splits[1]
        first = min(roots)
        for root in roots:
            self.parent[root] = first
        for one in splits:
            self.split[first] = one
        return None

    def _root(self, bond: str) -> str:
        self.parent.setdefault(bond, bond)
        while self.parent[bond] != bond:
            self.parent[bond] = bond = self.parent[self.parent[bond]]
        return bond


class _Lacking:
    """How many images each split still lacks, of all and of each modality."""

    def __init__(self, fractions: Sequence[float], strata: Mapping[str, int]) -> None:
        shares = {split: f for split, f in zip(SPLITS, fractions, strict=True) if f > 0}
        self.all = {split: f * sum(strata.values()) for split, f in shares.items()}
        self.of = {stratum: {split: f * n for split, f in shares.items()} for stratum, n in strata.items()}

    def most(self, stratum: str) -> str:
        """The split that lacks most images of the stratum; of equals the one that lacks most of all, then train."""
        mine = self.of[stratum]
        return max(mine, key=lambda split: (round(mine[split], 6), round(self.all[split], 6)))

    def take(self, split: str, unit: Sequence[_Image]) -> None:
        if split in self.all:
            self.all[split] -= len(unit)
            for image in unit:
                self.of[image.stratum][split] -= 1
