"""What changed between two releases, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections import drift
from roco.release.read import Release
from tests.evaluate.report.examples import BRAIN, CT, LIVER, MR, NODULE, release_inputs, rows, write_release

HEART = "C0018787"


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """The example and its next release, in which an image is gone, one is new, one moved, and concepts changed."""
    old = Release.open(write_release(tmp_path / "old"))
    images = [row for row in rows() if row["id"] != "d_train_4"]
    images[0] |= {"split": "test", "concepts": [CT, LIVER, HEART]}
    images.append(
        {**images[1], "id": "d_train_9", "article_key": "PMC9", "image_key": "PMC9-1", "file": "9.png", "sha256": "9",
         "figure_id": "PMC9.1/f", "journal": "Heart", "concepts": [CT, HEART]}
    )  # fmt: skip
    return Inputs(release=Release.open(write_release(tmp_path / "new", images)), other=old)


def test_images_are_added_removed_and_moved_by_split(inputs: Inputs) -> None:
    content = drift.drift_images(inputs)
    assert content.tables[0].rows == [
        ("train", 4, 3, 1, 1, 0, 1),
        ("valid", 1, 1, 0, 0, 0, 0),
        ("test", 1, 2, 0, 0, 1, 0),
        ("all", 6, 6, 1, 1, 1, 1),
    ]
    assert content.notes[0].startswith("5 images are in both releases")


def test_concepts_are_new_gone_or_changed(inputs: Inputs) -> None:
    content = drift.drift_concepts(inputs)
    tables = {table.title: {row[0]: row[2:6] for row in table.rows} for table in content.tables}
    assert tables["New concepts"] == {HEART: (0, 2, 1, 0)}  # gained by an image of both releases, and in a new one
    assert tables["Concepts that are gone"].keys() == {MR, BRAIN}
    assert tables["Concepts whose share of the images changed most"][NODULE] == (2, 1, 0, 1)
    assert "1 concepts were gained and 1 lost" in content.notes[1]


def test_journals_are_new_or_have_another_number_of_articles(inputs: Inputs) -> None:
    content = drift.drift_journals(inputs)
    assert content.tables[0].rows == [("Heart", 0, 1, 1)]
    assert content.notes == ("2 journals before, 3 now: 1 are new, 0 are gone.",)


def test_shares_of_modalities_stand_side_by_side(inputs: Inputs) -> None:
    found = {str(row[0])[:4]: row[1:3] for row in drift.drift_modalities(inputs).tables[0].rows}
    assert found == {"DRCT": (2, 3), "DRXR": (2, 2), "DRCO": (1, 1), "DRMR": (1, 0)}


def test_without_another_release_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="--compare"):
        drift.drift_concepts(release_inputs(tmp_path / "release"))
