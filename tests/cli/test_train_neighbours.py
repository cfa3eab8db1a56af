"""`roco train neighbours` and `roco predict`: what they print, and which input they refuse in two lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.baselines import drawn
from tests.cli.command import DATA, DONE, USAGE, Command, Result

FIXED = ("--set", "k=1", "--set", "power=0", "--set", "threshold=0.5")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in which an image of valid and one of test have no file."""
    folder = drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")
    for id in ("drawn_valid_000001", "drawn_test_000002"):
        drawn.image_file(folder, id).unlink()
    return folder


def refused(result: Result, code: int, message: str, hint: str) -> None:
    assert (result.code, result.out) == (code, "")
    assert result.err.count("error: ") == 1 and "Traceback" not in result.err
    error, advice = result.err.splitlines()[-2:]
    assert message in error and advice.startswith("  ") and hint in advice


def test_a_model_is_written_and_predicts_what_is_scored(command: Command, dataset: Path, tmp_path: Path) -> None:
    result = command("train", "neighbours", dataset, tmp_path / "model", *FIXED)
    assert result.code == DONE
    assert "train 12 images; k 1, power 0, threshold 0.5" in result.out
    assert "floor_constant_f1 0.5000 (0.5000 to 0.5000) +0.3333" in " ".join(result.out.split())
    assert "warning: 2 rows without an image (drawn_valid_000001, drawn_test_000002)" in result.err
    assert f"next: roco predict {tmp_path / 'model'} {dataset}" in result.err
    out = tmp_path / "p.csv"
    result = command("predict", tmp_path / "model", dataset, "--out", out)
    assert result.code == DONE
    assert result.out == f"wrote {out}: concepts of 6 images; beside it p_scores.parquet, p.json\n"
    assert "warning: 1 image without a file: predictions are empty (drawn_test_000002)\n" in result.err
    assert f"next: roco evaluate concepts {out} --truth {dataset} --split test\n" in result.err
    assert command("evaluate", "--check", out, "--truth", dataset).code == DONE
    scored = json.loads(command("evaluate", "concepts", out, "--truth", dataset, "--json").out)
    assert scored["scores"]["f1"]["value"] == pytest.approx(5 / 6)


def test_json_has_the_scores_and_the_files(command: Command, dataset: Path, tmp_path: Path) -> None:
    trained = json.loads(command("train", "neighbours", dataset, tmp_path / "model", "--final", "--json", *FIXED).out)
    assert trained["images"] == {"train": 12, "valid": 5}
    assert trained["scores"]["f1"]["images"] == 6 and trained["against"]["floor_constant_f1"]["difference"] > 0
    out = tmp_path / "c.csv"
    words = ("--task", "captions", "--split", "valid", "--out", out, "--json")
    predicted = json.loads(command("predict", tmp_path / "model", dataset, *words).out)
    assert predicted["rows_without_image"] == ["drawn_valid_000001"]
    assert (predicted["path"], predicted["scores"], predicted["rows"]) == (str(out), None, 6)


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("--set", "neighbours=3"), USAGE, "unknown option 'neighbours' (--set)", "known: centre"),
        (("--set", "k"), USAGE, "--set k has no value", "write --set KEY=VALUE"),
        (("--set", "k=1", "--set", "k=2"), USAGE, "--set k is given twice", "separate values by commas"),
        (("--set", "k=many"), USAGE, "k = 'many' (--set)", "write a list"),
        (("--set", "k=0"), USAGE, "k = 0", "write 1 to 1000"),
        (("--preset", "neighbour"), USAGE, "unknown preset 'neighbour'", "did you mean 'neighbours'?"),
        (("--backbone", "none.onnx"), DATA, "missing backbone: none.onnx", "check the path"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(
    command: Command, dataset: Path, tmp_path: Path, words: tuple[str, ...], code: int, message: str, hint: str
) -> None:
    refused(command("train", "neighbours", dataset, tmp_path / "model", *words), code, message, hint)
    assert list(tmp_path.iterdir()) == []


def test_predictions_of_no_model_or_an_unknown_split_are_refused(
    command: Command, dataset: Path, tmp_path: Path
) -> None:
    refused(command("predict", tmp_path / "model", dataset), DATA, "no such folder", "`roco train` wrote")
    assert command("train", "neighbours", dataset, tmp_path / "model", *FIXED).code == DONE
    result = command("predict", tmp_path / "model", dataset, "--split", "tset", "--out", tmp_path / "p.csv")
    refused(result, USAGE, "unknown split 'tset'", "did you mean 'test'?")


def test_a_preset_of_ones_own_is_read_and_an_unknown_key_refused(
    command: Command, dataset: Path, tmp_path: Path
) -> None:
    preset = tmp_path / "mine.toml"
    preset.write_text('kind = "neighbours"\n[settings]\nk = [2]\npower = [1]\nthreshold = [0.4]\n')
    result = command("train", "neighbours", dataset, tmp_path / "model", "--preset", preset)
    assert "k 2, power 1, threshold 0.4" in result.out
    preset.write_text('kind = "neighbours"\n[settings]\nkk = 2\n')
    result = command("train", "neighbours", dataset, tmp_path / "other", "--preset", preset)
    refused(result, USAGE, "unknown option 'kk' (mine.toml)", "did you mean 'k'?")
