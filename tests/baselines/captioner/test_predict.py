"""Predictions of a captioner."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.neural, pytest.mark.slow]
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, UsageError  # noqa: E402
from roco.baselines.predict import predict  # noqa: E402
from roco.baselines.predictor import PredictOptions  # noqa: E402
from roco.evaluate.captions import evaluate_captions  # noqa: E402
from tests.baselines.captioner import pairs  # noqa: E402


def captions(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["ID"]: row["Caption"] for row in csv.DictReader(file)}


def test_captions_are_the_same_whatever_the_batch(drawn: Path, captioner: Path, tmp_path: Path) -> None:
    found = []
    for batch in (1, 7, 64):
        options = PredictOptions(batch=batch, changes={"beams": "2"})
        predict(captioner, drawn, tmp_path / f"{batch}.csv", split="train", options=options)
        found.append(captions(tmp_path / f"{batch}.csv"))
    assert found[0] == found[1] == found[2] and len(set(found[0].values())) > 50


def test_a_submission_is_scored_and_its_settings_are_recorded(drawn: Path, captioner: Path, tmp_path: Path) -> None:
    options = PredictOptions(changes={"new_tokens": "20", "no_repeat": "2"})
    predict(captioner, drawn, tmp_path / "test.csv", options=options)
    assert list(captions(tmp_path / "test.csv")) == [f"ROCOv2_2023_test_{number:06}" for number in range(4)]
    settings = json.loads((tmp_path / "test.json").read_text())["settings"]
    assert (settings["beams"], settings["new_tokens"], settings["no_repeat"]) == (1, 20, 2)
    assert settings["generation_config"]["max_length"] == 21
    report = evaluate_captions(tmp_path / "test.csv", drawn, metrics=["rouge1"])
    assert next(score.value for score in report.scores if score.name == "rouge1") > 0.5


def test_no_caption_exceeds_the_length_that_is_asked_for(drawn: Path, captioner: Path, tmp_path: Path) -> None:
    predict(captioner, drawn, tmp_path / "a.csv", split="train", options=PredictOptions(changes={"new_tokens": 2}))
    longest = max(len(caption) for caption in captions(tmp_path / "a.csv").values())
    predict(captioner, drawn, tmp_path / "b.csv", split="train")
    assert longest < min(len(caption) for caption in captions(tmp_path / "b.csv").values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"beams": "0"}, "beams = 0"), ({"new_tokens": "999"}, "exceeds the 48"), ({"beam": "2"}, "unknown option")],
)
def test_settings_that_cannot_be_are_refused(
    drawn: Path, captioner: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        predict(captioner, drawn, tmp_path / "a.csv", options=PredictOptions(changes=changes))
    assert not list(tmp_path.iterdir())


def test_an_unknown_device_is_one_line(drawn: Path, captioner: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no device 'gpu7'"):
        predict(captioner, drawn, tmp_path / "a.csv", options=PredictOptions(device="gpu7"))


def test_unreadable_and_missing_images_have_empty_captions(captioner: Path, tmp_path: Path) -> None:
    release = pairs.release(tmp_path / "release", n=4)
    broken, missing = (release / "test_images" / f"ROCOv2_2023_test_{number:06}.png" for number in range(2))
    broken.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    missing.unlink()
    with pytest.raises(DataError):
        predict(captioner, release, tmp_path / "a.csv")
    predict(captioner, release, tmp_path / "a.csv", skip_unreadable=True)
    found = list(captions(tmp_path / "a.csv").values())
    assert found[:2] == ["", ""] and all(found[2:])


def test_transformers_reads_the_folder(captioner: Path) -> None:
    from transformers import AutoTokenizer, VisionEncoderDecoderModel

    from roco.baselines.captioner.model import open_network

    plain, own = VisionEncoderDecoderModel.from_pretrained(captioner).eval(), open_network(captioner)
    images = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    generated = [network.generate(pixel_values=images).tolist() for network in (plain, own)]
    assert generated[0] == generated[1]
    assert AutoTokenizer.from_pretrained(captioner).eos_token_id == plain.generation_config.eos_token_id


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json", "generation_config.json", "model.safetensors"])
def test_an_incomplete_model_is_one_line(drawn: Path, captioner: Path, tmp_path: Path, lost: str) -> None:
    copy = shutil.copytree(captioner, tmp_path / "model")
    (copy / lost).unlink()
    with pytest.raises(DataError, match=f"missing file: .*{lost}"):
        predict(copy, drawn, tmp_path / "a.csv")
    entry = json.loads((copy / "model.json").read_text())
    del entry["files"][lost]
    (copy / "model.json").write_text(json.dumps(entry))
    with pytest.raises((DataError, UsageError)) as caught:
        predict(copy, drawn, tmp_path / "a.csv")
    assert "\n" not in caught.value.message
