"""Reads what is to be scored, strictly: each breach has file, line and what to do, and nothing is guessed."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import InvalidSubmission
from roco.base.limits import UNREADABLE, check_directory, shown
from roco.base.tables import SPLIT_TABLES
from roco.evaluate.profiles import Profile

MEMBER = "submission.csv"
MOST_BYTES = 256 << 20  # of a file of predictions
MOST_CONCEPTS = 100  # of one image
SHOWN = 20  # faults that are listed one by one
_CUI = re.compile(r"C[0-9]+")
_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # what str.splitlines takes for the end of a line
_NAMES = {",": "comma", "|": "vertical bar", "\t": "tab", ";": "semicolon"}


class Fault(NamedTuple):
    """One breach: the file, its line (0 where none is meant), what is wrong and what to do."""

    file: str
    line: int
    what: str
    do: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.what}; {self.do}"


class Entry(NamedTuple):
    """One row: its line in the file and its cell."""

    line: int
    cell: str


class Table(NamedTuple):
    """What a file says of each image, in its order, and all that is wrong with it."""

    rows: dict[str, Entry]
    faults: list[Fault]


def check(path: Path, profile: Profile, ids: Sequence[str] | None = None, kind: str | None = None) -> list[Fault]:
    """All that the checkers of ImageCLEF, or its scorers silently, would make of a submission; empty when all is well.

    ids: of the truth, in its order; None checks the form alone. kind: concepts or captions; None, what the header says.
    """
    kind = kind or kind_of(path)
    table = read(path, kind, profile, ids)
    faults = list(table.faults)
    if kind == "concepts":
        concepts_of(path, table, faults)
    elif profile.in_order:
        for line, cell in table.rows.values():
            if cell != cell.strip():
                faults.append(Fault(str(path), line, "white space around the caption", "remove it"))
    if profile.in_order and ids is not None and list(table.rows) != list(ids) and set(table.rows) == set(ids):
        wrong = next(i for i, (a, b) in enumerate(zip(table.rows, ids, strict=True)) if a != b)
        here = table.rows[list(table.rows)[wrong]].line
        what = f"'{shown(list(table.rows)[wrong])}' stands where the truth has '{shown(ids[wrong])}'"
        faults.append(Fault(str(path), here, what, "put the rows in the order of the truth"))
    return sorted(faults, key=lambda fault: fault.line)


def refuse(faults: Sequence[Fault], then: str = "") -> None:
    """Raises InvalidSubmission where there are faults: all of them, the first ones in words."""
    if not faults:
        return
    faults = sorted(faults, key=lambda fault: fault.line)
    lines = [str(fault) for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        lines.append(f"and {len(faults) - SHOWN:,} more")
    raise InvalidSubmission(
        "\n".join(lines), f"nothing was scored{then}", tuple((f.file, f.line, f.what, f.do) for f in faults)
    )


def read(path: Path, kind: str, profile: Profile, ids: Sequence[str] | None, truth: bool = False) -> Table:
    """The rows of a CSV file, or of submission.csv in a zip, with all that is wrong with its form and its ids.

    truth: a line break within quotes may stand in a cell of the truth, and there is no order or number of ids to keep.
    """
    faults: list[Fault] = []
    text = _text(path, faults)
    if text is None:
        return Table({}, faults)
    name, header = str(path), SPLIT_TABLES[kind]
    first, _, rest = text.partition("\n")
    delimiter = _delimiter(first.removesuffix("\r"), header, profile.delimiters)
    if delimiter is None:
        faults.append(_header_fault(name, first.removesuffix("\r"), header, profile.delimiters))
        return Table({}, faults)
    rows: dict[str, Entry] = {}
    known = None if ids is None else frozenset(ids)
    quoting: Any = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    reader = csv.reader(_lines(rest), delimiter=delimiter, quoting=quoting, strict=True)
    before = 1
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num + 1
            fault = _row_fault(cells, header, rows, known, line, broken=not truth)
            if fault:
                faults.append(Fault(name, line, *fault))
            else:
                rows[cells[0]] = Entry(line, cells[1])
    except csv.Error as err:
        faults.append(
            Fault(
                name,
                reader.line_num + 1,
                f"is no CSV: {err}",
                "quote cells with commas or quotes; double quotes in them",
            )
        )
    if known is not None and not truth:
        faults += _missing(name, [id for id in ids or () if id not in rows], faults)
    return Table(rows, faults)


def concepts_of(path: Path, table: Table, faults: list[Fault], may_be_empty: bool = True) -> dict[str, frozenset[str]]:
    """The set of CUIs of each image; what is wrong with a cell is added to the faults."""
    found: dict[str, frozenset[str]] = {}
    for id, (line, cell) in table.rows.items():
        parts = cell.split(";") if cell else []
        said = _cell_fault(cell, parts, may_be_empty)
        if said:
            faults.append(Fault(str(path), line, *said))
        found[id] = frozenset(parts)
    return found


def of_mapping(given: Mapping[str, object], ids: Sequence[str], what: str) -> list[Fault]:
    """Faults of predictions that are no file: unknown and missing ids."""
    faults = [
        Fault(what, 0, f"the id '{shown(id)}' is unknown to the truth", "leave it out")
        for id in given
        if id not in set(ids)
    ]
    return faults + _missing(what, [id for id in ids if id not in given], faults)


def _cell_fault(cell: str, parts: Sequence[str], may_be_empty: bool) -> tuple[str, str] | None:
    if not parts:
        return (
            None
            if may_be_empty
            else (
                "no concept in the truth",
                "the official scripts count it as right where nothing is predicted, else as wrong: leave the image out",
            )
        )
    if any(part != part.strip() for part in parts):
        return "white space around a CUI", "remove it"
    if not all(parts):
        end = "a ';' at the end" if cell.endswith(";") else "a ';' too many"
        return f"{end}, which the official scripts count as a concept", "remove it"
    for part in parts:
        if not _CUI.fullmatch(part):
            lower = _CUI.fullmatch(part.upper())
            return (
                (f"'{shown(part)}' is in lower case", "write CUIs as C0040405")
                if lower
                else (f"'{shown(part)}' is no CUI", "write C and digits, as C0040405")
            )
    if len(set(parts)) < len(parts):
        return "a CUI stands twice", "name each once"
    if len(parts) > MOST_CONCEPTS:
        return f"{len(parts)} concepts", f"{MOST_CONCEPTS} are the most for one image"
    return None


def _row_fault(
    cells: list[str],
    header: Sequence[str],
    rows: Mapping[str, Entry],
    known: AbstractSet[str] | None,
    line: int,
    broken: bool,
) -> tuple[str, str] | None:
    if not cells or (len(cells) == 1 and not cells[0].strip()):
        return "the line is blank", "remove it"
    if tuple(cells) == tuple(header):
        return "the header is repeated", "remove it"
    if len(cells) == 1:
        return (
            "one column, the id alone",
            "write the id, the delimiter, and nothing behind it where nothing is predicted",
        )
    if len(cells) != 2:
        return f"{len(cells)} columns, not 2", 'put a cell that holds the delimiter into "double quotes"'
    id, cell = cells
    if not id.strip() or id != id.strip():
        return ("there is no id" if not id.strip() else "white space around the id"), "write the id as the truth has it"
    if broken and _BREAKS.search(id + cell):
        return "a line break within the row", "write a blank in its place: one line for each image"
    if id in rows:
        return f"the id '{shown(id)}' stands twice, first in line {rows[id].line}", "keep one row for each image"
    if known is not None and id not in known:
        ending = re.fullmatch(r"(.+)\.(jpe?g|png|tiff?)", id, re.IGNORECASE)
        if ending and ending[1] in known:
            return f"the id '{shown(id)}' has a file ending", f"write {shown(ending[1])}"
        return f"the id '{shown(id)}' is unknown to the truth", "score against the split that was predicted"
    if "ID" in id:
        return (
            f"the id '{shown(id)}' holds the letters ID",
            "the official scripts skip such rows: give images other ids",
        )
    return None


def _missing(name: str, ids: Sequence[str], faults: Sequence[Fault]) -> list[Fault]:
    if not ids:
        return []
    first = ", ".join(shown(id) for id in ids[:5]) + (" …" if len(ids) > 5 else "")
    plural = "s are" if len(ids) > 1 else " is"
    return [
        Fault(
            name,
            0,
            f"{len(ids):,} image{plural} missing: {first}",
            "predict every image; an empty cell says nothing was found",
        )
    ]


def _header_fault(name: str, first: str, header: Sequence[str], delimiters: Sequence[str]) -> Fault:
    wanted = delimiters[0].join(header)
    other = next((d for d in _NAMES if first == d.join(header)), None)
    if other:
        return Fault(name, 1, f"the columns are parted by a {_NAMES[other]}", f"part them by a {_NAMES[delimiters[0]]}")
    return Fault(name, 1, f"the header is '{shown(first)}'", f"write {wanted} as the first line")


def _delimiter(first: str, header: Sequence[str], delimiters: Sequence[str]) -> str | None:
    return next((d for d in delimiters if first == d.join(header)), None)


def kind_of(path: Path) -> str:
    """What a submission is of, concepts or captions, by its header."""
    text = _text(path, []) or ""
    return "captions" if text[:40].lower().partition("\n")[0].strip().endswith("caption") else "concepts"


def _lines(text: str) -> list[str]:
    """Lines as csv wants them: with their ends, parted at line feeds alone."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _text(path: Path, faults: list[Fault]) -> str | None:
    """The text of the file; None with a fault where it is none."""
    name = str(path)
    try:
        data = _bytes(path, faults)
    except UNREADABLE as err:
        said = getattr(err, "strerror", None) or shown(err) or type(err).__name__
        faults.append(Fault(name, 0, f"cannot be read: {said}", "give a CSV file, or a zip that holds submission.csv"))
        return None
    if data is None:
        return None
    if len(data) > MOST_BYTES:
        faults.append(Fault(name, 0, f"larger than {MOST_BYTES >> 20} MB", "give a file of predictions"))
    elif data.startswith(b"\xef\xbb\xbf"):
        faults.append(Fault(name, 1, "a byte order mark before the header", "save it as UTF-8 without BOM"))
    elif b"\0" in data:
        faults.append(Fault(name, data[: data.index(b"\0")].count(b"\n") + 1, "a NUL byte", "save it as UTF-8"))
    else:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as err:
            faults.append(Fault(name, data[: err.start].count(b"\n") + 1, "is not UTF-8", "save it as UTF-8"))
    return None


def _bytes(path: Path, faults: list[Fault]) -> bytes | None:
    with path.open("rb") as fh:
        if fh.read(4) != b"PK\3\4":
            fh.seek(0)
            return fh.read(MOST_BYTES + 1)
        check_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            names = archive.namelist()
            if names != [MEMBER]:
                held = ", ".join(shown(n) for n in names[:5])
                faults.append(Fault(str(path), 0, f"the zip holds {held or 'nothing'}", f"put {MEMBER} alone into it"))
                return None
            with archive.open(MEMBER) as member:
                return member.read(MOST_BYTES + 1)
