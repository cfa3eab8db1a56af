"""Drops figures without a caption that describes the image."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.guarantees import CAPTION
from roco.core.contract import Reason
from roco.core.stage import Decision, drop
from roco.models.text.no_description import no_description


@dataclass(frozen=True, kw_only=True)
class Caption(Decision):
    """Drops captions that are empty, shorter than `min_words`, or contain no description of the image.

    Not a description: a label or a copy of it, a filler ("See text"), a file name, a licence statement, LaTeX, an
    address. A single meaningful word is enough: the paper drops empty and "very short" captions without giving a
    number, and its Table 4 contains captions of one word.
    """

    needs = ("extract",)
    reads = ("caption", "caption_raw", "label")
    reasons = {"caption": Reason("the caption is empty or does not describe the image")}
    ensures = (CAPTION,)
    version = 3

    min_words: int = 1
    max_characters: int = 50_000  # the longest caption of the paper has 778 words; more is text in the wrong place

    def __post_init__(self) -> None:
        if self.min_words < 0:
            raise RecipeError(f"min_words = {self.min_words} is negative (caption)", "set a number of words, 0 or more")
        if self.max_characters < 1:
            raise RecipeError(
                f"max_characters = {self.max_characters} is too small (caption)",
                "set a number of characters, 1 or more",
            )

    def __call__(self, batch: pa.Table) -> pa.Table:
        columns = (batch[name].to_pylist() for name in ("caption", "caption_raw", "label"))
        details = pa.array([self._detail(*row) for row in zip(*columns, strict=True)], pa.string())
        return drop(batch, details.is_valid(), "caption", details)

    def _detail(self, caption: str | None, raw: str | None, label: str | None) -> str | None:
        text = caption or ""
        if len(text) > self.max_characters:
            return f"{len(text)} characters"
        detail = no_description(text, raw or "", label or "")
        if detail is not None:
            return detail
        n_words = len(text.split())
        return f"{n_words} words" if n_words < self.min_words else None
