"""Tests of CSV files whose header names the columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.base.named_columns import named_columns
from roco.base.packed import lines

REQUIRED, OPTIONAL = ("id", "cui"), ("tui",)
OTHER_NAMES = {"roco_id": "id"}


def rows(folder: Path, text: str, encoding: str = "utf-8") -> list[tuple[int, list[str]]]:
    path = folder / "table.csv"
    path.write_text(text, encoding=encoding, newline="")
    return list(named_columns(path, lines(path, 1000), REQUIRED, OPTIONAL, OTHER_NAMES))


@pytest.mark.parametrize(
    "text",
    [
        "id,cui,tui\n1,C1,T1\n",
        "tui,other,cui,id\nT1,x,C1,1\n",
        " ID , Cui,TUI\r\n1,C1,T1\r\n",
        "roco_id,cui,tui\n1,C1,T1",
        "\ufeffid,cui,tui\n1,C1,T1\n",
    ],
)
def test_columns_are_found_by_name_in_any_order_case_and_line_ending(tmp_path: Path, text: str) -> None:
    assert rows(tmp_path, text) == [(2, ["1", "C1", "T1"])]


def test_a_missing_optional_column_is_empty_and_cells_keep_their_spaces(tmp_path: Path) -> None:
    assert rows(tmp_path, "id,cui\n 1, C1\n") == [(2, [" 1", " C1", ""])]


def test_blank_rows_are_skipped_and_lines_within_quotes_are_counted(tmp_path: Path) -> None:
    text = 'id,cui,tui\n\n,,\n"1\n2",C1,\n3,C3,\n'
    assert rows(tmp_path, text) == [(5, ["1\n2", "C1", ""]), (6, ["3", "C3", ""])]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "line 1: missing column 'id'", "the first line names the columns"),
        ("id,cuis\n", "line 1: missing column 'cui'", "did you mean 'cuis'?"),
        ("id,cui,id\n", "line 1: duplicate column 'id'", "remove one of them"),
        ("id,cui,roco_id\n", "line 1: duplicate column 'id': 'id' and 'roco_id'", "remove one of them"),
        ("id,cui,tui,tui\n", "line 1: duplicate column 'tui'", "remove one of them"),
        ("id,cui\n1,C1\n1,C1,C2\n", "line 3: 3 cells, but 2 columns", "double quotes"),
        ('id,cui\n1,"C1"x\n', "line 2: ", "correct the quotes"),
        ("id,cui\n" + "1,C1\n" * 300, "is larger than", "keep only"),
    ],
)
def test_an_invalid_table_is_one_line_with_its_place(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(DataError) as err:
        rows(tmp_path, text)
    assert f"{tmp_path / 'table.csv'}" in err.value.message and message in err.value.message
    assert hint in err.value.hint


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"table\.csv is not UTF-8 \(after line \d\)"):
        rows(tmp_path, "id,cui\n1,é\n", "latin-1")
