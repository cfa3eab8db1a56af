"""The attacks of `tests.attacks` as seeds, with a secret file outside of every input, which must not be read."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.attacks import Attack, Trap

SECRET = "the text of a file outside the input"


@functools.cache
def trap() -> Trap:
    """Returns a secret file, and an address where nobody listens."""
    secret = Path(tempfile.mkdtemp()) / "secret.txt"
    secret.write_text(SECRET)
    return Trap(secret, secret, "http://127.0.0.1:9/")


def made(attacks: Iterable[Attack], largest: int) -> list[bytes]:
    """Returns the bytes of the attacks that are not too large to be mutated quickly."""
    all_of_them = [attack.make(trap()) for attack in attacks]
    return [data for data in all_of_them if len(data) <= largest]
