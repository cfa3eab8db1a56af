"""The release of the demo, open for reading."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.release.read import Release


@pytest.fixture(scope="session")
def release(finished_demo: Path) -> Iterator[Release]:
    with Release.open(finished_demo / "run" / "release") as opened:
        yield opened
