"""How a dataset was built: drops, duplicates, origin of the labels, screening and cost, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.cost import REST, read_cost
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.rows import PrecisionRow
from roco.evaluate.report.sections import cost, dropped, duplicates, provenance, screening
from roco.release.read import Release
from tests.evaluate.report.examples import READ, published_inputs, release_inputs, rows, write_release


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return release_inputs(tmp_path / "release")


def test_dropped_figures_are_counted_by_stage_and_reason_with_their_articles(inputs: Inputs) -> None:
    assert dropped.by_reason(inputs).tables[0].rows == [
        ("license", "license", 3, 3 / 5, 2),
        ("caption", "caption", 1, 1 / 5, 1),
        ("dedup", "duplicate", 1, 1 / 5, 1),
    ]


def test_a_release_knows_the_years_of_the_articles_of_its_images_only(inputs: Inputs) -> None:
    content = dropped.by_year(inputs)
    # 2019: PMC1 has three images and one dropped caption; 2021: PMC2 and PMC3 have three images, PMC2 a duplicate.
    assert content.tables[0].rows == [("2019", 3, 1, 1 / 4, "caption"), ("2021", 3, 1, 1 / 4, "duplicate")]
    assert content.notes[0].startswith("The year of 3 of 5 dropped figures is unknown")


def test_a_run_knows_journals_and_years_of_all_articles(tmp_path: Path) -> None:
    inputs = release_inputs(tmp_path / "release", articles=READ)
    assert dropped.by_year(inputs).tables[0].rows[0] == ("2019", 3, 3, 1 / 2, "license")
    content = dropped.by_journal(inputs)
    assert content.tables[0].rows[0] == ("Cases Journal", 0, 2, 1.0, "license")
    assert content.notes == ("The journal of 1 of 5 dropped figures is unknown.",)  # PMC5 has none


def test_duplicates_are_counted_by_group(inputs: Inputs) -> None:
    groups, sizes = duplicates.duplicates(inputs).tables
    assert groups.rows == [("duplicates", 1, 1, 2, 3), ("near-duplicates", 1, 2, 0, 2)]
    assert sizes.rows == [(2, 0, 1), (3, 1, 0)]


def test_leakage_counts_groups_that_cross_splits_and_their_images(inputs: Inputs) -> None:
    found = {str(row[0]): row[1:3] for row in duplicates.leakage(inputs).tables[0].rows}
    assert found["images of one article"] == (1, 3)  # PMC1 has two images in train and one in test
    assert found["near-duplicates"] == (1, 2) and found["duplicates"] == (0, 0)


def test_leakage_of_the_published_layout_lacks_groups_of_duplicates(tmp_path: Path) -> None:
    content = duplicates.leakage(published_inputs(tmp_path / "rocov2"))
    assert [row[1] for row in content.tables[0].rows] == [1, 0]
    assert content.notes == ("Not known of this dataset: duplicates, near-duplicates.",)


def test_the_origin_of_a_modality_is_a_person_a_model_or_words(inputs: Inputs) -> None:
    by_split, by_modality = provenance.modality_from(inputs).tables
    assert {str(row[0]): row[4] for row in by_split.rows} == {
        provenance.PERSON: 1,
        "a model that looks at the pixels": 1,
        "unknown": 4,
        "all": 6,
    }
    assert by_modality.rows[1][0] == "DRCT" and by_modality.rows[1][-1] == 0.5


def test_occurrences_of_concepts_are_manual_or_automatic_or_both(inputs: Inputs) -> None:
    found = {str(row[0]): row[4] for row in provenance.concepts_from(inputs).tables[0].rows}
    # 17 occurrences; 9 of them are manual, of which the automatic ones lack AP.
    assert found == {"manual only": 1, "manual and automatic": 8, "automatic only": 8}


def test_concepts_of_the_published_layout_that_are_not_manual_are_automatic(tmp_path: Path) -> None:
    content = provenance.concepts_from(published_inputs(tmp_path / "rocov2"))
    assert {str(row[0]): row[4] for row in content.tables[0].rows} == {
        "manual only": 9,
        "manual and automatic": 0,
        "automatic only": 8,
    }


def test_precision_by_semantic_type_needs_labels(tmp_path: Path) -> None:
    rows = (PrecisionRow("finding", 100, 10, 6, 2, 2, 0.75, 0.4, 0.93), PrecisionRow("organ", 5, 2, 0, 0, 2))
    content = provenance.precision(release_inputs(tmp_path / "one", precision=rows))
    assert content.tables[0].rows[0] == ("finding", 100, 10, 6, 2, 2, 0.75, 0.4, 0.93)
    assert "finding 0.75." in content.plots[0].alt
    with pytest.raises(NotAvailable, match="task 'visible'"):
        provenance.precision(release_inputs(tmp_path / "two"))


def test_text_and_flags_of_screening_are_counted(tmp_path: Path) -> None:
    images = rows()
    for row, words in zip(images, (0, 4, None, 0, 2, 0), strict=True):
        share = None if words is None else words / 100
        how = "failed" if words is None else "ocr" if words else "gate"
        row |= {"text_read": how, "text_share": share, "text_words": words}
        row |= {"screening": ["text", "panels"] if words == 4 else [], "identifying_text": ["date"] if words else []}
    inputs = Inputs(release=Release.open(write_release(tmp_path / "release", images)))
    content = screening.burned_in_text(inputs)
    assert content.tables[1].rows[0] == ("all", 5, 2, 2 / 5)  # of one image the text is unknown
    assert content.tables[2].rows[0][2] == pytest.approx(6 / 5)  # per cent of the area
    flags, kinds = screening.screening(inputs).tables
    assert {row[0]: row[4] for row in flags.rows if row[4]} == {
        "much text in the image": 1,
        "panel letters in the image": 1,
    }
    assert kinds.rows == [("date", 2, 2 / 6)]


def test_a_release_without_screening_says_so(inputs: Inputs) -> None:
    for make in (screening.burned_in_text, screening.screening):
        with pytest.raises(NotAvailable, match="no column"):
            make(inputs)


def test_the_cost_of_a_run_adds_up_its_log(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "log").mkdir(parents=True)
    lines = [
        json.dumps({"part": "a", "seconds": {"all": 3600.0, "image": 1800.0, "embed": 900.0}}),
        json.dumps({"part": "a", "seconds": {"mentions": 3600.0}}),
        '{"part": "cut short',
        '{"event": "another"}',
    ]
    (run / "log" / "run.jsonl").write_text("\n".join(lines))
    (run / "release").mkdir()
    (run / "release" / "train_images.zip").write_bytes(b"not counted")
    one = read_cost(run, watts=10, grams=500)
    assert one is not None
    assert list(one.seconds.items()) == [("mentions", 3600), ("image", 1800), ("embed", 900), (REST, 900)]
    assert (one.core_hours, one.kwh, one.co2) == pytest.approx((2, 0.02, 10))
    assert one.folder_bytes == (run / "log" / "run.jsonl").stat().st_size
    content = cost.cost(release_inputs(tmp_path / "release", cost=one))
    assert content.tables[0].rows[1] == ("core-seconds for an image of the release", 7200 / 6)


def test_a_release_has_no_cost(inputs: Inputs, tmp_path: Path) -> None:
    assert read_cost(tmp_path / "no-run") is None
    with pytest.raises(NotAvailable, match="only a run folder"):
        cost.cost(inputs)
