"""Reads CSV files of users, in which the header names the columns, in any order."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from roco.base.errors import DataError, nearest
from roco.base.terminal import excerpt


def named_columns(
    path: Path,
    lines: Iterable[str],
    required: Sequence[str],
    optional: Sequence[str] = (),
    other_names: Mapping[str, str] | None = None,
) -> Iterator[tuple[int, list[str]]]:
    """Yields line number and cells of each row, in the order of required and optional columns; blank rows are skipped.

    lines: of the file, as `roco.base.packed.lines` reads them. Names in the header count without case and surrounding
    spaces; further columns are ignored, and the cells of a missing optional column are empty. other_names: header that
    is accepted as well -> column. Cells keep their spaces. Raises DataError with file and line.
    """
    reader = csv.reader(lines, strict=True)
    columns = (*required, *optional)
    try:
        written = next(reader, [])
        header = [_column(name, other_names or {}) for name in written]
        places = [_place(path, header, written, column, column in required) for column in columns]
        in_order = places == list(range(len(header)))
        for cells in reader:
            if len(cells) != len(header):
                if not any(cells):
                    continue
                hint = "put double quotes around cells that contain a comma"
                raise _invalid(path, reader.line_num, f"{len(cells)} cells, but {len(header)} columns", hint)
            if in_order:
                if cells[0] or any(cells):
                    yield reader.line_num, cells
            elif any(cells):
                yield reader.line_num, ["" if place is None else cells[place] for place in places]
    except csv.Error as err:
        hint = "correct the quotes in this line, or shorten its cells"
        raise _invalid(path, reader.line_num, str(err), hint) from err


def _column(name: str, other_names: Mapping[str, str]) -> str:
    lower = name.strip().lower()
    return other_names.get(lower, lower)


def _place(path: Path, header: Sequence[str], written: Sequence[str], column: str, is_required: bool) -> int | None:
    """Returns the place of a column, None for an optional one that is missing."""
    places = [place for place, name in enumerate(header) if name == column]
    if len(places) > 1:
        one, other = (excerpt(written[place].strip(), 40) for place in places[:2])
        which = "" if one == other else f": '{one}' and '{other}'"
        raise _invalid(path, 1, f"duplicate column '{column}'{which}", "remove one of them")
    if not places and is_required:
        names = [excerpt(name.strip(), 40) for name in written[:100] if name.strip()]
        hint = nearest(column, names) if names else "the first line names the columns"
        raise _invalid(path, 1, f"missing column '{column}'", hint)
    return places[0] if places else None


def _invalid(path: Path, line: int, message: str, hint: str) -> DataError:
    return DataError(f"{path}, line {line}: {message}", hint)
