"""Predictions of a trained network, and its encoder as an ONNX file."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.neural, pytest.mark.slow]
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

import roco  # noqa: E402
from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.export_backbone import export_backbone  # noqa: E402
from roco.baselines.predict import predict  # noqa: E402
from roco.baselines.predictor import PredictOptions  # noqa: E402
from roco.baselines.training.folder import FILE, Model, open_model  # noqa: E402
from roco.baselines.vision.images import FolderImages  # noqa: E402
from roco.baselines.vision.scoring import predict as probabilities_of  # noqa: E402
from roco.baselines.vision.trained import open_network  # noqa: E402
from roco.models.images.backbone import Backbone  # noqa: E402
from tests.baselines.vision.drawn import CT, XRAY, drawn, picture  # noqa: E402
from tests.baselines.vision.test_concepts import trained  # noqa: E402

MISSING, BROKEN = "x_test_000002", "x_test_000004"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "data"
    return drawn(folder, {"train": 16, "valid": 8, "test": 6}, missing=(MISSING,), broken=(BROKEN,))


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    torch.set_num_threads(1)
    return trained(data, tmp_path_factory.mktemp("models") / "m", epochs=12, tasks="modality,region,concepts")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as fh:
        return list(csv.DictReader(fh))


def test_every_row_of_the_split_gets_concepts_and_scores(model: Model, data: Path, tmp_path: Path) -> None:
    done = predict(model.path, data, tmp_path / "p.csv", options=PredictOptions(workers=0), skip_unreadable=True)
    assert (done.rows, done.without_image, done.unreadable) == (6, (MISSING,), (BROKEN,))
    submission = {row["ID"]: row["CUIs"].split(";") for row in rows(tmp_path / "p.csv")}
    assert submission[MISSING] == submission[BROKEN] == [""]
    modalities = [set(submission[f"x_test_{n:06}"]) & {CT, XRAY} for n in (1, 3, 5, 6)]
    assert all(modalities)  # at least one modality, by the rule of the preset
    table = pq.read_table(tmp_path / "p_scores.parquet")
    assert table.column_names[1:5] == list(model.values["tasks"]["concepts"])
    assert table["modality"].to_pylist()[1] is None and table["modality"].to_pylist()[0] in ("DRXR", "DRCT")
    of_first = [table[f"modality:{name}"][0].as_py() for name in model.values["tasks"]["modality"]]
    assert sum(of_first) == pytest.approx(1, abs=1e-5)
    record = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert record["settings"]["threshold"] == model.values["threshold"]
    with pytest.raises(DataError, match="truncated JPEG"):
        predict(model.path, data, tmp_path / "q.csv", options=PredictOptions(workers=0))
    assert not (tmp_path / "q.csv").exists()


def test_the_threshold_is_an_option_and_decides(model: Model, data: Path, tmp_path: Path) -> None:
    sizes = []
    for threshold in ("0.01", "0.99"):
        options = PredictOptions(workers=0, changes={"threshold": threshold, "one_modality": "false"})
        predict(model.path, data, tmp_path / f"{threshold}.csv", options=options, skip_unreadable=True)
        sizes.append(sum(len(row["CUIs"]) for row in rows(tmp_path / f"{threshold}.csv")))
    assert sizes[0] > sizes[1]
    for changes, message in (({"treshold": "1"}, "unknown option 'treshold'"), ({"threshold": "7"}, "threshold = 7")):
        with pytest.raises(UsageError, match=message):
            predict(model.path, data, tmp_path / "x.csv", options=PredictOptions(changes=changes))
    with pytest.raises(UsageError, match="no device 'tpu'"):
        predict(model.path, data, tmp_path / "x.csv", options=PredictOptions(device="tpu"))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_neither_batches_nor_workers_change_predictions(model: Model, data: Path, tmp_path: Path) -> None:
    for name, options in {"a": PredictOptions(workers=0), "b": PredictOptions(workers=2, batch=2)}.items():
        predict(model.path, data, tmp_path / f"{name}.csv", split="valid", options=options)
    assert rows(tmp_path / "a.csv") == rows(tmp_path / "b.csv")


def test_an_image_that_cannot_be_decoded_is_named_with_what_to_do(model: Model, data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"image '{BROKEN}' cannot be read: truncated JPEG") as error:
        predict(model.path, data, tmp_path / "p.csv", options=PredictOptions(workers=0))
    assert error.value.hint == "restore the file, or add --skip-unreadable: nothing is predicted for it"
    assert list(tmp_path.iterdir()) == []


def test_classes_alone_are_a_table_with_a_column_for_each_task(model: Model, data: Path, tmp_path: Path) -> None:
    options = PredictOptions(workers=0, task="classes")
    predict(model.path, data, tmp_path / "c.csv", options=options, skip_unreadable=True)
    found = rows(tmp_path / "c.csv")
    assert list(found[0]) == ["ID", "modality", "region"]
    assert (found[1]["modality"], found[3]["region"]) == ("", "")
    assert {row["modality"] for row in found} <= {"", "DRXR", "DRCT"}


def test_scores_on_valid_are_those_of_predictions(model: Model, data: Path, tmp_path: Path) -> None:
    predict(model.path, data, tmp_path / "v.csv", split="valid", options=PredictOptions(workers=0))
    table = pq.read_table(tmp_path / "v_scores.parquet")
    truth = roco.load(data, "valid").column("modality").to_pylist()
    right = sum(a == b for a, b in zip(table["modality"].to_pylist(), truth, strict=True))
    assert right / 8 == pytest.approx(model.values["valid"]["scores"]["modality.accuracy"])


@pytest.fixture
def copy(model: Model, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(model.path, tmp_path / "copy"))


def test_a_model_of_another_version_or_incomplete_is_refused(copy: Path, data: Path, tmp_path: Path) -> None:
    entry = json.loads((copy / FILE).read_text(encoding="utf-8"))
    (copy / FILE).write_text(json.dumps({**entry, "format": 7}), encoding="utf-8")
    with pytest.raises(DataError, match=r"has format 7 \(roco .*\); this roco reads 1"):
        predict(copy, data, tmp_path / "p.csv")
    for changed, message in (
        ({"pooling": "max"}, "incomplete|cannot be built|weights"),
        ({"tasks": {"concepts": [CT]}}, "are not those of test_efficientnet"),
        ({"images": None}, "is incomplete"),
        ({"backbone": "resnet10t"}, "are not those of resnet10t"),
    ):
        (copy / FILE).write_text(json.dumps({**entry, "values": {**entry["values"], **changed}}), encoding="utf-8")
        with pytest.raises(DataError, match=message):
            predict(copy, data, tmp_path / "p.csv")


def test_the_exported_encoder_gives_the_pooled_features(model: Model, tmp_path: Path) -> None:
    export_backbone(str(model.path), tmp_path / "encoder.onnx", license="CC0-1.0")
    backbone = Backbone.load(tmp_path / "encoder.onnx")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(picture(3, 200))
    opened = open_network(open_model(model.path))
    pixels = np.full((32, 32, 3), 90, np.uint8)
    pixels[8:16] = 200
    with torch.no_grad():
        expected = opened.network.features(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0].numpy()
    found = backbone.embed([pixels])[0].astype(np.float32)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=0.02 * np.abs(expected).max())
    images = FolderImages(tmp_path / "images", ("a.jpg",))
    sizes = {task: len(names) for task, names in opened.names.items()}
    predicted, unreadable = probabilities_of(
        opened.network, images, opened.preparation, sizes, torch.device("cpu"), 4, 0
    )
    assert predicted["modality"].shape == (1, 7) and not unreadable
