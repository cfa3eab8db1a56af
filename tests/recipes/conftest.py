"""A demo corpus for the tests of recipes."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_corpus(unrun_demo: Path) -> Path:
    """A folder with the demo corpus and its recipe without filters; not to be changed."""
    return unrun_demo
