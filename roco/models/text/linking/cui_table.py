"""A user's table of CUIs for the concepts of another terminology, such as SNOMED CT."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, NoReturn

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.named_columns import named_columns
from roco.base.packed import lines
from roco.base.terminal import excerpt

REQUIRED = ("snomed", "cui")
OPTIONAL = ("tui",)

# SNOMED CT has some 500,000 concepts.
MOST_BYTES = 500_000_000
MOST_ROWS = 5_000_000

_ID = re.compile(r"[0-9]{6,18}")
_TUI = re.compile(r"T[0-9]{3}")


class Target(NamedTuple):
    """The UMLS concept of an id: CUI and semantic types, which are empty where the table has none."""

    cui: str
    tuis: tuple[str, ...] = ()


def load(path: Path) -> dict[str, Target]:
    """Reads a table: the concept of each SNOMED CT id.

    The file is a CSV in UTF-8 with the columns snomed and cui, and optionally tui (several separated by `|`). If an id
    has several CUIs, its first row counts. Raises DataError with file and line.
    """
    if not path.is_file():
        raise DataError(f"table {path} does not exist", "check the path")
    targets: dict[str, Target] = {}
    rows = named_columns(path, lines(path, MOST_BYTES), REQUIRED, OPTIONAL)
    for number, (line, cells) in enumerate(rows, 1):
        if number > MOST_ROWS:
            _raise(path, line, f"more than {MOST_ROWS:,} rows", "keep only the rows that you need")
        snomed, cui, tui = map(str.strip, cells)
        targets.setdefault(snomed, _target(path, line, snomed, cui, tui))
    if not targets:
        raise DataError(f"{path} contains no rows", f"write rows below the header {','.join(REQUIRED)}")
    return targets


def _target(path: Path, line: int, snomed: str, cui: str, tui: str) -> Target:
    if not _ID.fullmatch(snomed):
        hint = "an id of SNOMED CT is a number of 6 to 18 digits: 39607008"
        _raise(path, line, f"invalid SNOMED CT id '{excerpt(snomed, 40)}'", hint)
    if not is_cui(cui):
        _raise(path, line, f"invalid CUI '{excerpt(cui, 40)}'", "a CUI is C and seven digits: C0024109")
    tuis = tuple(one.strip() for one in tui.split("|") if one.strip())
    for one in tuis:
        if not _TUI.fullmatch(one):
            _raise(path, line, f"invalid semantic type '{excerpt(one, 40)}'", "a semantic type is T and three digits")
    return Target(cui, tuis)


def _raise(path: Path, line: int, message: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {message}", hint)
