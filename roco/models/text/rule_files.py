"""Reads the rules for captions: TOML files with patterns and with examples that run as tests."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from roco.base.errors import DataError
from roco.base.labels import KINDS

FOLDER = Path(__file__).with_name("rules")
FILES = {
    "modality": ("modality", "no_radiology"),
    "region": ("animals", "region"),
    "direction": ("animals", "direction"),
}
"""What is read from a caption -> the files with its rules."""

OTHER = "OTHER"
"""The label of rules for what has none of the labels of the paper."""

RANKS = ("decides", "names", "implies", "otherwise")
"""What a rule is worth: only rules of the highest rank that occurs in a caption count."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a file.

    patterns: regular expressions in lower case, on the caption in lower case; exact: the same on the caption as it is.
    words: in any case, like all that follow, on the names of the vocabulary that have the label (or `concept`).
    not_before, after, not_after: on the 30 characters around a match; `after` may begin in it. anywhere, not_anywhere:
    on the whole caption. examples, counterexamples (`not` in the file): captions that it decides, and does not.
    """

    name: str
    label: str
    rank: str = "names"
    patterns: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    concept: str | None = None
    not_before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    not_after: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()
    not_anywhere: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two neighbouring names, given by label or rule, that have a label together."""

    name: str
    label: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    between: str
    either_order: bool = False
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()


R = TypeVar("R", Rule, Pair)


class RuleSet(NamedTuple):
    """The rules for one label set. decide: whether the first label counts (first), or only a single one (only)."""

    rules: list[Rule]
    pairs: list[Pair]
    decide: str


def load(kind: str) -> RuleSet:
    """Reads the rules for modality, region or direction; raises DataError with file and rule."""
    found = RuleSet([], [], "first")
    for name in FILES[kind]:
        path = FOLDER / f"{name}.toml"
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found.rules.extend(_checked(Rule, entry, kind, path) for entry in content.get("rule", ()))
        found.pairs.extend(_checked(Pair, entry, kind, path) for entry in content.get("pair", ()))
        found = found._replace(decide=content.get("decide", found.decide))
    return found


def files() -> tuple[Path, ...]:
    """Returns all files with rules."""
    return tuple(FOLDER / f"{name}.toml" for name in sorted({name for names in FILES.values() for name in names}))


def _checked(type_of_rule: Callable[..., R], entry: Mapping[str, Any], kind: str, path: Path) -> R:
    """Returns a rule; raises DataError with file and rule if a key, label or rank is unknown."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    values["counterexamples"] = values.pop("not", ())
    name = values.get("name", "without a name")
    try:
        rule = type_of_rule(**values)
    except TypeError as err:
        raise DataError(f"{path}, rule '{name}': {err}", "see docs/modality.md for the keys of a rule") from err
    if values["label"] not in (*KINDS[kind], OTHER):
        raise DataError(
            f"{path}, rule '{name}': unknown label '{values['label']}'", "use a label of the paper or OTHER"
        )
    if values.get("rank", "names") not in RANKS:
        raise DataError(f"{path}, rule '{name}': unknown rank", f"use one of {', '.join(RANKS)}")
    for pattern in _patterns(rule):
        try:
            re.compile(pattern)
        except re.error as err:
            raise DataError(f"{path}, rule '{name}': invalid pattern: {err}", f"correct {pattern!r}") from err
    return rule


def _patterns(rule: Rule | Pair) -> tuple[str, ...]:
    if isinstance(rule, Pair):
        return (rule.between,)
    around = (*rule.not_before, *rule.after, *rule.not_after, *rule.anywhere, *rule.not_anywhere)
    return (*rule.patterns, *rule.exact, *rule.words, *around)
