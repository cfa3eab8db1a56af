"""Drops figures to which others hold the rights, and quotes the words that credit them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError, nearest
from roco.base.guarantees import RIGHTS
from roco.base.licenses import DEFAULT_LICENSES, LICENSES
from roco.core.contract import Contract, Reason
from roco.core.stage import Decision, drop, each
from roco.models.text.credits import credit_by_name, first_credit
from roco.models.text.credits.kinds import KINDS
from roco.models.text.licenses import Terms, normalise


@dataclass(frozen=True, kw_only=True)
class Rights(Decision):
    """Drops figures that are credited to others, or that their own terms or their article exclude from redistribution.

    allow: accepted licences of figures with permissions of their own. third_party: "keep" also accepts figures of
    articles that exclude third-party material from their licence. licensed: "keep" also accepts figures credited to
    others if the credit names an allowed licence. docs/rights.md describes the rule and its measured precision.
    """

    version = 3
    needs = ("extract",)
    reads = ("authors", "caption_raw", "credit", "figure_license", "third_party")
    reasons = {"rights": Reason("the figure is credited to somebody else", quotes=True)}

    allow: tuple[str, ...] = DEFAULT_LICENSES
    third_party: str = "drop"
    licensed: str = "drop"

    def __post_init__(self) -> None:
        for name in self.allow:
            if name not in LICENSES:
                raise RecipeError(f"unknown licence '{name}' (rights)", nearest(name, LICENSES))
        for option in ("third_party", "licensed"):
            value = getattr(self, option)
            if value not in _CHOICES:
                raise RecipeError(f"invalid value: {option} = '{value}' (rights)", nearest(value, _CHOICES))

    @property
    def contract(self) -> Contract:
        # Either option keeps images of others, which card and datasheet then state.
        keeps_others = "keep" in (self.third_party, self.licensed)
        return replace(super().contract, ensures=() if keeps_others else (RIGHTS,))

    def __call__(self, batch: pa.Table) -> pa.Table:
        # Each reason is tested only for the figures that passed the previous one.
        own_terms = self._own_terms(batch)
        batch = drop(batch, own_terms.is_valid(), "rights", own_terms)
        for column in ("credit", "caption_raw"):
            credits = self._credits(batch, column)
            batch = drop(batch, credits.is_valid(), "rights", credits)
        if self.third_party == "drop":
            excluded = each(batch["third_party"], _article_detail, _TEXT)
            batch = drop(batch, excluded.is_valid(), "rights", excluded)
        return batch

    def _own_terms(self, batch: pa.Table) -> pa.Array:
        """Returns the drop detail of figures whose own permissions do not name an allowed licence."""
        details: list[str | None] = []
        for license, credit in zip(batch["figure_license"].to_pylist(), batch["credit"].to_pylist(), strict=True):
            if license is None or license in self.allow:
                details.append(None)
            else:
                details.append(f"permissions: {license} {_quote(credit)}" if credit else f"permissions: {license}")
        return pa.array(details, _TEXT)

    def _credits(self, batch: pa.Table, column: str) -> pa.Array:
        """Returns the drop detail of figures whose text credits others; the first kind of credit counts."""
        texts, authors = batch[column], batch["authors"]
        place = ", in the credit line" if column == "credit" else ""
        details: dict[int, str] = {}
        for kind in KINDS:
            # The hint is tested on the whole column at once; the slower pattern only where it can match.
            candidates = pc.and_(
                pc.match_substring_regex(texts, kind.hint, ignore_case=True), pc.is_null(batch["drop"])
            )
            if kind.name == "license" and column == "credit":
                # In a credit line with a figure licence, the licence is the figure's own and was tested before.
                candidates = pc.and_(candidates, pc.is_null(batch["figure_license"]))
            for row in pc.indices_nonzero(candidates).to_pylist():
                if row in details:
                    continue
                text = texts[row].as_py()
                credit = first_credit(kind, text, authors[row].as_py() or ())
                if credit is None or (self.licensed == "keep" and self._allowed(text)):
                    continue
                details[row] = f"{credit.kind}: {_quote(credit.words)}{place}"
        if column == "credit":
            # With a figure licence, the line is the copyright notice of that licence.
            candidates = pc.and_(pc.is_null(batch["figure_license"]), pc.is_null(batch["drop"]))
            for row in pc.indices_nonzero(pc.and_(candidates, texts.is_valid())).to_pylist():
                credit = None if row in details else credit_by_name(texts[row].as_py(), authors[row].as_py() or ())
                if credit:
                    details[row] = f"{credit.kind}: {_quote(credit.words)}{place}"
        return pa.array([details.get(row) for row in range(len(batch))], _TEXT)

    def _allowed(self, text: str) -> bool:
        return normalise(None, (Terms(words=text),)).id in self.allow


def _article_detail(sentence: str) -> str:
    return f"article: {_quote(sentence)}"


def _quote(words: str) -> str:
    return f'"{words[:157]}…"' if len(words) > 160 else f'"{words}"'


_TEXT = pa.string()
_CHOICES = ("drop", "keep")
