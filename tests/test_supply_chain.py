"""What CI installs is locked and complete, and the bill of materials contains every package and every model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.files import file_digest

packaging = pytest.importorskip("packaging.requirements")

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "ci.lock"
LOCKED_EXTRAS = ("dev", "dev-neural", "supply")
WEIGHTS = ROOT / "roco" / "models" / "weights"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    """Returns the version of each package of the lock file."""
    lines = [
        line for line in LOCK.read_text(encoding="utf-8").splitlines() if line and not line.lstrip().startswith("#")
    ]
    return {canonical(name): version for name, version in (line.split("==") for line in lines)}


def asked_for(extras: tuple[str, ...]) -> Iterator[packaging.Requirement]:
    """Yields what pyproject.toml asks for, with the extras that extras contain."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from map(packaging.Requirement, project["dependencies"])
    waiting, seen = list(extras), set()
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in map(packaging.Requirement, project["optional-dependencies"][extra]):
            if requirement.name == "roco-radiology":
                waiting += requirement.extras
            else:
                yield requirement


def test_the_lock_file_has_a_fitting_version_of_all_that_ci_installs() -> None:
    versions = locked()
    wrong = [
        str(requirement)
        for requirement in asked_for(LOCKED_EXTRAS)
        if not requirement.specifier.contains(versions.get(canonical(requirement.name), "0"), prereleases=True)
    ]
    assert wrong == [], "make lock"


def test_the_lock_file_names_no_index_and_no_folder() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text and "--" not in text and not re.search(r"==.*[/@+]", text)


def test_ci_installs_the_locked_versions_and_others_the_newest() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "export LOCK=requirements/ci.lock" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^LOCK \?=$", makefile, re.M)
    assert "INSTALL = $(PIP) $(if $(LOCK),--constraint $(LOCK))" in makefile
    # Only the two folders with versions of their own are installed without the lock.
    assert re.findall(r"^\t\$\(PIP\).*-r (\S+)", makefile, re.M) == ["tests/open_clip.txt", "tests/readers.txt"]


def _written(path: Path, seed: str) -> bytes:
    command = [sys.executable, ROOT / "requirements" / "sbom.py", path]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)})
    return path.read_bytes()


@pytest.mark.slow
def test_the_bill_of_materials_has_every_package_and_model_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx", reason="pip install '.[supply]'")
    first = _written(tmp_path / "first.json", "1")
    assert _written(tmp_path / "second.json", "2") == first
    parts = json.loads(first)["components"]
    packages = {part["name"]: part["version"] for part in parts if part["type"] == "library"}
    assert packages == locked()
    scopes = {part["name"]: part["scope"] for part in parts if part["type"] == "library"}
    names = ("pyarrow", "certifi", "torch", "pytest", "uv")
    assert [scopes[name] for name in names] == ["required", "required", "optional", "excluded", "excluded"]
    models = [part for part in parts if part["type"] != "library"]
    digests = {part["hashes"][0]["content"] for part in models}
    shipped = [path for path in WEIGHTS.rglob("*") if path.suffix in (".onnx", ".npz", ".csv")]
    assert {file_digest(path) for path in shipped} < digests
    assert len(models) == len(shipped) + 3, "the language model and two networks of other packages"
    for part in models:
        facts = {entry["name"]: entry["value"] for entry in part["properties"]}
        assert part["version"] and part["licenses"][0]["expression"] and facts["roco:source"] and facts["roco:file"]
    assert str(ROOT) not in first.decode()
