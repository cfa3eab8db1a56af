"""Reads a dataset to learn a linker from: its rows, the names of its concepts, and which of them are manual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from roco.base import labels
from roco.base.errors import DataError, UsageError
from roco.base.ids import is_cui
from roco.base.schema import SPLITS
from roco.baselines.concepts.rows import Row
from roco.models.text.vocabulary import table as vocabulary
from roco.models.text.vocabulary.table import Concept
from roco.release import captioned
from roco.release.caption_files import SUFFIXES

PAPER = tuple(sorted(cui for kind in labels.KINDS for cui in labels.cuis(kind)))
"""The 18 concepts of the paper that people assigned: six modalities, eight regions, four directions."""

ALL = "all"
"""Chooses every split."""

LEAST_ROWS = 10
"""Captions with a concept that makes it worth judging as a manual one."""


class Dataset(NamedTuple):
    """What a linker is learned from; see `learn`.

    names: of each concept, those of the dataset first, then those of vocabularies. splits: those that were read, empty
    if the dataset has none.
    """

    rows: list[Row]
    names: Mapping[str, tuple[str, ...]]
    manual: tuple[str, ...]
    splits: tuple[str, ...]


def read(
    path: str | Path,
    splits: Collection[str] | None = None,
    manual: Collection[str] | None = None,
    concepts: Iterable[Concept] = (),
) -> Dataset:
    """Reads a dataset in any layout of `roco.release.captioned.read`.

    splits: by default only `train`, so that valid and test remain for scoring; `all` for every split. Datasets without
    splits are read as a whole. manual: CUIs that people assigned; by default those of the
    manual concepts of the dataset, and if it does not tell them apart, those of the paper; none for rows of the first
    ROCO, whose concepts all come from the caption. concepts: of further vocabularies, which name what the dataset has.
    Raises DataError, also for splits of which none is a complete `train`, and UsageError.
    """
    for cui in manual or ():
        if not is_cui(cui):
            raise UsageError(f"invalid CUI '{cui[:40]}'", "a CUI is C and seven digits")
    if splits is not None:
        chosen = None if ALL in splits else tuple(splits)
        found = captioned.read(path, chosen)
    else:
        found = captioned.read(path)
        if any(row.split for row in found.rows):
            train = [row for row in found.rows if row.split == SPLITS[0]]
            if not train:
                found = captioned.read(path, SPLITS[:1])  # raises an error that names what is missing
            else:
                found = captioned.Captioned(train, found.names, found.files)
    if not any(row.cuis for row in found.rows):
        raise DataError(f"{path} has no concepts", "give a dataset whose captions have CUIs")
    read_splits = tuple(sorted({row.split for row in found.rows if row.split}))
    return Dataset(found.rows, _names(found, concepts), _manual(found, manual), read_splits)


def unlearned(path: str | Path, learned: Collection[str]) -> str:
    """Returns a split of a dataset to score on, none of those learned from: test, else valid; empty if it has none."""
    for split in reversed(SPLITS):
        if learned and split not in learned:
            try:
                captioned.read(path, (split,))
            except (DataError, UsageError):
                continue
            return split
    return ""


def _names(found: captioned.Captioned, concepts: Iterable[Concept]) -> dict[str, tuple[str, ...]]:
    """Returns the names that the dataset, further vocabularies and the shipped one have, in this order."""
    names = {concept.cui: concept.names for concept in vocabulary.load().concepts}
    labelled = {cui for row in found.rows for cui in row.cuis}
    for concept in concepts:
        if concept.cui in labelled:
            names[concept.cui] = (*concept.names, *names.get(concept.cui, ()))
    for cui, name in found.names.items():
        names[cui] = (name, *names.get(cui, ()))
    return {cui: tuple(dict.fromkeys(some)) for cui, some in names.items()}


def _manual(found: captioned.Captioned, manual: Collection[str] | None) -> tuple[str, ...]:
    """Returns the manual concepts of enough captions."""
    if manual is None:
        manual = {cui for row in found.rows for cui in row.manual}
        is_first_roco = all(file.name.endswith(SUFFIXES) for file in found.files)
        if not manual and not is_first_roco:
            manual = PAPER
    n = Counter(cui for row in found.rows for cui in row.cuis)
    return tuple(sorted(cui for cui in set(manual) if n[cui] >= LEAST_ROWS))
