"""The CSV file of an audit: written with an empty column `label`, read back as people and spreadsheets save it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import DataError, nearest
from roco.base.files import write_text
from roco.base.terminal import excerpt, quoted
from roco.curate.cells import Cell
from roco.curate.strata import Judged

KEEP, DROP, UNSURE = "keep", "drop", "unsure"

LABELS: Mapping[str, str] = {
    **dict.fromkeys(("keep", "kept", "k", "yes", "y", "1", "true"), KEEP),
    **dict.fromkeys(("drop", "dropped", "d", "no", "n", "0", "false"), DROP),
    **dict.fromkeys(("unsure", "u", "?"), UNSURE),
}
"""What may be written into the column `label`, in lower case -> what it means."""

HEADER = ("number", "label", "figure_id", "archive", "stage", "stratum", "decision", "reason", "score", "detail")
REQUIRED = ("figure_id", "label")

LARGEST = 64 << 20  # bytes
FILL_IN = "write keep, drop or unsure into the column 'label'"

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of cells that a spreadsheet would compute."""


class Labels(NamedTuple):
    """The labels of a file.

    rows: its figures, as positions among the judged ones. labels: those that are labelled, by position.
    """

    rows: Sequence[int]
    labels: Mapping[int, str]


def write_labels(path: Path, stage: str, cells: Sequence[Cell]) -> None:
    """Writes the CSV file of a sample, with an empty column `label`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for cell in cells:
        stratum = cell.stratum
        score = "" if cell.score is None else f"{cell.score:.6g}"
        texts = (cell.figure_id, cell.archive, stage, stratum.name, stratum.decision, stratum.reason)
        writer.writerow([cell.number, "", *map(_inert, texts), score, _inert(" ".join(cell.detail.split()))])
    write_text(path, out.getvalue())


def _inert(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def check_unfilled(path: Path) -> None:
    """Raises DataError if a file exists and has labels, or is no file of an audit: it must not be overwritten."""
    if not path.exists():
        return
    hint = "choose another folder: --out FOLDER"
    try:
        filled = sum(bool(row["label"].strip()) for _, row in _rows(path))
    except DataError as err:
        raise DataError(f"{path} exists and is not a CSV file of an audit, so it is not overwritten", hint) from err
    if filled:
        message = f"{path} has {filled:,} label{'' if filled == 1 else 's'}, so it is not overwritten"
        raise DataError(message, f"read it with --labels {path}, or {hint}")


def read_labels(paths: Sequence[Path], figures: Judged) -> Labels:
    """Reads CSV files that were filled in; the columns figure_id and label are enough.

    Comma, semicolon or tab, LF or CR LF, with or without byte order mark; rows may be missing or in another order.
    Raises DataError for anything else, for figures that did not reach the stage or that it decided otherwise, unknown
    labels, two labels of one figure, and files without labels.
    """
    found: dict[int, str] = {}
    seen: dict[int, None] = {}
    for path in paths:
        rows = _rows(path)
        if not rows:
            raise DataError(f"no rows below the header ({path})", "draw the sample again, or restore the file")
        places = _Places(figures, path, (_plain(row["figure_id"]) for _, row in rows))
        for line, row in rows:
            at = places.of(line, row)
            label = _label(path, line, row["label"])
            if label and found.setdefault(at, label) != label:
                hint = f"it is also labelled {found[at]}: remove one of the labels"
                raise DataError(f"two labels of {quoted(row['figure_id'])} ({path}, line {line})", hint)
            seen[at] = None
    if not found:
        raise DataError(f"no labels ({', '.join(map(str, paths))})", FILL_IN)
    return Labels(list(seen), found)


def _label(path: Path, line: int, written: str) -> str:
    """Returns the meaning of a label; empty if nothing is written."""
    word = written.strip().lower()
    if not word:
        return ""
    if word not in LABELS:
        hint = nearest(word, (KEEP, DROP, UNSURE))
        raise DataError(f"unknown label {quoted(written.strip())} ({path}, line {line})", hint)
    return LABELS[word]


class _Places:
    """Finds the figures of a file among the judged ones."""

    def __init__(self, figures: Judged, path: Path, ids: Iterable[str]) -> None:
        self.figures, self.path = figures, path
        self.by_id: dict[str, list[int]] = {}
        all_ids = figures.rows["figure_id"]
        is_named = pc.is_in(all_ids, value_set=pa.array(sorted(set(ids)), pa.string()))
        for at in np.flatnonzero(is_named.to_numpy()).tolist():
            self.by_id.setdefault(all_ids[at].as_py(), []).append(at)

    def of(self, line: int, row: Mapping[str, str]) -> int:
        """Returns the position of a figure; raises DataError if it is unknown, or has another decision now."""
        where, stage = f"({self.path}, line {line})", self.figures.step.name
        drawn_for = (row.get("stage") or stage).strip()
        if drawn_for != stage:
            message = f"labels of the stage {quoted(drawn_for)}, not of '{stage}' {where}"
            raise DataError(message, f"audit that stage: roco audit RECIPE {excerpt(drawn_for)} --labels FILE")
        at = self._place(row, where)
        stratum = self.figures.strata[self.figures.rows["stratum"][at].as_py()]
        before = (row.get("decision") or "").strip()
        if before and before != stratum.decision:
            figure = quoted(_plain(row["figure_id"]))
            message = f"the stage '{stage}' has {stratum.decision} {figure}, which was {excerpt(before)} {where}"
            raise DataError(message, "the recipe has changed since the sample was drawn: draw a new one")
        return at

    def _place(self, row: Mapping[str, str], where: str) -> int:
        figure, archive = _plain(row["figure_id"]), _plain(row.get("archive") or "")
        places = self.by_id.get(figure, [])
        if len(places) > 1:  # two packages of one article
            archives = self.figures.rows["archive"]
            same = [at for at in places if archives[at].as_py() == archive]
            if not same:
                message = f"{len(places)} packages have a figure {quoted(figure)} {where}"
                raise DataError(message, "name the package in the column 'archive', as in the file that was drawn")
            places = same
        if not places:
            message = f"no figure {quoted(figure)} reached the stage '{self.figures.step.name}' {where}"
            raise DataError(message, "check that recipe and stage are those of the sample")
        return places[0]


# --- reading ----------------------------------------------------------------------------------------------------------


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Returns the rows of a CSV file with their line numbers, by column; raises DataError for anything else."""
    lines = io.StringIO(_content(path), newline="")
    header_line = next((line for line in lines if line.strip()), "")
    if not header_line:
        raise DataError(f"empty file ({path})", "draw the sample again, or restore the file")
    delimiter = max(",;\t", key=header_line.count)
    header = [name.strip().lower() for name in next(csv.reader([header_line], delimiter=delimiter))]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise DataError(f"missing column '{missing[0]}' ({path})", f"write the header: {','.join(HEADER)}")
    twice = next((name for name in REQUIRED if header.count(name) > 1), None)
    if twice:
        raise DataError(f"two columns '{twice}' ({path})", "remove one of them")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue  # spreadsheets write rows of empty cells
            line = reader.line_num + 1  # the reader did not see the header
            if len(cells) < len(header):
                cells += [""] * (len(header) - len(cells))
            elif any(cell.strip() for cell in cells[len(header) :]):
                message = f"{len(cells)} cells below {len(header)} columns ({path}, line {line})"
                raise DataError(message, "quote cells that contain a delimiter")
            rows.append((line, dict(zip(header, cells, strict=False))))
    except csv.Error as err:
        raise DataError(f"invalid CSV: {err} ({path}, line {reader.line_num + 1})", "save it as CSV again") from err
    return rows


def _content(path: Path) -> str:
    """Returns the text of a file as UTF-8 or as spreadsheets write it: UTF-16 with a byte order mark, or cp1252."""
    with path.open("rb") as fh:
        data = fh.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise DataError(f"larger than {LARGEST >> 20} MiB ({path})", "give the CSV file of the sample")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DataError(f"not a CSV file ({path})", "save the sheet as CSV, in UTF-8")


def _plain(cell: str) -> str:
    """Returns the text of a cell that was marked as no formula."""
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
