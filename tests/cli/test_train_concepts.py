"""`roco train concepts`: what it prints, and which input it refuses in two lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.baselines.vision.drawn import drawn
from tests.cli.command import DATA, DONE, USAGE, Command, Result

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

SETTINGS = {
    "backbone": "test_efficientnet", "weights": "scratch", "image_size": "32", "epochs": "1", "batch": "8",
    "workers": "0",
}  # fmt: skip


def settings(**changes: str) -> tuple[str, ...]:
    return tuple(word for name, value in (SETTINGS | changes).items() for word in ("--set", f"{name}={value}"))


SMALL = settings()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("drawn") / "data", missing=("x_train_000002", "x_test_000001"))


def refused(result: Result, code: int, message: str, hint: str) -> None:
    assert (result.code, result.out) == (code, "")
    assert result.err.count("error: ") == 1 and "Traceback" not in result.err
    error, advice = result.err.splitlines()[-2:]
    assert message in error and advice.startswith("  ") and hint in advice


def test_a_model_is_trained_and_predicts_what_is_checked(command: Command, data: Path, tmp_path: Path) -> None:
    result = command("train", "concepts", data, tmp_path / "model", *SMALL, "--tasks", "concepts,modality")
    assert result.code == DONE
    assert "test_efficientnet for concepts (4), modality (7)" in result.out
    assert "f1 of constant floor" in result.out and "modality.balanced_accuracy" in result.out
    assert "warning: 2 rows without an image" in result.err
    assert f"next: roco predict {tmp_path / 'model'} {data}" in result.err
    out = tmp_path / "p.csv"
    assert command("predict", tmp_path / "model", data, "--out", out, "--workers", "0").code == DONE
    assert command("evaluate", "--check", out, "--truth", data).code == DONE
    classes = command("predict", tmp_path / "model", data, "--task", "classes", "--out", tmp_path / "c.csv")
    assert classes.code == DONE and "next:" not in classes.err


def test_json_has_threshold_scores_and_floors(command: Command, data: Path, tmp_path: Path) -> None:
    result = command("train", "concepts", data, tmp_path / "model", *SMALL, "--json")
    found = json.loads(result.out)
    assert set(found) == {"path", "threshold", "scores", "f1", "floors"}
    assert set(found["floors"]) == {"constant", "modality"}


def test_wrong_input_is_refused_in_two_lines(command: Command, data: Path, tmp_path: Path) -> None:
    for words, code, message, hint in (
        ((*SMALL, "--preset", "paper-b1"), USAGE, "unknown preset 'paper-b1'", "'paper-b0'"),
        (settings(batches="3"), USAGE, "unknown option 'batches' (--set)", "'batch'"),
        (settings(backbone="resnett18"), USAGE, "unknown backbone 'resnett18'", "'resnet"),
        (settings(pooling="max"), USAGE, "pooling = 'max' (--set)", "known: avg, gem"),
        ((*SMALL, "--tasks", "concepts,modalty"), USAGE, "unknown task 'modalty'", "'modality'"),
        ((*SMALL, "--tasks", "direction"), DATA, "no training image has a label of 'direction'", "--tasks"),
        ((*SMALL, "--weights", tmp_path / "none.safetensors"), DATA, "missing weights", "safetensors"),
        ((*SMALL, "--labels", "compound"), USAGE, "--labels compound", "compound=compound.csv"),
        ((*SMALL, "--grid", "--ablations"), USAGE, "--ablations with --grid", "alone"),
    ):  # fmt: skip
        refused(command("train", "concepts", data, tmp_path / "m", *words), code, message, hint)
    refused(command("train", "concepts", tmp_path, tmp_path / "m", *SMALL), DATA, "not a release", "")
    assert not (tmp_path / "m").exists()
