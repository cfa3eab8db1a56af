"""The notebooks of examples/ run on the demo, and contain no outputs."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
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


@pytest.mark.slow
@pytest.mark.neural
def test_the_script_of_the_papers_tables_runs_and_goes_on(finished_demo: Path, tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "examples" / "gpu" / "paper_tables.py"
    words = [sys.executable, script, finished_demo / "run" / "release", tmp_path / "out", "--smoke"]
    words += ["--only", "paper-b0", "--only", "neighbours"]
    first = subprocess.run(words, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    with (tmp_path / "out" / "tables.csv").open() as file:
        rows = {(row["model"], row["score"]): row for row in csv.DictReader(file)}
    assert rows["paper-b0", "f1"]["paper"] == "0.5811" and rows["paper-b0", "f1"]["verdict"] == "missed"
    assert 0 < float(rows["neighbours", "f1"]["ours"]) <= 1 and rows["neighbours", "f1"]["problem"] == ""
    second = subprocess.run(words, capture_output=True, text=True)
    assert "$ roco" in first.stdout and "$ roco" not in second.stdout  # every step is done
