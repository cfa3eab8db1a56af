"""Sources of figures: packages in the layout of the paper, PMC's cloud bucket, other folders, and datasets."""

from __future__ import annotations

from typing import Any

from roco.sources.bucket.source import BucketSource
from roco.sources.cloud import CloudSource
from roco.sources.dataset import ReleaseSource
from roco.sources.folder import FolderSource
from roco.sources.package import PackageSource

__all__ = ["SOURCES", "BucketSource"]

SOURCES: dict[str, Any] = {
    "package": PackageSource,
    "cloud": CloudSource,
    "folder": FolderSource,
    "release": ReleaseSource,
}
"""The sources by kind. `cloud` with the address of a bucket as its path is a `BucketSource`."""
