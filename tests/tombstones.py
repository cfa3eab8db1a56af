"""The retired ids of a release, as records."""

from __future__ import annotations

from pathlib import Path

from roco.release.previous import Tombstone, read_release


def tombstones(folder: Path) -> dict[str, Tombstone]:
    return {row["id"]: Tombstone(**row) for row in read_release(folder).tombstones.to_pylist()}
