"""Reads labelled mentions: a CSV file of offsets and concepts of captions that another file contains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.named_columns import named_columns
from roco.base.packed import lines
from roco.base.terminal import excerpt
from roco.evaluate.concept_mentions import Gold
from roco.release.captioned import Captioned, Row

REQUIRED = ("id", "start", "end", "cui")
OPTIONAL = ("instead", "tui", "inner")
OTHER_HEADERS = {"roco_id": "id"}
"""Header that is accepted as well -> column."""
MOST_BYTES = 256 << 20
_TRUE, _FALSE = ("yes", "true", "1"), ("", "no", "false", "0")


class SpanGold(NamedTuple):
    """The labelled captions, in the order of the file, and the mentions of each."""

    rows: list[Row]
    mentions: list[list[Gold]]


def is_span_gold(path: Path) -> bool:
    """Returns whether the header of a file has the columns of labelled mentions: start and end."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as fh:
            first = fh.readline(10_000).decode("utf-8-sig")
    except (OSError, ValueError):
        return False
    return {"start", "end"} <= {name.strip().lower() for name in first.split(",")}


def read_spans(path: Path, captioned: Captioned, only: tuple[str, str] | None = None) -> SpanGold:
    """Reads labelled mentions.

    The columns are id, start, end (half-open offsets in code points) and cui, which may be empty; optionally instead,
    tui and inner as in `Gold`. A caption without mentions has one row without offsets. captioned: where the captions
    are. only: name and value of a further column; other rows are left out. Raises DataError with file and line.
    """
    known = {row.id: row for row in captioned.rows}
    mentions: dict[str, list[Gold]] = {}
    column, value = only or ("", "")
    further = [column] if only and column not in (*REQUIRED, *OPTIONAL) else []
    for line, cells in _rows(path, further):
        if only and cells[column] != value:
            continue
        id = cells["id"]
        if id not in known:
            _refuse(path, line, f"unknown caption '{excerpt(id)}'", "give the dataset of the captions with --captions")
        of_caption = mentions.setdefault(id, [])
        if cells["start"] or cells["end"]:
            of_caption.append(_gold(path, line, cells, len(known[id].caption)))
    if not mentions:
        which = f" with {only[0]} = '{excerpt(only[1])}'" if only else ""
        raise DataError(f"{path} has no rows{which}", "add one row for each mention below the header")
    return SpanGold([known[id] for id in mentions], list(mentions.values()))


def _gold(path: Path, line: int, cells: Mapping[str, str], length: int) -> Gold:
    start, end = (_number(path, line, name, cells[name]) for name in ("start", "end"))
    if not start < end <= length:
        _refuse(
            path, line, f"{start} to {end} is not in the caption of {length} characters",
            "offsets are code points; the end is the one after the last character",
        )  # fmt: skip
    for name in ("cui", "instead"):
        cui = cells.get(name, "")
        if cui and not is_cui(cui):
            _refuse(path, line, f"invalid CUI '{excerpt(cui, 40)}'", "a CUI is C and seven digits")
    inner = cells.get("inner", "").lower()
    if inner not in (*_TRUE, *_FALSE):
        _refuse(path, line, f"inner is '{excerpt(inner, 40)}'", "write yes or leave the cell empty")
    return Gold(
        start=start, end=end, cui=cells["cui"], instead=cells.get("instead", ""), tui=cells.get("tui", ""),
        inner=inner in _TRUE,
    )  # fmt: skip


def _number(path: Path, line: int, name: str, cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) < 10):
        _refuse(path, line, f"{name} is '{excerpt(cell, 40)}'", "write a whole number")
    return int(cell)


def _rows(path: Path, further: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields line number and the cells of each row by column; further: names of further columns that are needed."""
    columns = (*REQUIRED, *further)
    rows = named_columns(path, lines(path, MOST_BYTES), columns, OPTIONAL, OTHER_HEADERS)
    for line, cells in rows:
        yield line, dict(zip((*columns, *OPTIONAL), map(str.strip, cells), strict=True))


def _refuse(path: Path, line: int, what: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {what}", hint)
