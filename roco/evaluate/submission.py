"""Checks and reads files of predictions strictly: every problem has file, line and remedy."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Literal, NamedTuple

from roco.base.errors import InvalidSubmission
from roco.base.tables import SPLIT_TABLES
from roco.base.terminal import excerpt, quoted
from roco.evaluate.prediction_file import Unreadable, read_text
from roco.evaluate.profiles import Profile

MAX_CONCEPTS = 100  # of one image
MAX_LISTED = 20  # problems in the message of an error
_CUI = re.compile(r"C[0-9]+")  # of any length: the official scripts only compare CUIs
_LINE_BREAK = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # the line ends of str.splitlines
_IMAGE_FILE = re.compile(r"(.+)\.(jpe?g|png|tiff?)", re.IGNORECASE)
_DELIMITER_NAMES = {",": "comma", "|": "vertical bar", "\t": "tab", ";": "semicolon"}


class Problem(NamedTuple):
    """One problem: the file, the line (0 for the whole file), what is wrong, and what to do about it."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.what}; {self.remedy}"


class Finding(NamedTuple):
    """What is wrong with a row or a cell, and what to do about it."""

    what: str
    remedy: str


class Row(NamedTuple):
    """The line and the second cell of a row."""

    line: int
    cell: str


class Submission(NamedTuple):
    """The valid rows of a file by image ID, in the order of the file, and all its problems."""

    rows: dict[str, Row]
    problems: list[Problem]


class ConceptCells(NamedTuple):
    """The CUIs of each image, and the problems of the cells."""

    concepts: dict[str, frozenset[str]]
    problems: list[Problem]


def check(path: Path, profile: Profile, ids: Sequence[str] | None = None, kind: str | None = None) -> list[Problem]:
    """Returns everything that ImageCLEF's checkers reject and that its scorers silently mis-score.

    ids: the IDs of the ground truth, in its order; None checks the format only. kind: "concepts" or "captions"; None
    takes it from the header.
    """
    kind = kind or kind_of(path)
    submission = read(path, kind, profile, ids)
    problems = list(submission.problems)
    if kind == "concepts":
        problems += concept_cells(path, submission).problems
    elif profile.in_order:
        for line, cell in submission.rows.values():
            if cell != cell.strip():
                problems.append(Problem(str(path), line, "white space around the caption", "remove it"))
    if profile.in_order and ids is not None:
        problems += _order_problems(path, submission, ids)
    return sorted(problems, key=lambda problem: problem.line)


def refuse(problems: Sequence[Problem], alternative: Callable[[], str] | None = None) -> None:
    """Raises InvalidSubmission if there are problems; its message lists the first MAX_LISTED.

    alternative: returns what to add to the hint, if the file can be scored in another way.
    """
    if not problems:
        return
    ordered = sorted(problems, key=lambda problem: problem.line)
    lines = [str(problem) for problem in ordered[:MAX_LISTED]]
    if len(ordered) > MAX_LISTED:
        lines.append(f"and {len(ordered) - MAX_LISTED:,} more problems")
    details = tuple((problem.file, problem.line, problem.what, problem.remedy) for problem in ordered)
    hint = "nothing was scored" + (alternative() if alternative else "")
    raise InvalidSubmission("\n".join(lines), hint, details)


