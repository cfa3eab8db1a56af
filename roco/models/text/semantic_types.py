"""The 127 semantic types of UMLS, each kept or not for concepts that describe an image.

The paper keeps concepts of types that are likely to be visible in an image, and publishes no list (section Caption
Processing and Concept Extraction; the ten most frequent types are in its Table 6). The shipped list is this project's
decision, type by type. It is meant for the rules on concepts; no stage reads it yet.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from roco.base.errors import DataError, nearest

SHIPPED = Path(__file__).with_name("rules") / "semantic_types.csv"
COLUMNS = ("tui", "name", "kept", "reason", "example")
MOST_BYTES = 1_000_000
_KEPT = {"yes": True, "no": False}


class SemanticType(NamedTuple):
    """One semantic type: TUI, name, whether its concepts are kept, why, and the name of a concept of the type."""

    tui: str
    name: str
    kept: bool
    reason: str
    example: str


def load(path: Path | None = None) -> dict[str, SemanticType]:
    """Reads the decision on every semantic type, by TUI; None means the list that is shipped with roco.

    The file is a CSV in UTF-8 with the columns tui, name, kept (yes or no), reason and example, and one row for each of
    the 127 types. Raises DataError with file, type and, for unknown types, the nearest name.
    """
    shipped = _read(SHIPPED)
    if path is None:
        return shipped
    types = _read(path)
    for row in types.values():
        _check(path, row, shipped)
    missing = [f"{tui} ({shipped[tui].name})" for tui in shipped if tui not in types]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DataError(f"{path}: missing semantic type {', '.join(missing[:3])}{more}", "decide each of the 127 types")
    return types


def kept(types: Mapping[str, SemanticType] | None = None) -> frozenset[str]:
    """Returns the TUIs of the types that are kept; None means the shipped list."""
    return frozenset(row.tui for row in (types or load()).values() if row.kept)


def tuis(names: Iterable[str], where: str) -> frozenset[str]:
    """Returns the TUIs of types given by TUI or by name, in any case.

    where: file and key that contain the names, for errors. Raises DataError for an unknown type.
    """
    shipped = _read(SHIPPED)
    by_name = {row.name.casefold(): row.tui for row in shipped.values()}
    found = set()
    for name in names:
        tui = by_name.get(name.strip().casefold(), name.strip().upper())
        if tui not in shipped:
            _raise_unknown(where, name, shipped)
        found.add(tui)
    return frozenset(found)


def _read(path: Path) -> dict[str, SemanticType]:
    types: dict[str, SemanticType] = {}
    for line, row in _rows(path):
        where = f"{path}, line {line}"
        tui = row["tui"]
        if tui in types:
            raise DataError(f"{where}: duplicate semantic type {tui[:40]}", "remove one of the rows")
        if row["kept"] not in _KEPT:
            raise DataError(
                f"{where}: semantic type {tui[:40]}: kept is {row['kept'][:40]!r}", "write yes or no in the column kept"
            )
        if not row["reason"]:
            raise DataError(f"{where}: semantic type {tui[:40]} has no reason", "write a word of reason")
        types[tui] = SemanticType(tui, row["name"], _KEPT[row["kept"]], row["reason"], row["example"])
    return types


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    if not path.is_file():
        raise DataError(f"list of semantic types {path} does not exist", "check the path")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB", "a list of semantic types has 127 rows")
    with path.open(encoding="utf-8-sig", newline="") as fh:
        reader = csv.reader(fh, strict=True)
        try:
            header = [cell.strip().lower() for cell in next(reader, [])]
            for column in COLUMNS:
                if header.count(column) != 1:
                    hint = f"the first line must be: {','.join(COLUMNS)}"
                    raise DataError(f"{path}, line 1: missing or duplicate column '{column}'", hint)
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    raise DataError(
                        f"{path}, line {reader.line_num}: {len(cells)} cells, but {len(header)} columns",
                        "put double quotes around cells that contain a comma",
                    )
                yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
        except UnicodeDecodeError as err:
            raise DataError(f"{path} is not UTF-8", "save it as UTF-8") from err
        except csv.Error as err:
            raise DataError(f"{path}, line {reader.line_num}: {err}", "correct the quotes in this line") from err


def _check(path: Path, row: SemanticType, shipped: Mapping[str, SemanticType]) -> None:
    if row.tui not in shipped:
        _raise_unknown(str(path), row.tui, shipped, row.name)
    name = shipped[row.tui].name
    if row.name.casefold() != name.casefold():
        raise DataError(
            f"{path}: semantic type {row.tui} is called {row.name[:60]!r}", f"{row.tui} is '{name}' in UMLS"
        )


def _raise_unknown(where: str, given: str, shipped: Mapping[str, SemanticType], name: str = "") -> NoReturn:
    """Raises for a type that UMLS does not have; the hint is nearest to its name, or to what was given."""
    words = name or given
    known = shipped if words[1:].isdigit() else [row.name for row in shipped.values()]
    raise DataError(f"{where}: unknown semantic type {given[:60]!r}", nearest(words[:60], known))
