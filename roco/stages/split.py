"""Divides the figures into train, valid and test, an article never between two of them."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from roco.core.stage import Decision, put
from roco.dataset import SPLITS
from roco.errors import RecipeError
from roco.schema import types


@dataclass(frozen=True, kw_only=True)
class Split(Decision):
    """Gives every article to train, valid or test, by images in the wanted proportion.

    Articles come in the order of a keyed hash, and each goes where most images are still lacking, so the
    result does not depend on the order of the rows. The paper splits single images (about 75 : 12.5 : 12.5),
    which puts figures of one article on both sides; here no article is in two splits.
    """

    reads = ("article_key",)
    writes = types("split")
    scope = "table"

    fractions: tuple[float, ...] = (0.75, 0.125, 0.125)
    seed: str = "roco"

    def __post_init__(self) -> None:
        fractions = self.fractions
        if len(fractions) != len(SPLITS):
            raise RecipeError(f"split: {len(fractions)} fractions for {len(SPLITS)} splits", _HINT)
        if not all(math.isfinite(f) and f >= 0 for f in fractions):
            raise RecipeError(f"split: fractions must not be below 0: {list(fractions)}", _HINT)
        if abs(sum(fractions) - 1) > 1e-6:
            raise RecipeError(f"split: the fractions sum to {sum(fractions):g}, not to 1", _HINT)

    def __call__(self, batch: pa.Table) -> pa.Table:
        keys = [_article(row) for row in batch.select(["article_key", "figure_id", "drop"]).to_pylist()]
        given = self._assign(Counter(key for key in keys if key is not None))
        return put(batch, "split", pa.array([given.get(key) for key in keys], pa.string()))

    def _assign(self, sizes: Counter[str]) -> dict[str | None, str]:
        images = sum(sizes.values())
        lacking = {name: f * images for name, f in zip(SPLITS, self.fractions, strict=True) if f > 0}
        given: dict[str | None, str] = {}
        for key in sorted(sizes, key=self._place):
            split = max(lacking, key=lambda name: lacking[name])  # of equals the first: train before valid
            given[key] = split
            lacking[split] -= sizes[key]
        return given

    def _place(self, key: str) -> tuple[bytes, str]:
        # The length before the seed keeps ("a", "bc") and ("ab", "c") apart.
        return hashlib.sha256(f"{len(self.seed)}:{self.seed}{key}".encode()).digest(), key


_HINT = "write three numbers for train, valid and test that sum to 1: fractions = [0.75, 0.125, 0.125]"


def _article(row: dict[str, str | None]) -> str | None:
    """What is kept together; None for a row that has left. A figure without an article stands for itself."""
    if row["drop"] is not None:
        return None
    return row["article_key"] or row["figure_id"]
