"""Divides the figures into train, valid and test; related images are always in the same split."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.schema import SPLITS, types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.release.leakage import tie_keys
from roco.release.precedence import PRECEDENCE_COLUMNS, RETIRED, precedence
from roco.release.previous import articles_of, content_files
from roco.stages.split_units import Units

_PRECEDENCE = ("test", "valid", "train")
"""Where released images of two splits are related and `released_leaks` is "drop", those of the first split are kept."""

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
        rows = enumerate(batch.to_pylist())
        images = [_image(position, row, self.by) for position, row in rows if row["drop"] is None]
        released = [image for image in images if image.released_split]
        new = [image for image in images if not image.released_split]

        # Released images come first: they fix the split of their unit. New images join the units one by one, in the
        # order of their hash, so that the same ones are dropped whatever the order of the rows.
        units = Units()
        leaks = self._settle(released, units)
        for image in sorted(new, key=lambda image: (self._position(image.key), image.figure_id)):
            conflict = units.join(image.bonds)
            if conflict:
                leaks[image.row] = f"would connect {conflict[0]} and {conflict[1]}"

        split = self._assign([image for image in images if image.row not in leaks], units)
        n = range(len(batch))
        out = put(batch, "split", pa.array([split.get(row) for row in n], pa.string()))
        details = pa.array([leaks.get(row) for row in n], pa.string())
        return drop(out, pa.array([row in leaks for row in n], pa.bool_()), "leak", details)

    def _settle(self, released: Sequence[_Image], units: Units) -> dict[int, str]:
        """Gives the units the splits of released images; maps the rows of images that are dropped to the drop detail.

        released: images with a split, in any order; those that take precedence settle first.
        """
        leaks: dict[int, str] = {}
        order = sorted(released, key=lambda image: (image.precedence, image.key, image.figure_id))
        for rank, images in itertools.groupby(order, key=lambda image: image.precedence):
            group = list(images)
            if self.released_leaks == "drop":
                leaks |= _released_leaks(group)
            joining = []
            for image in group:
                other = units.other_split(image.bonds, image.released_split)
                if other is not None:
                    leaks.setdefault(image.row, f"related to a released image in {other}")
                elif image.row not in leaks:
                    joining.append(image)
                    # A retired image comes back alone: unlike images of one dataset, it must not leak.
                    if rank == RETIRED:
                        units.settle([(image.bonds, image.released_split or "")])
            units.settle((image.bonds, image.released_split or "") for image in joining)
        return leaks

    def _assign(self, images: Sequence[_Image], units: Units) -> dict[int, str]:
        """Maps the row of each image to its split."""
        deficit = _Deficit(self.fractions, Counter(image.stratum for image in images))

        # Released images have their split, and so have the images of their units; they count before the others.
        split_of: dict[int, str] = {}
        members: defaultdict[str, list[_Image]] = defaultdict(list)
        for image in images:
            split = image.released_split or units.split_of(image.bonds)
            if split is None:
                members[units.name(image.bonds)].append(image)
            else:
                split_of[image.row] = split
                deficit.take(split, [image])

        # Rare modalities first: a split that has its share of the frequent ones could no longer make room for them.
        sizes = Counter(image.stratum for image in images)
        rarest = {name: min((sizes[image.stratum], image.stratum) for image in unit) for name, unit in members.items()}
        first = {name: min((image.key, image.figure_id) for image in unit) for name, unit in members.items()}

        def order(name: str) -> tuple[tuple[int, str], tuple[bytes, str], str]:
            key, figure_id = first[name]
            return rarest[name], self._position(key), figure_id

        for name in sorted(members, key=order):
            _, stratum = rarest[name]
            split = self._choose(members[name], stratum, deficit)
            deficit.take(split, members[name])
            split_of |= {image.row: split for image in members[name]}
        return split_of

    def _choose(self, unit: Sequence[_Image], stratum: str, deficit: _Deficit) -> str:
        """Returns the split for a unit that contains no released image."""
        if self.held_out is None:
            return deficit.largest(stratum)
        if not all(self._may_be_held_out(image) for image in unit):
            return "train"
        # Few units qualify for valid and test, so these are filled first and train takes the remaining units.
        needs = {split: deficit.by_stratum[stratum].get(split, 0) for split in ("valid", "test")}
        open_splits = [split for split, images in needs.items() if images >= 0.5]
        return max(open_splits, key=needs.__getitem__, default="train")

    def _may_be_held_out(self, image: _Image) -> bool:
        assert self.held_out is not None
        from_year, not_in = self.held_out.from_year, self.held_out.not_in
        if from_year is not None and (image.year or 0) < from_year:
            return False
        return not_in is None or image.article not in articles_of(not_in)

    def _position(self, key: str) -> tuple[bytes, str]:
        """Returns the sort key that puts units and images in a random but fixed order."""
        # The length of the seed distinguishes seed "a" and key "bc" from seed "ab" and key "c".
        return hashlib.sha256(f"{len(self.seed)}:{self.seed}{key}".encode()).digest(), key


class _Image(NamedTuple):
    """One image, as far as its split depends on it; row: its position in the table."""

    row: int
    figure_id: str
    key: str  # determines the order; does not depend on the rest of the corpus
    bonds: tuple[str, ...]  # what it shares with the other images of its unit; never empty
    stratum: str
    released_split: str | None
    precedence: int
    article: str
    year: int | None


def _image(position: int, row: Mapping[str, Any], by: str) -> _Image:
    return _Image(
        row=position,
        figure_id=row["figure_id"],
        key=row["image_key"] or row["article_key"] or row["figure_id"],
        bonds=(f"image {row['figure_id']}",) if by == "image" else tuple(tie_keys(row)),
        stratum=row["modality"] or "",
        released_split=row["pinned_split"],
        precedence=precedence(row),
        article=row["article_key"] or "",
        year=row["year"],
    )


def _released_leaks(released: Sequence[_Image]) -> dict[int, str]:
    """Maps the rows of released images that are related to an image of a split with precedence to the drop detail."""
    leaks: dict[int, str] = {}
    split_of_bond: dict[str, str] = {}
    for split in _PRECEDENCE:
        kept = []
        for image in released:
            if image.released_split != split:
                continue
            taken = [split_of_bond[bond] for bond in image.bonds if bond in split_of_bond]
            if taken:
                leaks[image.row] = f"related to an image in {taken[0]}, which takes precedence over {split}"
            else:
                kept.append(image)
        # Only now: images of the same split do not conflict with each other.
        for image in kept:
            split_of_bond.update(dict.fromkeys(image.bonds, split))
    return leaks


class _Deficit:
    """How many images each split still needs: overall, and of each stratum."""

    def __init__(self, fractions: Sequence[float], sizes: Mapping[str, int]) -> None:
        shares = {split: fraction for split, fraction in zip(SPLITS, fractions, strict=True) if fraction > 0}
        total = sum(sizes.values())
        self.overall = {split: share * total for split, share in shares.items()}
        self.by_stratum = {
            stratum: {split: share * size for split, share in shares.items()} for stratum, size in sizes.items()
        }

    def largest(self, stratum: str) -> str:
        """Returns the split that needs most images of the stratum; of equals the one that needs most overall."""
        needed = self.by_stratum[stratum]
        # Rounded, so that the order in which fractions were subtracted cannot decide; max prefers train, then valid.
        return max(needed, key=lambda split: (round(needed[split], 6), round(self.overall[split], 6)))

    def take(self, split: str, unit: Sequence[_Image]) -> None:
        """Counts the images of a unit for its split; a split with a fraction of 0 is not counted."""
        if split not in self.overall:
            return
        self.overall[split] -= len(unit)
        for image in unit:
            self.by_stratum[image.stratum][split] -= 1
