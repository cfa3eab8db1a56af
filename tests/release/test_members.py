"""Members of zips are read by their position: stored and deflated ones, from any process, within limits."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.release.folders import ImageFile, ImageReader, index_images
from roco.release.members import Container, Place

BYTES = bytes(range(256)) * 40


def zipped(root: Path, method: int = zipfile.ZIP_STORED, extra: bytes = b"") -> ImageFile:
    """Writes a dataset with one image and returns its file."""
    info = zipfile.ZipInfo("train/a_1.png")
    info.compress_type, info.extra = method, extra
    with zipfile.ZipFile(root / "train_images.zip", "w") as archive:
        archive.writestr("train/first.png", b"first")
        archive.writestr(info, BYTES)
        archive.writestr("train/last.png", b"last")
    return index_images(root).files["a_1"]


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=str
)
def test_members_of_every_method_of_compression_are_read(tmp_path: Path, method: int) -> None:
    file = zipped(tmp_path, method)
    assert (file.place is not None) == (method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    assert ImageReader(tmp_path).read(file) == BYTES


def test_a_long_extra_field_before_the_bytes_is_skipped(tmp_path: Path) -> None:
    extra = b"\x99\x99" + (500).to_bytes(2, "little") + b"x" * 500
    assert ImageReader(tmp_path).read(zipped(tmp_path, extra=extra)) == BYTES


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=str)
def test_a_flipped_bit_is_an_error_that_names_the_image(tmp_path: Path, method: int) -> None:
    file = zipped(tmp_path, method)
    assert file.place is not None
    path = tmp_path / "train_images.zip"
    data = bytearray(path.read_bytes())
    data[file.place.start + 30 + len(file.member) + 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"unreadable image: a_1\.png"):
        ImageReader(tmp_path).read(file)


def test_a_zip_that_was_replaced_by_another_is_an_error(tmp_path: Path) -> None:
    file = zipped(tmp_path)
    (tmp_path / "train_images.zip").write_bytes(b"another file" * 2000)
    with pytest.raises(DataError, match=r"a_1\.png: no local header"):
        ImageReader(tmp_path).read(file)
    (tmp_path / "train_images.zip").write_bytes(b"short")
    with pytest.raises(DataError, match=r"a_1\.png: truncated"):
        ImageReader(tmp_path).read(file)


def test_a_directory_that_states_too_many_bytes_takes_no_memory(tmp_path: Path) -> None:
    file = zipped(tmp_path)
    assert file.place is not None
    lying = file._replace(place=file.place._replace(packed=1 << 60))
    with pytest.raises(DataError, match="more bytes than the image has"):
        ImageReader(tmp_path).read(lying)


def test_a_member_that_unpacks_to_more_than_stated_is_not_unpacked_whole(tmp_path: Path) -> None:
    zipped(tmp_path, zipfile.ZIP_DEFLATED)
    file = index_images(tmp_path).files["a_1"]
    with pytest.raises(DataError, match="bad CRC-32"):
        ImageReader(tmp_path).read(file._replace(size=100))


def test_bytes_without_a_header_are_read_from_their_position(tmp_path: Path) -> None:
    (tmp_path / "shard.tar").write_bytes(b"....image....")
    container = Container(tmp_path / "shard.tar")
    assert container.read(Place(4, 5, has_header=False), "a.png", 5) == b"image"
    container.close()


def test_a_reader_sent_to_another_process_opens_its_own_files(tmp_path: Path) -> None:
    file = zipped(tmp_path)
    reader = ImageReader(tmp_path)
    reader.read(file)
    copy = pickle.loads(pickle.dumps(reader))
    reader.close()
    assert copy.read(file) == BYTES
    assert reader.read(file) == BYTES  # opened again


def test_a_reader_that_is_given_up_closes_its_files(tmp_path: Path) -> None:
    file = zipped(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        ImageReader(tmp_path).read(file)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_an_open_file_that_outlives_the_modules_of_python_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = Container(tmp_path / zipped(tmp_path).container)
    with monkeypatch.context() as ending:
        ending.setattr("roco.release.members.os", None)  # as when the interpreter ends
        container.__del__()
    container.close()
