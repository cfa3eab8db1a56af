"""Fixtures: a finished run of the demo corpus with a filter that reads a score, and a page in a real browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import roco
from roco.curate.finder import SearchServer
from roco.curate.serve import listen
from tests.curate.browsers import PATIENCE, READY, Running, chromium
from tests.curate.searches import DrawnFinder
from tests.curate.servers import server

STAGES = """[[stage]]
use = "tests.curate.stages:Brightness"
name = "brightness"

[[stage]]
use = "tests.curate.stages:Dark"
name = "dark"

"""


def add_stages(recipe: Path, stages: str = STAGES) -> Path:
    """Adds the stages before `identity`, the first one that compares figures."""
    text = recipe.read_text(encoding="utf-8")
    before = '[[stage]]\nuse = "identity"'
    assert before in text
    recipe.write_text(text.replace(before, stages + before), encoding="utf-8")
    return recipe


@pytest.fixture(scope="session")
def filtered(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe of a finished run with the stages `brightness` and `dark`; not to be changed."""
    folder = tmp_path_factory.mktemp("filtered") / "demo"
    shutil.copytree(finished_demo, folder)
    recipe = add_stages(folder / "demo.toml")
    roco.load_recipe(recipe).run(workers=0)
    return recipe


@pytest.fixture(scope="session")
def run(filtered: Path) -> Iterator[roco.Run]:
    """The opened run."""
    with closing(roco.load_recipe(filtered).open()) as opened:
        yield opened


@pytest.fixture
def demo_corpus(finished_demo: Path, tmp_path: Path) -> Path:
    """A demo folder to change; it has been run."""
    shutil.copytree(finished_demo, tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    """A browser."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server of 30 drawn figures."""
    found = Running(server(tmp_path))
    yield found
    found.stop()


@pytest.fixture
def page(chrome: Any) -> Iterator[Any]:
    """A page of the browser; an error in its scripts fails the test."""
    context = chrome.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(1000 * PATIENCE)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def visit(page: Any, running: Running) -> Callable[..., Any]:
    """Opens an address of the server in the page."""

    def go(path: str = "/?task=modality&annotator=a1&guess=DRCT") -> Any:
        page.goto(running.address + path)
        page.wait_for_selector(READY)
        return page

    return go


@pytest.fixture
def drawn_search() -> Iterator[Running]:
    """The search page of drawn images, with texts that try to be HTML."""
    found = Running(SearchServer(finder=DrawnFinder()))
    yield found
    found.stop()


@pytest.fixture
def open_drawn(page: Any, drawn_search: Running) -> Callable[[str], Any]:
    """Opens an address of the search page of drawn images."""

    def go(path: str) -> Any:
        page.goto(drawn_search.address + path)
        page.wait_for_selector(f"{READY}, #message:not(:empty)")
        return page

    return go


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Any]:
    """A process that starts servers, one after the other, and the address of all of them."""
    with listen("127.0.0.1", 0, "") as listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "tests.curate.killed_server", str(tmp_path / "labels.db"), str(descriptor)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, pass_fds=[descriptor], **pipes) as process:  # type: ignore[call-overload]
            yield process, f"http://127.0.0.1:{listening.getsockname()[1]}"
            process.stdin.close()
