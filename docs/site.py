"""Hooks of the documentation site: pages outside docs/ that its pages link to become part of it, with their links."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(\]\()(?!https?:|mailto:|#|<)([^)\s#]+)(#[^)\s]*)?(\))")
INDEX = "index.md"
"""The first page is the README."""


def on_files(files: Files, config: Any) -> Files:
    """Adds the README, and every file outside docs/ that a page links to, as it is now."""
    texts = {"docs/" + file.src_uri: file.content_string for file in files.documentation_pages()}
    todo = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    for name, text in texts.items():
        todo += [target for target in _targets(name, text) if not target.startswith("docs/")]
    done: set[str] = set()
    while todo:
        name = todo.pop()
        path = ROOT / name
        if name in done or not path.is_file():
            continue  # a broken link is reported by the build
        done.add(name)
        files.append(File.generated(config, _page(name), abs_src_path=str(path)))
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            todo += [target for target in _targets(name, text) if not target.startswith("docs/")]
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Makes the links of a page those of the site."""
    here = page.file.src_uri
    source = _source(here)

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        link = posixpath.relpath(_page(target), posixpath.dirname(here) or ".")
        return f"{match[1]}{link}{match[3] or ''}{match[4]}"

    return LINK.sub(moved, markdown)


def _targets(name: str, text: str) -> Iterator[str]:
    """Yields the files that a page links to, from the root of the repository."""
    for match in LINK.finditer(text):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), match[2]))


def _page(name: str) -> str:
    """Returns where a file of the repository is on the site."""
    if name == "README.md":
        return INDEX
    return name.removeprefix("docs/") if name.startswith("docs/") else f"files/{name}"


def _source(page: str) -> str:
    """Returns the file of the repository that a page of the site is."""
    if page == INDEX:
        return "README.md"
    return page.removeprefix("files/") if page.startswith("files/") else f"docs/{page}"
