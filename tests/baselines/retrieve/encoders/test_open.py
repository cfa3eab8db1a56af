"""What can be given as an encoder, and the errors for anything else; without torch."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError, MissingExtra, UsageError
from roco.baselines.retrieve.encoders import open as opening
from roco.baselines.retrieve.encoders.encoder import LONGEST_TEXT, name_of, readable
from roco.baselines.retrieve.encoders.open import image_encoder, stored_image_encoder, text_encoder
from roco.models.images.backbone import SHIPPED


def onnx(folder: Path, name: str) -> Path:
    """The shipped backbone as a file of another name."""
    folder.mkdir(exist_ok=True)
    for suffix in (".onnx", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), folder / f"{name}{suffix}")
    return folder / f"{name}.onnx"


def test_without_an_encoder_it_is_the_shipped_backbone_which_reads_no_texts() -> None:
    encoder = image_encoder()
    assert encoder.stated.path is None and encoder.stated.kind == "backbone"
    assert encoder.texts(["chest CT"]) is None
    assert encoder.embed([np.zeros((20, 20), np.uint8)]).shape == (1, encoder.width)


def test_the_same_file_at_another_place_is_the_same_encoder_and_a_changed_card_another_one(tmp_path: Path) -> None:
    stated = image_encoder(onnx(tmp_path / "a", "one")).stated.to_json()
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(DataError, match=r"missing encoder of .*one\.onnx"):
        stored_image_encoder(tmp_path, stated)
    moved = onnx(tmp_path / "b", "other")
    assert stored_image_encoder(tmp_path, stated, moved).stated.path == moved
    card = moved.with_suffix(".json")
    card.write_text(card.read_text().replace("127.0", "120.0", 1))
    with pytest.raises(DataError, match=r"vectors of another encoder: .*\(preparation\)"):
        stored_image_encoder(tmp_path, stated, moved)


def test_a_relative_path_is_stated_so_that_it_is_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = onnx(tmp_path, "one")
    monkeypatch.chdir(tmp_path)
    assert image_encoder("one.onnx").stated.to_json()["path"] == str(path)


@pytest.mark.neural
@pytest.mark.parametrize("name", ["model.pt", "pytorch_model.bin", "weights.pth", "model.ckpt"])
def test_a_pickle_is_refused_unread_with_the_command_that_converts_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch pickled'\ntR.")
    for arguments in ((tmp_path / name, None), ("ViT-B-32", tmp_path / name)):
        if isinstance(arguments[0], str):
            pytest.importorskip("open_clip", reason="pip install '.[dev,dev-neural]'")
        with pytest.raises(DataError, match=r"are a pickle, which roco does not read(.|\n)*weights_only=True"):
            image_encoder(*arguments)


@pytest.mark.neural
def test_a_folder_that_has_a_pickle_only_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="pip install '.[dev,dev-neural]'")
    (tmp_path / "config.json").write_text('{"hidden_size": 4}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(DataError, match=r"a pickle, which roco does not read: .*pytorch_model\.bin"):
        text_encoder(tmp_path)


def test_other_folders_and_files_are_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"contains no encoder \(--encoder\)(.|\n)*open_clip_config\.json"):
        image_encoder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"no open_clip_config\.json(.|\n)*--text-encoder"):
        image_encoder(tmp_path)
    (tmp_path / "w.safetensors").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"no architecture(.|\n)*--encoder NAME --weights"):
        image_encoder(tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="weights without a network"):
        image_encoder(None, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="which has its own"):
        image_encoder(tmp_path, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="no such file, folder or network"):
        image_encoder(tmp_path / "x.onnx")


def test_other_folders_are_no_encoder_of_texts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        text_encoder(tmp_path / "x")
    with pytest.raises(UsageError, match=r"contains no sentence encoder(.|\n)*tokenizer"):
        text_encoder(tmp_path)
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"network of open_clip(.|\n)*--encoder"):
        text_encoder(tmp_path)


def test_a_name_is_answered_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_names", lambda: ["ViT-B-32", "RN50"])
    with pytest.raises(UsageError, match="did you mean 'ViT-B-32'"):
        image_encoder("ViT-B-3")
    with pytest.raises(UsageError, match=r"ViT-B-32 has no weights(.|\n)*--weights"):
        image_encoder("ViT-B-32")


def test_a_missing_package_is_named_with_its_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "open_clip", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingExtra, match=r"torch is not installed(.|\n)*pip install .*train"):
        text_encoder(tmp_path)
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(MissingExtra, match=r"torch is not installed(.|\n)*pip install .*train"):
        image_encoder(tmp_path)


@pytest.mark.parametrize("changed", [{"sha256": 3}, {"preparation": []}, {"path": 1}, {"kind": None}])
def test_a_manifest_of_other_types_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(DataError, match="does not describe its encoder"):
        stored_image_encoder(tmp_path, image_encoder().stated.to_json() | changed)


def test_a_snapshot_of_a_hub_has_the_name_of_its_model(tmp_path: Path) -> None:
    assert name_of(tmp_path / "models--owner--Model-1" / "snapshots" / "9f341de2") == "owner/Model-1"
    assert name_of(tmp_path / "model") == "model"


def test_texts_are_bounded_and_have_no_halves_of_characters() -> None:
    assert readable(["a" * (LONGEST_TEXT + 5), "ct\ud800"]) == ["a" * LONGEST_TEXT, "ct?"]
