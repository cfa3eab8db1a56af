"""The targets by name; each is made when it is needed, because some write files that all their inputs share."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from tests.fuzz.target import Target

_MODULES = ("archives", "articles", "images", "downloads", "recipes", "vocabularies", "labels", "pages", "queries",
            "releases")  # fmt: skip


def _made(module: str) -> Target:
    target: Target = importlib.import_module(f"tests.fuzz.targets.{module}").make()
    return target


TARGETS: dict[str, Callable[[], Target]] = {name: partial(_made, name) for name in _MODULES}
