"""Turns the mentions in a caption into modality, region, direction and the ordered concepts of the release."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from roco.base.labels import DIRECTIONS, KINDS, MODALITIES, REGIONS
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.models.text import caption_rules, rule_files
from roco.models.text.caption_rules import Word
from roco.models.text.terms.table import SHIPPED, Vocabulary, load


class Labels(NamedTuple):
    """What `merge` decides for one figure; the fields are the columns it writes."""

    modality: str | None
    modality_from: str | None
    region: str | None
    direction: str | None
    concepts_auto: list[str]
    concepts_manual: list[str]
    concepts: list[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge(Decision):
    """Determines modality, region and direction from labels or the caption, and orders the concepts.

    Order: modality, region (X-rays only), direction (X-rays only), then all other concepts in the order of the caption,
    each once. Further modalities are kept for combined images only (section Caption Processing and Concept Extraction).
    Manual concepts come first, and a manual modality takes precedence; the column `modality_from` records the source:
    label or guess. The guess is that of the stage `guess`, if the recipe has it before, else the caption's alone. The
    rules that read the caption are described in docs/modality.md.

    modality_from: the sources that may be used, in order. given: which concepts of a previous dataset
    (`kind = "release"`) are used: manual (its manual concepts), all (its automatic concepts too, instead of those
    detected now) or none. require: drops figures without any concept. vocabulary: the file that `mentions` uses.
    """

    needs = ("mentions",)
    reads = ("caption", "mentions")
    optional = ("given_manual", "given_concepts", "modality_guess")
    writes = types("modality", "modality_from", "region", "direction", "concepts_auto", "concepts_manual", "concepts")
    reasons = {"concepts": Reason("the figure has no concept")}
    version = 5

    given: Literal["manual", "all", "none"] = "manual"
    modality_from: tuple[Literal["label", "guess"], ...] = ("label", "guess")
    require: bool = False
    vocabulary: Path | None = None

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.vocabulary or SHIPPED, *rule_files.files())

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return load(self.vocabulary)

    def prepare(self) -> None:
        _ = self._vocabulary
        for kind in rule_files.FILES:
            caption_rules.rules(kind)

    def __call__(self, batch: pa.Table) -> pa.Table:
        names = [name for name in (*self.reads, *self.optional) if name in batch.column_names]
        labels = [self._labels(row) for row in batch.select(names).to_pylist()]
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([getattr(one, name) for one in labels], kind))
        if not self.require:
            return batch
        without = pa.array([not one.concepts for one in labels], pa.bool_())
        return drop(batch, without, "concepts", "no term of the vocabulary in the caption")

    def _labels(self, row: Mapping[str, Any]) -> Labels:
        caption = row["caption"] or ""
        words = caption_rules.words(row["mentions"] or (), self._vocabulary)
        manual = list(row.get("given_manual") or ()) if self.given != "none" else []

        kind, source = self._modality(caption, words, manual, row.get("modality_guess"))
        part = side = None
        if kind == "DRXR":
            part = _manual_label("region", manual) or caption_rules.region(caption, words).of_paper
            side = _manual_label("direction", manual) or caption_rules.direction(caption, words).of_paper

        auto = in_order(words, kind, part, side)
        if self.given == "all" and row.get("given_concepts") is not None:
            auto = row["given_concepts"]
        concepts = [*manual, *(cui for cui in auto if cui not in manual)]
        return Labels(kind, source, part, side, auto, manual, concepts)

    def _modality(
        self, caption: str, words: Sequence[Word], manual: Sequence[str], guess: str | None
    ) -> tuple[str | None, str | None]:
        """Returns the modality and its source: the first allowed source that determines one."""
        for source in self.modality_from:
            if source == "label":
                kind = _manual_label("modality", manual)
            elif guess:
                kind = None if guess == rule_files.OTHER else guess
            else:
                kind = caption_rules.modality(caption, words).of_paper
            if kind:
                return kind, source
        return None, None


def _manual_label(kind: str, manual: Sequence[str]) -> str | None:
    """Returns the label of a kind among the manual concepts; None if there is none, or several."""
    label_of = {term.cui: label for label, term in KINDS[kind].items() if term.cui}
    labels = {label_of[cui] for cui in manual if cui in label_of}
    return labels.pop() if len(labels) == 1 else None


def in_order(words: Sequence[Word], kind: str | None, part: str | None, side: str | None) -> list[str]:
    """Returns the CUIs in the paper's order, each once; other modalities are kept for combined images only."""
    decided = [
        MODALITIES[kind].cui if kind else None,
        REGIONS[part].cui if part else None,
        DIRECTIONS[side].cui if side else None,
    ]
    kinds = ("concept", "region", "modality") if kind == "DRCO" else ("concept", "region")
    others = [word.cui for word in words if word.kind in kinds]
    return list(dict.fromkeys(cui for cui in (*decided, *others) if cui))
