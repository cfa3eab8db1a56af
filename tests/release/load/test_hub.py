"""Datasets of Hugging Face and data frames: their features, and the original bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import roco
from roco.release.load import hub

pytestmark = pytest.mark.neural


@pytest.fixture
def datasets() -> Any:
    return pytest.importorskip("datasets")


def test_images_keep_their_bytes_and_labels_are_of_the_feature_class_label(
    datasets: Any, good: Path, tmp_path: Path
) -> None:
    data = roco.load(good)
    for folder in (None, tmp_path / "hf"):
        found = data.to_hf(folder)
        assert tuple(found.column_names) == hub.COLUMNS
        assert isinstance(found.features["image"], datasets.Image)
        assert found.features["modality"].names == list(roco.Targets.classes["modality"])
        assert found["image_id"][:] == [row.id for row in data]
        raw = found.cast_column("image", datasets.Image(decode=False))
        for row, values in zip(data, raw, strict=True):
            assert hashlib.sha256(values["image"]["bytes"]).hexdigest() == row["sha256"]
            assert values["image"]["path"] == row.image.file
            label = None if values["modality"] is None else found.features["modality"].int2str(values["modality"])
            assert label == row.modality
            assert (values["cui"], values["cui_manual"]) == (list(row.concepts), list(row.concepts_manual))
            assert (values["caption"], values["year"]) == (row.caption, row.year)


def test_every_row_has_the_licence_and_the_attribution_of_an_export(good: Path, tmp_path: Path) -> None:
    roco.export(good, "hf", tmp_path / "hf")
    data = roco.load(good)
    for loaded in (data, roco.load(tmp_path / "hf")):
        found = loaded.to_hf()
        assert found["attribution"][:] == roco.load(tmp_path / "hf").column("attribution").to_pylist()
        assert found["commercial_ok"][:] == [row.license == "CC-BY" for row in data]
        assert found["license"][:] == [row.license for row in data]


def test_the_published_layout_has_the_attributions_of_its_table(rocov2: Path) -> None:
    lines = [line.split(",") for line in (rocov2 / "license_information.csv").read_text().splitlines()[1:]]
    stated = {id: f"{attribution}. {link}" for id, _, attribution, link in lines}
    found = roco.load(rocov2).to_hf()
    assert dict(zip(found["image_id"], found["attribution"], strict=True)) == stated


def test_images_decode_as_pillow_images(rocov2: Path) -> None:
    data = roco.load(rocov2, "train")
    found = data.to_hf()
    assert [image.size for image in found["image"]] == [(64, 64)] * 2
    assert "image" not in roco.load(rocov2, "train", images=False).to_hf().column_names


def test_images_are_written_in_batches_of_a_bounded_size(
    datasets: Any, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "BYTES_AT_ONCE", 1)
    found = roco.load(good).to_hf(tmp_path / "hf")
    assert found.data.column("image").num_chunks == len(found) == 12


def test_an_existing_folder_is_never_changed(good: Path, tmp_path: Path) -> None:
    (tmp_path / "hf").mkdir()
    with pytest.raises(roco.UsageError, match="already exists"):
        roco.load(good).to_hf(tmp_path / "hf")
    assert list((tmp_path / "hf").iterdir()) == []


def test_more_images_than_memory_allows_need_a_folder(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "IN_MEMORY", 100)
    with pytest.raises(roco.UsageError, match="in memory") as caught:
        roco.load(good).to_hf()
    assert "folder=" in caught.value.hint


def test_a_data_frame_has_the_columns_that_are_asked_for(good: Path) -> None:
    pytest.importorskip("pandas")
    data = roco.load(good, "valid")
    assert list(data.to_pandas(["id", "license"]).columns) == ["id", "license"]
    assert set(data.to_pandas().columns) == set(data.columns)
    assert data.to_pandas(["id"])["id"].tolist() == [row.id for row in data]
