"""The search for optimiser and rate, ablations, and how they go on after a kill."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.neural, pytest.mark.slow]
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.training import presets  # noqa: E402
from roco.baselines.training.folder import open_model  # noqa: E402
from roco.baselines.vision import concepts, search  # noqa: E402
from roco.baselines.vision.options import ConceptOptions  # noqa: E402
from roco.baselines.vision.search import Entry, Result, ablation_entries, chosen, grid_entries  # noqa: E402
from tests.baselines.vision.drawn import drawn  # noqa: E402
from tests.baselines.vision.killed import SMALL  # noqa: E402
from tests.baselines.vision.test_concepts import killed, trained, weights  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("drawn") / "data")


@pytest.fixture(autouse=True)
def few_entries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A search of three entries, of which one diverges, in one thread."""
    monkeypatch.setattr(search, "OPTIMIZERS", ("adam", "sgd"))
    monkeypatch.setattr(search, "RATES", (1e-2, 1e-3))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in csv.DictReader(io.StringIO(text))}


def test_the_search_of_the_paper_has_fifteen_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    entries = grid_entries(ConceptOptions())
    assert len({entry.name for entry in entries}) == 15
    assert {entry.options.optimizer for entry in entries} == {"adam", "sgd", "rmsprop"}
    assert {entry.options.lr for entry in entries} == {0.1, 0.01, 0.001, 0.0001, 0.00001}
    assert (entries[0].name, entries[-1].name) == ("adam-0.1", "rmsprop-1e-05")


def test_the_best_entry_on_valid_becomes_the_model(data: Path, tmp_path: Path) -> None:
    model = trained(data, tmp_path / "model", grid=True)
    found = rows((model.path / "grid.csv").read_text(encoding="utf-8"))
    assert list(found) == ["adam-0.01", "adam-0.001", "sgd-0.01", "sgd-0.001"]
    best = max(found.values(), key=lambda row: float(row["f1"]))
    settings = model.manifest["settings"]
    assert (settings["optimizer"]["value"], settings["lr"]["value"]) == (best["optimizer"], float(best["lr"]))
    assert model.values["valid"]["scores"]["f1"] == float(best["f1"])
    assert "## Search on valid" in (model.path / "README.md").read_text(encoding="utf-8")
    assert not (tmp_path / "model.training").exists()


def test_a_killed_search_goes_on_and_ends_in_the_same_final_training(data: Path, tmp_path: Path) -> None:
    # Four trainings of three epochs of three steps; killed in the third one.
    whole = trained(data, tmp_path / "whole", grid=True, final=True)
    assert killed(data, tmp_path / "killed", 22, "grid=true", "final=true", "entries=4") == -signal.SIGKILL
    folder = tmp_path / "killed.training" / "grid"
    assert sorted(path.name for path in folder.iterdir()) == ["adam-0.001", "adam-0.01", "sgd-0.01.training"]
    was = {path: (path / "model.json").stat().st_mtime_ns for path in folder.glob("adam-*")}
    assert killed(data, tmp_path / "killed", 0, "grid=true", "final=true", "entries=4") == 0
    assert len(was) == 2
    assert weights(tmp_path / "killed") == weights(whole.path)
    assert whole.values["final"] is True

    def without_seconds(path: Path) -> list[dict[str, str]]:
        return [{**row, "seconds": ""} for row in rows((path / "grid.csv").read_text()).values()]

    assert without_seconds(tmp_path / "killed") == without_seconds(whole.path)


