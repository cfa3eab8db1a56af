"""Finds the units of related images, and the images that would be related to images of another split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from roco.base.columns import NONE, Indices, components, first_of, runs
from roco.release.precedence import RETIRED
from roco.stages.split_images import Images
from roco.stages.split_units import Bonds, Units

_PRECEDENCE = ("test", "valid", "train")
"""Where released images of two splits are related and `released_leaks` is "drop", those of the first split are kept."""


class Settled(NamedTuple):
    """The images before new ones are divided.

    unit: number of the unit of each. split: number of its split, NONE if it has none yet. leaks: the places of images
    that are to be dropped, with the drop detail.
    """

    unit: Indices
    split: Indices
    leaks: dict[int, str]


def settled(images: Images, released_leaks: Literal["keep", "drop"]) -> Settled:
    """Connects the images to units, each with the split of its released images."""
    unit = _connected(images.bonds)
    is_released = images.released != NONE
    lowest, highest = np.full(len(images), len(images.splits)), np.full(len(images), NONE)
    np.minimum.at(lowest, unit[is_released], images.released[is_released])
    np.maximum.at(highest, unit[is_released], images.released[is_released])

    # A unit with released images of one split has that split. Only those with several have to be looked at image by
    # image: which images are dropped depends on the order in which they join.
    split = highest[unit]
    leaks: dict[int, str] = {}
    mixed = np.flatnonzero((lowest < highest)[unit])
    if len(mixed):
        units = Units()
        leaks = _leaks(images, mixed, released_leaks, units)
        for place, bonds in zip(mixed.tolist(), _lists(images.bonds[mixed]), strict=True):
            if images.released[place] != NONE:
                split[place] = images.released[place]
            elif place not in leaks:
                of_unit = units.split_of(bonds)
                split[place] = NONE if of_unit is None else images.splits.index(of_unit)
                unit[place] = len(images) + units.number(bonds)
    return Settled(unit, split, leaks)


def _connected(bonds: Indices) -> Indices:
    """Returns the number of the unit of each image: the place of its first image."""
    n, kinds = bonds.shape
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for kind in range(kinds):
        same = first_of(bonds[:, kind])
        places = np.flatnonzero((same != NONE) & (same != np.arange(n)))
        first.append(places)
        second.append(same[places])
    return components(n, np.concatenate(first), np.concatenate(second))


def _lists(bonds: Indices) -> list[Bonds]:
    return [[bond for bond in of_image if bond != NONE] for of_image in bonds.tolist()]


def _leaks(images: Images, places: Indices, released_leaks: str, units: Units) -> dict[int, str]:
    """Joins images to units one by one; returns those that are to be dropped, with the drop detail."""
    # Released images come first: they fix the split of their unit. New images join the units one by one, in the
    # order of their hash, so that the same ones are dropped whatever the order of the rows.
    is_released = images.released[places] != NONE
    leaks = _settle(images, places[is_released], released_leaks, units)
    new = places[~is_released]
    new = new[images.at_random(new, np.zeros(len(new), np.int64))]
    for place, bonds in zip(new.tolist(), _lists(images.bonds[new]), strict=True):
        conflict = units.join(bonds)
        if conflict:
            leaks[place] = f"would connect {conflict[0]} and {conflict[1]}"
    return leaks


class _Released(NamedTuple):
    """A released image: its place, what it shares with others, and its split."""

    place: int
    bonds: Bonds
    split: str


def _settle(images: Images, released: Indices, released_leaks: str, units: Units) -> dict[int, str]:
    """Gives the units the splits of released images; those that take precedence settle first."""
    leaks: dict[int, str] = {}
    precedence = images.precedences(released)
    order = images.by_name(released, precedence)
    bounds = runs(precedence[order])
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        some = released[order[start:end]]
        splits = [images.splits[number] for number in images.released[some].tolist()]
        group = list(map(_Released, some.tolist(), _lists(images.bonds[some]), splits))
        if released_leaks == "drop":
            leaks |= _released_leaks(group)
        joining = []
        for image in group:
            other = units.other_split(image.bonds, image.split)
            if other is not None:
                leaks.setdefault(image.place, f"related to a released image in {other}")
            elif image.place not in leaks:
                joining.append(image)
                # A retired image comes back alone: unlike images of one dataset, it must not leak.
                if precedence[order[start]] == RETIRED:
                    units.settle([(image.bonds, image.split)])
        units.settle((image.bonds, image.split) for image in joining)
    return leaks


def _released_leaks(released: Sequence[_Released]) -> dict[int, str]:
    """Returns released images that are related to an image of a split with precedence, with the drop detail."""
    leaks: dict[int, str] = {}
    split_of_bond: dict[int, str] = {}
    for split in _PRECEDENCE:
        kept = []
        for image in released:
            if image.split != split:
                continue
            taken = [split_of_bond[bond] for bond in image.bonds if bond in split_of_bond]
            if taken:
                leaks[image.place] = f"related to an image in {taken[0]}, which takes precedence over {split}"
            else:
                kept.append(image)
        # Only now: images of the same split do not conflict with each other.
        for image in kept:
            split_of_bond.update(dict.fromkeys(image.bonds, split))
    return leaks
