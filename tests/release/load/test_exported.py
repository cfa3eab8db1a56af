"""Exports are loaded as the release they were made of: the same rows, the same bytes; what they lack is an error."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import roco
from roco.release.export import hf, options
from roco.release.load.packed_files import PackedFiles
from tests.release.export.conftest import figures

FORMATS = ("hf", "webdataset")


@pytest.fixture(scope="module")
def exports(good: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export in each format, of several shards, and of several row groups in a shard."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hf, "ROWS_PER_GROUP", 2)
        patch.setattr(options, "MB", 5 * max(path.stat().st_size for path in good.glob("*.zip")) // 12)
        for format in FORMATS:
            roco.export(good, format, folder / format, roco.ExportOptions(shard_mb=1))
    assert len(list((folder / "hf" / "data").glob("train-*.parquet"))) > 1
    assert len(list((folder / "webdataset").glob("train-*.tar"))) > 1
    return folder


@pytest.fixture
def damaged(exports: Path, tmp_path: Path) -> Path:
    """The same exports, for a test to damage."""
    return Path(shutil.copytree(exports, tmp_path / "damaged"))


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_has_the_rows_and_the_bytes_of_its_release(exports: Path, good: Path, format: str) -> None:
    data = roco.load(exports / format)
    if format == "hf":
        assert list(data) == list(roco.load(good))
    else:  # its licence_url is the one of the licence where the article states none
        for row, expected in zip(data, roco.load(good), strict=True):
            for name in ("id", "split", "caption", "concepts", "concepts_manual", "modality", "license", "doi", "year"):
                assert getattr(row, name) == getattr(expected, name)
    for row, figure in zip(data, figures(good), strict=True):
        assert hashlib.sha256(row.image.bytes()).hexdigest() == figure["sha256"] == row["sha256"]
        assert row.image.file.partition(".")[0] == row.id
    # Also from the last image to the first: each is read at its own place.
    assert [row.image.bytes() for row in data[::-1]] == [row.image.bytes() for row in roco.load(good)[::-1]]


@pytest.mark.parametrize("format", FORMATS)
def test_splits_columns_filters_and_targets_are_those_of_the_release(exports: Path, good: Path, format: str) -> None:
    data, expected = roco.load(exports / format, "train"), roco.load(good, "train")
    assert len(data) == len(expected) == 10
    assert len(data.filter(modality="DRXR")) == len(expected.filter(modality="DRXR")) > 0
    assert len(data.filter(year=2018)) == len(expected.filter(year=2018)) > 0
    targets, others = data.targets(), expected.targets()
    assert targets.vocabulary == others.vocabulary
    assert (targets.modality == others.modality).all() and (targets.concepts == others.concepts).all()
    assert data[0]["attribution"].endswith("The image is unchanged.")
    assert roco.load(exports / format, images=False)[0].caption == expected[0].caption


@pytest.mark.parametrize("format", FORMATS)
def test_tables_are_those_of_the_release(exports: Path, good: Path, format: str) -> None:
    pytest.importorskip("duckdb")
    pytest.importorskip("pandas")
    data = roco.load(exports / format)
    counted = data.to_duckdb().sql("select split, count(*) from figures group by 1 order by 1").fetchall()
    assert counted == [("train", 10), ("valid", 2)]
    assert data.to_pandas(["id"])["id"].tolist() == [row["id"] for row in figures(good)]


def test_a_column_that_an_export_lacks_is_an_error_with_those_it_has(exports: Path) -> None:
    assert set(roco.load(exports / "hf").columns) > {"journal", "attribution"}
    data = roco.load(exports / "webdataset")
    with pytest.raises(roco.UsageError, match="no column 'journal'") as caught:
        data[0]["journal"]
    assert "attribution" in caught.value.hint
    with pytest.raises(roco.UsageError, match="unknown column 'captoin'"):
        data.column("captoin")


@pytest.mark.parametrize("format", FORMATS)
def test_workers_of_pytorch_get_the_bytes_of_the_release(exports: Path, good: Path, format: str) -> None:
    data, rows = roco.load(exports / format), figures(good)
    files = pickle.loads(pickle.dumps(PackedFiles.of(data.figures, [row["id"] for row in rows])))
    for position, row in enumerate(rows):
        assert hashlib.sha256(files.reader.read(files[position])).hexdigest() == row["sha256"]


# --- what cannot be loaded -----------------------------------------------------------------------------------------


def test_an_export_without_shards_of_images_is_refused(good: Path, tmp_path: Path) -> None:
    roco.export(good, "coco", tmp_path / "coco")
    with pytest.raises(roco.DataError, match="format 'coco' cannot be loaded") as caught:
        roco.load(tmp_path / "coco")
    assert "hf or webdataset" in caught.value.hint


def test_an_incomplete_export_is_refused(damaged: Path) -> None:
    path = damaged / "hf" / "export.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"complete": False}))
    with pytest.raises(roco.DataError, match="the export is incomplete"):
        roco.load(damaged / "hf")
    path.write_text("[]")
    with pytest.raises(roco.DataError, match=r"export\.json is invalid"):
        roco.load(damaged / "hf")


@pytest.mark.parametrize("format", FORMATS)
def test_a_missing_or_truncated_shard_is_an_error_with_its_name(damaged: Path, format: str) -> None:
    shard = min((damaged / format).rglob("train-*"))
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(roco.DataError, match=f"{shard.name} has .* bytes, not"):
        roco.load(damaged / format)[0].image.bytes()
    shard.unlink()
    with pytest.raises(roco.DataError, match=f"missing file .*{shard.name}"):
        roco.load(damaged / format)[0].image.bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_of_the_same_size_with_other_content_is_an_error(damaged: Path, format: str) -> None:
    shard = min((damaged / format).rglob("train-*"))
    shard.write_bytes(bytes(shard.stat().st_size))
    with pytest.raises(roco.DataError, match=f"{shard.name}: unreadable"):
        roco.load(damaged / format)[0].image.bytes()


def test_shards_of_another_release_are_an_error(damaged: Path) -> None:
    path = damaged / "hf" / "metadata" / "figures.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(roco.DataError, match="the shards have other images"):
        roco.load(damaged / "hf").column("attribution")
