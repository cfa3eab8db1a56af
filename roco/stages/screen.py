"""Flags or drops images by the text in them: annotations, the caption, panel letters, what may identify a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.base.schema import types
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop, put
from roco.models.images.panel_letters import panel_letters
from roco.models.images.text_in_image import from_value
from roco.models.text.caption_overlap import overlap
from roco.models.text.identifying import kinds

Action = Literal["flag", "drop"]

CHECKS: Mapping[str, tuple[str, Reason]] = {
    "unread": ("text_unread", Reason("the text in the image could not be read")),
    "identity": ("identifying_text", Reason("text in the image may identify a person")),
    "caption": ("caption_in_image", Reason("the image contains its caption")),
    "panels": ("panel_letters", Reason("the image has panel letters")),
    "text": ("burned_in_text", Reason("the image contains text")),
}
"""Check -> the reason for which it drops an image. An image that several checks drop has the reason of the first."""


@dataclass(frozen=True, kw_only=True)
class Screen(Decision):
    """Flags images by the text in them in the column `screening`, or drops them.

    Each check is an option: `flag` or `drop`. Details state numbers and kinds, never the text itself.

    text: images with `text_words` words or numbers, or with text on `text_share` of their area; single letters, such as
    the side `L`, are no words. caption: images that contain `caption_words` consecutive words of their caption, or
    `caption_share` of its words and at least as many (guideline S14 of the paper excludes such images). panels: images
    with panel letters, a cue for compound figures. identity: images with dates, ages, dates of birth, patient numbers,
    names or institutions. unread: images of which OCR failed.
    gate: as in `ocr`.
    """

    reads = ("caption", "text_read", "text_share", "text_words", "text_lines")
    writes = types("panel_letters", "caption_run", "caption_overlap", "identifying_text", "screening")

    text: Action = "flag"
    caption: Action = "flag"
    panels: Action = "flag"
    identity: Action = "flag"
    unread: Action = "flag"
    text_words: int = 3
    text_share: float = 0.05
    caption_words: int = 5
    caption_share: float = 0.5
    gate: bool = True

    def __post_init__(self) -> None:
        stage = self.name or "screen"
        for option in ("text_words", "caption_words"):
            if getattr(self, option) < 1:
                raise RecipeError(f"{option} = {getattr(self, option)} (stage '{stage}')", "use 1 or more")
        for option in ("text_share", "caption_share"):
            if not 0 < getattr(self, option) <= 1:
                raise RecipeError(f"{option} = {getattr(self, option)} (stage '{stage}')", "use more than 0, up to 1")

    @property
    def contract(self) -> Contract:
        return dataclasses.replace(
            super().contract,
            needs=("extract", "ocr" if self.gate else ("ocr", {"gate": False})),
            reasons=dict(CHECKS[check] for check in CHECKS if getattr(self, check) == "drop"),
        )

    def __call__(self, batch: pa.Table) -> pa.Table:
        columns = (batch[name].to_pylist() for name in self.reads)
        rows = [self._screened(*row) for row in zip(*columns, strict=True)]
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([row.get(name) for row in rows], kind))
        for check, (reason, _) in CHECKS.items():
            if getattr(self, check) == "drop":
                flagged = [check in (row.get("screening") or ()) for row in rows]
                details = [
                    detail(check, row) if is_flagged else None for row, is_flagged in zip(rows, flagged, strict=True)
                ]
                batch = drop(batch, pa.array(flagged, pa.bool_()), reason, pa.array(details, pa.string()))
        return batch

    def _screened(
        self, caption: str | None, read: str | None, share: float | None, n_words: int | None, value: bytes | None
    ) -> dict[str, Any]:
        """Returns the columns of one image; none if no text was looked for."""
        if read is None:
            return {}
        if value is None or share is None or n_words is None:
            return {"screening": ["unread"]}
        lines = from_value(value)
        common = overlap(caption or "", " ".join(line.text for line in lines))
        row = {
            "text_words": n_words,
            "text_share": share,
            "panel_letters": panel_letters(lines),
            "caption_run": common.run,
            "caption_overlap": round(common.share, 4),
            "identifying_text": kinds(line.text for line in lines),
        }
        is_mostly = common.share >= self.caption_share and common.shared >= self.caption_words
        flags = {
            "identity": bool(row["identifying_text"]),
            "caption": common.run >= self.caption_words or is_mostly,
            "panels": bool(row["panel_letters"]),
            "text": n_words >= self.text_words or share >= self.text_share,
        }
        return {**row, "screening": [check for check, is_flagged in flags.items() if is_flagged]}


def detail(check: str, row: Mapping[str, Any]) -> str:
    """Returns why a check flags an image, as numbers and kinds; row: the columns of the image."""
    match check:
        case "identity":
            return ", ".join(row["identifying_text"])
        case "caption":
            return f"{row['caption_run']} consecutive words, {100 * row['caption_overlap']:.0f} % of all"
        case "panels":
            return f"panel letters {', '.join(row['panel_letters'])}"
        case "text":
            return f"{row['text_words']} words on {100 * row['text_share']:.1f} % of the area"
    return "OCR failed"
