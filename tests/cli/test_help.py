"""Help texts: whole sentences at any width, an example that can be copied, and the options that all commands have."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

import roco.cli.main
from tests.cli.command import DONE, USAGE, Command

ROCO: Any = typer.main.get_command(roco.cli.main.app)
INNER = [(name, inner) for name, group in ROCO.commands.items() for inner in getattr(group, "commands", ())]
COMMANDS = [(name,) for name, command in ROCO.commands.items() if not hasattr(command, "commands")] + INNER
GROUPS: list[tuple[str, ...]] = [(), *((name,) for name, one in ROCO.commands.items() if hasattr(one, "commands"))]
WIDTHS = (40, 80, 200)


def command_of(words: tuple[str, ...]) -> Any:
    command = ROCO
    for word in words:
        command = command.commands[word]
    return command


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_starts_with_what_it_does_and_an_example(
    command: Command, words: tuple[str, ...]
) -> None:
    result = command(*words, "--help")
    assert result.code == DONE
    name = " ".join(words)
    assert result.out.startswith(f"Usage: roco {name}")
    what_it_does, example = command_of(words).help.split("\n\n")[:2]
    assert what_it_does.split()[0].endswith("s") and what_it_does.endswith(".")
    assert example.startswith(f"Example: roco {name}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", [*COMMANDS, *GROUPS], ids=" ".join)
def test_help_prints_every_sentence_whole_at_any_width(
    command: Command, words: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    printed = command(*words, "-h").out
    shown = command_of(words)
    assert flat(shown.help.split("\n\n")[0]) in flat(printed)
    for param in shown.params:
        assert flat(param.help) in flat(printed)
    for inner in getattr(shown, "commands", {}).values():
        first_paragraph = flat(inner.help.split("\n\n")[0])
        assert re.split(r"(?<=\.) ", first_paragraph)[0] in flat(printed)
    # A line may be longer than the terminal only if a single word is.
    too_long = [line for line in printed.splitlines() if len(line) > width and len(line.split()) > 2]
    assert too_long == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_example_in_a_help_text_can_be_copied(
    command: Command, words: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = iter(command(*words, "-h").out.splitlines())
    line = next(line for line in lines if line.startswith("  Example:")).removeprefix("  Example:") or next(lines)
    copied = line
    while line.endswith("\\"):
        line = next(lines)
        copied += f"\n{line}"
    (example,) = [text for text in command_of(words).help.split("\n\n") if text.startswith("Example: ")]
    copied = copied.replace("\\\n", " ")  # as a shell joins the lines
    assert shlex.split(copied) == shlex.split(example.removeprefix("Example: "))


@pytest.mark.parametrize("words", [*COMMANDS, *GROUPS], ids=" ".join)
def test_h_and_help_are_the_same_and_every_command_has_the_common_options(
    command: Command, words: tuple[str, ...]
) -> None:
    printed = command(*words, "-h")
    assert printed.code == DONE
    assert command(*words, "--help") == printed
    common = printed.out.partition("Common options:")[2]
    for option in ("-q, --quiet", "-v, --verbose", "--debug", "-h, --help"):
        assert option in common


@pytest.mark.parametrize("words", [("-q", "status"), ("status", "-q")])
def test_quiet_is_accepted_before_and_after_the_command(
    command: Command, finished_demo: Any, words: tuple[str, ...]
) -> None:
    recipe = finished_demo / "demo.toml"
    loud, quiet = command("status", recipe), command(*words, recipe)
    assert loud.err.startswith("next: ")
    assert (quiet.out, quiet.err) == (loud.out, "")
    assert command("status", recipe).err == loud.err  # quiet is forgotten with the command


def test_quiet_does_not_silence_errors(command: Command) -> None:
    result = command("-q", "status", "nothing.toml")
    assert result.code == USAGE
    assert result.err.startswith("error: recipe not found")
