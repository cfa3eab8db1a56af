"""Checks what a linker returns, in one place for all linkers, and converts it to mentions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NoReturn, TypeVar

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.terminal import excerpt
from roco.models.text.linking.linker import Described, Describes, Mention, Suggestion, Suggests

MOST_MENTIONS = 100_000
"""Mentions of one caption; more are an error, for example of a generator that does not end."""

_REQUIRED = ("start", "end", "cui")
_FLAGS = ("negated", "uncertain")
_BOOLEANS = ("bool", "bool_", "int")  # also those of numpy
_SLACK = 1e-6  # a probability may exceed 1 by rounding
_PLACE = operator.itemgetter(0, 1, 3)  # start, end and CUI
_T = TypeVar("_T")


class Checked:
    """A linker whose results are checked: offsets, text, CUI, score; mentions are sorted by their offsets."""

    def __init__(self, linker: Any, name: str) -> None:
        self.name = name
        self.linker = linker
        self.heavy = bool(linker.heavy)

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        """Returns the mentions of each caption. Raises DataError with linker and caption for an invalid result."""
        return checked(self.linker.link(captions), captions, self.name)

    def describe(self, cui: str) -> Described | None:
        """Returns name and semantic types of a concept; None if the linker does not know them."""
        return self.linker.describe(cui) if isinstance(self.linker, Describes) else None


class CheckedSuggestions(Checked):
    """A linker that also suggests concepts, with both results checked."""

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]:
        """Returns mentions and suggestions of each caption. Raises DataError for an invalid result."""
        pairs = _listed(self.linker.link_and_suggest(captions), len(captions), f"'{self.name}'")
        for at, pair in enumerate(pairs[: len(captions)]):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                what = f"{excerpt(repr(pair))}, not a pair of mentions and suggestions"
                _raise(f"'{self.name}' returned {what} ({place(at, captions)})")
        # A surplus item is no pair; `checked` reports their number.
        mentions = checked(
            [pair[0] if at < len(captions) else () for at, pair in enumerate(pairs)], captions, self.name
        )
        suggestions = [_suggestions(pair[1], at, captions, self.name) for at, pair in enumerate(pairs)]
        return list(zip(mentions, suggestions, strict=True))


def with_checks(linker: Any, name: str) -> Checked:
    """Returns a linker with checks of its results.

    linker: has `heavy` and `link`, whose results `checked` accepts, and may have `link_and_suggest` and `describe`.
    name: for messages, and for mentions without the name of a linker.
    """
    return (CheckedSuggestions if isinstance(linker, Suggests) else Checked)(linker, name)


def checked(results: Any, captions: Sequence[str], name: str) -> list[list[Mention]]:
    """Returns the results of a linker as mentions, sorted by offsets.

    results: for each caption its mentions, as Mention or another tuple of its fields, as a dict, or as an object with
    these attributes; start, end and cui are required. name: of the linker. Raises DataError for an invalid result.
    """
    lists = _listed(results, len(captions), f"'{name}'")
    if len(lists) != len(captions):
        more = "more than " if len(lists) > len(captions) else ""
        raise DataError(
            f"'{name}' returned {more}{min(len(lists), len(captions))} results for {len(captions)} captions",
            "return one list of mentions for each caption, also if it is empty",
        )
    return [_of_caption(mentions, at, captions, name) for at, mentions in enumerate(lists)]


def place(at: int, captions: Sequence[str]) -> str:
    """Returns number and beginning of a caption, for messages."""
    return f"caption {at + 1}: '{excerpt(captions[at], 60)}'"


def call(function: Callable[[Sequence[str]], _T], captions: Sequence[str], name: str) -> _T:
    """Calls code that is not part of roco; raises DataError with the first caption on which it fails."""
    try:
        return function(captions)
    except (Exception, SystemExit) as err:
        hint = "correct it; --debug shows the traceback"
        for at in range(len(captions)):
            try:
                function(captions[at : at + 1])
            except (Exception, SystemExit) as first:
                raise DataError(f"'{name}' raised {_words(first)} ({place(at, captions)})", hint) from first
        raise DataError(f"'{name}' raised {_words(err)} ({len(captions)} captions together)", hint) from err


def _words(err: BaseException) -> str:
    lines = str(err).strip().splitlines()
    return f"{type(err).__name__}: {excerpt(lines[0])}" if lines else type(err).__name__


# --- one caption -----------------------------------------------------------------------------------------------------


def _listed(value: Any, most: int, what: str) -> list[Any]:
    """Returns at most most + 1 items of what should be a list."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        _raise(f"{what} returned {_kind(value)}, not a list")
    return list(islice(value, most + 1))


def _of_caption(value: Any, at: int, captions: Sequence[str], name: str) -> list[Mention]:
    if isinstance(value, tuple) and hasattr(value, "cui"):
        _raise(f"'{name}' returned a mention, not a list of mentions ({place(at, captions)})")
    if not isinstance(value, list | tuple):
        value = _listed(value, MOST_MENTIONS, f"for {place(at, captions)} '{name}'")
    if len(value) > MOST_MENTIONS:
        _raise(f"'{name}' returned more than {MOST_MENTIONS:,} mentions ({place(at, captions)})")
    mentions = []
    for one in value:
        try:
            mentions.append(one if _is_valid(one, captions[at]) else _mention(one, captions[at], name))
        except ValueError as err:
            _raise(f"'{name}' returned a mention {err} ({place(at, captions)})", err)
    return sorted(mentions, key=_PLACE)


