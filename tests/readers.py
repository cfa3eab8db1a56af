"""Programs that read exports, for their tests: in a folder of their own, without what they pin; see Makefile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "readers"


def read_with(package: str, code: str, *arguments: Path) -> str:
    """Runs Python code that imports a reader in a process of its own, offline; returns what it prints.

    Skips the test if the package is missing.
    """
    if not (FOLDER / package).is_dir():
        pytest.skip(f"{package} is missing: make test-all installs it (pip install --target .venv/readers)")
    first = [os.environ.get("PYTHONPATH", str(Path(__file__).parents[1])), str(FOLDER)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(first), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
