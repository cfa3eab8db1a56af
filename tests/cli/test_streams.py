"""The streams of a command: readers that end, full disks, closed streams, encodings that lack characters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roco.cli.streams import encodable
from tests.cli.command import DATA, DONE, USAGE, Command


def piped(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell line in which `roco` is the command under test; stdout ends with the exit code of each part."""
    script = f'roco() {{ "{sys.executable}" -m roco "$@"; }}\n{command}\necho "${{PIPESTATUS[@]}}"'
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, env=environ, check=False)


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "stages",
        "stages --json",
        "status demo.toml",
        "status demo.toml --json",
        "show demo.toml PMC99000001",
        "show demo.toml PMC99000001 --json",
        "articles demo.toml --each",
        "verify run/release",
    ],
)
def test_a_reader_that_ends_does_not_change_the_exit_code(finished_demo: Path, words: str) -> None:
    # `true` ends without reading anything.
    result = piped(f"roco {words} 2>&1 | true", finished_demo)
    assert result.stdout.splitlines()[-1] == "0 0"
    assert result.stderr == ""


def test_a_reader_that_ends_does_not_hide_an_error(finished_demo: Path) -> None:
    assert piped("roco verify run 2>&1 | true", finished_demo).stdout.splitlines()[-1] == "1 0"
    assert piped("roco sttus demo.toml 2>&1 | true", finished_demo).stdout.splitlines()[-1] == "2 0"


def test_a_run_goes_on_after_the_reader_of_its_messages_has_ended(demo: Path) -> None:
    result = piped("roco run demo.toml --workers 0 2>&1 | true", demo)
    assert result.stdout.splitlines()[-1] == "0 0"
    assert (demo / "run" / "release" / "README.md").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", ["--version", "-h", "status demo.toml", "show demo.toml PMC99000001 --json"])
def test_a_full_disk_behind_stdout_is_an_error_in_two_lines(finished_demo: Path, words: str) -> None:
    result = piped(f"roco {words} >/dev/full", finished_demo)
    assert result.stdout == "1\n"
    assert result.stderr == "error: cannot write to stdout: No space left on device\n  free some space\n"


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_end_no_command(finished_demo: Path, redirection: str) -> None:
    result = piped(f"roco status demo.toml {redirection}", finished_demo)
    assert result.stdout.splitlines()[-1] == "0"
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("words", ["run demo.toml --workers 0", "status demo.toml", "show demo.toml PMC99000001"])
def test_every_encoding_of_the_terminal_is_served(run: Path, words: str, encoding: str) -> None:
    script = ["-m", "roco", *words.split()]
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run([sys.executable, *script], cwd=run, capture_output=True, env=environ, check=False)
    assert result.returncode == DONE, result.stderr
    result.stdout.decode(encoding)


def test_json_is_valid_in_every_encoding(finished_demo: Path) -> None:
    printed = {}
    for encoding in ("ascii", "utf-8"):
        script = f"PYTHONIOENCODING={encoding} roco show demo.toml PMC99000001 --json"
        printed[encoding] = json.loads(piped(script, finished_demo).stdout.rpartition("]")[0] + "]")
    assert printed["ascii"] == printed["utf-8"]


def test_characters_that_an_encoding_lacks_are_written_in_ascii_or_escaped() -> None:
    assert encodable("a · b → c … é \udce9", "ascii") == r"a - b -> c ... \xe9 \udce9"
    assert encodable("a · é", "latin-1") == "a · é"
    assert encodable("\udcff", "utf-8") == r"\udcff"


def test_a_name_that_is_not_unicode_is_printed_escaped(command: Command) -> None:
    result = command("status", "caf\udce9.toml")
    assert result.code == USAGE
    assert r"caf\udce9.toml" in result.err


def test_a_release_name_that_is_not_unicode_is_printed_escaped(command: Command) -> None:
    result = command("verify", "caf\udce9")
    assert result.code == DATA
    assert "Traceback" not in result.err
