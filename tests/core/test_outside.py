"""A run writes nothing outside its folder: no lock of git, no temporary file, no bytecode, no core dump."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from roco.core import provenance
from roco.core.pipeline import Pipeline
from tests.core import fakes
from tests.core.conftest import run
from tests.faults.drive import ROOT
from tests.snapshot import snapshot

Make = Callable[..., Pipeline]


# --- git -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that roco seems to run from; git would like to write its index again."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "someone")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "someone@example.org")
    module = tmp_path / "checkout" / "roco" / "core" / "provenance.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    git(tmp_path / "checkout", "init", "--quiet")
    git(tmp_path / "checkout", "add", ".")
    git(tmp_path / "checkout", "commit", "--quiet", "-m", "first")
    os.utime(module, (1, 1))  # the index now has an old time of this file
    monkeypatch.setattr(provenance, "__file__", str(module))
    return tmp_path / "checkout"


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_read_without_writing_to_the_repository(checkout: Path) -> None:
    before = snapshot(checkout)
    commit = provenance.git_commit()
    assert snapshot(checkout) == before
    assert commit == git(checkout, "rev-parse", "HEAD")


def test_a_changed_checkout_is_marked(checkout: Path) -> None:
    (checkout / "roco" / "core" / "provenance.py").write_text("# changed")
    before = snapshot(checkout)
    assert str(provenance.git_commit()).endswith("+")
    assert snapshot(checkout) == before


def test_a_commit_hook_of_another_repository_does_not_change_the_commit(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert provenance.git_commit() == commit


# --- temporary files and core dumps ----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings(fakes.Words):
    """Records what the process would write, in the file that ROCO_TEST_SURROUNDINGS names."""

    def __call__(self, batch: pa.Table) -> pa.Table:
        found = {"temporary": tempfile.gettempdir(), "core": resource.getrlimit(resource.RLIMIT_CORE)[0]}
        Path(os.environ["ROCO_TEST_SURROUNDINGS"]).write_text(json.dumps(found))
        return super().__call__(batch)


@pytest.mark.parametrize("workers", [0, 1])
def test_temporary_files_are_written_to_the_run_folder_unless_the_user_set_another(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setenv("ROCO_TEST_SURROUNDINGS", str(tmp_path / "found"))
    monkeypatch.delenv("TMPDIR", raising=False)
    before = tempfile.tempdir
    run(make(words=Surroundings()), tmp_path / "run", workers=workers)
    assert json.loads((tmp_path / "found").read_text())["temporary"] == str(tmp_path / "run")
    assert tempfile.tempdir == before

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    run(make(words=Surroundings()), tmp_path / "other", workers=workers)
    assert json.loads((tmp_path / "found").read_text())["temporary"] == str(tmp_path)


def test_a_worker_that_crashes_writes_no_core_dump(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCO_TEST_SURROUNDINGS", str(tmp_path / "found"))
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))  # as `ulimit -c unlimited`
    try:
        run(make(words=Surroundings()), tmp_path / "run", workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert json.loads((tmp_path / "found").read_text())["core"] == 0


# --- bytecode --------------------------------------------------------------------------------------------------------

FIND = "import sys; from roco.core.spec import find; print(find(sys.argv[1]).__name__); find('helper:Late')"


def found_by(folder: Path, use: str) -> str:
    """Returns the name of a class that a new process imports from a folder."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", FIND, use]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=env).stdout.strip()


def test_no_bytecode_is_written_beside_the_modules_of_users(tmp_path: Path) -> None:
    (tmp_path / "lab" / "stages").mkdir(parents=True)
    (tmp_path / "lab" / "__init__.py").write_text("")
    (tmp_path / "lab" / "stages" / "__init__.py").write_text("from lab.stages.blur import Blur")
    (tmp_path / "lab" / "stages" / "blur.py").write_text("import helper\nclass Blur: ...")
    (tmp_path / "helper.py").write_text("class Late: ...")
    before = snapshot(tmp_path)
    assert found_by(tmp_path, "lab.stages:Blur") == "Blur"
    assert snapshot(tmp_path) == before


def test_a_changed_module_of_a_user_is_imported_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("class Late: ...")
    (tmp_path / "mine.py").write_text("class One: ...")
    assert found_by(tmp_path, "mine:One") == "One"
    (tmp_path / "mine.py").write_text("class Two: ...")
    assert found_by(tmp_path, "mine:Two") == "Two"


def test_installed_packages_are_imported_with_their_bytecode() -> None:
    code = (
        "import roco.base.user_modules as o; o.import_without_bytecode(); import json.tool as t, lxml as u, roco as r; "
    )
    code += "print(*(type(m.__spec__.loader).__name__ for m in (t, u, r)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert set(out.split()) == {"SourceFileLoader"}
