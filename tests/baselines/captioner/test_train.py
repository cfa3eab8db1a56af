"""Training of captioners: what they learn, how they resume, and what ends a training."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.predict import predict  # noqa: E402
from tests.baselines.captioner import folders, pairs  # noqa: E402

ROOT = Path(__file__).parents[3]
SHORT = {"epochs": 2, "batch": 16, "score_images": 2, "encoder_layers": 1, "decoder_layers": 1}
FIRST = "ROCOv2_2023_train_000000"


def process(release: Path, out: Path, *words: str, launcher: tuple[str, ...] = ()) -> int:
    command = [sys.executable, "-m", *launcher, "tests.baselines.captioner.pairs", str(release), str(out), *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode


def logged(folder: Path, name: str = "loss") -> list[float]:
    with (folder / "log.csv").open() as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == name]


def captions(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["Caption"] for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_captioner_from_scratch_learns_64_pairs_by_heart_and_ends_its_sentences(
    drawn: Path, captioner: Path, tmp_path: Path
) -> None:
    predict(captioner, drawn, tmp_path / "train.csv", split="train")
    truth = [caption for _, caption in pairs.pairs()]
    assert len(set(truth)) == 64
    learnt = [one == other for one, other in zip(captions(tmp_path / "train.csv"), truth, strict=True)]
    assert sum(learnt) >= 60
    assert json.loads((captioner / "manifest.json").read_text())["scores"]["ended"] == 1.0


@pytest.mark.slow
def test_the_weights_are_those_of_the_best_captions_not_of_the_lowest_loss(captioner: Path) -> None:
    scores = logged(captioner, "valid.rouge1")
    manifest = json.loads((captioner / "manifest.json").read_text())
    steps_of_an_epoch = manifest["steps"] // len(scores)
    assert manifest["best_step"] == (scores.index(max(scores)) + 1) * steps_of_an_epoch
    assert manifest["scores"]["rouge1"] == max(scores)
    # Its loss still falls after the first epoch in which all captions are right.
    assert manifest["best_step"] < manifest["steps"]


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_to_the_same_weights(drawn: Path, tmp_path: Path) -> None:
    words = ("epochs=2", "batch=16", "dropout=0.1", "save_every=2", "score_images=2", "optimizer=adafactor", "lr=0")
    assert process(drawn, tmp_path / "undisturbed", *words) == 0
    for kill in (3, 6):  # in the middle of the first and of the second epoch
        out = tmp_path / f"killed-at-{kill}"
        assert process(drawn, out, *words, f"kill={kill}") == -9
        assert not out.exists()
        assert process(drawn, out, *words) == 0
        for name in ("model.safetensors", "tokenizer.json", "log.csv"):
            assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), name
        assert json.loads((out / "manifest.json").read_text())["time"]["sessions"] == 2


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(drawn: Path, tmp_path: Path) -> None:
    words = ("epochs=2", "batch=16", "score_images=2")
    assert process(drawn, tmp_path / "one", *words) == 0
    # On GPUs this is `accelerate launch`; for several processes on a CPU that would need MPI.
    launcher = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
    assert process(drawn, tmp_path / "two", *words, launcher=launcher) == 0
    assert json.loads((tmp_path / "two" / "manifest.json").read_text())["hardware"]["processes"] == 2
    assert logged(tmp_path / "two") == pytest.approx(logged(tmp_path / "one"), abs=1e-5)


@pytest.mark.slow
def test_pretrained_parts_are_trained_from_folders(drawn: Path, tmp_path: Path) -> None:
    texts = tuple(caption for _, caption in pairs.pairs())
    encoder, decoder = folders.encoder(tmp_path / "vit"), folders.decoder(tmp_path / "gpt2", texts)
    trained = pairs.run(drawn, tmp_path / "out", encoder=str(encoder), decoder=str(decoder), size=0, **SHORT)
    assert trained.parameters[0] == trained.parameters[1]
    assert json.loads((tmp_path / "out" / "model.json").read_text())["values"]["images"]["mean"] == [0.4, 0.5, 0.6]
    losses = logged(tmp_path / "out")
    assert losses[-1] < losses[0]


def test_the_folder_records_how_captions_are_generated(drawn: Path, tmp_path: Path) -> None:
    changes = {"beams": 2, "new_tokens": 9, "no_repeat": 3, "max_tokens": 12, "epochs": 1}
    lines: list[str] = []
    pairs.run(drawn, tmp_path / "out", **(SHORT | changes), warn=lines.append)
    entry = json.loads((tmp_path / "out" / "model.json").read_text())["values"]
    assert entry["generation"] == {"beams": 2, "new_tokens": 9, "no_repeat": 3, "length_penalty": 1.0}
    stored = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert (stored["num_beams"], stored["max_length"], stored["no_repeat_ngram_size"]) == (2, 10, 3)
    # Captions of more than 12 tokens were truncated, which is reported and in the card.
    (truncated,) = [line for line in lines if "truncated" in line]
    assert truncated in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]


def test_a_final_training_includes_valid_and_scores_nothing(drawn: Path, tmp_path: Path) -> None:
    trained = pairs.run(drawn, tmp_path / "out", **(SHORT | {"epochs": 1}), final=True)
    assert (dict(trained.scores), trained.items, trained.best_step) == ({}, 128, trained.step)


def test_scored_images_are_the_same_in_every_training(tmp_path: Path) -> None:
    from roco.baselines.captioner.data import open_captions

    release = pairs.release(tmp_path / "release", n_valid=30)
    chosen = [open_captions(release, False, 4).validation for _ in range(2)]
    assert chosen[0] is not None and chosen[1] is not None
    assert chosen[0].captions == chosen[1].captions and len(chosen[0].captions) == 4
    every = open_captions(release, False, 0).validation
    assert every is not None and len(every.captions) == 30
    assert (chosen[0].captions[0], chosen[0].captions[-1]) == (every.captions[0], every.captions[-1])


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_dataset_without_captions_is_one_line(tmp_path: Path) -> None:
    without = {f"ROCOv2_2023_train_{number:06}": " " for number in range(64)}
    release = pairs.release(tmp_path / "release", captions=without)
    with pytest.raises(DataError, match="has no captions in train"):
        pairs.run(release, tmp_path / "out", **SHORT)
    assert not (tmp_path / "out.training").exists()


def test_training_images_without_a_caption_are_left_out_and_reported(tmp_path: Path) -> None:
    release = pairs.release(tmp_path / "release", n=20, captions={FIRST: ""})
    lines: list[str] = []
    trained = pairs.run(release, tmp_path / "out", **(SHORT | {"epochs": 1}), warn=lines.append)
    assert "1 training image has no caption: not trained on" in lines
    assert trained.items == 19


def test_an_unreadable_image_ends_training_in_one_line(tmp_path: Path) -> None:
    release = pairs.release(tmp_path / "release", n=20)
    (release / "train_images" / f"{FIRST}.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(DataError, match=f"image '{FIRST}' cannot be read at step"):
        pairs.run(release, tmp_path / "out", **SHORT)
    assert not (tmp_path / "out").exists()
    trained = pairs.run(release, tmp_path / "other", **SHORT, skip_unreadable=True)
    assert list(trained.unreadable) == [FIRST]


def test_an_unreadable_validation_image_is_scored_as_an_empty_caption_and_reported(tmp_path: Path) -> None:
    release = pairs.release(tmp_path / "release", n=20, n_valid=1)
    (release / "valid_images" / "ROCOv2_2023_valid_000000.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    lines: list[str] = []
    trained = pairs.run(release, tmp_path / "out", **(SHORT | {"epochs": 1}), warn=lines.append)
    assert trained.scores == {"rouge1": 0.0, "ended": 0.0}
    assert "validation image 'ROCOv2_2023_valid_000000' is unreadable: scored as an empty caption" in lines


def test_missing_images_are_reported_and_scored_as_empty_captions(tmp_path: Path) -> None:
    release = pairs.release(tmp_path / "release", n=20, n_valid=2)
    (release / "train_images" / f"{FIRST}.png").unlink()
    for number in range(2):
        (release / "valid_images" / f"ROCOv2_2023_valid_{number:06}.png").unlink()
    lines: list[str] = []
    trained = pairs.run(release, tmp_path / "out", **(SHORT | {"epochs": 1}), warn=lines.append)
    assert trained.items == 19 and trained.scores["rouge1"] == 0
    assert any("3 rows without an image" in line for line in lines)


@pytest.mark.parametrize("when", ["checkpoint", "end"])
def test_a_full_disk_is_one_line_and_training_goes_on_afterwards(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    from safetensors import SafetensorError
    from transformers import VisionEncoderDecoderModel

    def fail(*arguments: Any, **options: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        if when == "checkpoint":
            patch.setattr("roco.baselines.training.tensors.save_file", fail)
        else:
            patch.setattr(VisionEncoderDecoderModel, "save_pretrained", fail)
        with pytest.raises(DataError, match="no space left"):
            pairs.run(drawn, tmp_path / "out", **SHORT, save_every=1)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out.*"))
    pairs.run(drawn, tmp_path / "out", **SHORT)
    assert (tmp_path / "out" / "model.json").is_file() and not (tmp_path / "out.training").exists()


def test_an_existing_folder_is_refused_before_anything_is_read(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="already exists"):
        pairs.run(drawn, tmp_path / "out")


def test_too_little_memory_is_refused_unless_it_is_ignored(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roco.baselines.captioner.memory.device_memory", lambda device: 1e6)
    with pytest.raises(UsageError, match=r"training needs about .* MB for .* million parameters"):
        pairs.run(drawn, tmp_path / "out", **SHORT)
    pairs.run(drawn, tmp_path / "out", **(SHORT | {"epochs": 1}), ignore_memory=True)
