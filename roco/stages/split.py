"""Divides the figures into train, valid and test; related images are always in the same split."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import NONE, Indices, Mask, runs, taken
from roco.base.errors import RecipeError
from roco.base.schema import SPLITS, types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.release.precedence import PRECEDENCE_COLUMNS
from roco.release.previous import articles_of, content_files
from roco.stages.split_deficit import Deficit
from roco.stages.split_images import Images
from roco.stages.split_leaks import Settled, settled

_FRACTIONS_HINT = "use three numbers for train, valid and test that sum to 1: fractions = [0.75, 0.125, 0.125]"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Restricts valid and test to articles from `from_year` on that are not in the dataset `not_in`.

    The paper chose valid and test like this: later articles that are not in the first ROCO (section Dataset Creation).
    """

    from_year: int | None = None
    not_in: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Split(Decision):
    """Assigns each unit of related images to train, valid or test, so that the images have the wanted proportions.

    A unit is the set of images that are related by article, near-duplicate group or the words of a long caption. Images
    of the previous release, and of a dataset that is a source, keep their split, and their unit follows them. A new
    image that would connect two splits is dropped (`leak`), and so is an image of a dataset that is related to an image
    of the previous release, or of a dataset that is listed first, in another split.

    All other units are stratified by modality. They are assigned in the order of their rarest modality, rarest first,
    and within it in the order of a keyed hash; each goes to the split that needs most images of that modality, then to
    the one that needs most images overall. Each modality is therefore distributed in the same proportions, and neither
    the order of the rows nor the number of workers matters. The fractions refer to all images.

    released_leaks: what happens to images of one release or dataset that are related although their splits differ, as
    in the published ROCOv2: "keep" keeps them all, and the dataset card reports what leaks; "drop" keeps those in test
    before those in valid before those in train.
    by: "image" splits single images as the paper did (75 : 12.5 : 12.5); the dataset card then reports what leaks.
    held_out: restricts valid and test, `{from_year = 2021, not_in = "FOLDER"}`; everything else goes to train.
    """

    reads = ("article_key",)
    optional = (
        *("image_key", "similar_group", "duplicate_group", "caption", "modality", "year", "pinned_split"),
        *PRECEDENCE_COLUMNS,
    )
    writes = types("split")
    reasons = {"leak": Reason("related images would be in two splits")}
    scope = "table"
    only_new = ("fractions", "seed", "by", "held_out")
    version = 3

    fractions: tuple[float, ...] = (0.75, 0.125, 0.125)
    seed: str = "roco"
    by: Literal["article", "image"] = "article"
    held_out: HeldOut | None = None
    released_leaks: Literal["keep", "drop"] = "keep"

    def __post_init__(self) -> None:
        fractions = self.fractions
        if len(fractions) != len(SPLITS):
            raise RecipeError(f"{len(fractions)} fractions for {len(SPLITS)} splits (split)", _FRACTIONS_HINT)
        if not all(math.isfinite(fraction) and fraction >= 0 for fraction in fractions):
            raise RecipeError(f"fractions must not be below 0: {list(fractions)} (split)", _FRACTIONS_HINT)
        if abs(sum(fractions) - 1) > 1e-6:
            raise RecipeError(f"the fractions sum to {sum(fractions):g}, not 1 (split)", _FRACTIONS_HINT)

    @property
    def content(self) -> tuple[Path, ...]:
        return content_files(self.held_out.not_in) if self.held_out else ()

    def prepare(self) -> None:
        if self.held_out is not None and self.held_out.not_in is not None:
            articles_of(self.held_out.not_in)

    def __call__(self, batch: pa.Table) -> pa.Table:
        images = Images.of(batch, self.by, self.seed)
        units = settled(images, self.released_leaks)
        leaks = np.array(sorted(units.leaks), np.int64)
        is_leak = np.zeros(len(images), bool)
        is_leak[leaks] = True
        split = self._assign(images, units, ~is_leak)
        split[leaks] = NONE

        of_rows, leak_of_rows = np.full(len(batch), NONE), np.full(len(batch), NONE)
        of_rows[images.rows] = split
        leak_of_rows[images.rows[leaks]] = np.arange(len(leaks))
        out = put(batch, "split", taken(pa.array(images.splits, pa.string()), of_rows))
        details = pa.array([units.leaks[place] for place in leaks.tolist()], pa.string())
        return drop(out, pa.array(leak_of_rows != NONE), "leak", taken(details, leak_of_rows))

    def _assign(self, images: Images, units: Settled, is_kept: Mask) -> Indices:
        """Returns the split of each image that is kept."""
        # Rare modalities first: a split that has its share of the frequent ones could no longer make room for them.
        # From here on strata are numbered from the rarest.
        sizes = np.bincount(images.stratum[is_kept], minlength=len(images.strata))
        rarest_first = sorted(range(len(sizes)), key=lambda number: (sizes[number], images.strata[number]))
        rank = np.empty(len(sizes), np.int64)
        rank[rarest_first] = np.arange(len(sizes))
        stratum = rank[images.stratum]
        deficit = Deficit(self.fractions, sizes[rarest_first].tolist())

        # Released images have their split, and so have the images of their units; they count before the others.
        split = units.split.copy()
        _count(deficit, split[is_kept & (split != NONE)], stratum[is_kept & (split != NONE)], len(sizes))

        open_images = np.flatnonzero(is_kept & (split == NONE))
        open_units = OpenUnits.of(images, open_images, units.unit[open_images], stratum[open_images])
        may_be_held_out = None
        if self.held_out is not None:
            may_be_held_out = open_units.all_of(self._may_be_held_out(images.table)[open_images])
        split[open_images] = open_units.divided(deficit, may_be_held_out)[open_units.unit]
        return split

    def _may_be_held_out(self, table: pa.Table) -> Mask:
        assert self.held_out is not None
        from_year, not_in = self.held_out.from_year, self.held_out.not_in
        allowed = np.ones(len(table), bool)
        if from_year is not None:
            allowed &= np.asarray(pc.greater_equal(pc.fill_null(table["year"], 0), from_year))
        if not_in is not None:
            articles = pa.array(sorted(articles_of(not_in)), pa.string())
            allowed &= ~np.asarray(pc.is_in(pc.fill_null(table["article_key"], ""), value_set=articles))
        return allowed


