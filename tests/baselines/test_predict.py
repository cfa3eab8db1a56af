"""`roco.predict` writes a submission that passes the checker, with scores and a record; nothing after an error."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest
from roco.baselines import predict as module
from roco.baselines.predictor import Predicted, PredictOptions, ranked_cuis
from roco.baselines.training.folder import Model, writing
from roco.baselines.training.learner import Unreadable
from roco.evaluate import submission
from roco.evaluate.profiles import PROFILES, Profile
from tests.baselines import drawn

MISSING = "drawn_test_000002"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in which an image of test has no file."""
    folder = drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")
    drawn.image_file(folder, MISSING).unlink()
    return folder


@pytest.fixture(scope="module")
def model(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "model"
    roco.train_neighbours(dataset, out)
    return out


def rows(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as file:
        _, *found = csv.reader(file)
    return dict(found)


@pytest.mark.parametrize("task", ["concepts", "captions"])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_the_submission_passes_the_checker_of_each_profile(
    model: Path, finished_demo: Path, dataset: Path, tmp_path: Path, task: str, profile: Profile
) -> None:
    for data in (dataset, finished_demo / "run" / "release"):
        out = tmp_path / f"{data.name}.csv"
        roco.predict(model, data, out, options=PredictOptions(task=task))
        ids = roco.load(data, "test").column("id").to_pylist()
        assert submission.check(out, profile, ids) == []
        assert list(rows(out)) == ids


def test_concepts_and_captions_are_those_of_the_nearest_images(model: Path, dataset: Path, tmp_path: Path) -> None:
    roco.predict(model, dataset, tmp_path / "p.csv")
    truth = {row.id: ";".join(row.concepts) for row in roco.load(dataset, "test")} | {MISSING: ""}
    assert {id: set(cell.split(";")) for id, cell in rows(tmp_path / "p.csv").items()} == {
        id: set(cell.split(";")) for id, cell in truth.items()
    }
    roco.predict(model, dataset, tmp_path / "c.csv", options=PredictOptions(task="captions"))
    captions = rows(tmp_path / "c.csv")
    assert captions["drawn_test_000001"].startswith("rings number ") and captions[MISSING] == ""


def test_a_row_without_an_image_is_empty_and_reported(model: Path, dataset: Path, tmp_path: Path) -> None:
    done = roco.predict(model, dataset, tmp_path / "p.csv")
    assert (done.rows, done.without_image, done.unreadable) == (6, (MISSING,), ())
    record = json.loads(done.record.read_text())
    assert record["rows_without_image"] == [MISSING]
    assert done.scores is not None
    scores = pq.read_table(done.scores).to_pylist()
    assert [row["id"] for row in scores] == list(rows(tmp_path / "p.csv"))
    assert set(scores[1].values()) == {MISSING, None}


def test_the_scores_are_those_of_which_the_threshold_decides(model: Path, dataset: Path, tmp_path: Path) -> None:
    changes = {"k": "3", "power": "1", "threshold": "0.3", "modality": "false"}
    done = roco.predict(model, dataset, tmp_path / "p.csv", options=PredictOptions(changes=changes))
    assert done.scores is not None
    predicted = rows(tmp_path / "p.csv")
    for row in pq.read_table(done.scores).to_pylist():
        id = row.pop("id")
        assert set(row) == set(roco.load(dataset).vocabulary.cuis)
        assert {cui for cui, score in row.items() if score and score >= 0.3} == set(predicted[id].split(";")) - {""}


def test_the_record_has_model_settings_and_data(model: Path, dataset: Path, tmp_path: Path) -> None:
    done = roco.predict(model, dataset, tmp_path / "p.csv", options=PredictOptions(changes={"threshold": "0.9"}))
    record = json.loads(done.record.read_text())
    assert record["model"] == {"path": str(model), "kind": "neighbours", "sha256": file_digest(model / "model.json")}
    assert record["settings"]["threshold"] == 0.9 and record["settings"]["backbone"]["name"] == "EfficientNet-Lite0"
    assert (record["data"]["split"], record["data"]["rows"], record["task"]) == ("test", 6, "concepts")
    assert record["files"] == {path.name: file_digest(path) for path in (done.path, done.scores) if path}


def test_the_same_model_and_data_give_the_same_bytes(model: Path, dataset: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        roco.predict(model, dataset, tmp_path / name / "p.csv")
    for file in ("p.csv", "p_scores.parquet", "p.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_all_splits_are_predicted_in_the_order_of_the_dataset(model: Path, dataset: Path, tmp_path: Path) -> None:
    done = roco.predict(model, dataset, tmp_path / "p.csv", split="all")
    assert list(rows(done.path)) == roco.load(dataset).column("id").to_pylist()
    assert roco.evaluate_concepts(done.path, dataset, split="all", resamples=10)["f1"] == pytest.approx(23 / 24)


@pytest.mark.parametrize("existing", ["p.csv", "p_scores.parquet", "p.json"])
def test_existing_files_are_not_overwritten(model: Path, dataset: Path, tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine")
    with pytest.raises(UsageError, match=f"{existing} already exists"):
        roco.predict(model, dataset, tmp_path / "p.csv")
    assert [path.name for path in tmp_path.iterdir()] == [existing]


def test_an_unreadable_image_ends_it_without_a_file_or_is_skipped(model: Path, dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    drawn.image_file(tmp_path / "dataset", "drawn_test_000003").write_bytes(b"no image")
    out = tmp_path / "out" / "p.csv"
    with pytest.raises(DataError, match="image 'drawn_test_000003' cannot be read") as error:
        roco.predict(model, tmp_path / "dataset", out)
    assert error.value.hint.endswith("add --skip-unreadable: nothing is predicted for it")
    assert list(out.parent.iterdir()) == []
    done = roco.predict(model, tmp_path / "dataset", out, skip_unreadable=True)
    assert done.unreadable == ("drawn_test_000003",)
    assert rows(out)["drawn_test_000003"] == "" and rows(out)["drawn_test_000004"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"split": "tset"}, UsageError, "unknown split 'tset'"),
        ({"out": "p.txt"}, UsageError, "does not end in .csv"),
        ({"options": PredictOptions(task="caption")}, UsageError, "does not predict 'caption'"),
        ({"options": PredictOptions(changes={"treshold": "1"})}, UsageError, "unknown option 'treshold'"),
        ({"options": PredictOptions(changes={"threshold": "high"})}, UsageError, "threshold = 'high'"),
        ({"options": PredictOptions(changes={"threshold": "1.5"})}, UsageError, "threshold = 1.5"),
        ({"options": PredictOptions(changes={"k": "0"})}, UsageError, "k = 0"),
    ],
)
def test_wrong_options_are_refused(
    model: Path, dataset: Path, tmp_path: Path, change: dict[str, object], error: type[Exception], message: str
) -> None:
    given = {"out": "p.csv"} | change
    out = tmp_path / str(given.pop("out"))
    with pytest.raises(error, match=message):
        roco.predict(model, dataset, out, **given)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_or_of_another_format_is_refused(model: Path, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the folder of a model"):
        roco.predict(dataset, dataset, tmp_path / "p.csv")
    other = shutil.copytree(model, tmp_path / "model")
    entry = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps(entry | {"format": 99, "roco": "9.9"}))
    with pytest.raises(DataError, match=r"has format 99 \(roco 9\.9\)"):
        roco.predict(other, dataset, tmp_path / "p.csv")
    (other / "model.json").write_text(json.dumps(entry))
    (other / "vectors.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match="has changed since the model was written"):
        roco.predict(other, dataset, tmp_path / "p.csv")


def test_a_split_without_any_image_file_is_refused(model: Path, dataset: Path, tmp_path: Path) -> None:
    shutil.copytree(dataset, tmp_path / "dataset")
    shutil.rmtree(tmp_path / "dataset" / "test_images")
    with pytest.raises(DataError, match="no image files for the 6 rows of test"):
        roco.predict(model, tmp_path / "dataset", tmp_path / "p.csv")


# --- other models -----------------------------------------------------------------------------------------------


class Stub:
    """A model that predicts what no checker accepts as it is."""

    tasks = ("captions", "concepts")
    vocabulary = roco.Vocabulary(tuple(f"C{number:07d}" for number in range(150)))
    settings = {"beams": 4}

    def predict(self, rows: roco.Dataset) -> Iterator[Predicted | Unreadable]:
        for row in rows:
            scores = np.linspace(1, 0.5, 150, dtype=np.float32)
            yield Predicted(row.id, self.vocabulary.cuis, scores, ' A "CT",\r\n\u2028 with\x00 a\tmass.\n ')


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = ModuleType("stub_model")
    home.predictor = lambda model, options: Stub()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stub_model", home)
    monkeypatch.setitem(module.HOMES, "captions", "stub_model")
    with writing(tmp_path / "stub", "captions", {}) as folder:
        (folder / "README.md").write_text("A stub.")
    return tmp_path / "stub"


def test_a_caption_is_written_as_one_line_of_clean_text(stub: Path, dataset: Path, tmp_path: Path) -> None:
    done = roco.predict(stub, dataset, tmp_path / "p.csv")
    assert (done.task, done.scores) == ("captions", None)
    assert rows(done.path)["drawn_test_000001"] == 'A "CT", with a mass.'
    ids = roco.load(dataset, "test").column("id").to_pylist()
    assert all(submission.check(done.path, profile, ids) == [] for profile in PROFILES.values())
    assert json.loads(done.record.read_text())["settings"] == {"beams": 4}


def test_the_most_certain_hundred_concepts_are_written(stub: Path, dataset: Path, tmp_path: Path) -> None:
    done = roco.predict(stub, dataset, tmp_path / "p.csv", options=PredictOptions(task="concepts"))
    assert rows(done.path)["drawn_test_000001"].split(";") == list(Stub.vocabulary.cuis[:100])
    assert done.scores is not None and pq.read_table(done.scores).num_columns == 151


def test_a_kind_that_predicts_nothing_is_refused(dataset: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "clip", "clip", {}) as folder:
        (folder / "README.md").write_text("A stub.")
    with pytest.raises(UsageError, match="is a model of `roco train clip`"):
        module.open_predictor(Model(tmp_path / "clip", "clip", {}), PredictOptions())


def test_predicted_concepts_are_in_the_order_of_their_scores() -> None:
    vocabulary = roco.Vocabulary(("C0000001", "C0000002", "C0000003", "C0000004"))
    scores, flags = np.array([0.5, 0.9, 0.5, 0.95], np.float32), np.array([True, True, True, False])
    assert ranked_cuis(scores, flags, vocabulary) == ("C0000002", "C0000001", "C0000003")