def test_a_loss_that_is_not_finite_ends_one_entry_only(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RATES", (1e30, 1e-3))
    monkeypatch.setattr(search, "OPTIMIZERS", ("sgd",))
    model = trained(data, tmp_path / "model", grid=True)
    found = rows((model.path / "grid.csv").read_text(encoding="utf-8"))
    assert found["sgd-1e+30"]["failed"].startswith("the loss is not finite at step")
    assert found["sgd-1e+30"]["f1"] == ""
    assert found["sgd-0.001"]["failed"] == ""
    assert model.manifest["settings"]["lr"]["value"] == 0.001


def test_if_all_entries_fail_the_reason_is_given_and_recorded(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RATES", (1e30,))
    monkeypatch.setattr(search, "OPTIMIZERS", ("sgd",))
    for _ in range(2):
        with pytest.raises(DataError, match="no training of the search was finished: the loss is not finite"):
            trained(data, tmp_path / "model", grid=True)
        monkeypatch.delattr(concepts, "train", raising=False)  # the second time nothing is trained
    assert [path.name for path in (tmp_path / "model.training" / "grid").iterdir()] == ["sgd-1e+30.failed.json"]


def test_a_search_with_other_options_is_not_mixed_with_this_one(data: Path, tmp_path: Path) -> None:
    options = ConceptOptions(epochs=2)
    done = trained(data, tmp_path / "grid" / "adam-0.01", "paper-b0", epochs=1)
    assert done.path.name == "adam-0.01"

    def never(entry: Entry, out: Path) -> Any:
        raise AssertionError

    digest = done.manifest["data"]["sha256"]
    with pytest.raises(UsageError, match="was trained with") as caught:
        search.run_entries(tmp_path / "grid", [Entry("adam-0.01", options)], never, digest)
    assert "remove" in caught.value.hint
    with pytest.raises(UsageError, match="was trained on other data"):
        search.run_entries(tmp_path / "grid", [Entry("adam-0.01", options)], never, "another")


def test_each_switch_is_turned_off_once() -> None:
    preset = presets.load("roco-b0", "concepts", ConceptOptions)
    entries = {entry.name: entry.options for entry in ablation_entries(preset, {"epochs": "2"})}
    assert list(entries) == [
        "all", "without-no-vertical-flip", "without-gem", "without-tuned-threshold", "without-one-modality",
        "without-averaging",
    ]  # fmt: skip
    assert all(options.epochs == 2 for options in entries.values())
    assert entries["without-gem"].pooling == "avg"
    assert entries["without-gem"].one_modality
    assert not entries["without-one-modality"].one_modality


def test_ablations_give_one_table_and_the_model_of_the_preset(data: Path, tmp_path: Path) -> None:
    preset = tmp_path / "two.toml"
    preset.write_text(
        'kind = "concepts"\n[settings]\npooling = "gem"\ntune_threshold = true\n'
        '[ablations]\ngem = { pooling = "avg" }\nthreshold = { tune_threshold = false }\n'
    )
    model = trained(data, tmp_path / "model", str(preset), ablations=True)
    found = rows((model.path / "ablations.csv").read_text(encoding="utf-8"))
    assert list(found) == ["all", "without-gem", "without-threshold"]
    assert found["without-threshold"]["threshold"] == "0.5"
    assert model.values["pooling"] == "gem"
    assert "| without-gem |" in (model.path / "ablations.md").read_text(encoding="utf-8")
    assert open_model(model.path).kind == "concepts"


def test_a_switch_that_changes_no_weight_is_scored_as_if_it_had_been_trained(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = tmp_path / "one.toml"
    preset.write_text(
        'kind = "concepts"\n[settings]\ntune_threshold = true\n[ablations]\nthreshold = { tune_threshold = false }\n'
    )
    trainings = []
    own = concepts.train
    monkeypatch.setattr(concepts, "train", lambda *given, **more: trainings.append(given) or own(*given, **more))
    model = trained(data, tmp_path / "model", str(preset), ablations=True, epochs=6)
    assert len(trainings) == 1
    row = rows((model.path / "ablations.csv").read_text(encoding="utf-8"))["without-threshold"]
    alone = trained(data, tmp_path / "alone", str(preset), tune_threshold=False, epochs=6)
    assert len(trainings) == 2
    assert weights(alone.path) == weights(model.path)
    assert float(row["f1"]) == alone.values["valid"]["scores"]["f1"]
    assert row["threshold"] == "0.5"


def test_two_processes_train_the_entries_together_and_one_of_them_writes(data: Path, tmp_path: Path) -> None:
    preset = tmp_path / "two.toml"
    preset.write_text(
        'kind = "concepts"\n[ablations]\nflips = { flip_vertical = false }\nthreshold = { threshold = 0.3 }\n'
    )
    settings = [word for name, value in (SMALL | {"epochs": "1"}).items() for word in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "roco"]
    words = ["train", "concepts", str(data), str(tmp_path / "model"), "--preset", str(preset), "--ablations", *settings]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command + words, check=False, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 1
    assert list(rows((tmp_path / "model" / "ablations.csv").read_text())) == [
        "all",
        "without-flips",
        "without-threshold",
    ]
    assert open_model(tmp_path / "model").manifest["hardware"]["processes"] == 2


def test_the_first_of_equal_entries_is_chosen() -> None:
    def result(name: str, score: float | None) -> Result:
        scores: Mapping[str, Any] = {} if score is None else {"valid": {"scores": {"f1": score}}}
        return Result(Entry(name, ConceptOptions()), scores, failed="" if score is not None else "lost")

    results = [result("a", 0.5), result("b", 0.7), result("c", 0.7), result("d", None)]
    assert chosen(results, "f1").entry.name == "b"
    with pytest.raises(DataError, match="lost"):
        chosen([result("d", None)], "f1")
