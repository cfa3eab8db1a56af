"""Articles made to break, fool or exhaust whoever reads them, each with the end that it must come to.

All is made by code when it is asked for: nothing hostile lies in the repository.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

RELEASED = "released"
"""The end of what does no harm: its article is read as if nothing were the matter."""


class Trap(NamedTuple):
    """What nobody may touch: a text, an image, an address that is listened to."""

    text: Path
    image: Path
    url: str


class Attack(NamedTuple):
    """ends: RELEASED, or the reason for which the article or its figure leaves; says: how its detail begins."""

    name: str
    make: Callable[[Trap], bytes]
    ends: str = RELEASED
    says: str = ""


def refused(name: str, make: Callable[[Trap], bytes], says: str) -> Attack:
    """What leaves as an article that cannot be read."""
    return Attack(name, make, "article", says)


def made(data: bytes) -> Callable[[Trap], bytes]:
    """What needs to know of no trap."""
    return lambda trap: data
