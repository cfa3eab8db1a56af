"""Pip lines: they install from a clone, and they name extras that exist."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from roco.base import install
from roco.base.install import pip_line

ROOT = Path(__file__).parents[2]
TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.rglob("roco/**/*.py"), *ROOT.rglob("tests/**/*.py")]


def extras() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["optional-dependencies"])


def named() -> Iterator[tuple[str, str]]:
    """Yields each extra that a pip line of the code or the pages names, with the file."""
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"pip install '\.\[([a-z,-]+)\]'", text)
        found += re.findall(r"pip_line\(['\"]([a-z-]+)['\"]\)", text)
        found += re.findall(r'(?:Library\(|extra=).*"([a-z-]+)"\)?', text) if path.name == "libraries.py" else []
        for names in found:
            for name in names.split(","):
                yield name, path.name


def test_every_extra_that_a_pip_line_names_exists() -> None:
    found = list(named())
    assert {"README.md", "evaluate.md", "corpus.py", "libraries.py"} <= {file for _, file in found}
    assert [(name, file) for name, file in found if name not in extras()] == []


def test_no_pip_line_installs_roco_from_pypi_where_it_is_not() -> None:
    from_pypi = re.compile(r"pip install[^\n]*roco" + "-radiology")
    assert [path.name for path in TEXTS if from_pypi.search(path.read_text(encoding="utf-8"))] == []


def test_the_pip_line_names_the_clone_that_roco_runs_from() -> None:
    assert pip_line("text") == f"pip install '.[text]' in {ROOT}"
    assert pip_line("text", "neural") == f"pip install '.[text,neural]' in {ROOT}"


def test_an_installed_roco_names_the_clone_that_pip_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    monkeypatch.setattr(install, "__file__", str(tmp_path / "site-packages" / "roco" / "base" / "install.py"))

    class Recorded:
        def read_text(self, name: str) -> str | None:
            return f'{{"url": "{clone.as_uri()}", "dir_info": {{}}}}' if name == "direct_url.json" else None

    monkeypatch.setattr(metadata, "distribution", lambda name: Recorded())
    assert pip_line("text") == "pip install '.[text]' in a clone of roco"  # the folder is no clone (any more)
    (clone / "pyproject.toml").touch()
    assert pip_line("text") == f"pip install '.[text]' in {clone}"
