"""The images and labels that a network is trained on, of releases, of label files, and of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError, UsageError
from roco.baselines.training.learner import Unreadable
from roco.baselines.vision.data import open_data
from roco.baselines.vision.images import load
from roco.baselines.vision.labels import folder_labels, read_label_file
from roco.baselines.vision.transform import Loading
from tests.baselines.vision.drawn import CHEST, CT, NODULE, XRAY, drawn, labelled_folder

LOADING = Loading(32, "squash")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("drawn") / "release")


def test_a_release_gives_concepts_and_classes(release: Path) -> None:
    data = open_data(release, ("concepts", "modality", "region"))
    assert data.names["concepts"] == (CT, CHEST, XRAY, NODULE)
    assert (len(data.train), len(data.valid)) == (16, 8)
    assert data.train.concept_flags(0).tolist() == [0, 1, 1, 0]
    assert [data.names["modality"][n] for n in data.train.classes["modality"][:2]] == ["DRXR", "DRCT"]
    assert data.train.classes["region"][:4].tolist() == [2, -1, 2, -1]
    assert data.truth is not None
    assert data.truth.all.sizes[2] == 3
    assert data.facts.rows == {"test": 4, "train": 16, "valid": 8}


def test_the_final_training_uses_train_and_valid(release: Path) -> None:
    data = open_data(release, ("concepts",), final=True)
    assert (len(data.train), len(data.valid), data.truth) == (24, 0, None)


def test_a_row_without_image_is_not_trained_on_but_scored(tmp_path: Path) -> None:
    missing = ("x_train_000002", "x_valid_000001")
    data = open_data(drawn(tmp_path / "r", missing=missing), ("concepts",))
    assert data.facts.without_image == missing
    assert (len(data.train), len(data.valid)) == (15, 7)
    assert data.truth is not None
    assert len(data.truth.all) == 8
    assert data.truth.rows.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert data.train.images.id(1) == "x_train_000003"


def test_a_concept_that_train_lacks_counts_in_the_truth(tmp_path: Path) -> None:
    release = drawn(tmp_path / "r")
    path = release / "valid_concepts.csv"
    path.write_text(path.read_text().replace(f"x_valid_000001,{XRAY}", f"x_valid_000001,C9999999;{XRAY}"))
    data = open_data(release, ("concepts",))
    assert data.facts.unknown_concepts == {"C9999999": 1}
    assert data.truth is not None
    assert data.truth.all.sizes[:2].tolist() == [3, 1]
    assert open_data(release, ("concepts",), final=True).names["concepts"][-1] == "C9999999"


def test_labels_of_a_folder_are_divided_by_group(tmp_path: Path) -> None:
    folder, file = labelled_folder(tmp_path, 40)
    data = open_data(folder, ("compound",), [read_label_file(f"compound={file}")])
    assert data.names["compound"] == ("no", "yes")
    assert (len(data.train) + len(data.valid), data.truth) == (40, None)
    assert 8 <= len(data.valid) <= 12
    groups = [{int(one.images.id(n)[1:3]) // 4 for n in range(len(one))} for one in (data.train, data.valid)]
    assert not groups[0] & groups[1]
    assert sorted(set(data.train.classes["compound"].tolist())) == [0, 1]


def test_an_image_has_labels_of_several_files_or_of_one(tmp_path: Path) -> None:
    folder, file = labelled_folder(tmp_path, 12)
    other = tmp_path / "radiology.csv"
    other.write_text("path,label\np00.png,a\np01.png,b\n")
    files = [read_label_file(f"compound={file}"), read_label_file(f"radiology={other}")]
    labels = folder_labels(files, folder)
    assert len(labels.paths) == 12
    assert files[1].classes_of(labels.paths).tolist() == [0, 1] + [-1] * 10


def test_a_release_and_a_folder_are_trained_on_together(release: Path, tmp_path: Path) -> None:
    folder, file = labelled_folder(tmp_path, 40)
    data = open_data(release, ("modality", "compound", "concepts"), [read_label_file(f"compound={file}")], folder)
    n = len(data.train)
    assert n > 40
    assert data.train.n_with_concepts == 16
    assert (data.train.classes["compound"][:16] == -1).all()
    assert (data.train.classes["modality"][16:] == -1).all()
    assert data.train.concept_flags(20).sum() == 0
    assert isinstance(load(data.train.images, 20, LOADING, None), np.ndarray)
    assert len(np.unique(data.train.articles[16:])) > 1
    assert not set(data.train.articles[:16]) & set(data.train.articles[16:])


def test_labels_by_id_are_of_images_of_the_release(release: Path, tmp_path: Path) -> None:
    file = tmp_path / "noise.csv"
    file.write_text("id,label\nx_train_000001,low\nx_train_000003,high\nx_valid_000001,low\n")
    data = open_data(release, ("noise",), [read_label_file(f"noise={file}")])
    assert data.train.classes["noise"][:4].tolist() == [1, -1, 0, -1]
    assert data.valid.classes["noise"][:2].tolist() == [1, -1]


def test_an_image_that_does_not_decode_is_unreadable(tmp_path: Path) -> None:
    data = open_data(drawn(tmp_path / "r", broken=("x_train_000002",)), ("concepts",))
    found = load(data.train.images, 1, LOADING, None)
    assert isinstance(found, Unreadable)
    assert (found.id, found.what) == ("x_train_000002", "truncated JPEG")
    assert "--skip-unreadable" in found.hint


def test_wrong_tasks_and_labels_are_errors(release: Path, tmp_path: Path) -> None:
    folder, file = labelled_folder(tmp_path, 12)
    with pytest.raises(UsageError, match="unknown task 'modalty'") as caught:
        open_data(release, ("modalty",))
    assert "'modality'" in caught.value.hint
    with pytest.raises(UsageError, match="--labels compound: not one of the tasks"):
        open_data(release, ("concepts",), [read_label_file(f"compound={file}")], folder)
    with pytest.raises(DataError, match="no training image has a label of 'direction'") as no_label:
        open_data(release, ("modality", "direction"))
    assert no_label.value.hint.endswith("such as modality")
    with pytest.raises(DataError, match="12 of 12 labelled images are not in"):
        open_data(release, ("compound", "modality"), [read_label_file(f"compound={file}")], release)
    for text in ("compound", "=x.csv", "compound=", "concepts=x.csv"):
        with pytest.raises(UsageError, match="--labels"):
            read_label_file(text)


def test_a_release_without_concepts_is_an_error(tmp_path: Path) -> None:
    release = drawn(tmp_path / "r")
    for split in ("train", "valid", "test"):
        path = release / f"{split}_concepts.csv"
        rows = path.read_text().splitlines()
        path.write_text("\n".join([rows[0], *(f"{row.split(',')[0]}," for row in rows[1:])]) + "\n")
    untrained = drawn(tmp_path / "untrained", {"valid": 2, "test": 2})
    with pytest.raises(DataError, match="no images in train") as none:
        open_data(untrained, ("concepts",))
    assert none.value.hint == "give a release with a training set"
    with pytest.raises(DataError, match="no training image has concepts") as caught:
        open_data(release, ("concepts",))
    assert "--tasks modality" in caught.value.hint