def read(path: Path, kind: str, profile: Profile, ids: Sequence[str] | None, truth: bool = False) -> Submission:
    """Reads a file of predictions and checks its format and its IDs.

    ids: the IDs of the ground truth; None accepts any. truth: the file is itself the ground truth, in which quoted
    cells may contain line breaks.
    """
    name, header = str(path), SPLIT_TABLES[kind]
    try:
        text = read_text(path)
    except Unreadable as err:
        return Submission({}, [Problem(name, err.line, str(err), err.remedy)])
    first_line, _, body = text.partition("\n")
    first_line = first_line.removesuffix("\r")
    delimiter = _delimiter(first_line, header, profile.delimiters)
    if delimiter is None:
        return Submission({}, [_header_problem(name, first_line, header, profile.delimiters)])
    known_ids = None if ids is None else frozenset(ids)
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    reader = csv.reader(_lines(body), delimiter=delimiter, quoting=quoting, strict=True)
    last_line = 1
    try:
        for cells in reader:
            # A quoted cell can span lines: a row is reported by its first line, and the header is line 1.
            line, last_line = last_line + 1, reader.line_num + 1
            finding = _row_finding(cells, header, rows, known_ids, line, allow_line_breaks=truth)
            if finding:
                problems.append(Problem(name, line, *finding))
            else:
                rows[cells[0]] = Row(line, cells[1])
    except csv.Error as err:
        remedy = "quote cells that contain commas or quotes, and double the quotes in them"
        problems.append(Problem(name, reader.line_num + 1, f"invalid CSV: {err}", remedy))
    if ids is not None and not truth:
        problems += _missing(name, [id for id in ids if id not in rows])
    return Submission(rows, problems)


def concept_cells(path: Path, submission: Submission, may_be_empty: bool = True) -> ConceptCells:
    """Splits the cells of concepts into sets of CUIs. may_be_empty: accepts images without a concept."""
    concepts: dict[str, frozenset[str]] = {}
    problems: list[Problem] = []
    for id, (line, cell) in submission.rows.items():
        cuis = cell.split(";") if cell else []
        finding = _cell_finding(cell, cuis, may_be_empty)
        if finding:
            problems.append(Problem(str(path), line, *finding))
        concepts[id] = frozenset(cuis)
    return ConceptCells(concepts, problems)


def mapping_problems(mapping: Mapping[str, object], ids: Sequence[str], name: str) -> list[Problem]:
    """Returns the problems of predictions that are not a file: unknown and missing IDs."""
    known_ids = frozenset(ids)
    problems = []
    for id in mapping:
        if id not in known_ids:
            problems.append(Problem(name, 0, f"unknown id {quoted(id)} (not in the ground truth)", "remove it"))
    return problems + _missing(name, [id for id in ids if id not in mapping])


def kind_of(path: Path) -> str:
    """Returns "captions" or "concepts", by the header of the file; "concepts" if the file cannot be read."""
    try:
        header = read_text(path)[:40].lower().partition("\n")[0].strip()
    except Unreadable:
        return "concepts"
    return "captions" if header.endswith("caption") else "concepts"


def _order_problems(path: Path, submission: Submission, ids: Sequence[str]) -> list[Problem]:
    """Returns the first row that is out of order; nothing if IDs are missing, which is a problem of its own."""
    submitted = list(submission.rows)
    if set(submitted) != set(ids):
        return []
    for submitted_id, expected_id in zip(submitted, ids, strict=True):
        if submitted_id != expected_id:
            what = f"{quoted(submitted_id)} is in the place of {quoted(expected_id)}"
            line = submission.rows[submitted_id].line
            return [Problem(str(path), line, what, "put the rows in the order of the ground truth")]
    return []


def _cell_finding(cell: str, cuis: Sequence[str], may_be_empty: bool) -> Finding | None:
    """Returns the first problem of a cell of CUIs."""
    if not cuis:
        if may_be_empty:
            return None
        official = "the official scripts count it as correct if nothing is predicted, else as wrong"
        return Finding("no concept in the ground truth", f"remove the image: {official}")
    if any(cui != cui.strip() for cui in cuis):
        return Finding("white space around a CUI", "remove it")
    if not all(cuis):
        what = "trailing ';'" if cell.endswith(";") else "empty CUI before a ';'"
        return Finding(what, "remove the ';': the official scripts count the empty text as a concept")
    for cui in cuis:
        if _CUI.fullmatch(cui):
            continue
        if _CUI.fullmatch(cui.upper()):
            return Finding(f"{quoted(cui)} is in lower case", "write CUIs in upper case, as in C0040405")
        return Finding(f"{quoted(cui)} is not a CUI", "write C and digits, as in C0040405")
    if len(set(cuis)) < len(cuis):
        return Finding("duplicate CUI", "list each CUI once")
    if len(cuis) > MAX_CONCEPTS:
        return Finding(f"{len(cuis)} concepts", f"list at most {MAX_CONCEPTS} for one image")
    return None


