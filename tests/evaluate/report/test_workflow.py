"""Figures 1 and 2 and Table S13: beside the paper, and for datasets that lack their files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections import workflow
from roco.release.read import Release
from tests.evaluate.report.counted import write_funnel
from tests.evaluate.report.examples import write_published
from tests.evaluate.report.test_sections import numbers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_published(tmp_path / "rocov2")
    write_funnel(folder)
    return folder


def inputs(folder: Path) -> Inputs:
    return Inputs(release=Release.open(folder))


def test_only_numbers_that_the_order_of_stages_does_not_change_stand_beside_the_paper(folder: Path) -> None:
    ours = numbers(workflow.figure_1(inputs(folder)))
    assert (ours["articles read (archives)"], ours["images extracted"]) == (7, 15)
    assert (ours["duplicates dropped"], ours["captions in another language"]) == (1, 3)
    assert (ours["images, final"], ours["articles, final"]) == (6, 3)
    assert ours["images, after the compound and radiology filters"] is None


def test_the_bars_show_what_each_stage_keeps_and_drops(folder: Path) -> None:
    (bars,) = workflow.figure_1(inputs(folder)).plots
    assert bars.labels == ["extract", "license", "caption", "language", "dedup"]  # type: ignore[attr-defined]
    assert bars.series == {"kept": [13, 11, 10, 7, 6], "dropped": [2, 2, 1, 3, 1]}  # type: ignore[attr-defined]


def test_without_dropped_figures_the_funnel_has_no_articles(folder: Path) -> None:
    (folder / "removed.parquet").unlink()
    content = workflow.figure_1(inputs(folder))
    assert content.tables[0].rows[0] == ("extract", 15, 2, 13, None, "missing 1, article 1")
    assert "Articles by stage are unknown: the dataset has no removed.parquet" in content.notes[0]
    assert [table.title for table in workflow.figure_2(inputs(folder)).tables] == ["Captions by filter"]
    with pytest.raises(NotAvailable, match=r"no removed\.parquet"):
        workflow.table_s13(inputs(folder))


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{", "unreadable"), ("[1]", "unreadable"), ("3", "unreadable"), ('{"stages": 3}', "invalid"), ("{}", "empty")],
)
def test_an_invalid_funnel_is_not_available(folder: Path, content: str, reason: str) -> None:
    (folder / "funnel.json").write_text(content)
    with pytest.raises(NotAvailable, match=rf"funnel\.json is {reason}"):
        workflow.figure_1(inputs(folder))


def test_an_unreadable_table_of_dropped_figures_is_not_available(folder: Path) -> None:
    (folder / "removed.parquet").write_bytes(b"PAR1")
    with pytest.raises(NotAvailable, match=r"removed\.parquet: unreadable"):
        workflow.table_s13(inputs(folder))


def test_a_recipe_without_filters_of_captions_has_no_figure_2(folder: Path) -> None:
    funnel = json.loads((folder / "funnel.json").read_text())
    funnel["stages"] = [stage for stage in funnel["stages"] if stage["stage"] not in ("caption", "language")]
    (folder / "funnel.json").write_text(json.dumps(funnel))
    with pytest.raises(NotAvailable, match="no stage of the recipe filters captions"):
        workflow.figure_2(inputs(folder))


@pytest.mark.parametrize(
    ("detail", "language"),
    [("fr 0.92", "French"), ("pt by its words (model: en 0.12)", "Portuguese"), ("gom 0.6", "gom"), (None, "unknown"),
     ("", "unknown"), ("another reason", "unknown")],
)  # fmt: skip
def test_the_language_is_read_from_the_detail(detail: str | None, language: str) -> None:
    assert workflow.language_of(detail) == language
