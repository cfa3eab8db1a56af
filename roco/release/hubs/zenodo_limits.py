"""Checks what would be deposited at Zenodo before the first byte is sent: files, limits and metadata."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import DataError
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import excerpt
from roco.release.hubs.package import RELEASE, Package, open_package
from roco.release.hubs.zenodo_metadata import zenodo_metadata

MAX_BYTES = 50_000_000_000
MAX_FILES = 100


def check_for_zenodo(folder: Path, progress: Progress | None = None) -> Package:
    """Verifies what would be sent, and compares it with the limits of Zenodo; nothing is sent.

    Raises DataError for a file that differs from its checksum, more than 50 GB or 100 files, files in folders, or
    metadata without creators.
    """
    package = open_package(folder, progress or NullProgress())
    if package.format == "croissant":
        hint = "publish the folder of the release, which gets a croissant.json with the DOI"
        raise DataError(f"{folder} describes a release and contains no images", hint)
    nested = next((file.name for file in package.files if "/" in file.name), None)
    if nested is not None:
        hint = "publish the folder of the release, or an export without folders, such as webdataset"
        raise DataError(f"Zenodo has no folders, and the export contains {excerpt(nested)}", hint)
    n_files = len(package.files) + (package.format == RELEASE)  # croissant.json is added
    if n_files > MAX_FILES:
        hint = "export the release in larger shards: roco export --shard-mb"
        raise DataError(f"{n_files:,} files: Zenodo accepts {MAX_FILES} in a record", hint)
    if package.size > MAX_BYTES:
        hint = "divide the release with roco select, or ask Zenodo for a higher quota"
        raise DataError(f"{package.size / 1e9:,.1f} GB: Zenodo accepts {MAX_BYTES // 10**9} GB in a record", hint)
    zenodo_metadata(package, package.metadata.date or "2000-01-01")
    return package