def _row_finding(
    cells: list[str],
    header: Sequence[str],
    rows: Mapping[str, Row],
    known_ids: AbstractSet[str] | None,
    line: int,
    allow_line_breaks: bool,
) -> Finding | None:
    """Returns the first problem of a row: of its columns, then of its ID."""
    if not cells or (len(cells) == 1 and not cells[0].strip()):
        return Finding("blank line", "remove it")
    if tuple(cells) == tuple(header):
        return Finding("repeated header", "remove it")
    if len(cells) == 1:
        return Finding("only one column", "write the delimiter after the id, even if nothing was predicted")
    if len(cells) != 2:
        return Finding(f"{len(cells)} columns instead of 2", 'put cells that contain the delimiter in "double quotes"')
    id, cell = cells
    as_in_truth = "write the id exactly as in the ground truth"
    if not id.strip():
        return Finding("empty id", as_in_truth)
    if id != id.strip():
        return Finding("white space around the id", as_in_truth)
    if not allow_line_breaks and _LINE_BREAK.search(id + cell):
        return Finding("line break within a cell", "replace it by a space: every image has one line")
    if id in rows:
        return Finding(f"duplicate id {quoted(id)} (first in line {rows[id].line})", "keep one row per image")
    if known_ids is not None and id not in known_ids:
        image_file = _IMAGE_FILE.fullmatch(id)
        if image_file and image_file[1] in known_ids:
            return Finding(f"the id {quoted(id)} has a file extension", f"write {excerpt(image_file[1])}")
        return Finding(
            f"unknown id {quoted(id)} (not in the ground truth)", "score against the split that was predicted"
        )
    if "ID" in id:
        return Finding(
            f"the id {quoted(id)} contains the letters ID", "rename the image: the official scripts skip its row"
        )
    return None


def _missing(name: str, ids: Sequence[str]) -> list[Problem]:
    """Returns one problem for all missing images."""
    if not ids:
        return []
    first = ", ".join(excerpt(id) for id in ids[:5])
    more = " …" if len(ids) > 5 else ""
    verb = "image is" if len(ids) == 1 else "images are"
    remedy = "list every image; leave its cell empty if nothing was predicted"
    return [Problem(name, 0, f"{len(ids):,} {verb} missing: {first}{more}", remedy)]


def _header_problem(name: str, first_line: str, header: Sequence[str], delimiters: Sequence[str]) -> Problem:
    """Returns whether the delimiter or the column names are wrong."""
    used = _delimiter(first_line, header, tuple(_DELIMITER_NAMES))
    if used:
        expected = _DELIMITER_NAMES[delimiters[0]]
        return Problem(
            name, 1, f"the columns are separated by a {_DELIMITER_NAMES[used]}", f"separate them by a {expected}"
        )
    return Problem(
        name, 1, f"unexpected header {quoted(first_line)}", f"write {delimiters[0].join(header)} as the first line"
    )


def _delimiter(first_line: str, header: Sequence[str], delimiters: Sequence[str]) -> str | None:
    for delimiter in delimiters:
        if first_line == delimiter.join(header):
            return delimiter
    return None


def _lines(text: str) -> list[str]:
    """Splits text at line feeds only and keeps them, as csv.reader expects."""
    lines = text.split("\n")
    complete = [line + "\n" for line in lines[:-1]]
    return complete + ([lines[-1]] if lines[-1] else [])
