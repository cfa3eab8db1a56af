"""The demo recipe without filters and guess, so that tests of the engine do not depend on what heads decide."""

from __future__ import annotations

import re
from pathlib import Path

_FILTER = re.compile(r'\[\[stage\]\]\nuse = "(?:filter|guess)".*?\n\n', re.S)


def without_filters(text: str) -> str:
    """Returns a recipe without the stages that read an embedding: `filter` and `guess`."""
    assert _FILTER.search(text)
    return _FILTER.sub("", text)


def remove_filters(recipe: Path) -> None:
    recipe.write_text(without_filters(recipe.read_text(encoding="utf-8")), encoding="utf-8")
