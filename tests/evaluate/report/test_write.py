"""The files of a report: complete, equal on repetition, and safe against texts from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from roco.base.errors import UsageError
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
