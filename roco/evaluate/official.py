"""Reads as the official scripts read (`--compat`): what they let pass passes, and where they stop, this stops.

Behaviour of the released evaluators of 2023, 2025 and 2026, told here in our own words; each oddity has its line in
docs/evaluate.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

from roco.base.errors import InvalidSubmission
from roco.base.limits import UNREADABLE, shown
from roco.evaluate.profiles import Profile
from roco.evaluate.submission import MOST_BYTES, MOST_CONCEPTS, _bytes


def concepts(path: Path, profile: Profile, ids: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    """CUIs of each image, upper case; an empty cell is one concept without a name, a row without a cell has none.

    ids: of the truth; None reads the truth itself, where a later row of the same id counts.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line, row in _rows(path, profile):
        if not row:
            raise _stops(path, line, "the line is blank")
        if "ID" in row[0]:
            continue  # taken for a header, wherever it stands
        # Of the truth a third column is passed over, of predictions it stops the script.
        if (len(row) < 2) if ids is None else len(row) > 2:
            raise _stops(path, line, f"{len(row)} columns")
        cells = tuple(cui.strip() for cui in row[1].split(";")) if len(row) > 1 else ()
        if ids is not None:
            _admit(path, line, row[0], ids, found)
            if len(cells) > MOST_CONCEPTS:
                raise _stops(path, line, f"{len(cells)} concepts, {MOST_CONCEPTS} are the most")
            if len(set(cells)) < len(cells):
                raise _stops(path, line, "a CUI stands twice")
        found[row[0]] = cells
    _complete(path, len(found), ids)
    return {id: tuple(cui.upper() for cui in cells) for id, cells in found.items()}


def captions(path: Path, profile: Profile, ids: Collection[str] | None) -> dict[str, str]:
    """The caption of each image, by the rules of the profile's year."""
    found: dict[str, str] = {}
    counted: set[str] = set()
    old = profile.both_empty == "fails"  # 2023
    for number, (line, row) in enumerate(_rows(path, profile)):
        if not row and (old or number):
            raise _stops(path, line, "the line is blank")
        if old and "ID" in row[0] and (ids is not None or number == 0):
            continue
        if not old and number == 0:
            # The first line is a header, or it is kept and not counted.
            if row and row[0].lower() != "id":
                found[row[0]] = row[1] if len(row) > 1 else ""
            continue
        if len(row) < 2:
            raise _stops(path, line, "fewer than two columns")
        if ids is not None:
            _admit(path, line, row[0], ids, counted)
        counted.add(row[0])
        found[row[0]] = row[1]
    _complete(path, len(counted), ids)
    if ids is not None and (unknown := [id for id in found if id not in ids]):
        raise _stops(path, 1, f"the id '{shown(unknown[0])}' is unknown to the truth")
    return found


def _rows(path: Path, profile: Profile) -> list[tuple[int, list[str]]]:
    try:
        faults: list[object] = []
        data = _bytes(path, faults)  # type: ignore[arg-type]
        if data is None or len(data) > MOST_BYTES:
            raise ValueError(str(faults[0]) if faults else "too large")
        text = data.decode("utf-8")
        first = text.partition("\n")[0]
        delimiter = ","
        if "|" in profile.delimiters:
            delimiter = "|" if "|" in first else "\t" if "\t" in first else ","
        quoting: Any = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, quoting=quoting)
        return [(reader.line_num, row) for row in reader]
    except UNREADABLE as err:
        said = getattr(err, "strerror", None) or shown(err) or type(err).__name__
        raise InvalidSubmission(
            f"{path} cannot be read: {said}", "give a CSV file, or a zip that holds submission.csv"
        ) from err


def _admit(path: Path, line: int, id: str, ids: Collection[str], seen: Collection[str]) -> None:
    if id not in ids:
        raise _stops(path, line, f"the id '{shown(id)}' is unknown to the truth")
    if id in seen:
        raise _stops(path, line, f"the id '{shown(id)}' stands twice")


def _complete(path: Path, found: int, ids: Collection[str] | None) -> None:
    if ids is not None and found != len(ids):
        raise _stops(path, 0, f"{found:,} images, the truth has {len(ids):,}")


def _stops(path: Path, line: int, what: str) -> InvalidSubmission:
    where = f"{path}, line {line}" if line else str(path)
    return InvalidSubmission(f"{where}: {what}", "the official script stops here", ((str(path), line, what, ""),))
