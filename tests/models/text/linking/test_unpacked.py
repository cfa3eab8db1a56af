"""A zip of a user is extracted within limits; one that leads outside, grows without bound or is corrupt is rejected."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError, RejectedInput
from roco.models.text.linking import unpacked as module
from roco.models.text.linking.unpacked import unpacked
from tests.attacks.packing import entry, patched

FILES = {"cdb/raw.dat": b"concepts " * 1000, "vocab.dat": b"words", "empty/": b""}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which must be empty after each zip."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def extracted(path: Path, data: bytes) -> dict[str, bytes]:
    path.write_bytes(data)
    with unpacked(path) as folder:
        return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_zip_is_extracted_and_removed_again(tmp_path: Path, temporary: Path, method: int) -> None:
    assert extracted(tmp_path / "a.zip", zipped(FILES, method)) == {
        name: data for name, data in FILES.items() if not name.endswith("/")
    }
    assert list(temporary.iterdir()) == []


def link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def twice() -> bytes:
    return zipped({"aa": b"1", "ab": b"2"}).replace(b"ab", b"aa")


def overlapping() -> bytes:
    whole = zipped({"a": bytes(1000), "b": b"2"}, zipfile.ZIP_STORED)
    for at in (20, 24):
        whole = patched(whole, entry(whole, 1) + at, (1000).to_bytes(4, "little"))
    return whole


def huge() -> bytes:
    whole = zipped({"a": b"1", "b": b"2"})
    return patched(whole, entry(whole, 0) + 24, b"\xfe\xff\xff\xff")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: zipped({"../outside": b"x"}), "'../outside' leads outside the folder"),
        (lambda: zipped({"a/../../outside": b"x"}), "leads outside the folder"),
        (lambda: zipped({"/tmp/outside": b"x"}), "'/tmp/outside' leads outside the folder"),
        (lambda: zipped({"..\\outside": b"x"}), "leads outside the folder"),
        (lambda: zipped({"a" * 600: b"x"}), "has a name of more than 512 characters"),
        (link, "'link' is a link or a device"),
        (twice, "two files have the same name"),
        (overlapping, "its files overlap"),
        (huge, "it inflates to more than 200 times its size"),
        (lambda: zipped({"bomb": bytes(40 << 20)}), "it inflates to more than 200 times its size"),
        (lambda: zipped(FILES, zipfile.ZIP_LZMA), "compressed by another method than DEFLATE"),
        (lambda: patched(zipped(FILES), entry(zipped(FILES), 0) + 8, b"\1\0"), "is encrypted"),
        (lambda: zipped(FILES)[:-40], "corrupt or truncated"),
        (lambda: b"", "corrupt or truncated"),
        (lambda: patched(zipped(FILES), 60, b"\xff\xff"), "corrupt or truncated"),
        # The directory seems to begin later than it does: zipfile then reads members before the beginning of the file.
        (
            lambda: patched(zipped(FILES), len(zipped(FILES)) - 6, (1 << 20).to_bytes(4, "little")),
            "corrupt or truncated",
        ),
    ],
)
def test_a_hostile_or_corrupt_zip_is_rejected(
    tmp_path: Path, temporary: Path, make: Callable[[], bytes], message: str
) -> None:
    with pytest.raises(RejectedInput) as caught:
        extracted(tmp_path / "a.zip", make())
    assert message in caught.value.message
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_limits_of_number_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 2)
    with pytest.raises(RejectedInput, match="more than 2 files"):
        extracted(tmp_path / "a.zip", zipped(FILES))
    monkeypatch.undo()
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(RejectedInput, match="it inflates to 0 GB"):
        extracted(tmp_path / "a.zip", zipped(FILES))


def test_a_disk_without_space_is_named_before_anything_is_written(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(DataError, match=f"it needs 0 MB in {temporary}, where 0 MB are free"):
        extracted(tmp_path / "a.zip", zipped(FILES))


WHOLE = zipped(FILES)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4), st.integers(0, len(WHOLE)))
def test_a_damaged_zip_is_read_in_full_or_rejected(tmp_path: Path, at: int, value: bytes, length: int) -> None:
    try:
        files = extracted(tmp_path / "a.zip", patched(WHOLE, at, value)[: length or None])
    except DataError:
        return
    assert sum(map(len, files.values())) <= 200 * len(WHOLE)
