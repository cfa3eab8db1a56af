"""A model of neighbours: what is chosen and scored on valid, what is stored, and that a killed training resumes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.neighbours import embed
from roco.baselines.neighbours.trained import TrainedNeighbours
from roco.baselines.training.folder import open_model
from roco.models.images.backbone import SHIPPED, Backbone
from tests.baselines import drawn

FIXED = {"k": "1", "power": "0", "threshold": "0.5"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedNeighbours:
    return roco.train_neighbours(dataset, tmp_path_factory.mktemp("models") / "model")


def value(trained: TrainedNeighbours, name: str) -> float:
    found = trained.scores[name].value
    assert found is not None
    return found


# --- scores -----------------------------------------------------------------------------------------------------


def test_pictures_of_three_kinds_are_told_apart_and_beat_both_floors(trained: TrainedNeighbours) -> None:
    assert value(trained, "f1") == value(trained, "secondary_f1") == 1
    for floor in ("floor_constant_f1", "floor_own_modality_f1", "floor_modality_f1"):
        against = trained.against[floor]
        assert against is not None and against.low > 0


def test_the_floors_are_as_computed_by_hand(trained: TrainedNeighbours) -> None:
    """All six concepts are equally frequent: predicting all scores 2·2 / (2+6), one of two scores 2·1 / (2+1)."""
    assert value(trained, "floor_constant_f1") == 0.5
    assert value(trained, "floor_modality_f1") == value(trained, "floor_own_modality_f1") == pytest.approx(2 / 3)


def test_valid_images_are_neighbours_only_of_a_final_model(dataset: Path, tmp_path: Path) -> None:
    final = roco.train_neighbours(dataset, tmp_path / "final", final=True, changes=FIXED)
    assert final.images == {"train": 12, "valid": 6}
    assert len(np.load(tmp_path / "final" / "vectors.npy")) == 18
    other = roco.train_neighbours(dataset, tmp_path / "other", changes=FIXED)
    assert other.images == {"train": 12}
    assert set(pq.read_table(tmp_path / "other" / "images.parquet")["split"].to_pylist()) == {"train"}
    assert final.scores == other.scores, "scores on valid are those of the training images"


def test_a_row_of_valid_without_an_image_is_scored_as_an_empty_prediction(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    drawn.image_file(tmp_path / "dataset", "drawn_valid_000001").unlink()
    trained = roco.train_neighbours(tmp_path / "dataset", tmp_path / "model", changes=FIXED)
    assert value(trained, "f1") == pytest.approx(5 / 6)
    assert any("1 row without an image (drawn_valid_000001)" in problem for problem in trained.data.problems())


def test_concepts_of_valid_that_train_lacks_lower_the_score(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    table = tmp_path / "dataset" / "valid_concepts.csv"
    table.write_text(table.read_text().replace(drawn.NODULE, f"{drawn.NODULE};C0000001"))
    trained = roco.train_neighbours(tmp_path / "dataset", tmp_path / "model", changes=FIXED)
    assert value(trained, "f1") == pytest.approx((4 + 2 * 4 / 5) / 6)


def test_without_valid_fixed_settings_are_used_and_others_are_refused(dataset: Path, tmp_path: Path) -> None:
    drawn.write(tmp_path / "dataset", {"train": 6, "valid": 0, "test": 0})
    with pytest.raises(UsageError, match="no images in valid, on which k, power and threshold are chosen"):
        roco.train_neighbours(tmp_path / "dataset", tmp_path / "model")
    assert not (tmp_path / "model.training").exists()
    trained = roco.train_neighbours(tmp_path / "dataset", tmp_path / "model", changes=FIXED | {"k": "2"})
    assert (trained.k, trained.threshold, trained.scores) == (2, 0.5, {})


# --- files ------------------------------------------------------------------------------------------------------


def test_the_folder_has_embeddings_texts_card_and_manifest(trained: TrainedNeighbours, dataset: Path) -> None:
    model = open_model(trained.path, "neighbours")
    assert model.values["backbone"]["sha256"] == Backbone.load().sha256
    assert model.manifest["data"]["sha256"] == trained.data.digest
    assert model.manifest["settings"]["k"]["note"].endswith("the best one on valid is used")
    vectors = np.load(trained.path / "vectors.npy", allow_pickle=False)
    assert vectors.dtype == np.float16 and len(vectors) == 12
    images = pq.read_table(trained.path / "images.parquet").to_pylist()
    assert images[0] == {
        "id": "drawn_train_000001", "split": "train", "article": "PMC50001",
        "concepts": [drawn.CT, drawn.NODULE], "caption": "rings number 0, train",
    }  # fmt: skip
    card = (trained.path / "README.md").read_text()
    assert "| f1 | 1.0000 (1.0000 to 1.0000) | 6 |" in card
    assert "SHA-256 `" in card and "Not for clinical use" in card and "| modality | True | every" in card
    assert not trained.path.with_name("model.training").exists()


def test_an_existing_folder_is_refused_before_anything_is_computed(trained: TrainedNeighbours, dataset: Path) -> None:
    with pytest.raises(UsageError, match="already exists"):
        roco.train_neighbours(dataset, trained.path)


def test_a_dataset_without_concepts_or_training_images_is_refused(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    for table in (tmp_path / "dataset").glob("*_concepts*.csv"):
        rows = table.read_text().splitlines()
        table.write_text("\n".join([rows[0], *(row.partition(",")[0] + "," for row in rows[1:])]) + "\n")
    with pytest.raises(DataError, match="the training images have no concepts"):
        roco.train_neighbours(tmp_path / "dataset", tmp_path / "model")
    drawn.write(tmp_path / "test-only", {"train": 0, "valid": 0, "test": 3})
    with pytest.raises(DataError, match="no images in train"):
        roco.train_neighbours(tmp_path / "test-only", tmp_path / "model")


def test_an_image_that_cannot_be_decoded_is_named_or_skipped(dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    file = drawn.image_file(tmp_path / "dataset", "drawn_train_000005")
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match="image 'drawn_train_000005' cannot be read") as error:
        roco.train_neighbours(tmp_path / "dataset", tmp_path / "model", changes=FIXED)
    assert "\n" not in error.value.message and not (tmp_path / "model").exists()
    assert "--skip-unreadable" in (error.value.hint or "") and "filter" not in (error.value.hint or "")
    skipped = roco.train_neighbours(tmp_path / "dataset", tmp_path / "model", skip_unreadable=True, changes=FIXED)
    assert (skipped.unreadable, skipped.images) == (("drawn_train_000005",), {"train": 11})
    assert "1 unreadable images, skipped: drawn_train_000005" in (skipped.path / "README.md").read_text()


# --- resuming ---------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from roco.baselines.neighbours import embed
import roco

embed.PART = 4
write = embed._write

def write_and_die(path, done):
    write(path, done)
    if len(list(path.parent.glob("*.npz"))) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

embed._write = write_and_die
roco.train_neighbours(sys.argv[1], sys.argv[2])
"""


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The files of a model but those that contain the time it took."""
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name not in ("manifest.json", "model.json")
    }


def test_a_killed_training_resumes_to_the_same_bytes(
    dataset: Path, trained: TrainedNeighbours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model"
    done = subprocess.run([sys.executable, "-c", KILLED, dataset, out], capture_output=True)
    assert done.returncode == -signal.SIGKILL and not out.exists()
    parts = sorted(out.with_name("model.training").glob("*.npz"))
    assert len(parts) == 3
    parts[1].write_bytes(parts[1].read_bytes()[:-40])  # as a crash of the machine leaves it: computed again
    n_embedded = 0
    whole = Backbone.embed

    def counted(self: Backbone, images: Any) -> Any:
        nonlocal n_embedded
        n_embedded += len(images)
        return whole(self, images)

    monkeypatch.setattr(embed, "PART", 4)
    monkeypatch.setattr(Backbone, "embed", counted)
    roco.train_neighbours(dataset, out)
    assert n_embedded == 18 - 2 * 4
    assert not out.with_name("model.training").exists()
    assert bytes_of(out) == bytes_of(trained.path)
    models = [json.loads((folder / "model.json").read_text())["values"] for folder in (out, trained.path)]
    assert models[0] == models[1]


def test_another_dataset_or_backbone_does_not_use_what_is_stored(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    done = subprocess.run([sys.executable, "-c", KILLED, dataset, out], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(UsageError, match=r"was begun with backbone = .*") as error:
        roco.train_neighbours(dataset, out, backbone=other_backbone(tmp_path))
    assert "remove" in error.value.hint
    changed = shutil.copytree(dataset, tmp_path / "dataset")
    drawn.image_file(changed, "drawn_train_000001").unlink()
    with pytest.raises(UsageError, match="was begun with data = "):
        roco.train_neighbours(changed, out)


FULL = """
import resource, sys
from roco.baselines.neighbours import train
import roco

