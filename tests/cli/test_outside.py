"""The commands on a recipe write nothing outside the run folder: home, working folder, recipe, source, modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import DONE
from tests.faults.drive import ROOT
from tests.snapshot import snapshot

STAGE = """
from dataclasses import dataclass
from roco import Decision

@dataclass(frozen=True, kw_only=True)
class Mine(Decision):
    needs = ("extract",)
    reads = ("caption",)

    def __call__(self, batch):
        import imported_late
        return imported_late.unchanged(batch)
"""
COMMANDS = [
    ("run", "{recipe}", "--workers", "2"),
    ("run", "{recipe}"),
    ("run", "{recipe}", "--dry"),
    ("status", "{recipe}"),
    ("show", "{recipe}", "PMC99000001"),
    ("articles", "{recipe}"),
    ("duplicates", "{recipe}"),
    ("verify", "{run}/release"),
]


@pytest.mark.slow
def test_nothing_is_written_outside_the_run_folder(demo: Path, tmp_path: Path) -> None:
    recipe = demo / "demo.toml"
    (demo / "mine.py").write_text(STAGE)
    (demo / "imported_late.py").write_text("def unchanged(batch):\n    return batch\n")
    recipe.write_text(recipe.read_text().replace("[[stage]]", '[[stage]]\nuse = "mine:Mine"\n\n[[stage]]', 1))
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    (demo / "run").mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PYTHON", "MPL"))}
    env |= {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    env.pop("TMPDIR", None)

    before = snapshot(tmp_path, without=[demo / "run"])
    for words in COMMANDS:
        command = [word.format(recipe=recipe, run=demo / "run") for word in words]
        done = subprocess.run([sys.executable, "-m", "roco", *command], cwd=tmp_path / "work", env=env)
        assert done.returncode == DONE
        assert snapshot(tmp_path, without=[demo / "run"]) == before, words
