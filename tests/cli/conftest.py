"""Fixtures of the tests of the command line: a command in this process, and demo folders."""

from __future__ import annotations

import functools
import shutil
import signal
import sys
from pathlib import Path

import pytest
import typer

import roco.cli.main
from tests.cli.command import DONE, Command, Result, process
from tests.conftest import once
from tests.demo import remove_filters

BUILT = functools.cache(typer.main.get_command)
"""The commands of roco, built once: for each run of a command in this process, that would take 0.1 s."""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command of roco in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(*words: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["roco", *map(str, words)])
        monkeypatch.setenv("ROCO_DEBUG", "")
        monkeypatch.setattr(typer.main, "get_command", BUILT)
        with pytest.raises(SystemExit) as exit:
            roco.cli.main.main()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        return Result(int(exit.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def new_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `roco init`, written by a process of its own, with a recipe without filters; not to be changed."""

    def make(folder: Path) -> None:
        with process("init", folder) as init:
            out, err = init.communicate()
        assert (init.returncode, out.count("\n")) == (DONE, 1)
        assert err.endswith(f"next: roco run {folder / 'demo.toml'}\n")
        remove_filters(folder / "demo.toml")

    return once(tmp_path_factory, "new-demo", make)


@pytest.fixture
def demo(new_demo: Path, tmp_path: Path) -> Path:
    """A demo folder to change; nothing has been run in it."""
    shutil.copytree(new_demo, tmp_path / "demo")
    return tmp_path / "demo"


@pytest.fixture
def run(finished_demo: Path, tmp_path: Path) -> Path:
    """A finished demo run to change."""
    shutil.copytree(finished_demo, tmp_path / "demo")
    return tmp_path / "demo"
