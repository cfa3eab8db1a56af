"""Keeps captions in the wanted languages."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError, nearest
from roco.base.guarantees import LANGUAGE
from roco.core.contract import Reason
from roco.core.stage import Decision, drop
from roco.stages.language_words import has_other_marks, marks

RULES = ("careful", "paper")

_CONFIDENT = 0.7
"""From this confidence in a wanted language on, the words are not checked; 70 % of the captions are decided here."""
_UNCERTAIN = 0.45
"""Up to this confidence the answer "en" means little: CT, OPG and Greek all get "en 0.12"."""
_CONFIRMED_BY_MARKS = 0.9
_CONFIRMED_WITHOUT_MARKS = 0.8
"""Required confidence in another language if the words give only a weak mark of it, or no mark at all."""


@dataclass(frozen=True, kw_only=True)
class Language(Decision):
    """Drops captions that are not in a wanted language.

    rule: "paper" drops a caption if the model identifies another language with a confidence above `at_least` (0.45,
    section Data Records). This drops English captions ("anterior" and "posterior" are Spanish words too) and keeps
    short French and Portuguese ones. "careful" also counts the words of a caption whenever the model is not confident
    of a wanted language: English words keep it; words, endings and accents of five other languages drop it. Without
    English in `keep`, both rules are the same; with English and other languages, words can only keep a caption.
    """

    needs = ("language_id",)
    reads = ("caption", "language", "language_score")
    reasons = {"language": Reason("the caption is not in the wanted language")}
    ensures = (LANGUAGE,)
    version = 2

    keep: tuple[str, ...] = ("en",)
    at_least: float = 0.45
    rule: str = "careful"

    def __post_init__(self) -> None:
        wrong = [code for code in self.keep if not re.fullmatch(r"[a-z]{2,3}", code)]
        if wrong or not self.keep:
            raise RecipeError(
                f"invalid language code: keep = {list(self.keep)} (language)", 'use ISO 639 codes: keep = ["en"]'
            )
        if not 0 <= self.at_least <= 1:
            raise RecipeError(
                f"invalid confidence: at_least = {self.at_least} (language)", "use 0 to 1; the paper used 0.45"
            )
        if self.rule not in RULES:
            raise RecipeError(f"unknown rule '{self.rule}' (language)", nearest(self.rule, RULES))

    def __call__(self, batch: pa.Table) -> pa.Table:
        # Most captions need no look at their words: the model is confident of a wanted language, whatever the rule.
        wanted = pc.is_in(batch["language"], value_set=pa.array(self.keep))
        confident = pc.and_(wanted, pc.greater_equal(batch["language_score"], _CONFIDENT))
        uncertain = pc.indices_nonzero(pc.invert(pc.fill_null(confident, False)))
        columns = (batch[name].take(uncertain).to_pylist() for name in ("caption", "language", "language_score"))
        details: list[str | None] = [None] * len(batch)
        for row, *values in zip(uncertain.to_pylist(), *columns, strict=True):
            details[row] = self._detail(*values)
        found = pa.array(details, pa.string())
        return drop(batch, found.is_valid(), "language", found)

    def _detail(self, caption: str | None, language: str | None, score: float) -> str | None:
        """Returns why a caption is dropped, None if it is kept; language and score: the model's answer."""
        if not caption or not language:
            return None
        wanted = language in self.keep
        is_other = not wanted and score > self.at_least
        answer = f"{language} {score:.2f}"
        if self.rule == "paper" or "en" not in self.keep:
            return answer if is_other else None

        # The model identifies another language: the words must agree.
        if is_other:
            return answer if words_agree(caption, score) else None

        # The words of other wanted languages must not drop a caption.
        if self.keep != ("en",):
            return None

        # The model is not confident: clear marks of another language drop the caption.
        other = language_by_words(caption, score if wanted else 0.0)
        return f"{other} by its words (model: {answer})" if other else None


def words_agree(caption: str, score: float) -> bool:
    """Returns whether the words of a caption support the model, which is `score` confident of another language."""
    counts = marks(caption)
    if counts.english or counts.other >= 1:
        return counts.other > counts.english
    if not _is_latin(caption):
        return True
    # A single weak mark may be an accent in a name; without any mark, two or three words are usually Latin terms.
    enough_words = counts.words >= 4
    if counts.other:
        return enough_words or score >= _CONFIRMED_BY_MARKS
    return enough_words and score >= _CONFIRMED_WITHOUT_MARKS


def language_by_words(caption: str, english: float) -> str | None:
    """Returns the language that the words of a caption show, None if not clearly; english: the model's confidence."""
    if not has_other_marks(caption):
        return None
    counts = marks(caption)
    if english > _UNCERTAIN:
        needed = 2.5
    elif counts.words <= 3:
        needed = 1.0
    else:
        needed = 1.5
    return counts.language if counts.other >= needed + 2 * counts.english else None


def _is_latin(caption: str) -> bool:
    """Returns whether most letters are Latin or Greek, as in the languages that have word lists."""
    letters = [character for character in caption if character.isalpha()]
    return sum(letter < "\u0400" for letter in letters) * 2 >= len(letters)
