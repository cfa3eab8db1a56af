"""Removes concepts that too few images have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base import lists
from roco.base.columns import Indices, Mask, codes
from roco.base.errors import RecipeError
from roco.base.guarantees import CONCEPTS
from roco.base.schema import types
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop, put
from roco.models.text.concepts import rules as concept_rules
from roco.models.text.concepts.choose import modalities, protected
from roco.models.text.terms import table as terms
from roco.release.previous import concepts_of, content_files


@dataclass(frozen=True, kw_only=True)
class Cutoff(Decision):
    """Removes automatic concepts that 10 images or fewer have.

    Source: section Caption Processing and Concept Extraction.
    However rare they are, manual concepts and those of modality, region and direction are kept, and so are
    scintigraphy, which has no modality label, and all modalities that the caption of a combined image names. Images
    left without a concept are dropped unless `require` is false.

    frozen: folder of a previous release; exactly its concepts are kept, however many images have them now, so both
    releases have the same vocabulary. more_than: images that a concept needs more of; none for the number in the rules.
    rules: the file that `merge` uses.
    """

    reads = ("concepts", "concepts_auto", "concepts_manual")
    optional = ("modality", "region", "direction")
    writes = types("concepts", "concepts_auto")
    reasons = {"concepts": Reason("all its concepts are too rare")}
    scope = "table"
    version = 3

    more_than: int | None = None
    frozen: Path | None = None
    require: bool = True
    rules: Path | None = None

    def __post_init__(self) -> None:
        if self.more_than is not None and self.more_than < 0:
            raise RecipeError(f"more_than = {self.more_than} is negative (cutoff)", "set a number of images, 0 or more")

    @property
    def contract(self) -> Contract:
        return replace(super().contract, ensures=(CONCEPTS,) if self.require else ())

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.rules or concept_rules.SHIPPED, terms.SHIPPED, *content_files(self.frozen))

    @cached_property
    def _least(self) -> int:
        of_rules = concept_rules.load(self.rules).more_than
        return of_rules if self.more_than is None else self.more_than

    def prepare(self) -> None:
        _ = self._least
        if self.frozen is not None:
            concepts_of(self.frozen)

    def __call__(self, batch: pa.Table) -> pa.Table:
        distinct = lists.texts(*(batch[name] for name in self.reads))
        if self.frozen is not None:
            is_enough = np.asarray(pc.is_in(distinct, value_set=pa.array(sorted(concepts_of(self.frozen)))))
        else:
            is_enough = lists.n_rows(batch["concepts"], distinct) > self._least
        # A row for each combination of labels: there are few.
        labels, label = _combinations(batch.select(self.optional))
        is_safe = np.zeros((len(labels), len(distinct)), bool)
        for number, row in enumerate(labels):
            safe = protected({"concepts_manual": (), **row}, modalities())
            is_safe[number] = np.asarray(pc.is_in(distinct, value_set=pa.array(sorted(safe))))
        manual = np.concatenate([np.empty(0, np.int64), *lists.pairs(batch["concepts_manual"], distinct)])

        def is_kept(values: lists.Values) -> Mask:
            kept = is_enough[values.numbers] | is_safe[label[values.rows], values.numbers]
            rest = np.flatnonzero(~kept)
            kept[rest] = np.isin(values.rows[rest] * len(distinct) + values.numbers[rest], manual)
            return kept

        for name in self.writes:
            batch = put(batch, name, lists.chosen(batch[name], distinct, is_kept))
        if not self.require:
            return batch
        return drop(batch, lists.empty(batch["concepts"]), "concepts", "no concept, or only rare ones")


def _combinations(table: pa.Table) -> tuple[list[dict[str, Any]], Indices]:
    """Returns the distinct rows of a table of texts, and the number of each row among them."""
    number = np.zeros(len(table), np.int64)
    for name in table.column_names:
        of_column = codes(table[name]) + 1
        number = np.unique(number * (int(of_column.max(initial=0)) + 1) + of_column, return_inverse=True)[1]
    _, first, number = np.unique(number, return_index=True, return_inverse=True)
    return table.take(pa.array(first)).to_pylist(), number
