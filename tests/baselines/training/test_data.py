"""The facts of a training's data: what is missing is reported, and nothing is dropped from the scores."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

import roco
from roco.base.errors import DataError
from roco.baselines.training.data import DataFacts, digest_of, with_images


@pytest.fixture
def release(finished_demo: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    shutil.copytree(finished_demo / "run" / "release", folder)
    return folder


def without_an_image(release: Path, split: str, keep: int) -> list[str]:
    """Writes the zip of a split with its first images only, and one that no row has; returns the removed ids."""
    path = release / f"{split}_images.zip"
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members[:keep]:
            archive.writestr(name, data)
        archive.writestr(f"{split}/stranger.jpg", members[0][1])
    return [Path(name).stem for name, _ in members[keep:]]


def test_a_complete_release_has_no_problems(release: Path) -> None:
    facts = DataFacts.of(roco.load(release))
    assert facts.without_image == () and facts.images_without_row == ()
    assert facts.rows == {split: len(roco.load(release, split=split)) for split in ("test", "train", "valid")}


def test_rows_without_an_image_and_images_without_a_row_are_reported(release: Path) -> None:
    removed = without_an_image(release, "train", 20)
    data = roco.load(release)
    facts = DataFacts.of(data)
    assert sorted(facts.without_image) == sorted(removed)
    assert facts.images_without_row == ("stranger",)
    problems = " ".join(facts.problems())
    assert f"{len(removed)} rows without an image" in problems and "not trained on, but scored" in problems
    assert "1 image file without a row (stranger): ignored" in problems
    train = roco.load(release, split="train")
    assert len(with_images(train)) == 20 and len(train) == 20 + len(removed)
    assert facts.to_json()["rows_without_image"]["n"] == len(removed)


def test_concepts_that_train_lacks_are_counted(release: Path) -> None:
    data = roco.load(release)
    vocabulary = roco.Vocabulary(("C0040405",))
    facts = DataFacts.of(data, vocabulary)
    counted = sum("C1306645" in (cuis or ()) for cuis in data.column("concepts").to_pylist())
    assert counted and facts.unknown_concepts["C1306645"] == counted
    assert "never predicted, but scored" in " ".join(facts.problems())


def test_a_split_without_images_is_an_error(release: Path) -> None:
    (release / "train_images.zip").unlink()
    with pytest.raises(DataError, match=r"no image files for the \d+ rows of train"):
        with_images(roco.load(release, split="train"))


def test_the_digest_changes_with_the_data_and_not_with_the_folder(release: Path, tmp_path: Path) -> None:
    before = digest_of(roco.load(release))
    release.rename(tmp_path / "moved")
    assert digest_of(roco.load(tmp_path / "moved")) == before
    without_an_image(tmp_path / "moved", "train", 20)
    assert digest_of(roco.load(tmp_path / "moved")) != before
