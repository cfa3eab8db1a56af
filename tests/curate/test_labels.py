"""The CSV file of an audit, as people and spreadsheets save it."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import DataError
from roco.curate.audit_labels import HEADER, check_unfilled, read_labels, write_labels
from roco.curate.cells import Cell
from roco.curate.strata import DROPPED, KEPT, Judged, Stratum

IDS = ["PMC1/f1/0", "PMC2/f1/0", "PMC3/f1/0", "=1+1/f1/0", "PMC5/é/0", "PMC5/é/0"]
ARCHIVES = ["a", "b", "c", "d", "e", "other"]
STRATA = [Stratum(KEPT, "", "", 2), Stratum(DROPPED, "dark", "", 4)]
ROWS = pa.table({"figure_id": IDS, "archive": ARCHIVES, "stratum": [0, 0, 1, 1, 1, 1]})
FIGURES = Judged(SimpleNamespace(name="dark"), None, ROWS, STRATA)  # type: ignore[arg-type]


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def labels(path: Path, text: str | bytes) -> dict[int, str]:
    return dict(read_labels([write(path / "labels.csv", text)], FIGURES).labels)


def cell(number: int, **values: Any) -> Cell:
    facts = {"figure_id": IDS[number - 1], "archive": ARCHIVES[number - 1], "stratum": STRATA[number > 2]}
    rest = {"score": 0.25, "detail": "too dark", "evidence": [], "caption": "", "jpeg": None}
    return Cell(number=number, **{**facts, **rest, **values})


def fault(path: Path, text: str | bytes) -> str:
    """The message and the hint of the error for a file, without its folder."""
    with pytest.raises(DataError) as error:
        labels(path, text)
    return str(error.value).replace(str(path / "labels.csv"), "FILE")


# --- accepted ---------------------------------------------------------------------------------------------------------


def test_a_file_that_was_written_is_read_back_with_its_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_labels(path, "dark", [cell(number) for number in range(1, 7)])
    text = path.read_text(encoding="utf-8")
    assert text.startswith(",".join(HEADER) + "\n")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["label"] for row in rows] == [""] * 6
    assert rows[3]["figure_id"] == "'=1+1/f1/0"  # not a formula
    answers = ["keep", "drop", "unsure", "drop", "keep", "drop"]
    filled = "\n".join([text.splitlines()[0], *(
        ",".join([line.split(",")[0], answer, *line.split(",")[2:]])
        for line, answer in zip(text.splitlines()[1:], answers, strict=True)
    )])  # fmt: skip
    assert labels(tmp_path, filled) == dict(enumerate(answers))


@pytest.mark.parametrize(
    "text",
    [
        "figure_id,label\nPMC1/f1/0,keep\nPMC3/f1/0,drop\n",
        "figure_id,label\r\nPMC1/f1/0,keep\r\nPMC3/f1/0,drop\r\n",
        "\ufefffigure_id,label\nPMC1/f1/0,keep\nPMC3/f1/0,drop",
        "\ufeffnumber;label;figure_id\r\n1;keep;PMC1/f1/0\r\n3;drop;PMC3/f1/0\r\n;;\r\n",
        "label\tfigure_id\nkeep\tPMC1/f1/0\ndrop\tPMC3/f1/0\n",
        "\n Figure_ID , LABEL \nPMC3/f1/0, Drop \n\nPMC1/f1/0,KEEP\nPMC2/f1/0,\n",
        '"figure_id","label","note"\n"PMC1/f1/0","yes","a, b"\n"PMC3/f1/0","no"\n',
        "figure_id,label,decision\nPMC1/f1/0,1,kept\nPMC1/f1/0,keep,kept\nPMC3/f1/0,FALSE,dropped\n",
        "figure_id;label\nPMC1/f1/0;k\nPMC3/f1/0;d\n".encode("utf-16"),
    ],
)
def test_files_of_spreadsheets_are_read(tmp_path: Path, text: str | bytes) -> None:
    assert labels(tmp_path, text) == {0: "keep", 2: "drop"}


def test_the_archive_tells_two_packages_of_one_article_apart(tmp_path: Path) -> None:
    text = "figure_id,archive,label\nPMC5/é/0,other,keep\n"
    assert labels(tmp_path, text) == {5: "keep"}
    assert labels(tmp_path, text.encode("cp1252")) == {5: "keep"}
    assert fault(tmp_path, "figure_id,label\nPMC5/é/0,keep\n").startswith(
        "2 packages have a figure 'PMC5/é/0' (FILE, line 2)\n  name the package in the column 'archive'"
    )


def test_several_files_are_one_sample(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "figure_id,label\nPMC1/f1/0,keep\nPMC2/f1/0,\n")
    second = write(tmp_path / "b.csv", "figure_id,label\nPMC1/f1/0,\nPMC3/f1/0,drop\n")
    read = read_labels([first, second], FIGURES)
    assert dict(read.labels) == {0: "keep", 2: "drop"}
    assert sorted(read.rows) == [0, 1, 2]
    write(tmp_path / "b.csv", "figure_id,label\nPMC1/f1/0,drop\n")
    with pytest.raises(DataError, match=r"two labels of 'PMC1/f1/0' \(.*b.csv, line 2\)"):
        read_labels([first, second], FIGURES)


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty file (FILE)\n  draw the sample again"),
        ("\ufeff\r\n\r\n", "empty file (FILE)\n  draw the sample again"),
        ("figure_id,label\n", "no rows below the header (FILE)\n  draw the sample again"),
        ("figure_id,label\nPMC1/f1/0,\n", "no labels (FILE)\n  write keep, drop or unsure into the column 'label'"),
        ("figure_id,note\nPMC1/f1/0,keep\n", "missing column 'label' (FILE)\n  write the header: number,label"),
        ("id,label\nPMC1/f1/0,keep\n", "missing column 'figure_id' (FILE)"),
        ("label,figure_id,label\nkeep,PMC1/f1/0,\n", "two columns 'label' (FILE)"),
        ("figure_id,label\nPMC9/f1/0,keep\n", "no figure 'PMC9/f1/0' reached the stage 'dark' (FILE, line 2)"),
        ("figure_id,label\n\nPMC1/f1/0,kep\n", "unknown label 'kep' (FILE, line 3)\n  did you mean 'keep'?"),
        ("figure_id,label\nPMC1/f1/0,CT\n", "unknown label 'CT' (FILE, line 2)\n  known: drop, keep, unsure"),
        ("figure_id,label\nPMC1/f1/0,keep\nPMC1/f1/0,drop\n", "two labels of 'PMC1/f1/0' (FILE, line 3)\n  it is also"),
        (
            "figure_id,label,decision\nPMC1/f1/0,keep,dropped\n",
            "the stage 'dark' has kept 'PMC1/f1/0', which was dropped (FILE, line 2)\n  the recipe has changed",
        ),
        (
            "figure_id,label,stage\nPMC1/f1/0,keep,caption\n",
            "labels of the stage 'caption', not of 'dark' (FILE, line 2)\n  audit that stage: roco audit RECIPE",
        ),
        ("figure_id,label\nPMC1/f1/0,keep,much,more\n", "4 cells below 2 columns (FILE, line 2)\n  quote cells"),
        ('figure_id,label\n"PMC1/f1/0,keep\n', "invalid CSV: unexpected end of data (FILE"),
        (b"PK\x03\x04\x00\x00\x00\x00", "not a CSV file (FILE)\n  save the sheet as CSV, in UTF-8"),
        (b"\xff\xfe\x00", "not a CSV file (FILE)"),
        ("<html><body>", "missing column 'figure_id' (FILE)"),
        ("figure_id,label\nPMC1\x1b[31m,keep\n", r"no figure 'PMC1\x1b[31m' reached"),
    ],
)  # fmt: skip
def test_an_invalid_file_is_one_clear_line(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert fault(tmp_path, text).startswith(expected)


def test_a_huge_cell_or_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault(tmp_path, f"figure_id,label\n{'x' * 200_000},keep\n").startswith("invalid CSV: field larger than")
    monkeypatch.setattr("roco.curate.audit_labels.LARGEST", 1 << 20)
    assert fault(tmp_path, "x" * (1 << 20) + "y").startswith("larger than 1 MiB (FILE)")


# --- overwriting ------------------------------------------------------------------------------------------------------


def test_only_a_file_without_labels_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    check_unfilled(path)
    write_labels(path, "dark", [cell(1), cell(2)])
    check_unfilled(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n1,,", "\n1,k,"), encoding="utf-8")
    with pytest.raises(DataError, match="has 1 label, so it is not overwritten") as error:
        check_unfilled(path)
    assert "--labels" in error.value.hint and "--out FOLDER" in error.value.hint
    write(path, "something else")
    with pytest.raises(DataError, match="is not a CSV file of an audit, so it is not overwritten"):
        check_unfilled(path)
