"""The release that an index was made of: what the manifest states of it, and how it is opened again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.baselines.training.data import digest_of
from roco.release.format import CHECKSUMS
from roco.release.load.dataset import Dataset, load


def stated_release(data: Dataset, out: Path, digest: str) -> dict[str, Any]:
    """Returns what the manifest states of the release: its path as seen from the index, and its digests.

    sha256: of captions, concepts, labels and image files. checksums: of the file of checksums, None if it lacks one.
    """
    checksums = data.figures.path / CHECKSUMS
    return {
        "path": os.path.relpath(data.figures.path.resolve(), out.resolve()),
        "sha256": digest,
        "checksums": file_digest(checksums) if checksums.is_file() else None,
    }


def open_release(folder: Path, stated: dict[str, Any], given: Path | None) -> Dataset:
    """Opens the release of an index: the given folder, else the one that the index states; another one is refused."""
    path = given or folder / str(stated.get("path"))
    if given is None and not path.is_dir():
        raise DataError(f"the release of {folder} is not where it was: {path}", "say where it is: --release FOLDER")
    data = load(path)
    found = stated_release(data, folder, digest_of(data))
    if any(found[name] != stated.get(name) for name in ("sha256", "checksums")):
        hint = "give the one it was made of: --release FOLDER; or index this one: roco index RELEASE OUT"
        raise DataError(f"{path} is not the release of {folder}, or has changed since", hint)
    return data
