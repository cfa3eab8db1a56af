"""`roco export-backbone`: what it prints, and that `roco fit` and the stage `score` read what it wrote."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from roco.base.errors import RecipeError
from tests.cli.command import DONE, USAGE, Command

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save_file(timm.create_model("test_efficientnet", num_classes=0).state_dict(), file)
    return file


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small images, stripes and noise, with labels.csv."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(8):
        stripes = np.zeros((40, 48), np.uint8)
        stripes[:: 3 + number] = 200
        for label, pixels in (("stripes", stripes), ("noise", rng.integers(0, 255, (40, 48), np.uint8))):
            Image.fromarray(pixels).save(folder / f"{label}-{number}.png")
            rows.append((f"{label}-{number}.png", label))
    with (folder / "labels.csv").open("w", newline="") as fh:
        csv.writer(fh).writerows([("path", "label"), *rows])
    return folder


def test_heads_are_fitted_on_an_exported_backbone_and_scored_with_it(
    command: Command, weights: Path, drawn: Path, tmp_path: Path
) -> None:
    from roco.stages.score import Score

    out, head = tmp_path / "net.onnx", tmp_path / "kind.npz"
    done = command("export-backbone", "test_efficientnet", out, "--weights", weights, "--license", "CC0-1.0")
    assert (done.code, done.out) == (DONE, f"{out}: test_efficientnet, 256 numbers for images of 160 px\n")
    options = ("--labels", drawn / "labels.csv", "--images", drawn, "--out", head)
    fitted = command("fit", "kind", *options, "--backbone", out)
    assert fitted.code == DONE and re.search("accuracy 1[4-6] of 16", fitted.out)
    card = json.loads(head.with_suffix(".json").read_text())
    sha256 = json.loads(out.with_suffix(".json").read_text())["sha256"]
    assert card["backbone"] == {"name": "test_efficientnet", "sha256": sha256}
    needs = dict(need for need in Score(head=head, backbone=out).contract.needs if not isinstance(need, str))
    assert needs["embed"] == {"backbone": out}
    with pytest.raises(RecipeError, match="trained on embeddings of test_efficientnet, not of EfficientNet-Lite0"):
        _ = Score(head=head).contract


@pytest.mark.slow
def test_a_recipe_reads_an_exported_backbone(
    command: Command, weights: Path, finished_demo: Path, unrun_demo: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(unrun_demo, tmp_path / "demo")
    out, head = folder / "net.onnx", folder / "own.npz"
    words = ("--weights", weights, "--license", "CC0-1.0")
    assert command("export-backbone", "test_efficientnet", out, *words).code == DONE
    release = finished_demo / "run" / "release"
    assert command("fit", "modality", "--release", release, "--backbone", out, "--out", head).code == DONE
    recipe = folder / "demo.toml"
    text, image = recipe.read_text(), 'use = "image"\n'
    assert text.count(image) == 1
    score = '\n[[stage]]\nuse = "score"\nhead = "own.npz"\nbackbone = "net.onnx"\n'
    recipe.write_text(text.replace(image, image + score))
    assert command("run", recipe, "--workers", "0").code == DONE
    (part, *_) = (folder / "run" / "measures").glob("embed-*/*.parquet")
    embedding = next(value for value in pq.read_table(part)["embedding"].to_pylist() if value is not None)
    assert len(np.frombuffer(embedding, "<f2")) == 256


def test_json_names_the_file_and_its_numbers(command: Command, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    words = ("--weights", weights, "--license", "CC0-1.0", "--json")
    report = json.loads(command("export-backbone", "test_efficientnet", out, *words).out)
    assert report.pop("sha256") == json.loads(out.with_suffix(".json").read_text())["sha256"]
    assert report == {"file": str(out), "name": "test_efficientnet", "size": 160, "width": 256}


def test_a_name_that_is_none_is_answered_with_the_nearest(command: Command, tmp_path: Path) -> None:
    done = command("export-backbone", "test_efficientnett", tmp_path / "x.onnx")
    assert (done.code, done.out) == (USAGE, "")
    assert "no model folder and no network of timm or open_clip: test_efficientnett" in done.err
    assert "did you mean 'test_efficientnet" in done.err
