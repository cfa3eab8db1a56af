"""Checks of captions: those that describe nothing, that are in another language, or that describe several images."""

from __future__ import annotations

from collections.abc import Callable

from roco.evaluate.checks.check import Measured, Row
from roco.evaluate.report.inputs import Inputs
from roco.models.text import language, panels
from roco.models.text.no_description import no_description

LONGEST = 300
"""Words; the longest caption of the paper has 778, but one caption in a thousand has more than 300."""
OTHER_LANGUAGE_FROM = 0.45
"""The paper removes captions that are not English with at least this probability."""


def without_description(inputs: Inputs) -> Measured:
    """Captions that are empty or describe nothing: a label, a filler such as "xxx", a file name, an address, LaTeX, or
    a licence."""
    return _captions(inputs, no_description)


def in_another_language(inputs: Inputs) -> Measured:
    """Captions in another language than English with a probability of at least 45 %, as the paper measures it with
    fastText; short captions of names and numbers are often taken for another language."""
    if {"language", "language_score"} <= inputs.available:
        found = list(zip(inputs.values("language"), inputs.values("language_score"), strict=True))
    else:
        found = [language.identify(caption) for caption in inputs.values("caption")]
    rows = []
    for id, (code, score), caption in zip(inputs.values("id"), found, inputs.values("caption"), strict=True):
        if code not in (None, "en") and (score or 0) >= OTHER_LANGUAGE_FROM:
            rows.append(Row(id, f"{code} {score:.2f}: {(caption or '')[:160]}"))
    return Measured(len(rows), inputs.size, rows)


def of_several_panels(inputs: Inputs) -> Measured:
    """Captions that name panels, such as "(A) … (B) …" or "left … right": a compound figure that a filter missed, or
    one panel with the caption of all of them."""
    return _captions(inputs, panels.evidence)


def very_long(inputs: Inputs) -> Measured:
    """Captions of more than 300 words, which is rarely one image's description."""

    def long(caption: str) -> str | None:
        words = len(caption.split())
        return f"{words} words" if words > LONGEST else None

    return _captions(inputs, long)


def with_addresses(inputs: Inputs) -> Measured:
    """Captions with a web address or a DOI, which no model should learn to write."""

    def address(caption: str) -> str | None:
        low = caption.lower()
        return next((mark for mark in ("http://", "https://", "www.", "doi.org/") if mark in low), None)

    return _captions(inputs, address)


def _captions(inputs: Inputs, detail: Callable[[str], str | None]) -> Measured:
    rows = []
    for id, caption in zip(inputs.values("id"), inputs.values("caption"), strict=True):
        found = detail(caption or "")
        if found:
            rows.append(Row(id, f"{found}: {(caption or '')[:160]}"))
    return Measured(len(rows), inputs.size, rows)