step = getattr(train, sys.argv[3])

def with_little_space(*words, **options):
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
    return step(*words, **options)

setattr(train, sys.argv[3], with_little_space)
try:
    roco.train_neighbours(sys.argv[1], sys.argv[2])
except roco.DataError as err:
    print(err.message)
"""


@pytest.mark.parametrize(("step", "file"), [("embed", "model.training/embeddings-00000000.npz"), ("_write", "model")])
def test_a_full_disk_is_an_error_with_its_reason_and_nothing_is_half_written(
    dataset: Path, trained: TrainedNeighbours, tmp_path: Path, step: str, file: str
) -> None:
    out = tmp_path / "model"
    done = subprocess.run([sys.executable, "-c", FULL, dataset, out, step], capture_output=True, text=True)
    assert done.stdout == f"file too large: cannot write {tmp_path / file}\n", done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.training"]
    roco.train_neighbours(dataset, out)
    assert bytes_of(out) == bytes_of(trained.path)


def other_backbone(folder: Path) -> Path:
    """The shipped backbone with another preparation of images."""
    shutil.copy(SHIPPED, folder / "other.onnx")
    card = json.loads(SHIPPED.with_suffix(".json").read_text()) | {"name": "other", "mean": [100.0, 100.0, 100.0]}
    (folder / "other.json").write_text(json.dumps(card))
    return folder / "other.onnx"


# --- backbones --------------------------------------------------------------------------------------------------


def test_a_query_with_another_backbone_is_refused(dataset: Path, tmp_path: Path) -> None:
    network = other_backbone(tmp_path)
    roco.train_neighbours(dataset, tmp_path / "model", backbone=network, changes=FIXED)
    roco.predict(tmp_path / "model", dataset, tmp_path / "same.csv")
    with pytest.raises(DataError, match=r"has embeddings of another backbone: other, not EfficientNet-Lite0"):
        options = roco.PredictOptions(backbone=SHIPPED)
        roco.predict(tmp_path / "model", dataset, tmp_path / "p.csv", options=options)
    moved = shutil.move(network, tmp_path / "moved.onnx")
    network.with_suffix(".json").rename(tmp_path / "moved.json")
    with pytest.raises(DataError, match="missing backbone") as error:
        roco.predict(tmp_path / "model", dataset, tmp_path / "p.csv")
    assert error.value.hint == "say where other is: --backbone FILE"
    roco.predict(tmp_path / "model", dataset, tmp_path / "p.csv", options=roco.PredictOptions(backbone=moved))
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "same.csv").read_bytes()


# --- leaving out ------------------------------------------------------------------------------------------------


def test_an_image_of_the_index_is_neither_its_own_neighbour_nor_that_of_its_article(
    dataset: Path, trained: TrainedNeighbours, tmp_path: Path
) -> None:
    captions = {}
    for same_article in (False, True):
        path = tmp_path / f"{same_article}.csv"
        options = roco.PredictOptions(task="captions", changes={"same_article": same_article})
        roco.predict(trained.path, dataset, path, split="train", options=options)
        captions[same_article] = [line.partition(",")[2].strip('"') for line in path.read_text().splitlines()[1:]]
    own = roco.load(dataset, "train")
    assert captions[True] == own.column("caption").to_pylist(), "the nearest image is the image itself"
    article = dict(zip(own.column("caption").to_pylist(), own.column("pmcid").to_pylist(), strict=True))
    for row, caption in zip(own, captions[False], strict=True):
        assert article[caption] != row.pmcid
