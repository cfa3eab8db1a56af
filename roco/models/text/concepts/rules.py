"""Reads the rules for concepts: which are used, blocked or remapped, and how often they must occur."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from roco.base.errors import DataError, nearest
from roco.base.files import digest
from roco.base.ids import is_cui
from roco.models.text import semantic_types
from roco.models.text.concepts.examples import Example, example
from roco.models.text.semantic_types import SemanticType

SHIPPED = semantic_types.SHIPPED
MOST_BYTES = 1_000_000

Keep = Literal["keep", "drop"]
When = Literal["always", "combined", "never"]

_TOP = ("base", "version", "more_than", "negated", "uncertain", "suggested", "untyped", "automatic", "block", "remap")
_AUTOMATIC = ("modality", "modality_types", "region", "direction")
_BLOCK = ("name", "reason", "words", "cuis", "examples", "not")
_REMAP = ("name", "reason", "from", "to", "words", "examples", "not")


class Block(NamedTuple):
    """Concepts that are never used: these words, these CUIs, or both together where both are given."""

    name: str
    reason: str
    words: frozenset[str]
    cuis: frozenset[str]
    examples: tuple[Example, ...]
    counterexamples: tuple[Example, ...]


class Remap(NamedTuple):
    """Concepts that are replaced by another one, where the words are these; everywhere without words."""

    name: str
    reason: str
    cuis: frozenset[str]
    to: str
    words: frozenset[str]
    examples: tuple[tuple[Example, str], ...]
    counterexamples: tuple[Example, ...]


@dataclass(frozen=True)
class Automatic:
    """When automatic concepts of the label sets are used; modality_types: types that count as modalities."""

    modality: When
    modality_types: frozenset[str]
    region: When
    direction: When


@dataclass(frozen=True)
class Rules:
    """All rules for concepts. more_than: images that must have an automatic concept; digest: of the values."""

    version: str
    more_than: int
    negated: Keep
    uncertain: Keep
    suggested: Keep
    untyped: Keep
    automatic: Automatic
    blocks: tuple[Block, ...]
    remaps: tuple[Remap, ...]
    types: Mapping[str, SemanticType]
    digest: str


def load(path: Path | None = None) -> Rules:
    """Reads a file of rules; None means the shipped one.

    A file that begins with `base = "shipped"` states only what differs: values replace the shipped ones, a block or
    remap replaces the shipped one of the same name or is added. Types may always be left out: the shipped decision
    holds. Raises DataError with file and rule; unknown keys and types with the nearest name.
    """
    where = str(path or SHIPPED)
    values = _values(path or SHIPPED)
    base = values.pop("base", None)
    if base not in (None, "shipped"):
        raise DataError(f"{where}: unknown base {base!r:.40}", 'write base = "shipped", or leave it out')
    types = values.pop("types", {})
    if base:
        values = _merged(_without(_values(SHIPPED), "types"), values, where)
    return _rules(values, semantic_types.changed(_table(types, f"{where}, [types]"), where), where)


def _values(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a file of rules", "name a file, such as rules.toml")
    if not path.is_file():
        raise DataError(f"rules {path} do not exist", "check the path, or use the shipped rules")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB", "rules are a file of some hundred lines")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as err:
        raise DataError(f"{path} is not UTF-8", "save it as UTF-8") from err
    except (tomllib.TOMLDecodeError, RecursionError) as err:
        raise DataError(f"{path} is not TOML: {err}", "correct this line; docs/concepts.md shows rules") from err
    for key in values:
        if key not in (*_TOP, "types"):
            raise DataError(f"{path}: unknown key '{key[:40]}'", nearest(key[:40], (*_TOP, "types")))
    return values


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _merged(base: dict[str, Any], own: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Returns the shipped values with a user's: blocks and remaps of the same name are replaced."""
    merged = dict(base)
    for key, value in own.items():
        if key == "automatic":
            merged[key] = {**base[key], **_table(value, f"{where}, [automatic]")}
        elif key in ("block", "remap"):
            rules = _tables(value, f"{where}, [[{key}]]")
            names = {rule.get("name") for rule in rules}
            merged[key] = [rule for rule in base[key] if rule["name"] not in names] + list(rules)
        else:
            merged[key] = value
    return merged


def _rules(values: Mapping[str, Any], types: Mapping[str, SemanticType], where: str) -> Rules:
    missing = [key for key in _TOP[1:8] if key not in values]
    if missing:
        hint = 'add it, or begin the file with base = "shipped" and state only what differs'
        raise DataError(f"{where}: missing key '{missing[0]}'", hint)
    more_than = values["more_than"]
    if not isinstance(more_than, int) or isinstance(more_than, bool) or more_than < 0:
        raise DataError(f"{where}: more_than is {more_than!r:.40}", "write a number of images, 0 or more")
    keep = {key: _one_of(values[key], get_args(Keep), f"{where}: {key}") for key in _TOP[3:7]}
    blocks = [_block(rule, where) for rule in _rule_tables(values, "block", where)]
    remaps = [_remap(rule, where) for rule in _rule_tables(values, "remap", where)]
    kept = sorted(semantic_types.kept(types))
    return Rules(
        version=_text(values["version"], f"{where}: version"),
        more_than=more_than,
        automatic=_automatic(values["automatic"], where),
        blocks=tuple(blocks),
        remaps=tuple(remaps),
        types=types,
        digest=digest([_without(values, "types"), kept]),
        **keep,
    )


