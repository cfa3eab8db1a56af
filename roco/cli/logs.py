"""Messages on stderr: warnings, the log that `-v` prints, and what `-q` silences."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from roco.base.terminal import printable

_LOG = logging.getLogger("roco")
_ADVICE = logging.getLogger("roco.cli")
"""Its level decides whether progress and the next command are printed; nothing is logged with it."""


class StderrLog(logging.Handler):
    """Prints records of the log on stderr: warnings and errors, with `-v` all."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            return  # an error that ends the command is printed by the command
        prefix = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        print(printable(f"{prefix}{record.getMessage()}", keep="\n"), file=sys.stderr)


@contextlib.contextmanager
def log_on_stderr() -> Iterator[None]:
    """Prints warnings of the log on stderr until the block ends."""
    handler = StderrLog(logging.WARNING)
    level = _LOG.level
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.DEBUG)
    _ADVICE.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)
        _LOG.setLevel(level)


def be_quiet(value: bool) -> None:
    """Silences progress and the next command, if the option `--quiet` is set."""
    if value:
        _ADVICE.setLevel(logging.WARNING)


def be_verbose(value: bool) -> None:
    """Prints the whole log on stderr, if the option `--verbose` is set."""
    for handler in _LOG.handlers:
        if value and isinstance(handler, StderrLog):
            handler.setLevel(logging.DEBUG)


def is_quiet() -> bool:
    """Returns whether progress and the next command are not to be printed."""
    return _ADVICE.level > logging.INFO
