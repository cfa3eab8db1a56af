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

FLOOR = {
    "base": 1,
    "core": 2, "models": 2,
    "curate": 3, "release": 3,
    "sources": 4, "evaluate": 4, "baselines": 4,
    "stages": 5,
    "recipes": 6,
    "cli": 7, "__main__": 7,
}  # fmt: skip
"""Rooms by floor: a room imports rooms of lower floors only (the public face, `__init__`, is on the floor of `cli`)."""

WALLS = {
    "core": {"base"},
    "release": {"base", "models"},
    "evaluate": {"base", "models", "release"},
    "baselines": {"base", "models", "release"},
}
"""Rooms that reach fewer rooms than their floor allows."""


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


FILES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def home(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_strictly_downwards_between_rooms(path: Path) -> None:
    here = home(path)
    for module in imports(path):
        there = room(module)
        assert there in FLOOR, f"{module} is in no room"
        if there != here and here != "__main__":
            assert FLOOR[there] < FLOOR[here], f"{here} imports {module}, which is not on a lower floor"


def reached(start: str) -> set[str]:
    """The rooms that a room imports, directly or through others."""
    direct = {
        name: {room(m) for p in FILES if home(p) == name for m in imports(p)} - {name}
        for name in {home(p) for p in FILES}
    }
    rooms, todo = set[str](), [start]
    while todo:
        new = direct[todo.pop()] - rooms
        rooms |= new
        todo += sorted(new)
    return rooms


@pytest.mark.parametrize("name", [name for name in WALLS if (ROOT / name).is_dir()])
def test_walls_hold_transitively(name: str) -> None:
    assert reached(name) <= WALLS[name]


def test_no_stage_imports_another_stage() -> None:
    from roco.stages import STAGES

    homes = {cls.__module__ for cls in STAGES.values()}
    for path in (ROOT / "stages").rglob("*.py"):
        if path.name != "__init__.py":
            assert not set(imports(path)) & homes, f"{path.name} imports another stage"


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
    code = f"import sys, roco, roco.cli.main; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_every_stage_is_in_the_catalogue() -> None:
    from roco.core.stage import Stage
    from roco.stages import STAGES

    found = set()
    for path in (ROOT / "stages").rglob("*.py"):
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        module = importlib.import_module(name) if path.stem != "__init__" else None
        for value in vars(module).values() if module else ():
            if isinstance(value, type) and issubclass(value, Stage) and value.__module__ == module.__name__:
                found.add(value)
    assert found == set(STAGES.values())
