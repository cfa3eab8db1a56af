"""The folder of an index: its manifest, and the checks when it is opened.

`manifest.json` states format, store, encoder, release, counts, and the SHA-256 of each other file; the files are those
of the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest, write_json
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.base.version import __version__

MANIFEST = "manifest.json"
KIND = "index"
FORMAT = 2
FILES, LANCE = "files", "lance"
"""The names of the default store, and of that for large collections."""
MOST_BYTES = 64 << 30
AGAIN = "make it again: roco index RELEASE OUT"

_FILE = re.compile(r"[a-z_]+\.(parquet|csv|npz|npy|json)")


def write_manifest(folder: Path, values: dict[str, Any], files: Iterable[str]) -> None:
    """Writes the manifest of an index, the last of its files. files: the names of those whose digest it states."""
    digests = {name: file_digest(folder / name) for name in files}
    write_json(folder / MANIFEST, {"kind": KIND, "format": FORMAT, "roco": __version__, "files": digests} | values)


def is_index(path: Path) -> bool:
    """Returns whether a folder has the manifest of an index, whatever its format; nothing else is checked."""
    try:
        entry = parse_json(read_text(path / MANIFEST))
    except UNREADABLE:
        return False
    return isinstance(entry, dict) and entry.get("kind") == KIND


def check_no_index(release: Path) -> None:
    """Raises UsageError for an index in the place of a release."""
    if is_index(release):
        raise UsageError(f"{release} is an index, not a release", "give the release that it was made of")


def read_manifest(path: Path) -> dict[str, Any]:
    """Returns the manifest of an index; raises DataError for another folder or format, and for a changed file."""
    if not (path / MANIFEST).is_file():
        what = "no such folder" if not path.exists() else "not an index"
        raise DataError(f"{what}: {path}", f"give a folder that `roco index` wrote; it contains {MANIFEST}")
    try:
        entry = parse_json(read_text(path / MANIFEST))
    except (*UNREADABLE, ValueError) as err:
        raise DataError(f"{path / MANIFEST} cannot be read: {excerpt(err)}", AGAIN) from err
    if not isinstance(entry, dict) or entry.get("kind") != KIND:
        raise DataError(f"not an index: {path}", "give a folder that `roco index` wrote")
    if entry.get("format") != FORMAT:
        raise DataError(f"{path} has format {excerpt(entry.get('format'))}; this roco reads {FORMAT}", AGAIN)
    if not _is_complete(entry):
        raise DataError(f"{path / MANIFEST} is incomplete", AGAIN)
    for name, digest in entry["files"].items():
        if not _FILE.fullmatch(name):
            raise DataError(f"{path / MANIFEST} names an unknown file: {excerpt(name)}", AGAIN)
        if not (path / name).is_file():
            raise DataError(f"missing file: {path / name}", AGAIN)
        if file_digest(path / name) != digest:
            raise DataError(f"{path / name} has changed since the index was written", AGAIN)
    return entry


def _is_complete(entry: dict[str, Any]) -> bool:
    """Returns whether a manifest has the entries that are read without a further check."""
    if not all(isinstance(entry.get(name), dict) for name in ("files", "encoder", "release", "counts")):
        return False
    centred = entry["encoder"].get("centred", [])
    return (
        isinstance(centred, list)
        and all(isinstance(of, str) for of in centred)
        and isinstance(entry.get("text_encoder"), dict | None)
    )
