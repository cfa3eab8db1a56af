"""Tables 1 to 3, Table 7 and Figures 4 to 9: scores and labels that are given, missing or invalid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.evaluate.rater_agreement import Pair, rater_agreement
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.contents import CHAPTERS
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Matrix
from roco.evaluate.report.score_files import read_scores
from roco.evaluate.report.section import made
from roco.evaluate.report.sections import agreement as agreement_sections
from roco.evaluate.report.sections import scores as score_sections
from roco.release.read import Release
from tests.evaluate.report.counted import agreement, write_scores
from tests.evaluate.report.examples import rows, write_published, write_release
from tests.evaluate.report.test_sections import numbers

PARTS = {part.name: part for chapter in CHAPTERS for part in chapter.parts}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release.open(write_published(tmp_path / "rocov2"))


def test_without_scores_the_rows_of_the_paper_are_shown(release: Release) -> None:
    section = made(PARTS["table-1"], Inputs(release=release))
    assert section.missing.startswith("no scores of concepts were given: --scores DIR")
    assert section.content is not None and len(section.content.tables[0].rows) == 13
    assert section.content.tables[0].rows[-1] == ("Baseline EfficientNetV2-S", "ROCOv2", "0.5925", "0.9430", "")


def test_our_systems_come_first_with_intervals(release: Release, tmp_path: Path) -> None:
    given = [read_scores(write_scores(tmp_path / name, "concepts", {"f1": 0.5, "macro_f1": 0.1})) for name in "ab"]
    content = score_sections.table_1(Inputs(release=release, scores=given))
    first, second, third, *_ = content.tables[0].rows
    assert first == ("a", "6 images, rules of imageclef2023", "0.5000", None, None)
    assert (second[0], third[0]) == ("b", "AUEB-NLP-Group")
    assert content.tables[1].rows == [("a", "F1", 0.5, 0.4, 0.6, 6), ("b", "F1", 0.5, 0.4, 0.6, 6)]


def test_a_system_without_the_first_score_has_no_bar(release: Release, tmp_path: Path) -> None:
    given = read_scores(write_scores(tmp_path / "a", "captions", {"rouge1": 0.5, "bertscore_f1": None}))
    (bars,) = score_sections.table_2(Inputs(release=release, scores=[given])).plots
    assert len(bars.labels) == 15 and bars.labels[0] == "CSIRO (ImageCLEF 2023)"  # type: ignore[attr-defined]


def test_scores_of_captions_are_no_scores_of_concepts(release: Release, tmp_path: Path) -> None:
    given = read_scores(write_scores(tmp_path / "a", "captions", {"rouge1": 0.5}))
    inputs = Inputs(release=release, scores=[given])
    with pytest.raises(NotAvailable, match="no scores of concepts"):
        score_sections.table_1(inputs)
    with pytest.raises(NotAvailable, match="no scores of captions"):
        score_sections.table_3(inputs)  # the scores are none of those of Table 3
    assert score_sections.table_2(inputs).tables[0].rows[0][3] == "0.5000"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "has no scores"),
        ('{"sections": {}}', "has no scores"),  # the report.json of roco report
        ('{"scores": {"f1": 3}, "task": "concepts", "profile": {"name": "x"}}', "has no scores"),
    ],
)
def test_a_file_without_scores_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(DataError, match=message):
        read_scores(tmp_path)


def test_a_missing_file_of_scores_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.json cannot be read: No such file"):
        read_scores(tmp_path / "none.json")


def test_undefined_scores_stay_empty(tmp_path: Path) -> None:
    folder = write_scores(tmp_path / "a", "captions", {"rouge1": None})
    assert json.loads((folder / "report.json").read_text())["scores"]["rouge1"]["value"] is None
    assert read_scores(folder).scores["rouge1"].value is None


def test_table_7_stands_beside_the_paper(release: Release) -> None:
    reversed_tasks = agreement("direction", "region", "modality")  # the paper's order is shown
    content = agreement_sections.table_7(Inputs(release=release, agreement=reversed_tasks))
    ours = numbers(content)
    # statsmodels `cohens_kappa`: kappa .4915, error .0721; 41 of 100 agreements are expected by chance.
    assert ours["modality, kappa"] == pytest.approx(0.4915254)
    assert ours["modality, sd"] == pytest.approx(0.0721275)
    assert ours["modality, expected by chance %"] == pytest.approx(41.0)
    assert (ours["direction, n"], ours["direction, agreements"]) == (105, 89)
    # UNKNOWN is in the last row and column: 1 + 3 + 9 + 5.
    assert "modality: 18 of 30 disagreements are between UNKNOWN and another label." in content.notes
    titles = [table.title for table in content.tables]
    assert titles == ["Agreement", "modality, each label", "region, each label", "direction, each label"]


def test_matrices_are_of_counts_or_of_shares_of_each_row(release: Release) -> None:
    inputs = Inputs(release=release, agreement=agreement("region"))
    (absolute,) = PARTS["figure-7"].make(inputs).plots
    (normalised,) = PARTS["figure-6"].make(inputs).plots
    assert isinstance(absolute, Matrix) and isinstance(normalised, Matrix)
    assert absolute.values == [[20, 5], [10, 15]] and normalised.values == [[0.8, 0.2], [0.4, 0.6]]
    assert (absolute.row_axis, absolute.column_axis) == ("annotators", "radiologist")
    assert normalised.shares and not absolute.shares


def test_a_task_without_labels_of_two_people_is_not_available(release: Release) -> None:
    with pytest.raises(NotAvailable, match="no label log was given"):
        PARTS["figure-4"].make(Inputs(release=release))
    with pytest.raises(NotAvailable, match="no labels of two people in the task 'modality'"):
        PARTS["figure-4"].make(Inputs(release=release, agreement=agreement("region")))


def test_an_undefined_kappa_has_agreements_only(release: Release) -> None:
    same = rater_agreement(Pair(task="region", first={"i": "chest"}, second={"i": "chest"}))
    ours = numbers(agreement_sections.table_7(Inputs(release=release, agreement=[same])))
    assert (ours["region, agreements"], ours["region, kappa"]) == (1, None)


def test_labels_of_images_that_the_dataset_lacks_are_noted(tmp_path: Path) -> None:
    images = [{**row, "image_key": f"i{place}"} for place, row in enumerate(rows())]
    release = Release.open(write_release(tmp_path / "release", images))
    content = agreement_sections.table_7(Inputs(release=release, agreement=agreement("modality")))
    assert content.notes[-1] == "modality: 6 of these 100 images are in this dataset."
