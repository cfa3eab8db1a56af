"""The 127 semantic types of UMLS, each kept or not for concepts that describe an image.

The paper keeps concepts of types that are likely to be visible in an image, and publishes no list (section Caption
Processing and Concept Extraction; the ten most frequent types are in its Table 6). The shipped decisions, one for each
type with a reason, are this project's: `rules/rules.toml`, section [types].
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from roco.base.errors import DataError, nearest

SHIPPED = Path(__file__).with_name("rules") / "rules.toml"
KEYS = ("keep", "name", "reason", "example")


class SemanticType(NamedTuple):
    """One semantic type: TUI, name, whether its concepts are kept, why, and the name of a concept of the type."""

    tui: str
    name: str
    kept: bool
    reason: str
    example: str


@cache
def load() -> Mapping[str, SemanticType]:
    """Returns the shipped decision on every semantic type, by TUI."""
    values = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["types"]
    return {
        tui: SemanticType(tui, row["name"], row["keep"], row["reason"], row["example"]) for tui, row in values.items()
    }


def changed(values: Mapping[str, Any], where: str) -> dict[str, SemanticType]:
    """Returns the shipped decisions with those of a user's table [types] instead.

    values: TUI or name of a type -> keep, reason, and optionally name and example. Raises DataError.
    """
    types = dict(load())
    decided: dict[str, str] = {}
    for given, row in values.items():
        (tui,) = tuis([given], f"{where}, [types]")
        at = f"{where}, [types], {given}"
        if tui in decided:
            raise DataError(f"{at}: {tui} is decided twice, also as '{decided[tui]}'", "remove one of them")
        decided[tui] = given
        if not isinstance(row, Mapping):
            raise DataError(f"{at}: not a table", 'write { keep = true, reason = "why" }')
        for key in row:
            if key not in KEYS:
                raise DataError(f"{at}: unknown key '{key[:40]}'", nearest(key[:40], KEYS))
        if not isinstance(row.get("keep"), bool):
            raise DataError(f"{at}: keep is {row.get('keep')!r:.40}", "write keep = true or keep = false")
        reason, name = row.get("reason"), row.get("name", types[tui].name)
        if not isinstance(reason, str) or not reason.strip():
            raise DataError(f"{at} has no reason", "write a word of reason")
        if not isinstance(name, str) or name.casefold() != types[tui].name.casefold():
            raise DataError(f"{at} is called {name!r:.60}", f"{tui} is '{types[tui].name}' in UMLS")
        types[tui] = types[tui]._replace(kept=row["keep"], reason=reason)
    return types


def kept(types: Mapping[str, SemanticType] | None = None) -> frozenset[str]:
    """Returns the TUIs of the types that are kept; None means the shipped decisions."""
    return frozenset(row.tui for row in (types or load()).values() if row.kept)


def tuis(names: Iterable[str], where: str) -> frozenset[str]:
    """Returns the TUIs of types given by TUI or by name, in any case.

    where: file and key that contain the names, for errors. Raises DataError for an unknown type.
    """
    shipped = load()
    by_name = {row.name.casefold(): row.tui for row in shipped.values()}
    found = set()
    for name in names:
        tui = by_name.get(name.strip().casefold(), name.strip().upper())
        if tui not in shipped:
            _raise_unknown(where, name, shipped)
        found.add(tui)
    return frozenset(found)


def _raise_unknown(where: str, given: str, shipped: Mapping[str, SemanticType]) -> NoReturn:
    """Raises for a type that UMLS does not have; the hint is the nearest TUI, or the nearest name."""
    known = shipped if given[1:].isdigit() else [row.name for row in shipped.values()]
    raise DataError(f"{where}: unknown semantic type {given[:60]!r}", nearest(given[:60], known))
