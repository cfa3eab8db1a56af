"""Text from outside on a terminal: no control characters, no markup, no escape codes in files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

import roco
from roco.base.text import visible
from tests.cli.command import DONE, Command, process

GONE = "gone\u009b0m"


EVIL = (
    "Chest X-ray \u009b31m with \u202e and [bold]no[/bold] markup [/x] of \x7f the \U000e0041 left lung of a patient."
)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over an article whose names and captions contain control characters and markup."""
    folder = tmp_path_factory.mktemp("evil")
    article = folder / "articles" / "a\x1b[31mred\x07"
    article.mkdir(parents=True)
    figure = (
        '<fig id="f{0}"><label>\u009b2J{0}</label><caption><p>{1}</p></caption><graphic xlink:href="{2}.png"/></fig>'
    )
    url = "https://creativecommons.org/licenses/by/4.0/"
    (article / "e\x1b]0;title\x07.xml").write_text(
        '<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta><permissions>'
        f'<license xlink:href="{url}"><license-p/></license></permissions></article-meta></front><body>'
        f"{figure.format(1, EVIL, 'x')}{figure.format(2, EVIL, GONE)}</body></article>",
        encoding="utf-8",
    )
    Image.new("L", (64, 64), 90).save(article / "x.png")
    (folder / "r.toml").write_text(
        '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "folder"\npath = "articles"\n'
    )
    roco.load_recipe(folder / "r.toml").run(workers=0)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("run", "r.toml", "--workers", "0"),
        ("run", "r.toml", "--dry"),
        ("status", "r.toml"),
        ("status", "r.toml", "--json"),
        ("show", "r.toml", "x.png"),
        ("show", "r.toml", "x.png", "--json"),
        ("show", "r.toml", "a\x1b[31mred\x07/e\x1b]0;title\x07.xml"),
        ("show", "r.toml", "nothing"),
        ("verify", "run/release"),
    ],
)
def test_control_characters_of_names_and_captions_are_escaped(
    command: Command, evil: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(evil)
    result = command(*words)
    text = result.out + result.err
    assert text
    assert [c for c in text if not c.isprintable() and c != "\n"] == []


def test_markup_in_a_caption_is_printed_literally(
    command: Command, evil: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(evil)
    assert "[bold]no[/bold] markup [/x]" in command("show", "r.toml", "x.png").out
    traces = json.loads(command("show", "r.toml", "x.png", "--json").out)
    assert traces[0]["steps"][0]["values"]["caption_raw"].startswith(visible(EVIL))


def test_without_a_terminal_no_escape_codes_are_printed(demo: Path) -> None:
    with process("run", demo / "demo.toml", env={**os.environ, "TERM": "xterm-256color"}) as run:
        out, err = run.communicate()
    assert run.returncode == DONE
    assert "release: " in out
    assert [c for c in out + err if not c.isprintable() and c != "\n"] == []


def test_a_closed_stdout_prints_no_traceback(finished_demo: Path) -> None:
    with process("show", finished_demo / "demo.toml", "PMC99000001", "--json") as show:
        assert show.stdout is not None
        show.stdout.close()
        assert show.stderr is not None
        assert "Traceback" not in show.stderr.read()
