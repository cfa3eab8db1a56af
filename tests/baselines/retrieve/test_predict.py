"""An index predicts what a model of neighbours predicts, by the same code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.predictor import PredictOptions
from tests.baselines import drawn

SETTINGS = [
    {"k": 1, "power": 0, "threshold": 0.5},
    {"k": 5, "power": 2, "threshold": 0.3},
    {"k": 20, "power": 8, "threshold": 0.6, "modality": False, "same_article": True},
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn images; one is missing, one has other concepts than its kind, and one a concept that train lacks."""
    folder = drawn.write(tmp_path_factory.mktemp("drawn") / "dataset", {"train": 15, "valid": 6, "test": 9})
    drawn.image_file(folder, "drawn_train_000004").unlink()
    concepts = (folder / "train_concepts.csv").read_text().replace(f"000007,{drawn.CT};", f"000007,{drawn.CYST};")
    (folder / "train_concepts.csv").write_text(concepts)
    further = (folder / "test_concepts.csv").read_text().replace("000002,", "000002,C0000005;")
    (folder / "test_concepts.csv").write_text(further)
    return folder


@pytest.fixture(scope="module")
def index(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("indexes") / "index"
    roco.index(dataset, out)
    return out


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("task", ["concepts", "captions"])
def test_copy_and_vote_through_the_index_are_those_of_train_neighbours(
    index: Path, dataset: Path, tmp_path: Path, settings: dict[str, float], task: str
) -> None:
    roco.train_neighbours(dataset, tmp_path / "model", changes=settings)
    files = []
    for name, path, changes in (("model", tmp_path / "model", {}), ("index", index, settings)):
        options = PredictOptions(task=task, changes=changes)
        done = roco.predict(path, dataset, tmp_path / f"{name}.csv", split="test", options=options)
        files.append([done.path.read_bytes(), done.scores.read_bytes() if done.scores else b""])
    assert files[0] == files[1]
    record = json.loads((tmp_path / "index.json").read_text())
    assert record["model"]["kind"] == "index" and {**record["settings"], **settings} == record["settings"]


def test_the_scores_of_copied_captions_and_voted_concepts_are_equal_too(
    index: Path, dataset: Path, tmp_path: Path
) -> None:
    roco.train_neighbours(dataset, tmp_path / "model", changes=SETTINGS[1])
    reports = []
    for name, path, changes in (("model", tmp_path / "model", {}), ("index", index, SETTINGS[1])):
        options = PredictOptions(changes=changes)
        roco.predict(path, dataset, tmp_path / f"{name}.csv", options=options)
        reports.append(roco.evaluate_concepts(tmp_path / f"{name}.csv", dataset))
    assert str(reports[0].scores) == str(reports[1].scores) and reports[0]["f1"] > 0.5


def test_by_default_the_nearest_image_is_copied(index: Path, dataset: Path, tmp_path: Path) -> None:
    """Of the rows that are predicted, the third image of test shows speckle as all of its kind."""
    roco.predict(index, dataset, tmp_path / "c.csv", options=PredictOptions(task="captions"))
    lines = (tmp_path / "c.csv").read_text().splitlines()
    nearest = roco.Index.open(index).search(
        image=drawn.image_file(dataset, "drawn_test_000003"), n=30, not_same_article=True
    )
    assert lines[3].startswith("drawn_test_000003,") and "speckle number" in lines[3] and lines[3].endswith(', train"')
    assert "speckle" in nearest[0].caption


def test_an_index_without_train_and_one_of_another_store_are_one_line(index: Path, tmp_path: Path) -> None:
    test = drawn.write(tmp_path / "test", {"test": 3})
    roco.index(test, tmp_path / "index")
    with pytest.raises(DataError, match="no images of train in"):
        roco.predict(tmp_path / "index", test, tmp_path / "p.csv")
    copy = shutil.copytree(index, tmp_path / "copy")
    entry = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(entry | {"store": "other"}))
    with pytest.raises(DataError, match=r"copy .*store"):
        roco.predict(copy, test, tmp_path / "p.csv")


def test_a_changed_index_and_an_unknown_setting_are_refused(index: Path, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kk"):
        roco.predict(index, dataset, tmp_path / "p.csv", options=PredictOptions(changes={"kk": 1}))
    copy = shutil.copytree(index, tmp_path / "copy")
    (copy / "vectors.npy").write_bytes(b"no")
    with pytest.raises(DataError, match=r"vectors\.npy has changed"):
        roco.predict(copy, dataset, tmp_path / "p.csv")


def test_a_copy_of_an_image_of_another_article_finds_its_caption(index: Path, tmp_path: Path) -> None:
    """A new dataset contains a slightly altered copy of an image of train: its caption is predicted."""
    new = drawn.write(tmp_path / "new", {"test": 1})
    original = drawn.image_file(roco.Index.open(index).dataset().figures.path, "drawn_train_000008")
    with Image.open(original) as picture:
        picture.point(lambda value: min(255, value + 3)).save(drawn.image_file(new, "drawn_test_000001"))
    roco.predict(index, new, tmp_path / "c.csv", options=PredictOptions(task="captions"))
    assert (tmp_path / "c.csv").read_text().splitlines()[1] == 'drawn_test_000001,"stripes number 7, train"'
