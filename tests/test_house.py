"""The house: imports run downwards only, no stage imports another, the face is complete, there is no `utils`."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import roco

ROOT = Path(roco.__file__).parent

LEVEL = {
    "errors": 1, "schema": 1, "vocab": 1,
    "files": 2, "archive": 2, "tarball": 2, "bounded": 2, "private": 2,
    "core": 3, "sources": 3, "metrics": 3, "models": 3,
    "fetch": 4, "dataset": 4, "difference": 4, "earlier": 4, "published": 4, "sheet": 4, "training": 4,
    "curate": 5, "baselines": 5, "scoring": 5, "retrieve": 5,
    "stages": 6, "report": 6,
    "demo": 7, "recipe": 7, "catalogue": 7,
    "screen": 8, "screen_fetch": 8, "cli": 8, "cli_fetch": 8, "cli_evaluate": 8, "__main__": 8,
}  # fmt: skip
MADE = {"core", "sources", "stages", "curate"}
USED = {"baselines", "scoring", "report", "retrieve"}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> Iterator[str]:
    """Modules of roco that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "roco":
            if node.module == "roco":
                rooms = {p.stem for p in ROOT.iterdir()}
                yield from (f"roco.{a.name}" for a in node.names if a.name in rooms)
            else:
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("roco."))


FILES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py" and "recipes" not in p.parts)


def home(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downwards_only(path: Path) -> None:
    here = home(path)
    for module in imports(path):
        there = room(module)
        assert there in LEVEL, f"{module} has no place in the house"
        assert LEVEL[there] <= LEVEL[here], f"{here} imports {module}, which stands above it"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_makes_a_release_and_what_uses_it_do_not_import_each_other(path: Path) -> None:
    here, there = home(path), {room(m) for m in imports(path)}
    assert not (here in MADE and there & USED)
    assert not (here in USED and there & MADE)


def test_no_stage_imports_another_stage() -> None:
    from roco.stages import STAGES

    homes = {f"roco.stages.{cls.__module__.rpartition('.')[2]}" for cls in STAGES.values()}
    for path in (ROOT / "stages").glob("*.py"):
        if path.name != "__init__.py":
            assert not set(imports(path)) & homes, f"{path.name} imports another stage"


def test_the_engine_imports_no_source() -> None:
    for path in (ROOT / "core").glob("*.py"):
        assert "sources" not in {room(m) for m in imports(path)}


def test_the_face_is_complete() -> None:
    offered = {name for names in roco._HOME.values() for name in names}
    assert offered | {"__version__"} == set(roco.__all__)
    for name in roco.__all__:
        assert getattr(roco, name) is not None


def test_there_is_no_drawer_for_everything() -> None:
    assert not [p for p in ROOT.rglob("*") if re.fullmatch(r"utils?|helpers?|misc|common", p.stem)]


def test_every_module_says_what_it_is() -> None:
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} says nothing of itself"


def test_importing_roco_imports_nothing_heavy() -> None:
    heavy = ("pyarrow", "numpy", "lxml", "PIL", "rich.console", "matplotlib")
    code = f"import sys, roco, roco.cli; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_every_stage_is_in_the_catalogue() -> None:
    from roco.core.stage import Stage
    from roco.stages import STAGES

    found = set()
    for path in (ROOT / "stages").glob("*.py"):
        module = importlib.import_module(f"roco.stages.{path.stem}") if path.stem != "__init__" else None
        for value in vars(module).values() if module else ():
            if isinstance(value, type) and issubclass(value, Stage) and value.__module__ == module.__name__:
                found.add(value)
    assert found == set(STAGES.values())
