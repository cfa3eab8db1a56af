"""`train_clip`: what it learns, what a kill changes, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, RocoError

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from tests.baselines.contrastive import tiny  # noqa: E402

ROOT = Path(__file__).parents[3]
# On GPUs this is `accelerate launch`; for several processes on a CPU that would need MPI.
TWO = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
FILE = "open_clip_model.safetensors"


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.release(tmp_path_factory.mktemp("pairs") / "data")


def process(*words: str | Path, module: tuple[str, ...] = ("tests.baselines.contrastive.tiny",)) -> Any:
    command = [sys.executable, "-m", *module, *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


def logged(folder: Path, name: str = "loss") -> list[float]:
    with (folder / "log.csv").open() as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == name]


@pytest.mark.slow
def test_it_learns_32_pairs_by_heart(tmp_path: Path) -> None:
    from roco.baselines.contrastive.architecture import WEIGHTS, create, saved_config, tokenizer_of
    from roco.baselines.contrastive.data import pool_of
    from roco.baselines.contrastive.embed import embed
    from roco.baselines.contrastive.network import Contrastive
    from roco.baselines.contrastive.scores import retrieval_scores
    from roco.baselines.vision.transform import Loading
    from roco.release.load.dataset import load

    pairs = tiny.release(tmp_path / "data", valid=1)  # one image cannot be ranked: the last weights are written
    model = tiny.run(pairs, tmp_path / "out", epochs=80, batch=32, crop=1.0, temperature=0.02)
    config = saved_config(model.path)
    network = Contrastive(create(config, model.path / WEIGHTS)).eval()
    pool = pool_of(load(pairs, "train"))
    found = embed(network, pool, tokenizer_of(config), Loading(32, "squash"), torch.device("cpu"))
    scores = retrieval_scores(found.images, found.texts, pool.captions, pool.articles)
    assert scores["image_to_text_recall@1"] > 0.9 and scores["text_to_image_recall@1"] > 0.9
    assert logged(model.path)[-1] < 0.5 < logged(model.path)[0]


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_to_the_same_weights(pairs: Path, tmp_path: Path) -> None:
    assert process(pairs, tmp_path / "undisturbed", "save_every=3").returncode == 0
    killed = process(pairs, tmp_path / "out", "save_every=3", "kill=5")
    assert killed.returncode == -9 and not (tmp_path / "out").exists()
    resumed = process(pairs, tmp_path / "out", "save_every=3")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["time"]["sessions"] == 2
    for name in (FILE, "log.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), name


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one(pairs: Path, tmp_path: Path) -> None:
    changes = tiny.OPTIONS | {"batch": 12, "epochs": 2, "architecture": tiny.architecture(tmp_path)}
    settings = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
    tiny.run(pairs, tmp_path / "one", **changes)
    command = ("roco", "train", "clip", pairs, tmp_path / "two", "--preset", "clip-tiny", *settings)
    two = process(*command, module=TWO)
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("wrote ") == 1  # the first process reports
    assert logged(tmp_path / "two") == pytest.approx(logged(tmp_path / "one"), abs=1e-4)
    assert json.loads((tmp_path / "two" / "manifest.json").read_text())["hardware"]["processes"] == 2


@pytest.fixture(scope="module")
def trained(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("model") / "out"
    tiny.run(pairs, out, epochs=2)
    return out


def test_open_clip_reads_the_folder_of_the_model(trained: Path) -> None:
    import open_clip

    from roco.baselines.contrastive.architecture import WEIGHTS, create, saved_config

    theirs = open_clip.create_model(f"local-dir:{trained}").eval()
    ours = create(saved_config(trained), trained / WEIGHTS).eval()
    pixels = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(theirs.encode_image(pixels), ours.encode_image(pixels))
    prepared = theirs.visual.preprocess_cfg
    assert (prepared["size"], prepared["resize_mode"]) == ((32, 32), "squash")


def test_log_manifest_and_card_state_scores_and_the_size_of_the_pool(trained: Path) -> None:
    assert logged(trained, "valid.pool") == [8, 8]
    scores = json.loads((trained / "manifest.json").read_text())["scores"]
    assert scores["mean_recall"] == max(logged(trained, "valid.mean_recall"))
    card = (trained / "README.md").read_text()
    assert "random order among the 8 validation images that were ranked: 0.1250 at 1" in card
    assert "Not for clinical use." in card and "Starting weights" not in card


def test_training_begins_from_the_weights_of_a_file(pairs: Path, trained: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    out = tmp_path / "out"
    tiny.run(pairs, out, epochs=1, lr=1e-9, batch=32, weights=str(trained / FILE))
    before, after = load_file(trained / FILE), load_file(out / FILE)
    assert before.keys() == after.keys()
    assert max(float((before[name] - after[name]).abs().max()) for name in before) < 1e-6
    assert "have very likely been trained on test images of ROCOv2" in " ".join((out / "README.md").read_text().split())


def test_its_image_encoder_is_exported(trained: Path, tmp_path: Path) -> None:
    import numpy as np

    from roco.baselines.export_backbone import export_backbone

    backbone = export_backbone(str(trained), tmp_path / "clip.onnx", license="CC-BY-NC-4.0")
    embedding = backbone.embed([np.full((40, 40), 90, np.uint8)])[0]
    assert embedding.shape == (32,) and float(np.linalg.norm(embedding.astype(float))) == pytest.approx(1, abs=2e-3)
    card = json.loads((tmp_path / "clip.json").read_text())
    assert card["source"].startswith("roco train clip, data SHA-256 ") and "unknown" not in card["source"]


def test_rows_without_image_or_caption_are_reported_and_not_trained_on(tmp_path: Path) -> None:
    train, valid = "ROCOv2_2023_train_000003", "ROCOv2_2023_valid_000001"
    data = tiny.release(tmp_path / "data", without=[train, valid], empty=["ROCOv2_2023_train_000007"])
    warnings: list[str] = []
    tiny.run(data, tmp_path / "out", epochs=1, warn=warnings.append)
    assert f"2 rows without an image ({train}, {valid})" in warnings[0]
    assert "1 training images without a caption: not trained on" in warnings
    facts = json.loads((tmp_path / "out" / "manifest.json").read_text())["data"]
    assert facts["rows_without_image"]["ids"] == [train, valid]
    assert logged(tmp_path / "out", "valid.pool") == [8]  # ranked last, and scored
    assert json.loads((tmp_path / "out" / "model.json").read_text())["values"]["dimensions"] == 32


def test_an_unreadable_image_ends_training_or_is_skipped(tmp_path: Path) -> None:
    data = tiny.release(tmp_path / "data", broken=["ROCOv2_2023_train_000003", "ROCOv2_2023_valid_000002"])
    with pytest.raises(DataError, match="image 'ROCOv2_2023_train_000003' cannot be read at step"):
        tiny.run(data, tmp_path / "out", epochs=1)
    warnings: list[str] = []
    tiny.run(data, tmp_path / "skipped", epochs=1, skip_unreadable=True, warn=warnings.append)
    manifest = json.loads((tmp_path / "skipped" / "manifest.json").read_text())
    assert manifest["unreadable_images"] == ["ROCOv2_2023_train_000003"]
    assert any("'ROCOv2_2023_valid_000002' cannot be read and is ranked last" in text for text in warnings)


def test_captions_that_do_not_fit_are_counted(pairs: Path, tmp_path: Path) -> None:
    short = json.loads(json.dumps(tiny.CONFIG))
    short["text_cfg"]["context_length"] = 9  # with start and end, captions of 7 words fit: those of a CT have 8 tokens
    (tmp_path / "short.json").write_text(json.dumps(short))
    warnings: list[str] = []
    tiny.run(pairs, tmp_path / "out", epochs=1, architecture=str(tmp_path / "short.json"), warn=warnings.append)
    assert any("of 32 captions are longer than 9 tokens: truncated" in text for text in warnings)


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"architecture": "ViT-B-31"}, "unknown architecture of open_clip: ViT-B-31", "did you mean 'ViT-B-"),
        ({"architecture": "roberta-ViT-B-32"}, "reads roberta-base from a model hub", "--download"),
        ({"architecture": "coca_ViT-B-32"}, "has a decoder of captions", "two encoders"),
        ({"architecture": "absent.json"}, "absent.json cannot be read", "JSON"),
        ({"weights": "absent.safetensors"}, "missing weights: absent.safetensors", "check the path"),
        ({"batch": "1"}, "batch = 1", "at least 2"),
        ({"temperature": "0.001"}, "temperature = 0.001", "0.01"),
        ({"crop": "0"}, "crop = 0.0", "0.05"),
        ({"colour": "1"}, "unknown option 'colour'", ""),
        ({"lr": "1e9", "clip_norm": "0", "epochs": "3"}, "the loss is not finite", "learning rate"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_nothing_is_written(
    pairs: Path, tmp_path: Path, changes: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(RocoError) as caught:
        tiny.run(pairs, tmp_path / "out", **changes)
    assert message in caught.value.message and hint in caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["[]", "{}", '{"embed_dim": 8, "vision_cfg": {"layers": "x"}, "text_cfg": {}}'])
def test_a_wrong_configuration_is_refused(pairs: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(DataError) as caught:
        tiny.run(pairs, tmp_path / "out", architecture=str(tmp_path / "wrong.json"))
    assert "wrong" in caught.value.message


def test_a_vocabulary_that_is_smaller_than_that_of_the_tokenizer_is_refused(pairs: Path, tmp_path: Path) -> None:
    small = json.loads(json.dumps(tiny.CONFIG))
    small["text_cfg"]["vocab_size"] = 1000
    (tmp_path / "small.json").write_text(json.dumps(small))
    with pytest.raises(DataError, match="small has a vocabulary of fewer tokens than its tokenizer"):
        tiny.run(pairs, tmp_path / "out", architecture=str(tmp_path / "small.json"))


def test_a_dataset_without_pairs_is_refused(tmp_path: Path) -> None:
    ids = [f"ROCOv2_2023_train_{number:06}" for number in range(32)]
    data = tiny.release(tmp_path / "data", empty=ids)
    with pytest.raises(DataError, match="has fewer than two pairs of image and caption in train"):
        tiny.run(data, tmp_path / "out")
