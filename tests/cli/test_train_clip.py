"""`roco train clip`, `roco predict` and `roco evaluate retrieval`, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.baselines.contrastive.tiny import architecture, release
from tests.cli.command import DATA, DONE, USAGE, Command

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

MISSING = "ROCOv2_2023_test_000002"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(tmp_path_factory.mktemp("pairs") / "data", without=[MISSING])


def trained(command: Command, data: Path, out: Path, *words: str) -> str:
    torch.set_num_threads(1)
    tiny = ("--preset", "clip-tiny", "--set", "epochs=1", "--set", "workers=0", "--set", "batch=16")
    done = command("train", "clip", data, out, *tiny, "--set", f"architecture={architecture(out.parent)}", *words)
    assert done.code == DONE, done.err
    return done.out + done.err


def test_a_model_is_trained_on_the_demo_and_its_vectors_are_scored(
    command: Command, finished_demo: Path, tmp_path: Path
) -> None:
    data = finished_demo / "run" / "release"
    printed = trained(command, data, tmp_path / "model")
    scores = json.loads((tmp_path / "model" / "manifest.json").read_text())["scores"]
    pool = int(scores["pool"])
    assert "vectors of 32 numbers" in printed and f"on {pool} images of valid" in printed
    assert "captions are longer than 24 tokens: truncated" in printed
    vectors = tmp_path / "vectors.npz"
    done = command("predict", tmp_path / "model", data, "--split", "valid", "--workers", "0", "--out", vectors)
    assert done.code == DONE and f"retrieval of {pool} images" in done.out
    assert "next: roco evaluate retrieval" in done.err
    for task, name in (("image-to-text", "image_to_text"), ("text-to-image", "text_to_image")):
        words = ("--truth", data, "--split", "valid", "--task", task, "--json")
        report = json.loads(command("evaluate", "retrieval", vectors, *words).out)
        for score in ("recall@1", "recall@5", "mrr"):
            assert report["scores"][score]["value"] == pytest.approx(scores[f"{name}_{score}"])


def test_a_row_without_image_is_written_and_ranked_last(command: Command, pairs: Path, tmp_path: Path) -> None:
    assert f"warning: 1 row without an image ({MISSING})" in trained(command, pairs, tmp_path / "model")
    out = tmp_path / "vectors.npz"
    done = command("predict", tmp_path / "model", pairs, "--workers", "0", "--out", out, "--json")
    assert done.code == DONE
    assert json.loads(done.out)["rows_without_image"] == [MISSING]
    with np.load(out, allow_pickle=False) as arrays:
        lengths = dict(zip(arrays["ids"].tolist(), np.linalg.norm(arrays["images"], axis=1).tolist(), strict=True))
        assert np.linalg.norm(arrays["texts"], axis=1) == pytest.approx(1, abs=1e-5)
    assert lengths.pop(MISSING) == 0 and list(lengths.values()) == pytest.approx([1, 1, 1], abs=1e-5)
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["rows_without_image"] == [MISSING] and record["settings"]["size"] == 32
    report = json.loads(command("evaluate", "retrieval", out, "--truth", pairs, "--json").out)
    assert report["scores"]["recall@1"]["images"] == 4


def test_what_vectors_do_not_have_is_refused(command: Command, pairs: Path, tmp_path: Path) -> None:
    trained(command, pairs, tmp_path / "model")
    for words, message in (
        (("--out", tmp_path / "x.csv"), "does not end in .npz"),
        (("--task", "concepts"), "--task with"),
        (("--set", "threshold=0.5"), "--set with"),
        (("--out", tmp_path / "model" / "manifest.npz"), "manifest.json already exists"),
    ):
        done = command("predict", tmp_path / "model", pairs, *words)
        assert (done.code, done.out) == (USAGE, "") and message in done.err
    assert not list(tmp_path.glob("*.npz"))


def test_an_unreadable_image_ends_a_prediction_or_is_ranked_last(command: Command, tmp_path: Path) -> None:
    broken = "ROCOv2_2023_test_000001"
    data = release(tmp_path / "data", broken=[broken])
    trained(command, data, tmp_path / "model")
    words = ("predict", tmp_path / "model", data, "--workers", "0", "--out", tmp_path / "vectors.npz")
    done = command(*words)
    assert done.code == DATA and f"image '{broken}' cannot be read" in done.err and "--skip-unreadable" in done.err
    assert not (tmp_path / "vectors.npz").exists()
    assert command(*words, "--skip-unreadable").code == DONE
