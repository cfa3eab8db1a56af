"""A user's table of CUIs for the concepts of another terminology, such as SNOMED CT."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.terminal import excerpt

COLUMNS = ("snomed", "cui")

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
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB", "keep only the rows that you need")
    targets: dict[str, Target] = {}
    for number, (line, row) in enumerate(_rows(path), 1):
        if number > MOST_ROWS:
            _raise(path, line, f"more than {MOST_ROWS:,} rows", "keep only the rows that you need")
        targets.setdefault(row["snomed"], _target(path, line, row))
    if not targets:
        raise DataError(f"{path} contains no rows", f"write rows below the header {','.join(COLUMNS)}")
    return targets


def _target(path: Path, line: int, row: Mapping[str, str]) -> Target:
    if not _ID.fullmatch(row["snomed"]):
        hint = "an id of SNOMED CT is a number of 6 to 18 digits: 39607008"
        _raise(path, line, f"invalid SNOMED CT id '{excerpt(row['snomed'], 40)}'", hint)
    if not is_cui(row["cui"]):
        _raise(path, line, f"invalid CUI '{excerpt(row['cui'], 40)}'", "a CUI is C and seven digits: C0024109")
    tuis = tuple(tui.strip() for tui in row.get("tui", "").split("|") if tui.strip())
    for tui in tuis:
        if not _TUI.fullmatch(tui):
            _raise(path, line, f"invalid semantic type '{excerpt(tui, 40)}'", "a semantic type is T and three digits")
    return Target(row["cui"], tuis)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as fh:
        reader = csv.reader(fh, strict=True)
        try:
            header = [cell.strip().lower() for cell in next(reader, [])]
            for column in COLUMNS:
                if header.count(column) != 1:
                    wrong = "duplicate" if column in header else "missing"
                    _raise(path, 1, f"{wrong} column '{column}'", f"the first line must be: {','.join(COLUMNS)}")
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    hint = "put double quotes around cells that contain a comma"
                    _raise(path, reader.line_num, f"{len(cells)} cells, but {len(header)} columns", hint)
                yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
        except UnicodeDecodeError as err:
            raise DataError(f"{path} is not UTF-8", "save it as UTF-8") from err
        except csv.Error as err:
            _raise(path, reader.line_num, str(err), "correct the quotes in this line, or shorten its cells")


def _raise(path: Path, line: int, message: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {message}", hint)
