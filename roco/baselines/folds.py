"""Folds of a cross-validation in which no group, or no source, is on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from roco.baselines.examples import Examples, Flags

By = Literal["group", "source"]

SOURCE_FOLDS = 8
"""Folds of whole sources, at most."""


def folds(examples: Examples, by: By, n: int = 5, seed: int = 0) -> Iterator[tuple[Flags, Flags]]:
    """Yields (train, test) as flags: test has real images only, train nothing that shares a group with them.

    by group: n folds of about equal size, the classes spread evenly. by source: no source is on both sides, and the
    large ones are left out one at a time. Derived images of the groups, or sources, of a fold are left out with it.
    """
    fold_of = _by_source(examples, SOURCE_FOLDS) if by == "source" else _by_group(examples, n, seed)
    origins = [(*groups, *_sources(source)) for groups, source in zip(examples.groups, examples.sources, strict=True)]
    if by == "group":
        origins = list(examples.groups)
    of_fold: dict[int, set[str]] = defaultdict(set)
    for names, derived, fold in zip(origins, examples.derived, fold_of, strict=True):
        if not derived:
            of_fold[int(fold)].update(names)
    for fold in sorted(of_fold):
        test = (fold_of == fold) & ~examples.derived
        shares = np.array([not of_fold[fold].isdisjoint(names) for names in origins], np.bool_)
        yield ~shares & (fold_of != fold), test


def _sources(source: str) -> tuple[str, ...]:
    """Returns the sources of an image as keys; a derived image, or one in two packages, has several, joined by `|`."""
    return tuple(f"source {name}" for name in source.split("|") if name)


def _by_source(examples: Examples, n: int) -> np.ndarray:
    """Returns the fold of each row: the largest sources have a fold of their own, small ones share one.

    Sources that have a real image in common count as one.
    """
    real = [source for source, derived in zip(examples.sources, examples.derived, strict=True) if not derived]
    united = _united([_sources(source) or ("",) for source in set(real)])
    counts = Counter(united[(_sources(source) or ("",))[0]] for source in real)
    sizes = np.zeros(n)
    fold: dict[str, int] = {}
    for source in sorted(counts, key=lambda name: (-counts[name], name)):
        fold[source] = int(sizes.argmin())
        sizes[fold[source]] += counts[source]
    first = [(_sources(source) or ("",))[0] for source in examples.sources]
    return np.array([fold.get(united.get(name, name), -1) for name in first])


def _united(together: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Returns, for each name, the first name of all that are connected with it."""
    leader: dict[str, str] = {}
    for names in sorted(together):
        connected = {leader.get(name, name) for name in names}
        first = min(connected)
        for name, old in list(leader.items()):
            if old in connected:
                leader[name] = first
        leader.update(dict.fromkeys(names, first))
    return leader


def _by_group(examples: Examples, n: int, seed: int) -> np.ndarray:
    """Returns the fold of each row: groups with several images of a class first, each to the fold that has fewest."""
    classes = int(examples.labels.max(initial=0)) + 1
    of_group: dict[str, np.ndarray] = {}
    for groups, label, derived in zip(examples.groups, examples.labels, examples.derived, strict=True):
        if not derived:
            of_group.setdefault(groups[0], np.zeros(classes))[label] += 1

    def order(group: str) -> tuple[float, str]:
        return -of_group[group].sum(), hashlib.sha256(f"{seed} {group}".encode()).hexdigest()

    totals = np.zeros((n, classes))
    overall = np.maximum(sum(of_group.values(), np.zeros(classes)), 1)
    fold: dict[str, int] = {}
    for group in sorted(of_group, key=order):
        # The fold whose classes, weighted by their rarity, this group fills most evenly.
        cost = (((totals + of_group[group]) / overall) ** 2).sum(1) - ((totals / overall) ** 2).sum(1)
        fold[group] = int(cost.argmin())
        totals[fold[group]] += of_group[group]
    return np.array([fold.get(groups[0], -1) for groups in examples.groups])
