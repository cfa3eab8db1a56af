"""A dataset of 64 drawn pairs, and the captioner that learnt them; both are made once and not to be changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.baselines.captioner import pairs
from tests.conftest import once


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """More threads than free cores are slower; torch is not imported for tests that need none."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "drawn-pairs", lambda folder: pairs.release(folder, n_valid=64))


@pytest.fixture(scope="session")
def captioner(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "captioner-64", lambda folder: pairs.run(drawn, folder))
