"""Releases to export: a small one, a copy to damage, and the figures that every export is compared with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.stages.publish.finished import publish


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with 12 images; not to be changed."""
    return publish(tmp_path_factory.mktemp("small") / "release")


@pytest.fixture
def release(small: Path, tmp_path: Path) -> Path:
    """A release with 12 images that a test may damage."""
    return Path(shutil.copytree(small, tmp_path / "release"))


def figures(release: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(release / "figures.parquet").to_pylist())
