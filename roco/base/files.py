"""Whole-or-nothing writes, digests, and tables that notice when a bit of them changes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import CorruptFile, DataError

_SEAL = b"roco.sha256"
_BLANK = b"0" * 64


def digest(value: Any) -> str:
    """SHA-256 of a value in canonical JSON, hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as fh:
        return hashlib.file_digest(fh, "sha256").hexdigest()


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives a sibling path to write to; it takes the place of `path` when the block ends well.

    The bytes are on the disk before the name is: after a crash there is the old file, the new one, or none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as fh:
            os.fsync(fh.fileno())
        os.replace(part, path)  # noqa: PTH105 - one name for the tests that kill here
        sync_folder(path.parent)
    except OSError as err:
        part.unlink(missing_ok=True)
        raise full_disk(err, path) from err
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def full_disk(err: OSError, path: Path) -> Exception:
    """The error for a write that failed: a full disk or a forbidden place in words, others as they are."""
    said = {
        errno.ENOSPC: "no space is left",
        errno.EDQUOT: "the quota is used up",
        errno.EFBIG: "the file is too large",
        errno.EACCES: "writing is not allowed",
        errno.EROFS: "the file system is read-only",
    }.get(err.errno or 0)
    if not said:
        return err
    return DataError(
        f"{said} where {path.parent} lies ({path.name} was not written)",
        ("allow writing there" if err.errno in (errno.EACCES, errno.EROFS) else "make room")
        + " and give the same command again: what was done stays done",
    )


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_text(path: Path, text: str) -> None:
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_table(path: Path, table: pa.Table, meta: Mapping[str, Any]) -> None:
    """Writes a table with facts about it in its footer, sealed by the SHA-256 of the whole file."""
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", write_statistics=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({b"roco": json.dumps(meta, sort_keys=True).encode(), _SEAL: _BLANK})
    data = bytearray(buffer.getvalue())
    at = _seal_at(data)
    data[at : at + 64] = hashlib.sha256(data).hexdigest().encode()
    with whole(path) as part:
        part.write_bytes(data)


def read_table(path: Path, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, Any]]:
    """Reads what `write_table` wrote; raises CorruptFile when any byte of the file is not as it was."""
    data = _checked(path)
    try:
        reader = pq.ParquetFile(pa.BufferReader(data))
        meta = json.loads(reader.metadata.metadata[b"roco"])
        table = reader.read(columns=list(columns) if columns is not None else None, use_threads=False)
        return table.replace_schema_metadata(None), meta
    except (pa.ArrowInvalid, pa.ArrowIOError, KeyError, ValueError) as err:
        raise _damaged(path) from err


def read_meta(path: Path) -> dict[str, Any]:
    """Reads the facts in the footer of a table; raises CorruptFile as `read_table` does."""
    data = _checked(path)
    try:
        meta: dict[str, Any] = json.loads(pq.read_metadata(pa.BufferReader(data)).metadata[b"roco"])
        return meta
    except (pa.ArrowInvalid, KeyError, ValueError) as err:
        raise _damaged(path) from err


def _checked(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    at = _seal_at(data)
    if at < 0:
        raise _damaged(path)
    seal = bytes(data[at : at + 64])
    data[at : at + 64] = _BLANK
    if hashlib.sha256(data).hexdigest().encode() != seal:
        raise _damaged(path)
    return bytes(data)


def _seal_at(data: bytearray) -> int:
    # In the footer the key is followed by a thrift length of two bytes, then by the 64 characters.
    key = data.rfind(_SEAL)
    at = key + len(_SEAL) + 2
    return at if key >= 0 and at + 64 <= len(data) else -1


def _damaged(path: Path) -> CorruptFile:
    return CorruptFile(f"{path} is cut or changed", "give the same command again: it is made anew", str(path))
