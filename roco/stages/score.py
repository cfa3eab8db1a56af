"""Scores an image with a head: a small classifier on stored numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from roco.base.errors import RecipeError
from roco.core.contract import Contract, Need
from roco.core.stage import Measure, put, rounded
from roco.models.heads import features
from roco.models.heads.head import Head, as_option
from roco.models.images.backbone import Backbone


@dataclass(frozen=True, kw_only=True)
class Score(Measure):
    """Computes the probabilities that a head gives: of two classes `TASK_score`, of several `TASK_scores`.

    TASK is the task of the head. The probabilities are calibrated by cross-validation (the card of the head says how
    well). A score is stored; a changed threshold computes none. A head that was trained on the embeddings of another
    backbone is refused.

    head: a shipped head (compound, gate, modality, radiology), or the path of a file that `roco fit` wrote. backbone:
    as in `embed`.
    """

    head: Path = Path("compound")
    backbone: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", as_option(self.head))

    @cached_property
    def model(self) -> Head:
        return Head.load(self.head)

    @property
    def column(self) -> str:
        """Returns the name of the column that it writes."""
        return f"{self.model.card.task}_score" + ("s" if len(self.model.card.classes) > 2 else "")

    @property
    def contract(self) -> Contract:
        card = self.model.card
        blocks = [features.BLOCKS[block] for block in card.blocks]
        needs: dict[str, Need] = {block.need: self._need(block.need) for block in blocks}
        columns = dict.fromkeys(column for block in blocks for column in block.columns)
        kind = pa.float32()
        if len(card.classes) > 2:
            kind = pa.struct([(label, pa.float32()) for label in card.classes])
        return dataclasses.replace(
            super().contract, needs=tuple(needs.values()), reads=tuple(columns), writes={self.column: kind}
        )

    def _need(self, measure: str) -> Need:
        if measure != "embed":
            return measure
        self._check_backbone()
        return (measure, {"backbone": self.backbone}) if self.backbone else measure

    def _check_backbone(self) -> None:
        backbone, trained = Backbone.load(self.backbone), self.model.card.backbone
        if trained.get("sha256") != backbone.sha256:
            message = f"head '{self.head}' was trained on embeddings of {trained.get('name', 'no backbone')}"
            raise RecipeError(f"{message}, not of {backbone.name}", "fit a head for this backbone with `roco fit`")
        self.model.check({**features.WIDTHS, "embedding": backbone.width})

    @property
    def content(self) -> tuple[Path, ...]:
        return ()

    def fingerprint(self) -> Any:
        return self.model.digest

    def prepare(self) -> None:
        _ = self.model

    def __call__(self, batch: pa.Table) -> pa.Table:
        card = self.model.card
        blocks: dict[str, features.Floats] = {}
        given = np.ones(len(batch), np.bool_)
        for block in card.blocks:
            blocks[block], has_numbers = features.read(batch, block)
            given &= has_numbers
        rows: Mapping[str, Any] = {name: values[given] for name, values in blocks.items()}
        found = np.full((len(batch), len(card.classes)), np.nan, np.float32)
        if given.any():
            found[given] = self.model.probabilities(rows)
        columns = [pa.array(rounded(found[:, k]), from_pandas=True) for k in range(len(card.classes))]
        columns = [pa.array(column.to_numpy(zero_copy_only=False), pa.float32(), mask=~given) for column in columns]
        if len(card.classes) == 2:
            return put(batch, self.column, columns[1])
        kind = self.contract.writes[self.column]
        return put(batch, self.column, pa.StructArray.from_arrays(columns, fields=list(kind), mask=pa.array(~given)))
