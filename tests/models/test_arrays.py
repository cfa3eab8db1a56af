"""Files of arrays: equal bytes, and one line for whatever is no such file."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError
from roco.models import arrays


def test_equal_arrays_have_equal_bytes_and_are_read_as_they_were(tmp_path: Path) -> None:
    given = {"b": np.arange(3), "a": np.array([0.5], np.float32)}
    digests = [arrays.write(tmp_path / name, given) for name in ("one.npz", "two.npz")]
    assert digests[0] == digests[1]
    found = arrays.read(tmp_path / "one.npz", 1 << 20, "a head", "make it")
    assert {name: values.tolist() for name, values in found.items()} == {"a": [0.5], "b": [0, 1, 2]}


def npz(member: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", member)
    return buffer.getvalue()


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def encrypted() -> bytes:
    data = bytearray(npz(saved(np.zeros(2))))
    data[6] |= 1  # the flag of the local header, and that of the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    "content",
    [b"", b"text", npz(b"text"), npz(saved(np.array([print], object))), npz(header("(1000000000000,)")), encrypted()],
    ids=["empty", "text", "no array", "pickle", "8 TB", "encrypted"],
)
def test_a_file_that_holds_no_plain_arrays_is_refused_with_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(DataError, match="is not a head"):
        arrays.read(tmp_path / "x.npz", 1 << 20, "a head", "make it")


def test_a_file_that_is_too_large_when_decompressed_is_refused(tmp_path: Path) -> None:
    arrays.write(tmp_path / "x.npz", {"a": np.zeros(1 << 18)})
    assert (tmp_path / "x.npz").stat().st_size < 1 << 20
    with pytest.raises(DataError, match="larger than 1 MB"):
        arrays.read(tmp_path / "x.npz", 1 << 20, "a head", "make it")
