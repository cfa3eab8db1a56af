"""The streams of a command: what they cannot encode is escaped, and a reader that ends does not end the command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from roco.base.errors import DataError

_ASCII = str.maketrans({"·": "-", "…": "...", "→": "->", "–": "-", "—": "-"})
"""Characters of roco's own messages, and how they are written where they cannot be encoded."""


class Stream:
    """A text stream for stdout or stderr.

    If its reader ends, as `head` does, what follows is discarded, and the command goes on to its own exit code.
    Characters that the encoding of the terminal lacks are escaped. Raises DataError if nothing can be written.
    """

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name

    def write(self, text: str) -> int:
        with self._checked():
            self._stream.write(encodable(text, self._stream.encoding))
        return len(text)

    def flush(self) -> None:
        with self._checked():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _checked(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._discard()
        except OSError as err:
            self._discard()
            raise DataError(f"cannot write to {self._name}: {err.strerror or err}", "free some space") from err

    def _discard(self) -> None:
        """Sends what is buffered, and all that follows, to nowhere; else Python fails again when it exits."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def encodable(text: str, encoding: str | None) -> str:
    """Returns a text with the characters that an encoding lacks replaced by ASCII signs or by escapes."""
    name = encoding or "utf-8"
    try:
        text.encode(name)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(name, "backslashreplace").decode(name)
    return text


@contextlib.contextmanager
def streams() -> Iterator[None]:
    """Replaces stdout and stderr of this process by streams that never end the command, until the block ends."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path of a user
        # Python sets a stream to None if it was closed before the process started.
        sys.stdout = Stream(before[0] or nowhere, "stdout")
        sys.stderr = Stream(before[1] or nowhere, "stderr")
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
