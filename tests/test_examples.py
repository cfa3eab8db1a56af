"""The notebooks of examples/ run on the demo, and contain no outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.open_clip import python_path

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {"explore", "select_ct", "multitask", "open_clip"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(notebook: Path) -> None:
    for cell in cells(notebook):
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.neural
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_the_demo(
    notebook: Path, finished_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="pip install '.[dev-neural]'")
    nbformat = pytest.importorskip("nbformat", reason="pip install '.[dev-neural]'")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    if notebook.stem == "open_clip":
        monkeypatch.setenv("PYTHONPATH", python_path())
    (tmp_path / "demo").symlink_to(finished_demo)
    read = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(read, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    ran = [cell for cell in read.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in ran)