def _automatic(value: Any, where: str) -> Automatic:
    at = f"{where}, [automatic]"
    table = _table(value, at)
    _check_keys(table, _AUTOMATIC, at, required=_AUTOMATIC)
    when = {key: _one_of(table[key], get_args(When), f"{at}: {key}") for key in ("modality", "region", "direction")}
    names = _texts(table["modality_types"], f"{at}: modality_types")
    return Automatic(modality_types=semantic_types.tuis(names, f"{at}: modality_types"), **when)


def _block(rule: Mapping[str, Any], where: str) -> Block:
    at = _named(rule, "block", where)
    _check_keys(rule, _BLOCK, at, required=("name", "reason"))
    words, cuis = _words(rule, at), _cuis(_optional(rule, "cuis", at), f"{at}: cuis")
    if not words and not cuis:
        raise DataError(f"{at} has neither words nor cuis", "name what it blocks")
    return Block(rule["name"], _text(rule["reason"], at), words, cuis, _examples(rule, "examples", at),
                 _examples(rule, "not", at))  # fmt: skip


def _remap(rule: Mapping[str, Any], where: str) -> Remap:
    at = _named(rule, "remap", where)
    _check_keys(rule, _REMAP, at, required=("name", "reason", "from", "to"))
    cuis = _cuis(_texts(rule["from"], f"{at}: from"), f"{at}: from")
    (to,) = _cuis([_text(rule["to"], f"{at}: to")], f"{at}: to")
    if to in cuis:
        raise DataError(f"{at}: from must name other concepts than to", f"{to} is replaced by itself")
    outcomes = _table(rule.get("examples", {}), f"{at}: examples")
    examples = tuple((example(text, at), _text(cui, at)) for text, cui in outcomes.items())
    return Remap(rule["name"], _text(rule["reason"], at), cuis, to, _words(rule, at), examples,
                 _examples(rule, "not", at))  # fmt: skip


def _rule_tables(values: Mapping[str, Any], kind: str, where: str) -> Sequence[Mapping[str, Any]]:
    return _tables(values[kind], f"{where}, [[{kind}]]") if kind in values else []


def _named(rule: Mapping[str, Any], kind: str, where: str) -> str:
    name = rule.get("name")
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"{where}: a [[{kind}]] has no name", 'add name = "…"')
    return f"{where}, {kind} '{name[:60]}'"


def _words(rule: Mapping[str, Any], at: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _optional(rule, "words", at))


def _cuis(cuis: Sequence[str], at: str) -> frozenset[str]:
    for cui in cuis:
        if not is_cui(cui):
            raise DataError(f"{at}: invalid CUI {cui[:40]!r}", "a CUI is C and seven digits: C0040405")
    return frozenset(cuis)


def _examples(rule: Mapping[str, Any], key: str, at: str) -> tuple[Example, ...]:
    return tuple(example(text, at) for text in _optional(rule, key, at))


# --- values of TOML ---------------------------------------------------------------------------------------------------


def _check_keys(table: Mapping[str, Any], known: Sequence[str], at: str, required: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise DataError(f"{at}: unknown key '{key[:40]}'", nearest(key[:40], known))
    for key in required:
        if key not in table:
            raise DataError(f"{at}: missing key '{key}'", f"add {key} = …")


def _table(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DataError(f"{at} is no table", "docs/concepts.md shows rules")
    return value


def _tables(value: Any, at: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise DataError(f"{at} is no list of tables", "docs/concepts.md shows rules")
    if not value:
        raise DataError(f"{at} is an empty list", "leave it out: shipped rules are replaced by name, not removed")
    return value


def _optional(table: Mapping[str, Any], key: str, at: str) -> list[str]:
    """Returns the texts of a key, none without it."""
    return _texts(table[key], f"{at}: {key}") if key in table else []


def _texts(value: Any, at: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise DataError(f"{at} is no list of strings", 'write ["one", "other"]')
    if not value:
        raise DataError(f"{at} is an empty list", "leave it out, or write what belongs in it")
    if not all(one.strip() for one in value):
        raise DataError(f"{at} has an empty text", "remove it")
    return value


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{at}: {value!r:.40} is no text", "write a text between double quotes")
    return value


def _one_of(value: Any, allowed: Sequence[str], at: str) -> Any:
    if value not in allowed:
        raise DataError(f"{at} is {value!r:.40}", f"write one of: {', '.join(allowed)}")
    return value
