"""A table of CUIs is read whole or rejected with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.models.text.linking import cui_table


def write(folder: Path, text: str) -> Path:
    path = folder / "cuis.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_the_first_cui_of_an_id_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path, "\ufeffcui, SNOMED ,tui\nC0024109,39607008,T023|T029\n\nC1278908,39607008,\nC0027651,4147007,\n"
    )
    assert cui_table.load(path) == {"39607008": ("C0024109", ("T023", "T029")), "4147007": ("C0027651", ())}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: missing column 'snomed'"),
        ("snomed\n1", "line 1: missing column 'cui'"),
        ("snomed,cui,cui\n", "line 1: duplicate column 'cui'"),
        ("snomed,cui\n", "contains no rows"),
        ("snomed,cui\n39607008\n", "line 2: 1 cells, but 2 columns"),
        ("snomed,cui\n39607008,C002410\n", "line 2: invalid CUI 'C002410'"),
        ("snomed,cui\nS-39607008,C0024109\n", "line 2: invalid SNOMED CT id 'S-39607008'"),
        ("snomed,cui,tui\n39607008,C0024109,023\n", "line 2: invalid semantic type '023'"),
        ('snomed,cui\n39607008,"C0024109\n', "line 2: unexpected end of data"),
        ("snomed,cui\n39607008,\udcff\n", "is not UTF-8"),
        ("snomed,cui\n39607008," + "C" * 200_000 + "\n", "line 2: field larger than"),
    ],
)
def test_an_invalid_table_is_rejected_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        cui_table.load(write(tmp_path, text))
    assert caught.value.message.isprintable()


def test_a_table_of_too_many_rows_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "snomed,cui\n39607008,C0024109\n4147007,C0027651\n")
    monkeypatch.setattr(cui_table, "MOST_ROWS", 1)
    with pytest.raises(DataError, match="line 3: more than 1 rows"):
        cui_table.load(path)
    monkeypatch.setattr(cui_table, "MOST_BYTES", 10)
    with pytest.raises(DataError, match="is larger than"):
        cui_table.load(path)
