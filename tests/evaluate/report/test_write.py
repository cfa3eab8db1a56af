"""The files of a report: complete, equal on repetition, and safe against texts from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from roco.base.errors import UsageError
from roco.evaluate.report.render import ReportTable, csv, latex
from roco.evaluate.report.write import write_report
from tests.evaluate.report.examples import published_inputs


def test_a_report_has_a_page_markdown_data_and_two_files_for_each_table(tmp_path: Path) -> None:
    written = write_report(published_inputs(tmp_path / "data"), tmp_path / "report")
    data = json.loads((tmp_path / "report" / "report.json").read_text())
    made = [section for section in written.sections if section.content is not None]
    assert made and set(data["sections"]) == {section.part.name for section in written.sections}
    for section in made:
        assert (tmp_path / "report" / "tables" / f"{section.part.name}.csv").is_file()
        assert r"\toprule" in (tmp_path / "report" / "tables" / f"{section.part.name}.tex").read_text()
    page = (tmp_path / "report" / "report.html").read_text()
    assert all(f'id="{section.part.name}"' in page for section in written.sections)
    for link in re.findall(r'href="(tables/[^"]+)"', page):
        assert (tmp_path / "report" / link).is_file()


def test_the_same_dataset_gives_the_same_bytes_and_replaces_its_report(tmp_path: Path) -> None:
    inputs, out = published_inputs(tmp_path / "data"), tmp_path / "report"
    write_report(inputs, out)
    first = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    write_report(inputs, out)
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first


def test_a_folder_with_anything_else_is_not_replaced(tmp_path: Path) -> None:
    inputs, out = published_inputs(tmp_path / "data"), tmp_path / "report"
    write_report(inputs, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"contains more than a report: notes\.txt"):
        write_report(inputs, out)
    assert (out / "notes.txt").read_text() == "mine"


def test_texts_from_outside_are_not_markup(tmp_path: Path) -> None:
    inputs = published_inputs(tmp_path / "data")
    mapping = tmp_path / "data" / "cui_mapping.csv"
    mapping.write_text(mapping.read_text().replace("Liver", "<script>alert(1)</script>"))
    write_report(inputs, tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "<script" not in (tmp_path / "report" / "report.md").read_text()


def test_markdown_has_no_links_from_outside_and_the_numbers_of_the_paper(tmp_path: Path) -> None:
    inputs = published_inputs(tmp_path / "data")
    mapping = tmp_path / "data" / "cui_mapping.csv"
    mapping.write_text(mapping.read_text().replace("Liver", "![x](http://example.org/x.png) [NaN](javascript:x)"))
    write_report(inputs, tmp_path / "report")
    text = (tmp_path / "report" / "report.md").read_text()
    assert "javascript:x" in text and "](http" not in text and "](javascript" not in text
    # Table 4: the six captions have 5 + 1 + 4 + 4 + 3 + 4 words.
    assert "| caption length, mean | 3.50 | 20.91 | no | how the paper" in text


def test_data_keeps_the_word_nan_of_a_text(tmp_path: Path) -> None:
    inputs = published_inputs(tmp_path / "data")
    mapping = tmp_path / "data" / "cui_mapping.csv"
    mapping.write_text(mapping.read_text().replace("Liver", "NaN"))
    write_report(inputs, tmp_path / "report")
    data = json.loads((tmp_path / "report" / "report.json").read_text(), parse_constant=pytest.fail)
    assert ["C0023884", "NaN", 3] in data["sections"]["table-5"]["tables"][0]["rows"]


def test_a_latex_row_that_begins_with_a_bracket_is_no_argument_of_the_row_before() -> None:
    lines = latex(ReportTable("t", ("journal",), [("[Article] *",), ("a < b | c > d",)])).splitlines()
    assert lines[5:7] == [r"{[}Article] {*} \\", r"a \textless{} b \textbar{} c \textgreater{} d \\"]


def test_csv_has_no_control_characters_but_those_of_white_space() -> None:
    assert csv(ReportTable("t", ("a",), [("x\x1b[31m\u202ey\nz",)])) == 'a\n"x\\x1b[31m\\u202ey\nz"\n'
