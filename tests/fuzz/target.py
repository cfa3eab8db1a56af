"""What is fuzzed: targets, each with the formats of its input and what must hold for any bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from roco.base.errors import MissingExtra, RocoError, StageFailed

Mutate = Callable[[bytes, Random], bytes]
LONGEST_ERROR = 20_000  # characters; an error quotes an excerpt, never the whole input


class Violation(AssertionError):
    """A promise of a target does not hold."""


def require(holds: object, promise: str) -> None:
    """Raises Violation with the broken promise unless it holds; unlike `assert`, also under `python -O`."""
    if not holds:
        raise Violation(promise)


class Format(NamedTuple):
    """One kind of input of a target.

    seeds: valid and hostile inputs from which mutation starts. read: gives the input to roco; anything but a return
    or an error of roco is a finding. It gets an empty folder for files. mutate: changes an input so that
    it keeps its structure; without it, bytes alone are changed.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[bytes, Path], None]
    mutate: Mutate | None = None


@dataclass(frozen=True)
class Target:
    """A reader of input from outside. promise: what must hold for any input, in the words of docs/reliability.md."""

    name: str
    promise: str
    formats: tuple[Format, ...]

    def seeds(self) -> list[bytes]:
        """Returns the inputs of all formats, each after the number of its format."""
        return [bytes([number]) + seed for number, one in enumerate(self.formats) for seed in one.seeds()]

    def format_of(self, data: bytes) -> Format:
        return self.formats[data[0] % len(self.formats)]

    def read(self, data: bytes, folder: Path) -> None:
        """Gives one input to roco; returns if it was read, or rejected with an error that a user understands."""
        try:
            self.format_of(data).read(data[1:], folder)
        except (MissingExtra, StageFailed):
            raise
        except RocoError as err:
            require(err.message.strip(), "an error says what is wrong")
            require(len(str(err)) <= LONGEST_ERROR, "an error quotes an excerpt of its input, not all of it")
