"""Reads files as the official scripts of ImageCLEF do (`--compat`): accepts what they accept, stops where they stop.

This is the behaviour of the released evaluators of 2023, 2025 and 2026; docs/evaluate.md lists every difference.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from roco.base.errors import InvalidSubmission
from roco.base.terminal import quoted
from roco.evaluate.prediction_file import GIVE_CSV, Unreadable, read_bytes, reason
from roco.evaluate.profiles import PROFILES, Profile
from roco.evaluate.submission import MAX_CONCEPTS


def concepts(path: Path, profile: Profile, ids: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    """Returns the CUIs of each image in upper case.

    An empty cell is one concept with an empty name; a row without a second cell has no concept. ids: the IDs of the
    ground truth; None reads the ground truth itself, where the last row of an ID counts.
    """
    concepts: dict[str, tuple[str, ...]] = {}
    for line, row in _rows(path, profile):
        if not row:
            raise _stop(path, line, "blank line")
        # The scripts take such a row for the header, anywhere in the file.
        if "ID" in row[0]:
            continue
        # The scripts ignore a third column of the ground truth, but stop at one of the predictions.
        wrong_columns = len(row) < 2 if ids is None else len(row) > 2
        if wrong_columns:
            raise _stop(path, line, f"{len(row)} columns instead of 2")
        cuis = tuple(cui.strip() for cui in row[1].split(";")) if len(row) > 1 else ()
        if ids is not None:
            _check_id(path, line, row[0], ids, concepts)
            if len(cuis) > MAX_CONCEPTS:
                raise _stop(path, line, f"{len(cuis)} concepts (at most {MAX_CONCEPTS})")
            # Before the conversion to upper case: C0040405;c0040405 passes as one concept.
            if len(set(cuis)) < len(cuis):
                raise _stop(path, line, "duplicate CUI")
        concepts[row[0]] = cuis
    _check_count(path, len(concepts), ids)
    return {id: tuple(cui.upper() for cui in cuis) for id, cuis in concepts.items()}


def captions(path: Path, profile: Profile, ids: Collection[str] | None) -> dict[str, str]:
    """Returns the caption of each image, by the rules of the profile's year; ids as for `concepts`."""
    captions: dict[str, str] = {}
    counted: set[str] = set()
    is_2023 = profile.both_empty == "fails"
    for number, (line, row) in enumerate(_rows(path, profile)):
        if not row and (is_2023 or number > 0):
            raise _stop(path, line, "blank line")
        if is_2023 and "ID" in row[0] and (ids is not None or number == 0):
            continue
        if not is_2023 and number == 0:
            # Since 2025 a first line that is not a header is kept, but not counted as an image.
            if row and row[0].lower() != "id":
                captions[row[0]] = row[1] if len(row) > 1 else ""
            continue
        if len(row) < 2:
            raise _stop(path, line, "fewer than two columns")
        if ids is not None:
            _check_id(path, line, row[0], ids, counted)
        counted.add(row[0])
        captions[row[0]] = row[1]
    _check_count(path, len(counted), ids)
    if ids is not None:
        for id in captions:
            if id not in ids:
                raise _stop(path, 1, f"unknown id {quoted(id)} (not in the ground truth)")
    return captions


def hint(path: Path, kind: str, profile: Profile, ids: Collection[str] | None) -> str:
    """Returns how to score a file as it is, if the official script of the profile's year, or of another one, reads it.

    kind: "concepts" or "captions"; ids: as for `concepts`. Returns an empty text if no script reads the file.
    """
    for rules in (profile, *PROFILES.values()):
        try:
            rows = concepts(path, rules, ids) if kind == "concepts" else captions(path, rules, ids)
        except InvalidSubmission:
            continue
        if rows:
            options = "--compat" if rules == profile else f"--compat --profile {rules.name}"
            return f"; {options} reads and scores it as the official script does"
    return ""


def _rows(path: Path, profile: Profile) -> list[tuple[int, list[str]]]:
    """Returns each row with its line; the delimiter is the first of bar, tab and comma in the first line (2023)."""
    try:
        text = read_bytes(path).decode("utf-8")
        first_line = text.partition("\n")[0]
        delimiter = ","
        if "|" in profile.delimiters:
            delimiter = "|" if "|" in first_line else "\t" if "\t" in first_line else ","
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, quoting=quoting)
        return [(reader.line_num, row) for row in reader]
    except Unreadable as err:
        raise InvalidSubmission(f"{path}: {err}", err.remedy) from err
    except (ValueError, csv.Error) as err:
        raise InvalidSubmission(f"{path}: cannot be read: {reason(err)}", GIVE_CSV) from err


def _check_id(path: Path, line: int, id: str, ids: Collection[str], previous: Collection[str]) -> None:
    if id not in ids:
        raise _stop(path, line, f"unknown id {quoted(id)} (not in the ground truth)")
    if id in previous:
        raise _stop(path, line, f"duplicate id {quoted(id)}")


def _check_count(path: Path, count: int, ids: Collection[str] | None) -> None:
    if ids is not None and count != len(ids):
        raise _stop(path, 0, f"{count:,} images, but the ground truth has {len(ids):,}")


def _stop(path: Path, line: int, what: str) -> InvalidSubmission:
    where = f"{path}, line {line}" if line else str(path)
    remedy = "the official script stops here"
    return InvalidSubmission(f"{where}: {what}", remedy, ((str(path), line, what, remedy),))
