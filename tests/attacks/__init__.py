"""Hostile articles, each with its expected outcome.

Code creates them when a test needs them; the repository contains no hostile files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

RELEASED = "released"
"""The outcome of a harmless attack: its article is read as usual and its figure is released."""


class Trap(NamedTuple):
    """A text file, an image and a URL outside the source, none of which may be accessed."""

    text: Path
    image: Path
    url: str


class Attack(NamedTuple):
    """outcome: RELEASED, or the reason of the dropped article or figure; detail: how its detail begins."""

    name: str
    make: Callable[[Trap], bytes]
    outcome: str = RELEASED
    detail: str = ""


def refused(name: str, make: Callable[[Trap], bytes], detail: str) -> Attack:
    """Returns an attack that is dropped as an unreadable article."""
    return Attack(name, make, "article", detail)


def made(data: bytes) -> Callable[[Trap], bytes]:
    """Returns a maker of these bytes, which do not depend on a trap."""
    return lambda trap: data
