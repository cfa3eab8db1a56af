"""A demo corpus for the tests of recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.recipes.demo import write
from roco.recipes.shipped import shipped
from tests.demo import without_filters


@pytest.fixture(scope="session")
def demo_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo corpus and its recipe without filters."""
    folder = tmp_path_factory.mktemp("corpus") / "demo"
    write(folder, without_filters(shipped()["demo"].read_text(encoding="utf-8")))
    return folder
