"""Reading a release: tables, images, card, and what opening one imports."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.release.read import Release, verify
from tests.sources.test_dataset import LAYOUTS, images, published
from tests.stages.publish.finished import publish


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("good") / "release")


@pytest.fixture
def release(good: Path, tmp_path: Path) -> Path:
    """A valid release that a test may damage."""
    return Path(shutil.copytree(good, tmp_path / "release"))


# --- tables ------------------------------------------------------------------------------------------------


def test_a_release_is_loaded_whole_or_by_split(good: Path) -> None:
    release = Release.open(str(good))
    table = release.table()
    assert len(table) == len(release) == 12
    parts = [release.table(split) for split in ("train", "valid", "test")]
    assert pa.concat_tables(parts).equals(table)


def test_only_the_named_columns_are_loaded(good: Path, tmp_path: Path) -> None:
    names = ["caption", "id"]
    release = Release.open(good)
    assert release.table("train", names).equals(release.table("train").select(names))
    rocov2 = Release.open(published(tmp_path / "rocov2"))
    assert rocov2.table(columns=names).equals(rocov2.table().select(names))


def test_an_unknown_split_or_column_is_answered_with_the_nearest(good: Path, tmp_path: Path) -> None:
    for path in (good, published(tmp_path / "rocov2")):
        with pytest.raises(UsageError, match="unknown split 'validation'") as caught:
            Release.open(path).table("validation")
        assert "'valid'" in caught.value.hint
        with pytest.raises(UsageError, match="unknown column 'captions'") as caught:
            Release.open(path).table(columns=["captions"])
        assert "'caption'" in caught.value.hint


@pytest.mark.parametrize("call", [Release.open, roco.load, verify])
def test_a_folder_that_is_not_a_release_is_an_error(call: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a release") as caught:
        call(tmp_path)
    assert "figures.parquet" in caught.value.hint
    with pytest.raises(DataError, match="no such folder"):
        call(tmp_path / "nowhere")


def test_a_run_folder_is_answered_with_the_folder_of_its_release(good: Path) -> None:
    with pytest.raises(DataError, match="a run folder") as caught:
        Release.open(good.parent)
    assert str(good) in caught.value.hint


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1 no")])
@pytest.mark.parametrize("read", [Release.table, len, lambda release: list(release.rows({}))])
def test_an_unreadable_table_is_an_error_that_names_roco_verify(
    release: Path, damage: Callable[[Path], object], read: Callable[[Release], object]
) -> None:
    damage(release / "figures.parquet")
    with pytest.raises(DataError, match=r"figures\.parquet: unreadable") as caught:
        read(Release.open(release))
    assert "roco verify" in caught.value.hint


def test_the_names_of_concepts_and_the_card_are_read(good: Path, tmp_path: Path) -> None:
    with Release.open(good) as release:
        assert release.concept_names()["C0817096"] == "Chest"
        assert release.card == (good / "README.md").read_text(encoding="utf-8")
    with Release.open(published(tmp_path / "rocov2")) as rocov2:
        assert rocov2.concept_names()["C0028259"] == "Nodule"
        assert rocov2.card == ""


# --- images ------------------------------------------------------------------------------------------------


def test_images_are_the_original_bytes_in_the_order_of_the_ids(good: Path) -> None:
    release = Release.open(good)
    table = release.table()
    read = list(release.images())
    assert [id for id, _ in read] == table["id"].to_pylist()
    assert [hashlib.sha256(data).hexdigest() for _, data in read] == table["sha256"].to_pylist()
    assert list(release.images("valid")) == [(id, release.image(id)) for id in release.table("valid")["id"].to_pylist()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_of_the_published_layout_are_read_from_zips_and_folders(tmp_path: Path, layout: str) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS[layout])
    release = Release.open(root)
    for split in ("train", "valid", "test"):
        expected = {name.removesuffix(".jpg"): data for name, data in images(root, split).items()}
        assert dict(release.images(split)) == expected


def test_images_can_be_read_again_after_close(good: Path) -> None:
    with Release.open(good) as release:
        (id, data), *_ = release.images()
    assert release.image(id) == data


def test_an_unknown_image_is_an_error(good: Path) -> None:
    with pytest.raises(DataError, match="no image 'roco_train_000999'"):
        Release.open(good).image("roco_train_000999")


def test_a_corrupt_image_is_an_error(release: Path) -> None:
    path = release / "train_images.zip"
    with zipfile.ZipFile(path) as archive:
        info = archive.infolist()[0]
    data = bytearray(path.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="unreadable image: roco_train_000001"):
        Release.open(release).image("roco_train_000001")


def test_an_image_file_that_grew_since_it_was_indexed_is_an_error(tmp_path: Path) -> None:
    root = published(tmp_path / "rocov2", LAYOUTS["flat"])
    release = Release.open(root)
    id = "ROCOv2_2023_valid_000001"
    release.image(id)
    with (root / "valid_images" / f"{id}.jpg").open("ab") as fh:
        fh.write(b"more")
    with pytest.raises(DataError, match="image changed"):
        release.image(id)


# --- imports -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["roco", "published"])
def test_reading_a_release_imports_neither_lxml_nor_the_sources_nor_the_engine(
    good: Path, tmp_path: Path, layout: str
) -> None:
    path = good if layout == "roco" else published(tmp_path / "rocov2")
    code = (
        "import sys, roco\n"
        f"with roco.Release.open({str(path)!r}) as release:\n"
        "    assert release.verify() == [] and len(list(release.images())) == len(release)\n"
        "heavy = ('lxml', 'roco.sources', 'roco.core', 'roco.stages')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_functions_of_the_public_face_agree_with_the_class(good: Path) -> None:
    release = roco.Release.open(good)
    assert roco.load(good).to_arrow().equals(release.table())
    assert roco.verify(good) == release.verify() == []
