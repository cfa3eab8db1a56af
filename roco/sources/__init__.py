"""Where articles come from: packages of the paper's layout, folders of the cloud bucket, folders of one's own."""

from __future__ import annotations

from typing import Any

from roco.sources.cloud import CloudSource
from roco.sources.folder import FolderSource
from roco.sources.package import PackageSource

SOURCES: dict[str, Any] = {"package": PackageSource, "cloud": CloudSource, "folder": FolderSource}
