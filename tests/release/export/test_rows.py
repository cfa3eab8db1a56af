"""The images of a release for exports: checked against the release, divided into shards, described in full."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from roco.base.errors import DataError, UsageError
from roco.release.export.formats import FORMATS, export
from roco.release.export.rows import FIELDS, ReleaseRows, image_name
from tests.cli.command import contents
from tests.release.export.conftest import figures
from tests.sources.test_dataset import published


def test_shards_cover_every_image_of_a_split_once_and_in_order(small: Path) -> None:
    rows = ReleaseRows(small)
    expected = [(row["split"], row["id"]) for row in figures(small)]
    for most_bytes in (1, 2_000, 10**9):
        shards = rows.shards(most_bytes)
        assert [(row["split"], row["id"]) for shard in shards for row in rows.rows(shard)] == expected
        for shard in shards:
            sizes = [len(rows.image(row)) for row in rows.rows(shard)]
            assert len(sizes) == shard.n_images and (sum(sizes) <= most_bytes or len(sizes) == 1)
            assert shard.number < shard.of


def test_every_image_is_described_with_licence_and_attribution(small: Path) -> None:
    rows = ReleaseRows(small)
    for shard in rows.shards(10**9):
        for row in rows.rows(shard):
            described = rows.description(row)
            assert list(described) == list(FIELDS)
            assert described["license"] and described["attribution"].endswith("The image is unchanged.")
            assert len(described["cui"]) == len(described["cui_names"])
            assert described["commercial_ok"] == ("NC" not in described["license"])


def test_a_release_whose_figures_were_changed_is_refused(release: Path) -> None:
    with (release / "figures.parquet").open("ab") as fh:
        fh.write(b"\0")
    with pytest.raises(DataError, match=r"the release was changed: checksum of .*figures.parquet") as error:
        export(release, "hf", release.parent / "out")
    assert "roco verify" in error.value.hint
    assert not (release.parent / "out").exists()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["train_captions.csv", "DATASHEET.md", "removed.parquet"])
def test_a_release_with_any_changed_file_is_refused_even_if_no_export_reads_it(
    release: Path, format: str, name: str
) -> None:
    with (release / name).open("ab") as fh:
        fh.write(b"x")
    with pytest.raises(DataError, match=rf"the release was changed: checksum of .*{name}"):
        export(release, format, release.parent / "out")
    assert not (release.parent / "out").exists()


@pytest.mark.parametrize("name", ["attribution.csv", "train_concepts.csv", "checksums.sha256"])
def test_a_missing_file_of_a_release_is_one_error(release: Path, name: str) -> None:
    (release / name).unlink()
    with pytest.raises(DataError, match=rf"the release is incomplete: missing file .*{name}") as error:
        export(release, "hf", release.parent / "out")
    assert "roco verify" in error.value.hint and not (release.parent / "out").exists()


def test_a_file_that_the_checksums_do_not_list_is_refused(release: Path) -> None:
    path = release / "checksums.sha256"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "removed.parquet" not in line))
    with pytest.raises(DataError, match=r"checksums.sha256 does not list removed.parquet"):
        export(release, "hf", release.parent / "out")


@pytest.mark.parametrize("format", sorted(FORMATS.keys() - {"croissant"}))
def test_a_corrupt_image_is_one_error_with_what_to_do_and_leaves_no_folder(release: Path, format: str) -> None:
    path = release / "train_images.zip"
    data = bytearray(path.read_bytes())
    data[200] ^= 1  # in the first image
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"unreadable image: roco_train_000001.\w+: bad CRC-32") as error:
        export(release, format, release.parent / "out")
    assert error.value.hint == f"run roco verify {release} for details"
    assert not (release.parent / "out").exists()


def test_an_image_that_differs_from_the_figures_is_refused(release: Path) -> None:
    path = release / "train_images.zip"
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    first, *_ = members
    members[first] = members[first][:-1] + b"?"
    with zipfile.ZipFile(path, "w") as archive:
        for info, data in members.items():
            archive.writestr(info, data)
    with pytest.raises(DataError, match=f"image differs from figures.parquet: {Path(first.filename).name}"):
        export(release, "hf", release.parent / "out")
    assert not (release.parent / "out").exists()


def test_a_release_without_its_images_is_refused(release: Path) -> None:
    (release / "train_images.zip").unlink()
    with pytest.raises(DataError, match="the release is incomplete: missing image roco_train_"):
        export(release, "hf", release.parent / "out")


def test_images_that_were_unpacked_are_exported_as_well(release: Path, small: Path, tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        shutil.unpack_archive(release / f"{split}_images.zip", release)
        (release / f"{split}_images.zip").unlink()
    export(release, "hf", tmp_path / "unpacked")
    export(small, "hf", tmp_path / "zipped")
    assert contents(tmp_path / "unpacked") == contents(tmp_path / "zipped")


def test_the_published_dataset_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = published(tmp_path / "dataset")
    with pytest.raises(DataError, match="the published ROCOv2 has no checksums") as error:
        export(folder, "hf", tmp_path / "out")
    assert 'kind = "release"' in error.value.hint


def test_an_unknown_format_names_the_nearest_one(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown format 'hff'") as error:
        export(small, "hff", tmp_path / "out")
    assert error.value.hint == "did you mean 'hf'?"


def test_an_export_inside_its_release_is_refused(release: Path) -> None:
    with pytest.raises(DataError, match="inside the release"):
        export(release, "hf", release / "hf")
    assert not (release / "hf").exists()


def test_the_name_of_an_image_has_the_extension_of_its_format() -> None:
    assert image_name({"id": "roco_train_000001", "format": "JPEG"}) == "roco_train_000001.jpg"
    assert image_name({"id": "roco_train_000002", "format": "PNG"}) == "roco_train_000002.png"
