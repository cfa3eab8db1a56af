"""`roco train captions`: what it prints, and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.baselines.captioner import pairs
from tests.cli.command import DATA, DONE, USAGE, Command

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

SHORT = ("--preset", "tiny", "--set", "epochs=1", "--set", "score_images=2")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return pairs.release(tmp_path_factory.mktemp("pairs") / "release", n=20)


def test_a_captioner_is_trained_and_predicts_a_submission(command: Command, release: Path, tmp_path: Path) -> None:
    trained = command("train", "captions", release, tmp_path / "model", *SHORT)
    assert trained.code == DONE, trained.err
    assert "3 steps, weights of step 3; on valid: ROUGE-1 0." in trained.out
    assert "memory: about " in trained.err and "next: roco predict" in trained.err
    predicted = command("predict", tmp_path / "model", release, "--out", tmp_path / "p.csv", "--set", "beams=2")
    assert predicted.code == DONE, predicted.err
    assert json.loads((tmp_path / "p.json").read_text())["settings"]["beams"] == 2
    checked = command("evaluate", "--check", tmp_path / "p.csv", "--truth", release)
    assert checked.code == DONE, checked.out + checked.err


def test_the_numbers_of_a_training_are_printed_as_json(command: Command, release: Path, tmp_path: Path) -> None:
    trained = command("train", "captions", release, tmp_path / "model", *SHORT, "--json", "--final")
    entry = json.loads(trained.out)
    assert (entry["scores"], entry["steps"], entry["generation"]["beams"]) == ({}, 4, 1)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--preset", "papr"), USAGE, "unknown preset 'papr'\n  did you mean 'paper'?"),
        (("--set", "decodr=gpt2"), USAGE, "unknown option 'decodr' (--set)\n  did you mean 'decoder'?"),
        (("--set", "decoder=/no/model"), USAGE, "no such folder: /no/model"),
        (("--preset", "tiny", "--set", "batch=0"), USAGE, "batch = 0"),
        (("--preset", "paper-b0"), USAGE, "unknown preset 'paper-b0'"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    command: Command, release: Path, tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    result = command("train", "captions", release, tmp_path / "model", *words)
    assert result.code == code and message in result.err
    assert "Traceback" not in result.err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_models_that_are_not_on_this_machine_are_not_downloaded_unasked(
    command: Command, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    result = command("train", "captions", release, tmp_path / "model", "--preset", preset)
    assert result.code == USAGE and "is not on this machine\n  add --download, or give a folder" in result.err


def test_a_model_of_another_version_is_one_line(command: Command, release: Path, tmp_path: Path) -> None:
    assert command("train", "captions", release, tmp_path / "model", *SHORT).code == DONE
    entry = json.loads((tmp_path / "model" / "model.json").read_text())
    (tmp_path / "model" / "model.json").write_text(json.dumps(entry | {"format": 99}))
    result = command("predict", tmp_path / "model", release, "--out", tmp_path / "p.csv")
    assert result.code == DATA and "has format 99" in result.err and not (tmp_path / "p.csv").exists()
