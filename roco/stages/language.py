"""Keeps captions in the wanted language."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.stage import Decision, drop
from roco.errors import RecipeError

# Small words, and words of captions, that stand in English text and in none of the languages below.
_ENGLISH = frozenset(
    {
        "the", "of", "with", "and", "is", "are", "was", "were", "to", "from", "at", "by", "after",
        "before", "this", "these", "which", "that", "has", "have", "been", "through", "between", "around",
        "within", "showing", "shows", "shown", "show", "showed", "demonstrates", "demonstrating", "left",
        "right", "view", "wall", "findings", "arrow", "arrows", "chest", "months", "years", "scan", "ray",
        "following", "during",
    }
)  # fmt: skip
_OTHER = frozenset(
    {
        "le", "la", "les", "des", "du", "de", "un", "une", "et", "avec", "au", "aux", "en", "sur", "dans",
        "sans", "par", "montrant", "montre", "chez", "el", "los", "las", "una", "uno", "con", "del", "que",
        "por", "para", "muestra", "mostrando", "da", "dos", "das", "com", "uma", "na", "ao", "und", "der",
        "mit", "ein", "eine", "im", "von", "zur", "bei", "il", "lo", "gli", "della", "di", "dei", "che",
        "per", "nel",
    }
)  # fmt: skip
_ELIDED = re.compile(r"\b(?:[ldnsjmc]|qu)['’](?=\w)", re.I)
_TOKEN = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, kw_only=True)
class Language(Decision):
    """Drops captions identified as another language with a confidence above at_least (the paper's rule, 0.45).

    That rule alone loses English captions: "anterior" and "posterior" are Spanish words too. The second opinion
    keeps a caption, if English is wanted, whose English small words outnumber those of other languages.
    """

    needs = ("language_id",)
    reads = ("caption", "language", "language_score")
    reasons = ("language",)

    keep: tuple[str, ...] = ("en",)
    at_least: float = 0.45
    second_opinion: bool = True

    def __post_init__(self) -> None:
        wrong = [code for code in self.keep if not re.fullmatch(r"[a-z]{2,3}", code)]
        if wrong or not self.keep:
            raise RecipeError(f"language: keep = {list(self.keep)} names no language", 'codes as in keep = ["en"]')
        if not 0 <= self.at_least <= 1:
            raise RecipeError(f"language: at_least is {self.at_least}", "a confidence from 0 to 1; the paper took 0.45")

    def __call__(self, batch: pa.Table) -> pa.Table:
        other = pc.invert(pc.is_in(batch["language"], pa.array(self.keep, pa.string())))
        sure = pc.greater(pc.cast(batch["language_score"], pa.float64()), self.at_least)
        rows = zip(
            pc.fill_null(pc.and_(other, sure), False).to_pylist(),
            batch["caption"].to_pylist(),
            batch["language"].to_pylist(),
            batch["language_score"].to_pylist(),
            strict=True,
        )
        said = [
            f"{language} {score:.2f}" if out and language and not self._rescued(caption or "") else None
            for out, caption, language, score in rows
        ]
        details = pa.array(said, pa.string())
        return drop(batch, details.is_valid(), "language", details)

    def _rescued(self, caption: str) -> bool:
        return self.second_opinion and "en" in self.keep and reads_english(caption)


def reads_english(caption: str) -> bool:
    """Whether more small words of a caption are English than French, Spanish, Portuguese, Italian or German."""
    words = [w.casefold() for w in _TOKEN.findall(caption)]
    english = sum(w in _ENGLISH for w in words)
    return english > sum(w in _OTHER for w in words) + len(_ELIDED.findall(caption))
