"""What a source contains and roco does not read is reported, and counted apart from articles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ARTICLE = "<article><front><article-meta/></front><body><p>No figure.</p></body></article>"
NOTE = "2 XML files without an article; 2 files not read (7z archive: 1, RAR archive: 1): roco articles names them"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    files = {
        "a.xml": ARTICLE,
        "set.xml": f"<articles>{ARTICLE * 2}</articles>",
        "manifest.xml": "<manifest/>",
        "b/directives.xml": "<directives/>",
        "b/\x1bpaper.7z": "",
        "paper.rar": "",
    }
    for name, text in files.items():
        path = tmp_path / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    path = tmp_path / "recipe.toml"
    path.write_text('[run]\nfolder = "run"\n[source]\nkind = "folder"\npath = "articles"\n[[stage]]\nuse = "license"\n')
    return path


def test_run_status_and_articles_report_what_is_not_read(command: Command, recipe: Path) -> None:
    assert NOTE in command("run", recipe).out
    status = command("status", recipe).out
    assert NOTE in status and "3 articles in 1 part" in status
    lines = command("articles", recipe).out.splitlines()
    assert lines[0] == "3 articles: 0 with figures, 0 unreadable · 0 images in packages"
    assert lines[1:4] == ["2 XML files without an article, not counted above:", "  b/directives.xml", "  manifest.xml"]
    assert lines[4] == "2 files not read:" and lines[6] == "  paper.rar (RAR archive)"
    assert "\x1b" not in lines[5] and "paper.7z (7z archive)" in lines[5]


def test_the_json_of_articles_names_all_files(command: Command, recipe: Path) -> None:
    command("run", recipe)
    summary = json.loads(command("articles", recipe, "--json").out)
    assert summary["other_xml"] == ["b/directives.xml", "manifest.xml"]
    assert {file["reason"] for file in summary["not_read"]} == {"7z archive", "RAR archive"}
    assert summary["totals"]["xml_without_article"] == 2