def _count(deficit: Deficit, split: Indices, stratum: Indices, n_strata: int) -> None:
    """Counts images that have their split."""
    counts = np.bincount(split * n_strata + stratum, minlength=len(SPLITS) * n_strata)
    for number, images in enumerate(counts[: len(SPLITS) * n_strata].tolist()):
        of_split, of_stratum = divmod(number, n_strata)
        deficit.take(of_split, of_stratum, images)
        for _ in range(images):
            deficit.overall[of_split] -= 1


@dataclass(frozen=True)
class OpenUnits:
    """Units without a split, numbered in the order in which they get one: those with the rarest modality first.

    unit: of each image. units, strata, images: how many images of each stratum a unit has, ordered by unit, and of a
    unit the rarest stratum first.
    """

    unit: Indices
    units: Indices
    strata: Indices
    images: Indices

    @classmethod
    def of(cls, images: Images, places: Indices, unit: Indices, stratum: Indices) -> OpenUnits:
        numbers, unit = np.unique(unit, return_inverse=True)
        rarest = np.full(len(numbers), np.iinfo(np.int64).max)
        np.minimum.at(rarest, unit, stratum)
        order = images.at_random(images.first_of_each(places, unit), rarest)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        unit = rank[unit]
        n_strata = int(stratum.max(initial=0)) + 1
        pairs, counts = np.unique(unit * n_strata + stratum, return_counts=True)
        return cls(unit, pairs // n_strata, pairs % n_strata, counts)

    def all_of(self, holds: Mask) -> Mask:
        """Returns for which units something holds for all of their images."""
        found = np.ones(int(self.unit.max(initial=NONE)) + 1, bool)
        found[self.unit[~holds]] = False
        return found

    def divided(self, deficit: Deficit, may_be_held_out: Mask | None) -> Indices:
        """Returns the split of each unit. may_be_held_out: the units that may be in valid and test; None for all."""
        bounds = runs(self.units)
        split = np.zeros(len(bounds) - 1, np.int64)
        overall = deficit.overall
        strata, images = self.strata.tolist(), self.images.tolist()
        for unit, (start, end) in enumerate(itertools.pairwise(bounds.tolist())):
            rarest = strata[start]
            if may_be_held_out is None:
                chosen = deficit.largest(rarest)
            else:
                chosen = deficit.largest_held_out(rarest) if may_be_held_out[unit] else 0
            for at in range(start, end):
                deficit.take(chosen, strata[at], images[at])
            overall[chosen] -= sum(images[start:end])
            split[unit] = chosen
        return split
