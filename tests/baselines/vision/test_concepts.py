"""`roco train concepts`: what it learns, what it writes, and how it goes on after a kill."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.neural, pytest.mark.slow]
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.training.folder import Model  # noqa: E402
from roco.baselines.vision.train import train_concepts  # noqa: E402
from tests.baselines.vision.drawn import drawn, labelled_folder  # noqa: E402
from tests.baselines.vision.killed import SMALL  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("drawn") / "data")


def trained(data: Path, out: Path, preset: str = "roco-b0", **more: Any) -> Model:
    settings = {name: more.pop(name) for name in list(more) if name in EXTENT_OR_DATA}
    return train_concepts(data, out, preset=preset, changes={**SMALL, **more}, **settings)


EXTENT_OR_DATA = ("grid", "final", "ablations", "labels", "images", "cache", "skip_unreadable", "warn")


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def killed(data: Path, out: Path, step: int, *words: str) -> int:
    command = [sys.executable, "-m", "tests.baselines.vision.killed", str(data), str(out), str(step), *words]
    return subprocess.run(command, check=False, capture_output=True, cwd=Path(__file__).parents[3]).returncode


def test_a_network_learns_what_can_be_seen_and_its_folder_says_how(data: Path, tmp_path: Path) -> None:
    model = trained(data, tmp_path / "model", epochs=14, tasks="modality,region,concepts", keep="best")
    scores = model.values["valid"]["scores"]
    assert scores["f1"] > model.values["valid"]["floors"]["constant"]["f1"]
    assert scores["modality.accuracy"] > 0.7
    assert scores["region.balanced_accuracy"] == 1.0
    assert model.values["tasks"]["modality"][0] == "DRAN"
    assert model.values["images"] == {"image_size": 32, "load_size": 40, "resize": "squash", "view": "center"}
    assert model.values["one_modality"] is True
    card = (model.path / "README.md").read_text(encoding="utf-8")
    assert "| the same concepts for every image |" in card
    assert "the paper, Concept Detection: drop rate 0.2" in card
    assert model.manifest["data"]["rows"] == {"test": 4, "train": 16, "valid": 8}
    assert not (tmp_path / "model.training").exists()
    log = (model.path / "log.csv").read_text(encoding="utf-8")
    assert {"loss.modality", "loss.concepts", "valid.f1", "valid.modality.balanced_accuracy"} <= {
        line.split(",")[2] for line in log.splitlines()
    }


def test_a_killed_training_goes_on_to_the_same_weights(data: Path, tmp_path: Path) -> None:
    step = random.randint(2, 9)  # 3 epochs of 3 steps; the step is in the message of a failure
    trained(data, tmp_path / "whole", save_every=2)
    assert killed(data, tmp_path / "killed", step, "save_every=2") == -signal.SIGKILL, step
    assert not (tmp_path / "killed").exists()
    assert killed(data, tmp_path / "killed", 0, "save_every=2") == 0, step
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole"), step


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_and_a_cache_do_not_change_the_weights(data: Path, tmp_path: Path) -> None:
    trained(data, tmp_path / "without")
    trained(data, tmp_path / "workers", workers=2, cache=tmp_path / "cache")
    n_cached = len(list((tmp_path / "cache").rglob("*.npy")))
    trained(data, tmp_path / "cached", cache=tmp_path / "cache")
    assert n_cached == 24
    assert weights(tmp_path / "without") == weights(tmp_path / "workers") == weights(tmp_path / "cached")


def test_the_seed_and_the_flips_change_the_weights(data: Path, tmp_path: Path) -> None:
    for name, changes in {"a": {}, "b": {"seed": 1}, "c": {"flip_vertical": True}}.items():
        trained(data, tmp_path / name, epochs=1, **changes)
    assert len({weights(tmp_path / name) for name in "abc"}) == 3


def test_an_unreadable_image_ends_training_in_one_line_and_it_can_be_resumed(tmp_path: Path) -> None:
    broken = "x_train_000005"
    data = drawn(tmp_path / "data", broken=(broken,))
    with pytest.raises(DataError, match=f"image '{broken}' cannot be read at step .: truncated JPEG") as caught:
        trained(data, tmp_path / "model")
    assert "--skip-unreadable" in caught.value.hint
    assert "run the same command again" in caught.value.hint
    model = trained(data, tmp_path / "model", skip_unreadable=True)  # as the error says, without another folder
    assert weights(tmp_path / "model") == weights(trained(data, tmp_path / "whole", skip_unreadable=True).path)
    assert model.manifest["unreadable_images"] == [broken]
    assert broken in (model.path / "README.md").read_text(encoding="utf-8")


def test_an_unreadable_validation_image_is_scored_as_empty_and_reported(tmp_path: Path) -> None:
    warnings: list[str] = []
    data = drawn(tmp_path / "data", broken=("x_valid_000003",), missing=("x_valid_000004", "x_train_000001"))
    model = trained(data, tmp_path / "model", warn=warnings.append)
    assert [text.split(" ")[0] for text in warnings] == ["2", "validation"]
    assert "x_valid_000003" in warnings[1]
    assert model.values["valid"]["scores"]["f1"] <= 6 / 8
    assert "1, scored as empty: x_valid_000003" in (model.path / "README.md").read_text(encoding="utf-8")


def test_the_final_training_uses_the_threshold_that_was_tuned_before(data: Path, tmp_path: Path) -> None:
    selected = trained(data, tmp_path / "selected", epochs=8)
    final = trained(data, tmp_path / "final", epochs=8, final=True)
    assert selected.values["threshold"] != 0.5
    assert final.values["threshold"] == selected.values["threshold"]
    assert (final.values["final"], final.values["valid"]) == (True, {"scores": {}})
    assert weights(tmp_path / "final") != weights(tmp_path / "selected")
    assert final.manifest["settings"]["tune_threshold"]["value"] is False
    card = (final.path / "README.md").read_text(encoding="utf-8")
    assert f"a score of at least {final.values['threshold']:.4g}." in card
    assert final.manifest["steps"] == 32  # 24 images in batches of 6, 8 epochs


def test_filters_are_trained_from_labels_alone(tmp_path: Path) -> None:
    folder, file = labelled_folder(tmp_path, 40)
    other = tmp_path / "radiology.csv"
    other.write_text(
        "".join(["path,label,group\n", *(f"p{n:02}.png,{'ab'[n % 3 == 0]},article {n // 4}\n" for n in range(20))])
    )
    labels = (f"compound={file}", f"radiology={other}")
    model = trained(
        folder, tmp_path / "model", "filters", tasks="compound,radiology", labels=labels, epochs=10, batch=8,
        loss_weights="radiology=0.5",
    )  # fmt: skip
    assert model.values["tasks"] == {"compound": ["no", "yes"], "radiology": ["a", "b"]}
    assert model.values["valid"]["scores"]["compound.accuracy"] > 0.7
    assert set(model.manifest["data"]["rows"]) == {"train", "valid"}
    with pytest.raises(UsageError, match="unknown task 'compound'"):
        trained(folder, tmp_path / "other", "filters", tasks="compound")


def test_wrong_presets_options_and_extents_are_errors(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown preset 'roco-b1'"):
        train_concepts(data, tmp_path / "m", preset="roco-b1")
    preset = tmp_path / "own.toml"
    preset.write_text('kind = "concepts"\n[settings]\nbackbon = "resnet18"\n')
    with pytest.raises(UsageError, match="unknown option 'backbon'") as caught:
        train_concepts(data, tmp_path / "m", preset=str(preset))
    assert "'backbone'" in caught.value.hint
    with pytest.raises(UsageError, match="--ablations with --grid"):
        trained(data, tmp_path / "m", grid=True, ablations=True)
    with pytest.raises(UsageError, match=r"has no \[ablations\]"):
        trained(data, tmp_path / "m", "paper-b0", ablations=True)
    empty = drawn(tmp_path / "empty", {"train": 6})
    with pytest.raises(UsageError, match="tune_threshold needs validation images"):
        trained(empty, tmp_path / "m", "roco-b0")
    assert trained(empty, tmp_path / "m", "paper-b0", epochs=1).values["threshold"] == 0.5
    with pytest.raises(UsageError, match="already exists"):
        trained(empty, tmp_path / "m", "paper-b0", epochs=1)


def test_the_state_of_a_training_with_other_options_is_refused(tmp_path: Path) -> None:
    data = drawn(tmp_path / "data", broken=("x_train_000005",))
    with pytest.raises(DataError, match="cannot be read"):
        trained(data, tmp_path / "model")
    with pytest.raises(UsageError, match=r"was begun with lr = 0\.003, not 0\.1"):
        trained(data, tmp_path / "model", lr=0.1)
    assert json.loads((tmp_path / "model.training" / "settings.json").read_text())["options"]["lr"] == 0.003