def _is_valid(one: Any, caption: str) -> bool:
    """Returns whether a value is a mention that needs no conversion: the fast case, that of roco's own linkers."""
    return (
        type(one) is Mention
        and type(one.start) is type(one.end) is int
        and 0 <= one.start < one.end <= len(caption)
        and caption[one.start : one.end] == one.text
        and type(one.cui) is str
        and is_cui(one.cui)
        and type(one.score) is float
        and 0 <= one.score <= 1
        and type(one.negated) is type(one.uncertain) is bool
        and type(one.linker) is str
        and one.linker != ""
    )


def _mention(one: Any, caption: str, name: str) -> Mention:
    """Returns one mention; raises ValueError with what is wrong with it, as the end of a sentence."""
    given = _fields(one)
    for field in _REQUIRED:
        if given.get(field) is None:
            raise ValueError(f"without {field}: {excerpt(repr(one))}")
    start, end = _offset(given["start"], "start"), _offset(given["end"], "end")
    if not 0 <= start < end <= len(caption):
        raise ValueError(f"with offsets {start} to {end}, but the caption has {len(caption)} characters")
    text = caption[start:end]
    if given.get("text") not in (None, text):
        raise ValueError(f"with text '{excerpt(given['text'])}', but {start} to {end} is '{excerpt(text)}'")
    cui = given["cui"]
    if not isinstance(cui, str) or not is_cui(cui):
        raise ValueError(f"with invalid CUI {excerpt(repr(cui), 40)}; a CUI is C and seven digits")
    flags = {field: _flag(given.get(field), field) for field in _FLAGS}
    linker = given.get("linker") or name
    return Mention(start, end, text, cui, _score(given.get("score")), **flags, linker=str(linker))


def _fields(one: Any, fields: Sequence[str] = Mention._fields) -> Mapping[str, Any]:
    if isinstance(one, Mapping):
        unknown = [key for key in one if key not in fields]
        if unknown:
            raise ValueError(f"with unknown field {excerpt(repr(unknown[0]))}; known: {', '.join(fields)}")
        return one
    if isinstance(one, tuple | list) and not hasattr(one, "_fields"):
        if len(one) > len(fields):
            raise ValueError(f"with {len(one)} values; a tuple has {', '.join(fields)}")
        return dict(zip(fields, one, strict=False))
    return {field: getattr(one, field) for field in fields if hasattr(one, field)}


def _flag(value: Any, field: str) -> bool:
    if value is None:
        return False
    # Booleans of numpy and 0 or 1 as well, but no words: "no" would count as true.
    if type(value).__name__ not in _BOOLEANS or value not in (0, 1):
        raise ValueError(f"with {field} {excerpt(repr(value), 40)}, which is neither True nor False")
    return bool(value)


def _offset(value: Any, field: str) -> int:
    try:
        return operator.index(value)  # integers of numpy as well
    except TypeError:
        raise ValueError(f"with {field} {excerpt(repr(value), 40)}, which is not a whole number") from None


def _score(value: Any) -> float:
    if value is None:
        return 1.0
    try:
        score = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"with score {excerpt(repr(value), 40)}, which is not a number") from None
    if math.isnan(score) or not -_SLACK <= score <= 1 + _SLACK:
        raise ValueError(f"with score {score}, which is not between 0 and 1")
    return min(max(score, 0.0), 1.0)


def _suggestions(value: Any, at: int, captions: Sequence[str], name: str) -> list[Suggestion]:
    listed = _listed(value, MOST_MENTIONS, f"as suggestions for {place(at, captions)} '{name}'")
    if len(listed) > MOST_MENTIONS:
        _raise(f"'{name}' returned more than {MOST_MENTIONS:,} suggestions ({place(at, captions)})")
    found = []
    for one in listed:
        try:
            found.append(_suggestion(one, name))
        except ValueError as err:
            _raise(f"'{name}' returned a suggestion {err} ({place(at, captions)})", err)
    return found


def _suggestion(one: Any, name: str) -> Suggestion:
    """Returns one suggestion; raises ValueError with what is wrong with it, as the end of a sentence."""
    given = _fields(one, Suggestion._fields)
    cui = given.get("cui")
    if cui is None:
        raise ValueError(f"without cui: {excerpt(repr(one))}")
    if not isinstance(cui, str) or not is_cui(cui):
        raise ValueError(f"with invalid CUI {excerpt(repr(cui), 40)}; a CUI is C and seven digits")
    if given.get("score") is None:
        raise ValueError(f"without score: {excerpt(repr(one))}")
    return Suggestion(cui, _score(given["score"]), name)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


def _raise(message: str, err: BaseException | None = None) -> NoReturn:
    raise DataError(message, "docs/linkers.md describes what a linker returns") from err
