"""Keeps captions in the wanted language."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from roco.base.errors import RecipeError, nearest
from roco.core.stage import Decision, drop
from roco.stages.language_words import marks

RULES = ("careful", "paper")

_CLEAR = 0.7
"""A model this sure of a wanted language is not asked again; 70 % of the captions end here."""
_DOUBT = 0.45
"""A model less sure than this of English says nothing: CT, OPG and Greek alike are "en 0.12"."""
_NAMED = 0.9
_SURE = 0.8
"""How sure the model must be of another language where the words say little, and where they say nothing."""


@dataclass(frozen=True, kw_only=True)
class Language(Decision):
    """Drops captions that are not in a wanted language.

    rule: "paper" drops what the model calls another language with a confidence above at_least (0.45, Data Records).
    That loses English captions ("anterior" and "posterior" are Spanish too) and keeps short French and Portuguese
    ones. "careful" asks the words of a caption whenever the model is not sure of a wanted language: English words
    keep it, words, endings and accents of five other languages make it leave. Where English is not wanted the two
    are the same, and where it is not alone the words only keep.
    """

    needs = ("language_id",)
    reads = ("caption", "language", "language_score")
    reasons = ("language",)
    version = 2

    keep: tuple[str, ...] = ("en",)
    at_least: float = 0.45
    rule: str = "careful"

    def __post_init__(self) -> None:
        wrong = [code for code in self.keep if not re.fullmatch(r"[a-z]{2,3}", code)]
        if wrong or not self.keep:
            raise RecipeError(f"language: keep = {list(self.keep)} names no language", 'codes as in keep = ["en"]')
        if not 0 <= self.at_least <= 1:
            raise RecipeError(f"language: at_least is {self.at_least}", "a confidence from 0 to 1; the paper took 0.45")
        if self.rule not in RULES:
            raise RecipeError(f"language: there is no rule '{self.rule}'", nearest(self.rule, RULES))

    def __call__(self, batch: pa.Table) -> pa.Table:
        columns = (batch[name].to_pylist() for name in ("caption", "language", "language_score"))
        whys = [
            self._why(caption, language, score) if caption and language else None
            for caption, language, score in zip(*columns, strict=True)
        ]
        details = pa.array(whys, pa.string())
        return drop(batch, details.is_valid(), "language", details)

    def _why(self, caption: str, language: str, score: float) -> str | None:
        """Why a caption leaves, null where it stays; language and score are the model's."""
        wanted = language in self.keep
        told = not wanted and score > self.at_least
        said = f"{language} {score:.2f}"
        if self.rule == "paper" or "en" not in self.keep:
            return said if told else None
        if told:
            return said if is_other(caption, score) else None
        if self.keep != ("en",) or (wanted and score >= _CLEAR):
            return None
        spoken = spoken_other(caption, score if wanted else 0.0)
        return f"{spoken} by its words (model: {said})" if spoken else None


def is_other(caption: str, score: float) -> bool:
    """Whether the words of a caption agree with a model that calls it another language."""
    found = marks(caption)
    if found.english or found.other >= 1:
        return found.other > found.english
    if not _is_latin(caption):
        return True
    # A name with an accent is a mark too, and two or three words without any are Latin terms more often than not.
    enough = found.words >= 4
    return (enough or score >= _NAMED) if found.other else (enough and score >= _SURE)


def spoken_other(caption: str, english: float) -> str | None:
    """The language that the words of a caption speak against the model, which is `english` sure; null for none."""
    found = marks(caption)
    needed = 2.5 if english > _DOUBT else 1.0 if found.words <= 3 else 1.5
    return found.language if found.other >= needed + 2 * found.english else None


def _is_latin(caption: str) -> bool:
    """Whether most letters are Latin or Greek, as in the captions of all languages that have word lists."""
    letters = [c for c in caption if c.isalpha()]
    return sum(c < "\u0400" for c in letters) * 2 >= len(letters)
