"""Precision, recall and F1 of predicted concepts: as a mean over captions, over all captions, and in groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from roco.base import bootstrap
from roco.evaluate.linkers.predicted import PARTS, Compared
from roco.evaluate.metrics import rates, sets
from roco.evaluate.metrics.rates import Rates

UNKNOWN = "unknown"
"""Where no semantic type of a concept is known."""

BANDS = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, None))
"""Lowest and highest number of captions that have a concept; None is no upper limit."""

Groups = Callable[[str], Iterable[str]]
"""The groups to which a concept belongs, such as its semantic types."""


class Averages(NamedTuple):
    """The rates of one part of the concepts.

    mean: the mean over captions, as ImageCLEF averages F1; a caption without known and predicted concepts counts as
    right, as by the official scripts. micro: over all pairs of caption and concept.
    """

    mean: Rates
    micro: Rates


class Group(NamedTuple):
    """The rates of a group of concepts over all captions. concepts: how many known or predicted ones it has."""

    name: str
    concepts: int
    rates: Rates


def averages(compared: Compared, resamples: int = bootstrap.RESAMPLES) -> dict[str, Averages]:
    """Returns the rates of all, of automatic and of manual concepts."""
    group = bootstrap.groups_of([row.group for row in compared.rows])
    by_part = {}
    for name, belongs in PARTS.items():
        part = compared.part(belongs)
        sizes = sets.overlap(part.gold, part.predicted)
        mean = rates.mean(sizes, group, resamples, both_empty=1.0)
        by_part[name] = Averages(mean, rates.micro(sizes, group, resamples))
    return by_part


def by_type(
    compared: Compared, types: Mapping[str, Sequence[str]], resamples: int = bootstrap.RESAMPLES
) -> list[Group]:
    """Returns the rates of each semantic type, the most frequent in the gold first; types: CUI -> TUIs.

    A concept of several types counts in each.
    """
    groups = _by_group(compared, lambda cui: types.get(cui) or (UNKNOWN,), resamples)
    return sorted(groups, key=lambda group: (-group.rates.gold, group.name))


def by_frequency(
    compared: Compared, captions: Mapping[str, int] | None = None, resamples: int = bootstrap.RESAMPLES
) -> list[Group]:
    """Returns the rates of rare and frequent concepts.

    captions: the number of captions that have each concept; None counts those of the gold.
    """
    frequency = Counter(cui for cuis in compared.gold for cui in cuis) if captions is None else captions
    names = [_band_name(low, high) for low, high in BANDS]

    def band(cui: str) -> tuple[str]:
        n = frequency.get(cui, 0)
        place = next(at for at, (_, high) in enumerate(BANDS) if high is None or n <= high)
        return (names[place],)

    return sorted(_by_group(compared, band, resamples), key=lambda group: names.index(group.name))


def _by_group(compared: Compared, groups: Groups, resamples: int) -> list[Group]:
    """Returns the rates of each group, in no particular order."""
    articles = bootstrap.groups_of([row.group for row in compared.rows])
    concepts = {cui for cuis in (*compared.gold, *compared.predicted) for cui in cuis}
    groups_of = {cui: tuple(groups(cui)) for cui in concepts}
    members: defaultdict[str, int] = defaultdict(int)
    for names in groups_of.values():
        for name in names:
            members[name] += 1
    place = {name: at for at, name in enumerate(sorted(members))}
    # Counts are summed per article at once, which the resamples draw whole.
    counts = np.zeros((int(articles.max(initial=-1)) + 1, len(place), 3))
    for article, gold, predicted in zip(articles.tolist(), compared.gold, compared.predicted, strict=True):
        for kind, cuis in enumerate((gold & predicted, gold, predicted)):
            for cui in cuis:
                for name in groups_of[cui]:
                    counts[article, place[name], kind] += 1
    of_columns = rates.micro_by_column(counts, np.arange(len(counts)), resamples)
    return [Group(name, members[name], of_columns[at]) for name, at in place.items()]


def _band_name(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"{low}" if low == high else f"{low} to {high}"
