"""The command `roco` itself: unknown commands and options."""

from __future__ import annotations

import pytest

from tests.cli.command import USAGE, Command


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("rnu",), "unknown command 'rnu'", "did you mean 'run'?"),
        (("fetch", "plna"), "unknown command 'plna'", "did you mean 'plan'?"),
        (("evaluate", "caption"), "unknown command 'caption'", "did you mean 'captions'?"),
        (("run", "x.toml", "--wrokers", "2"), "unknown option '--wrokers' (roco run)", "did you mean '--workers'?"),
        (("status", "--jsno"), "unknown option '--jsno' (roco status)", "did you mean '--json'?"),
        (("run",), "missing argument RECIPE (roco run)", "example: roco run demo/demo.toml"),
        (("run", "x.toml", "--debgu"), "unknown option '--debgu' (roco run)", "did you mean '--debug'?"),
        (("run", "x.toml", "y.toml"), "unexpected argument 'y.toml' (roco run)", "example: roco run demo/demo.toml"),
        (("run", "x.toml", "--until"), "option --until needs a value", "see roco --help"),
        (("status", "x.toml", "--json=1"), "option --json takes no value", "see roco --help"),
        (("show", "x.toml"), "missing argument FIGURE (roco show)", "example: roco show demo/demo.toml PMC99000001"),
    ],
)
def test_a_wrong_call_is_answered_with_the_nearest_name_or_an_example(
    command: Command, words: tuple[str, ...], error: str, hint: str
) -> None:
    result = command(*words)
    assert (result.code, result.out) == (USAGE, "")
    assert result.err == f"error: {error}\n  {hint}\n"


@pytest.mark.parametrize(
    ("words", "value", "option", "expected"),
    [
        (("run", "x.toml", "--workers", "-1"), "-1", "--workers", "write a whole number of at least 0"),
        (("run", "x.toml", "--workers", "two"), "two", "--workers", "write a whole number of at least 0"),
        (("run", "x.toml", "--workers", "1.5"), "1.5", "--workers", "write a whole number of at least 0"),
        (("run", "x.toml", "--workers", ""), "", "--workers", "write a whole number of at least 0"),
        (("duplicates", "x.toml", "--most", "0"), "0", "--most", "write a whole number of at least 1"),
        (("fetch", "plan", "x", "--from", "last"), "last", "--from", "write a whole number"),
        (("fit", "modality", "--by", "patient"), "patient", "--by", "write group or source"),
        (("evaluate", "retrieval", "x", "--pool", "all"), "all", "--pool", "write a whole number"),
    ],
)
def test_an_invalid_value_is_named_with_what_it_must_be(
    command: Command, words: tuple[str, ...], value: str, option: str, expected: str
) -> None:
    result = command(*words)
    assert (result.code, result.out) == (USAGE, "")
    where = " ".join(words[:2]) if words[0] in ("fetch", "evaluate") else words[0]
    assert result.err == f"error: invalid value '{value}' for option {option} (roco {where})\n  {expected}\n"


def test_roco_alone_prints_the_help(command: Command) -> None:
    result = command()
    assert result.code == USAGE
    assert result.err.startswith("Usage: roco")
