"""The folder of an index: its manifest, and the checks when it is opened.

```
manifest.json     format, encoder, release, counts, the SHA-256 of each other file
figures.parquet   a row for each image, with what a hit shows and what filters read
cui_mapping.csv   the names of concepts
vectors.npz       embeddings in 16 bits, and which rows have one
words.npz         the words of captions, concepts, titles and mentions
```
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.files import file_digest, write_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.base.version import __version__
from roco.release.format import CUI_MAPPING, FIGURES

MANIFEST, VECTORS, WORDS = "manifest.json", "vectors.npz", "words.npz"
FILES = (FIGURES, CUI_MAPPING, VECTORS, WORDS)
FORMAT = 1
MOST_BYTES = 64 << 30
AGAIN = "make it again: roco index RELEASE OUT"


def write_manifest(folder: Path, values: dict[str, Any]) -> None:
    """Writes the manifest of an index, the last of its files."""
    files = {name: file_digest(folder / name) for name in FILES}
    write_json(folder / MANIFEST, {"kind": "index", "format": FORMAT, "roco": __version__, "files": files} | values)


def read_manifest(path: Path) -> dict[str, Any]:
    """Returns the manifest of an index; raises DataError for another folder or format, and for a changed file."""
    if not (path / MANIFEST).is_file():
        what = "no such folder" if not path.exists() else "not an index"
        raise DataError(f"{what}: {path}", f"give a folder that `roco index` wrote; it contains {MANIFEST}")
    try:
        entry = json.loads(read_text(path / MANIFEST))
    except (*UNREADABLE, ValueError, RecursionError) as err:
        raise DataError(f"{path / MANIFEST} cannot be read: {excerpt(err)}", AGAIN) from err
    if not isinstance(entry, dict) or entry.get("kind") != "index":
        raise DataError(f"not an index: {path}", "give a folder that `roco index` wrote")
    if entry.get("format") != FORMAT:
        raise DataError(f"{path} has format {excerpt(entry.get('format'))}; this roco reads {FORMAT}", AGAIN)
    files = entry.get("files")
    if not isinstance(files, dict) or not isinstance(entry.get("encoder"), dict):
        raise DataError(f"{path / MANIFEST} is incomplete", AGAIN)
    for name in FILES:
        if not (path / name).is_file():
            raise DataError(f"missing file: {path / name}", AGAIN)
        if file_digest(path / name) != files.get(name):
            raise DataError(f"{path / name} has changed since the index was written", AGAIN)
    return entry
