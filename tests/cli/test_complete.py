"""Shell completion: commands, options, and the stages and reasons of the recipe that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import DONE, Command


@pytest.fixture
def complete(command: Command, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Returns what bash is offered for the last word of a command line."""

    def offered(line: str) -> list[str]:
        monkeypatch.setenv("_ROCO_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        result = command()
        monkeypatch.delenv("_ROCO_COMPLETE")
        assert (result.code, result.err) == (DONE, "")
        return result.out.split()

    return offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("roco st", ["status", "stages"]),
        ("roco fetch u", ["update"]),
        ("roco evaluate c", ["concepts", "captions"]),
        ("roco run --re", ["--retry"]),
        ("roco run r.toml --qu", ["--quiet"]),
        ("roco select release out --modality DRC", ["DRCO", "DRCT"]),
        ("roco select release out --license CC-BY-NC-", ["CC-BY-NC-SA", "CC-BY-NC-ND"]),
        ("roco run ", []),  # the shell then completes files
        ("roco nothing ", None),
    ],
)
def test_commands_and_options_are_completed(complete, line: str, offered: list[str] | None) -> None:  # type: ignore[no-untyped-def]
    found = complete(line)
    assert offered is None or found == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("roco run demo.toml --until s", ["split"]),
        ("roco dropped demo.toml --stage re", ["retraction", "release"]),
        ("roco dropped demo.toml --stage license --reason ", ["license", "retracted"]),
        ("roco dropped demo.toml --reason dup", ["duplicate"]),
        ("roco run missing.toml --until ima", ["image"]),
        ("roco run demo.toml --retry unr", ["unreadable"]),
    ],
)
def test_stages_and_reasons_of_the_recipe_are_completed(  # type: ignore[no-untyped-def]
    complete, finished_demo: Path, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    monkeypatch.chdir(finished_demo)
    assert complete(line) == offered


def test_roco_offers_to_install_the_completion(command: Command) -> None:
    printed = command("--help").out
    assert "--install-completion" in printed and "--show-completion" in printed
