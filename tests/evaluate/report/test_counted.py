"""Every section against numbers that were counted by hand on a dataset in the published layout."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from roco.evaluate.report import paper
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.contents import CHAPTERS
from roco.evaluate.report.inputs import Inputs
from tests.evaluate.report.counted import Counted, cells, counted, counted_inputs

PARTS = {part.name: part for chapter in CHAPTERS for part in chapter.parts}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return counted_inputs(tmp_path_factory.mktemp("counted"))


@pytest.fixture(scope="module")
def contents(inputs: Inputs) -> dict[str, Content]:
    found = {}
    for name in dict.fromkeys(one.part for one in counted()):
        found[name] = PARTS[name].make(inputs)
    return found


@pytest.mark.parametrize("one", counted(), ids=lambda one: f"{one.part}: {one.row}, {one.column}")
def test_a_cell_is_what_was_counted_by_hand(contents: dict[str, Content], one: Counted) -> None:
    # A name may stand in several rows, such as a baseline on two test sets; the first one is meant.
    assert cells(contents[one.part], one.row, one.column)[:1] == [one.value]


def test_sections_without_counted_numbers_are_those_that_the_dataset_cannot_have(inputs: Inputs) -> None:
    known = {one.part for one in counted()}
    for name in ("table-s6", "table-s10", "table-s11"):
        assert name not in known
        with pytest.raises(NotAvailable, match="the dataset has no images of DR"):
            PARTS[name].make(inputs)


def test_every_table_and_figure_of_the_paper_has_a_section_and_a_source() -> None:
    assert {part.number for part in PARTS.values() if part.number} == set(paper.sources())


@pytest.mark.parametrize("path", [paper.VALUES, paper.SOURCES], ids=lambda path: path.name)
def test_every_row_of_the_papers_numbers_has_all_its_cells(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as fh:
        header, *rows = csv.reader(fh)
    assert [row for row in rows if len(row) != len(header)] == []
