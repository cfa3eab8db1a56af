"""Keeps the images that a head recognises as of the wanted classes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import RecipeError
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop
from roco.models.heads.head import Head, as_option
from roco.models.text.panels import evidence


@dataclass(frozen=True, kw_only=True)
class Filter(Decision):
    """Drops figures whose calibrated probability of being of a wanted class is too low.

    The detail states the probability, and what else speaks for several panels: bands between them, panel letters in
    the caption. `roco audit` estimates what the filter lost.

    head, backbone: as in `score`. keep: the wanted classes. at_least: the probability from which figures are kept.
    recall: chooses that probability such that this part of the wanted figures was kept in cross-validation; without
    effect where at_least is set, so that an override can set it.
    given: whether images of a dataset that is read (`kind = "release"`) are kept, because its makers chose them, or
    filtered as all others are.
    """

    head: Path = Path("compound")
    backbone: Path | None = None
    keep: tuple[str, ...] | str = "single"
    at_least: float | None = None
    recall: float | None = None
    given: Literal["keep", "filter"] = "keep"

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", as_option(self.head))
        if not self._wanted:
            raise RecipeError(f"keep names no class (stage '{self.name or 'filter'}')", "name a class of the head")
        for option in ("at_least", "recall"):
            value = getattr(self, option)
            if value is not None and not 0 <= value <= 1:
                raise RecipeError(f"{option} = {value} (stage '{self.name or 'filter'}')", "use 0 to 1")

    @cached_property
    def _model(self) -> Head:
        return Head.load(self.head)

    @property
    def _wanted(self) -> tuple[str, ...]:
        return (self.keep,) if isinstance(self.keep, str) else self.keep

    @cached_property
    def threshold(self) -> float:
        """Returns the probability of the wanted classes from which figures are kept; 0.5 if nothing is set."""
        if self.at_least is not None or self.recall is None:
            return 0.5 if self.at_least is None else self.at_least
        if len(self._wanted) > 1:
            raise RecipeError("recall with several classes in `keep`", "set at_least")
        return self._model.card.threshold(self._wanted[0], self.recall)

    @property
    def _reason(self) -> tuple[str, Reason]:
        reason, meaning = self._model.card.reasons.get(self._wanted[0], (self.name, ""))
        wanted = " or ".join(self._wanted)
        return reason, Reason(meaning or f"head '{self._model.card.task}' does not recognise it as {wanted}")

    @property
    def contract(self) -> Contract:
        card = self._model.card
        for label in self._wanted:
            card.index(label)
        _ = self.threshold
        options: dict[str, Any] = {"head": self.head, "name": f"score_{card.task}"}
        if self.backbone:
            options["backbone"] = self.backbone
        reason, meaning = self._reason
        ensures = card.ensures.get(self._wanted[0]) if len(self._wanted) == 1 else None
        return dataclasses.replace(
            super().contract,
            needs=(("score", options),),
            reads=(self._column,),
            optional=("n_rows", "n_columns", "n_graphics", "caption", "given_id"),
            reasons={reason: meaning},
            ensures=(ensures,) if ensures else (),
        )

    @property
    def _column(self) -> str:
        card = self._model.card
        return f"{card.task}_score" + ("s" if len(card.classes) > 2 else "")

    @property
    def content(self) -> tuple[Path, ...]:
        return ()

    def fingerprint(self) -> Any:
        return [self._model.digest, self.threshold]

    def __call__(self, batch: pa.Table) -> pa.Table:
        probability = self.probability(batch[self._column])
        below = pc.less(probability, pa.scalar(self.threshold, pa.float32()))
        if self.given == "keep" and "given_id" in batch.column_names:
            below = pc.and_(below, pc.is_null(batch["given_id"]))
        # Of a million figures, only those that are dropped are looked at one by one.
        places = np.flatnonzero(pc.fill_null(below, False).to_numpy())
        dropped = self._rows(batch, places)
        details = np.full(len(batch), None, object)
        values = probability.take(places).to_pylist()
        details[places] = [self._detail(row, value) for row, value in zip(dropped, values, strict=True)]
        return drop(batch, below, self._reason[0], pa.array(details, pa.string()))

    def probability(self, scores: pa.ChunkedArray) -> pa.ChunkedArray:
        """Returns the probability that a figure is of a wanted class, from the column of the head."""
        classes = self._model.card.classes
        if len(classes) == 2:
            total = None
            for label in self._wanted:
                one = scores if label == classes[1] else pc.subtract(pa.scalar(1, pa.float32()), scores)
                total = one if total is None else pc.add(total, one)
            return total
        total = pc.struct_field(scores, self._wanted[0])
        for label in self._wanted[1:]:
            total = pc.add(total, pc.struct_field(scores, label))
        return total

    def _rows(self, batch: pa.Table, places: NDArray[np.int64]) -> list[Mapping[str, Any]]:
        optional = [name for name in self.contract.optional if name in batch.column_names]
        rows: list[Mapping[str, Any]] = batch.select(["figure_id", *optional]).take(places).to_pylist()
        return rows

    def _detail(self, row: Mapping[str, Any], probability: float) -> str:
        wanted = " or ".join(self._wanted)
        # Rounded down: 0.996 must not read as 1.00.
        facts = [f"{wanted} {math.floor(probability * 100) / 100:.2f}"]
        if {"single", "candidate"} & set(self._wanted):
            rows, columns = row.get("n_rows") or 1, row.get("n_columns") or 1
            if rows * columns > 1:
                facts.append(f"bands between {rows} x {columns} panels")
            letters = evidence(row.get("caption") or "")
            if letters:
                facts.append(letters)
        return "; ".join(facts)
