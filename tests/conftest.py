"""Where the real material lies, and what is done where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("ROCO_SHARED", Path(__file__).parents[2] / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that read real material skip with a reason where it is not; CI fails on such a skip."""
    if (SHARED / "data").is_dir():
        return
    reason = "the real material is not here: set ROCO_SHARED to a folder with data/ and tools/"
    for item in items:
        if "shared" in item.keywords or "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 composed articles in both layouts, with truth.csv; made once a session."""
    if not (SHARED / "tools").is_dir():
        pytest.skip("the real material is not here: set ROCO_SHARED to a folder with data/ and tools/")
    out = tmp_path_factory.getbasetemp().parent / "composed-120"
    if not (out / "truth.csv").exists():
        tool = SHARED / "tools" / "compose_packages.py"
        subprocess.run([sys.executable, tool, out, "--articles", "120"], check=True, capture_output=True)
    return out


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `roco init` after `roco run`; not to be changed."""
    from roco.recipes.demo import write
    from roco.recipes.load import load_recipe, shipped

    folder = tmp_path_factory.mktemp("demo") / "demo"
    write(folder, shipped()["demo"].read_text(encoding="utf-8"))
    load_recipe(folder / "demo.toml").run(workers=0)
    return folder
