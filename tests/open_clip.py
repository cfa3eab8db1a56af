"""Where open_clip is for its tests: in a folder of its own, because other tests need other versions; see Makefile."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "open-clip"


def python_path() -> str:
    """The PYTHONPATH of a process that imports open_clip; skips the test if it is missing."""
    if not (FOLDER / "open_clip").is_dir():
        pytest.skip("open_clip is missing: make test-all installs it (pip install --target .venv/open-clip)")
    return os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH", str(Path(__file__).parents[1]))])])
