"""Guesses the modality of an image from its caption and its pixels, and region and direction from the caption."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import RecipeError, nearest
from roco.base.schema import types
from roco.core.contract import Contract
from roco.core.stage import Decision, put
from roco.models.heads.head import Head, as_option
from roco.models.text import caption_rules, likelihood, rule_files
from roco.models.text.rule_files import OTHER
from roco.models.text.terms.table import SHIPPED, load


class Guessed(NamedTuple):
    """The guess for one figure; the fields are the columns."""

    modality_guess: str | None = None
    modality_p: float | None = None
    modality_margin: float | None = None
    modality_guess_from: str | None = None
    modality_disagrees: bool | None = None
    region_guess: str | None = None
    region_guess_from: str | None = None
    direction_guess: str | None = None
    direction_guess_from: str | None = None
    guess_evidence: tuple[dict[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guess(Decision):
    """Guesses the modality from caption and pixels together, with a probability; `merge` uses the guess.

    The probability of a modality is that of the pixels (head `modality`), times how likely the caption is read as it is
    given that modality, times the share of the modality in ROCOv2. What the head was not trained on (PET, combined, and
    OTHER for what is no radiology) is guessed from the caption alone, if the caption names it. `modality_guess_from` is
    caption, pixels or both; `modality_margin` is the probability less that of the next modality. Region and direction
    of an X-ray come from the caption alone. `guess_evidence` lists the words, `modality_disagrees` marks images whose
    pixels contradict the modality in their caption.

    head, backbone: as in `score`. disagrees_at: the probability by the pixels from which another modality than that of
    the caption is a disagreement.
    """

    reads = ("caption", "terms")
    writes = types(*Guessed._fields)

    head: Path = Path("modality")
    backbone: Path | None = None
    disagrees_at: float = 0.8

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", as_option(self.head))
        if not 0 < self.disagrees_at <= 1:
            raise RecipeError(f"disagrees_at = {self.disagrees_at} (stage '{self.name or 'guess'}')", "use 0 to 1")

    @cached_property
    def _model(self) -> Head:
        return Head.load(self.head)

    @property
    def contract(self) -> Contract:
        card = self._model.card
        for label in card.classes:
            if label not in likelihood.CLASSES:
                message = f"class '{label}' of head '{self.head}' is no modality (stage '{self.name or 'guess'}')"
                raise RecipeError(message, nearest(label, likelihood.CLASSES))
        if len(card.classes) < 3:
            raise RecipeError(f"head '{self.head}' has only two classes", "use a head for three modalities or more")
        options: dict[str, Any] = {"head": self.head, "name": f"score_{card.task}"}
        if self.backbone:
            options["backbone"] = self.backbone
        return dataclasses.replace(
            super().contract, needs=("terms", ("score", options)), reads=(*self.reads, f"{card.task}_scores")
        )

    @property
    def content(self) -> tuple[Path, ...]:
        return (SHIPPED, likelihood.FILE, *rule_files.files())

    def fingerprint(self) -> Any:
        return [super().fingerprint(), self._model.digest]

    def prepare(self) -> None:
        _ = load(), self._model, likelihood.likelihoods()

    def __call__(self, batch: pa.Table) -> pa.Table:
        scores = f"{self._model.card.task}_scores"
        rows = batch.select(["caption", "terms", scores]).to_pylist()
        guesses = [self.guess(row["caption"], row["terms"], row[scores]) for row in rows]
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([getattr(one, name) for one in guesses], kind))
        return batch

    def guess(self, caption: str | None, terms: Any, scores: Mapping[str, float | None] | None) -> Guessed:
        """Returns the guess for one figure; scores: the probability of each class of the head, by the pixels."""
        caption = caption or ""
        words = caption_rules.words(terms or (), load())
        named = caption_rules.modality(caption, words)
        pixels = {label: p for label, p in (scores or {}).items() if p is not None}
        label, probability, margin, source = combined(named.label, pixels, is_sure=named.is_sure_of_other)
        answers = {"modality": named}
        if label == "DRXR":
            answers["region"] = caption_rules.region(caption, words)
            answers["direction"] = caption_rules.direction(caption, words)
        region, direction = (answers[kind].of_paper if kind in answers else None for kind in ("region", "direction"))
        return Guessed(
            label,
            probability,
            margin,
            source,
            _disagrees(named.label, pixels, self.disagrees_at),
            region,
            "caption" if region else None,
            direction,
            "caption" if direction else None,
            tuple({"of": kind, **one._asdict()} for kind, answer in answers.items() for one in answer.evidence),
        )


class Combined(NamedTuple):
    """The guess by caption and pixels together.

    margin: probability less that of the next class; None if the caption alone decides, which considers one class.
    """

    label: str | None
    probability: float | None
    margin: float | None
    source: str | None


def combined(
    named: str | None, pixels: Mapping[str, float], *, is_sure: bool = False, another_image: float | None = None
) -> Combined:
    """Returns the most probable class, its probability and margin, and whether it comes from caption, pixels or both.

    named: what the caption was read as. pixels: the probabilities of the head, which counts its classes alike; empty if
    the image has none. A class that the head does not have is guessed only if the caption was read as it. is_sure:
    whether the caption alone decides. another_image: as in `likelihoods`.
    """
    if named and is_sure:
        return Combined(named, likelihood.sure_other(), None, "caption")
    if named is None and not pixels:
        return Combined(None, None, None, None)
    given = likelihood.likelihoods(another_image)[named or likelihood.NONE]
    weights = {}
    for label, share in likelihood.prior().items():
        # The pixels say nothing about a class that the head does not have: they fit it as well as the mean class.
        ratio = pixels[label] * len(pixels) if label in pixels else 1.0
        weights[label] = share * given[label] * ratio
    total = sum(weights.values())
    best = max((label for label in weights if label in pixels or label == named), key=lambda label: weights[label])
    if best not in pixels:
        source = "caption"
    else:
        source = "both" if named else "pixels"
    # A class that may not be guessed, because the caption does not name it, can still be the more probable one.
    next_best = max(weight for label, weight in weights.items() if label != best)
    margin = max(0.0, weights[best] - next_best) / total
    return Combined(best, weights[best] / total, margin, source)


def _disagrees(named: str | None, pixels: Mapping[str, float], at_least: float) -> bool | None:
    """Returns whether the pixels show another modality than the caption names; None if one of the two is missing."""
    if named is None or named == OTHER or not pixels:
        return None
    seen = max(pixels, key=lambda label: pixels[label])
    return named in pixels and seen != named and pixels[seen] >= at_least
