"""The prompts of the README and of the tutorial on answers are those that their commands print."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import once
from tests.test_docs import ROOT, blocks, do, run_readme

README, TUTORIAL = ROOT / "README.md", ROOT / "docs" / "tutorial-answers.md"


@pytest.fixture
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder in which the demo of the README has been run, and the working directory of the test."""
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    copy = shutil.copytree(once(tmp_path_factory, "readme", run_readme), tmp_path / "folder")
    monkeypatch.chdir(copy)
    return copy


def commands(page: Path) -> list[tuple[str, str]]:
    """Returns the commands of the console blocks of a page, each with the output below it."""
    text = "".join(block.text for block in blocks(page, "console"))
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.M)


@pytest.mark.parametrize(("page", "outputs"), [(README, 3), (TUTORIAL, 3)], ids=["README", "tutorial"])
def test_each_command_prints_what_is_below_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, page: Path, outputs: int
) -> None:
    """An output that begins with "…" is shown from its second line on, one that ends with it up to there."""
    shown = 0
    for command, output in commands(page):
        printed = do(shlex.split(command), monkeypatch)
        if output.startswith("…\n"):
            rest = output.removeprefix("…\n")
            assert rest.count("\n") > 9 and printed.endswith(rest), command
        elif output:
            assert printed.startswith(output.partition(" …\n")[0].removesuffix("…\n")), command
        shown += bool(output)
    assert shown == outputs


def test_the_python_of_the_tutorial_prints_what_is_below_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = next(words for words, _ in commands(TUTORIAL))
    do(shlex.split(command), monkeypatch)
    text = "".join(block.text for block in blocks(TUTORIAL, "pycon"))
    examples = doctest.DocTestParser().get_doctest(text, {}, TUTORIAL.name, None, 0)
    printed: list[str] = []
    results = doctest.DocTestRunner().run(examples, out=printed.append)
    assert results.attempted > 8
    assert not results.failed, "".join(printed)
