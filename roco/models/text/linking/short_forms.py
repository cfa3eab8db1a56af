"""Decides by its caption what an ambiguous short form means: US, PA, MS, LAD."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, nearest
from roco.models.text.terms.meanings import CaptionMeanings

TABLE = Path(__file__).with_name("short_forms.toml")
SCORE = 0.9
"""The score of a short form whose meaning the caption decided."""

_NEAR = 80  # characters


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One meaning of a short form; the patterns are those of short_forms.toml."""

    form: str
    names: tuple[str, ...]
    imaging: bool = False
    before: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    anywhere: re.Pattern[str] | None = None
    not_before: re.Pattern[str] | None = None
    not_after: re.Pattern[str] | None = None
    not_anywhere: re.Pattern[str] | None = None
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()


_PATTERNS = ("before", "after", "anywhere", "not_before", "not_after", "not_anywhere")


def load(path: Path = TABLE) -> dict[str, tuple[Meaning, ...]]:
    """Reads a table of short forms: form -> meanings, in the order of the file; raises DataError with file and form."""
    found: dict[str, list[Meaning]] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("meaning", ()):
        meaning = _meaning(entry, path)
        found.setdefault(meaning.form, []).append(meaning)
    return {form: tuple(meanings) for form, meanings in found.items()}


@cache
def shipped() -> dict[str, tuple[Meaning, ...]]:
    """Returns the table that is shipped with roco."""
    return load()


def _meaning(entry: dict[str, Any], path: Path) -> Meaning:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    values["counterexamples"] = values.pop("not", ())
    where = f"{path}, short form '{values.get('form', 'without a name')}'"
    known = {field.name for field in fields(Meaning)}
    for key in values:
        if key not in known:
            raise DataError(f"{where}: unknown key '{key}'", nearest(key, known))
    for key in ("form", "names"):
        if not values.get(key):
            raise DataError(f"{where}: missing key '{key}'", "add it")
    for key in _PATTERNS:
        if key in values:
            values[key] = _compiled(values[key], key, where)
    return Meaning(**values)


def _compiled(patterns: tuple[str, ...], key: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.I)
    except re.error as err:
        raise DataError(f"{where}: invalid pattern in '{key}': {err}", "correct the pattern") from err


class CaptionShortForms:
    """The meanings of short forms in one caption; what depends on the whole caption is decided once for each form."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._meanings = CaptionMeanings(text)
        self._possible: dict[str, list[Meaning]] = {}

    def meaning(self, form: str, start: int, end: int) -> Meaning | None:
        """Returns what the short form at start to end means; None if nothing in the caption shows it."""
        possible = self._possible.get(form)
        if possible is None:
            possible = [meaning for meaning in shipped()[form] if self._is_possible(meaning)]
            self._possible[form] = possible
        if not possible:
            return None
        before, after = self._text[max(0, start - _NEAR) : start], self._text[end : end + _NEAR]
        for meaning in possible:
            if _fits(meaning, before, after) and not (meaning.imaging and self._is_other(form, start, end)):
                return meaning
        return None

    def _is_possible(self, meaning: Meaning) -> bool:
        if meaning.anywhere and not meaning.anywhere.search(self._text):
            return False
        return not (meaning.not_anywhere and meaning.not_anywhere.search(self._text))

    def _is_other(self, form: str, start: int, end: int) -> bool:
        # The long forms of the caption have decided before.
        return self._meanings.is_other_abbreviation(form, start, end, is_expanded_by=lambda _: True, is_of_imaging=True)


def _fits(meaning: Meaning, before: str, after: str) -> bool:
    if meaning.before and not meaning.before.search(before):
        return False
    if meaning.after and not meaning.after.match(after):
        return False
    if meaning.not_before and meaning.not_before.search(before):
        return False
    return not (meaning.not_after and meaning.not_after.match(after))
