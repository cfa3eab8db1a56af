"""Drops figures whose caption says nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from roco.core.stage import Decision, drop
from roco.errors import RecipeError

_KIND = frozenset(
    {
        "fig", "figs", "figure", "figures", "figura", "figuras", "abb", "abbildung", "image", "images",
        "imagen", "imagem", "photo", "picture", "plate", "scheme", "panel", "panels", "graph", "chart",
        "supplementary", "supplement", "supplemental", "suppl", "additional", "extended", "data", "online",
        "and",
    }
)  # fmt: skip
_NUMBER = re.compile(r"[se]?\d+[a-z]?|[a-z]|(?=[ivx])x{0,2}(?:ix|iv|v?i{0,3})")
_TOKEN = re.compile(r"[^\W_]+")
_FILLER = re.compile(
    r"(?:x{2,}|n\s*/?\s*a|none|null|nil|caption|legend|title|untitled|tbd|todo|lorem ipsum|no caption)\W*", re.I
)
_TEX = re.compile(
    r"\$\$?[^$]*\$\$?|\\\(.*?\\\)|\\\[.*?\\\]|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\\[a-zA-Z]+(?:\{[^{}]*\})*", re.S
)
_ADDRESS = re.compile(r"(?:(?:https?|ftp)://|www\.|doi\.org/)\S+|\bdoi:\s*10\.\S+", re.I)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, kw_only=True)
class Caption(Decision):
    """Drops captions that are empty, a label, a filler, LaTeX or an address only, or shorter than min_words.

    A caption of one word that says something stays: the paper drops empty and "very short" captions and gives no
    number of words for it.
    """

    needs = ("extract",)
    reads = ("caption", "caption_raw")
    reasons = ("caption",)

    min_words: int = 1

    def __post_init__(self) -> None:
        if self.min_words < 0:
            raise RecipeError(f"caption: min_words is {self.min_words}", "a number from 0 on")

    def __call__(self, batch: pa.Table) -> pa.Table:
        captions = batch["caption"].to_pylist()
        whys = [self._why(c, r) for c, r in zip(captions, batch["caption_raw"].to_pylist(), strict=True)]
        details = pa.array(whys, pa.string())
        return drop(batch, details.is_valid(), "caption", details)

    def _why(self, caption: str | None, raw: str | None) -> str | None:
        why = says_nothing(caption or "", raw or "")
        if why is None and (n := len((caption or "").split())) < self.min_words:
            return f"{n} words"
        return why


def says_nothing(caption: str, raw: str = "") -> str | None:
    """Why a caption says nothing, or null when it does; raw tells an address that was removed from an absence."""
    text = caption.strip()
    if not text:
        return "address only" if _ADDRESS.search(raw) else "empty"
    if _FILLER.fullmatch(text):
        return "filler"
    # The costly patterns are tried only where they can match: this runs over every caption of the corpus.
    low = text.casefold()
    bare = _ADDRESS.sub(" ", text) if "://" in low or "www." in low or "doi" in low else text
    if not _LETTER.search(bare):
        return "no letters" if bare == text else "address only"
    if ("\\" in bare or "$" in bare) and not _LETTER.search(_TEX.sub(" ", bare)):
        return "LaTeX only"
    if _is_label(text):
        return "label only"
    return None


def _is_label(text: str) -> bool:
    """Whether all words are those of labels and numbers: "CT" and "T1" may be all that the author has to say."""
    words = (match[0] for match in _TOKEN.finditer(text.casefold()))
    return all(w in _KIND or _NUMBER.fullmatch(w) for w in words)
