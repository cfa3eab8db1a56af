"""The releases that the tests of loading read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.sources.test_dataset import published
from tests.stages.publish.finished import publish


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of twelve images, not to be changed."""
    return publish(tmp_path_factory.mktemp("loaded") / "release")


@pytest.fixture
def release(good: Path, tmp_path: Path) -> Path:
    """A release that a test may damage."""
    return Path(shutil.copytree(good, tmp_path / "release"))


@pytest.fixture
def rocov2(tmp_path: Path) -> Path:
    """A small dataset in the layout of the published ROCOv2."""
    return published(tmp_path / "rocov2")
