"""A worker on another machine checks that it has the run folder, versions and stages of the driver."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, UsageError
from roco.core import nodes, worker
from roco.core.folder import RunFolder
from roco.core.pipeline import Pipeline
from tests.core import fakes

Make = Callable[..., Pipeline]


@pytest.fixture
def folder(make: Make, tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run", make(words=fakes.Words(list=tmp_path / "words.txt")))


@pytest.fixture(autouse=True)
def words(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text("a list of words")
    return tmp_path / "words.txt"


def answer(folder: RunFolder, expected: dict[str, Any]) -> dict[str, Any]:
    """The first message of a worker process."""
    hello = {**worker.hello(folder), "expected": expected}
    done = subprocess.run(
        [sys.executable, "-m", "roco.core.worker", str(os.getpid())],
        input=json.dumps(hello).encode() + b"\n",
        capture_output=True,
        env={**os.environ, "ROCO_NODE": "node7 (10.0.0.7)"},
        check=True,
    )
    message: dict[str, Any] = json.loads(done.stdout)
    return message


def test_a_worker_that_has_what_the_driver_has_is_ready(folder: RunFolder) -> None:
    with nodes.token_file(folder.root) as token:
        assert answer(folder, nodes.expected(folder, token)) == json.loads(worker.READY)
    assert list(folder.root.iterdir()) == []


def test_the_error_of_a_worker_names_its_node(folder: RunFolder, words: Path) -> None:
    with nodes.token_file(folder.root) as token:
        expected = nodes.expected(folder, token)
        words.write_text("another list")
        kind, message, hint, _ = answer(folder, expected)["error"]
    assert (kind, message) == (
        "UsageError",
        "stage 'words' differs on node node7 (10.0.0.7): its code, or a file that it reads",
    )
    assert "all nodes" in hint


def test_another_version_on_a_node_is_an_error(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with nodes.token_file(folder.root) as token:
        expected = nodes.expected(folder, token)
    nodes.check_versions(expected, "node7")
    here = nodes.versions()
    other = {**here, "packages": {**here["packages"], "numpy": "1.0"}}
    monkeypatch.setattr(nodes, "versions", lambda: other)
    with pytest.raises(UsageError, match=r"numpy differs: 1\.0 on node node7, \S+ where the run was started"):
        nodes.check_versions(expected, "node7")


@pytest.mark.parametrize("content", [None, "of another run"])
def test_a_folder_without_the_drivers_file_is_not_shared(folder: RunFolder, content: str | None) -> None:
    with nodes.token_file(folder.root) as token:
        expected = nodes.expected(folder, token)
        nodes.check_folder(expected, folder.root, "node7")
        token.unlink()
        if content is not None:
            token.write_text(content)
        with pytest.raises(DataError, match="is not shared with node node7"):
            nodes.check_folder(expected, folder.root, "node7")


def test_a_stage_with_another_option_on_a_node_is_an_error(folder: RunFolder, make: Make) -> None:
    with nodes.token_file(folder.root) as token:
        expected = nodes.expected(folder, token)
    other = make(words=dataclasses.replace(fakes.Words(), factor=2))
    with pytest.raises(UsageError, match="stage 'words' differs on node node7"):
        nodes.check_stages(expected, other, "node7")


def test_what_only_table_stages_read_is_not_compared(folder: RunFolder, make: Make) -> None:
    with nodes.token_file(folder.root) as token:
        expected = nodes.expected(folder, token)
    assert "halves" not in expected["stages"] and "look" in expected["stages"]
