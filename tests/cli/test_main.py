"""The command `roco` itself: help texts, and unknown commands and options."""

from __future__ import annotations

from typing import Any

import pytest
import typer

import roco.cli.main
from tests.cli.command import DONE, USAGE, Command

ROCO: Any = typer.main.get_command(roco.cli.main.app)
COMMANDS = [name for name, command in ROCO.commands.items() if not hasattr(command, "commands")]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_starts_with_what_it_does_and_an_example(command: Command, name: str) -> None:
    result = command(name, "--help")
    assert result.code == DONE
    assert result.out.startswith(f"Usage: roco {name}")
    what_it_does, example = ROCO.commands[name].help.split("\n\n")[:2]
    assert what_it_does.split()[0].endswith("s") and what_it_does.endswith(".")
    assert example.startswith(f"Example: roco {name}")


def test_the_list_of_commands_shows_whole_sentences(command: Command) -> None:
    listed = command("--help").out.partition("Commands:")[2]
    for name in COMMANDS:
        (line,) = [line for line in listed.splitlines() if line.split()[:1] == [name]]
        assert "..." not in line, line


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("rnu",), "unknown command 'rnu'", "did you mean 'run'?"),
        (("fetch", "plna"), "unknown command 'plna'", "did you mean 'plan'?"),
        (("evaluate", "caption"), "unknown command 'caption'", "did you mean 'captions'?"),
        (("run", "x.toml", "--wrokers", "2"), "unknown option '--wrokers' (roco run)", "did you mean '--workers'?"),
        (("status", "--jsno"), "unknown option '--jsno' (roco status)", "did you mean '--json'?"),
        (("run",), "missing argument RECIPE (roco run)", "example: roco run demo/demo.toml"),
        (("show", "x.toml"), "missing argument FIGURE (roco show)", "example: roco show demo/demo.toml PMC99000001"),
    ],
)
def test_a_wrong_call_is_answered_with_the_nearest_name_or_an_example(
    command: Command, words: tuple[str, ...], error: str, hint: str
) -> None:
    result = command(*words)
    assert (result.code, result.out) == (USAGE, "")
    assert result.err == f"error: {error}\n  {hint}\n"


def test_a_value_out_of_range_names_the_option_and_the_command(command: Command) -> None:
    result = command("run", "x.toml", "--workers", "-1")
    assert (result.code, result.out) == (USAGE, "")
    error, hint = result.err.splitlines()
    assert error.startswith("error: invalid value for '--workers'") and error.endswith("(roco run)")
    assert hint == "  example: roco run demo/demo.toml"


def test_the_command_report_is_answered_with_the_command_that_replaced_it(command: Command) -> None:
    result = command("report", "demo/demo.toml")
    assert (result.code, result.out) == (USAGE, "")
    error, hint = result.err.splitlines()
    assert error == "error: unknown command 'report'"
    assert "did you mean 'articles'?" in hint and "roco articles RECIPE" in hint
    # In a group, where nothing replaced it, `report` is an unknown command like any other.
    assert "articles RECIPE" not in command("fetch", "report").err


def test_roco_alone_prints_the_help(command: Command) -> None:
    result = command()
    assert result.code == USAGE
    assert result.err.startswith("Usage: roco")
