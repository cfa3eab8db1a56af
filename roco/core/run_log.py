"""The log of a run: log/run.log in its folder, with times, versions, warnings, and tracebacks of errors."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from roco.base.errors import RocoError
from roco.core.folder import RunFolder
from roco.core.provenance import versions

LOG = logging.getLogger("roco.run")
"""Receives what happens during a run, for the file of the run and for whoever listens to `roco`."""


class _Forward(logging.Handler):
    """Passes records on to the loggers of the caller, as far as their level asks for them."""

    def emit(self, record: logging.LogRecord) -> None:
        parent = LOG.parent
        if parent is not None and parent.isEnabledFor(record.levelno):
            parent.handle(record)


LOG.addHandler(_Forward())
LOG.propagate = False  # LOG itself receives everything, for the file of the run
LOG.setLevel(logging.DEBUG)


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Loses the record: if the disk is full, the next write of a result stops the run."""

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written is lost
            super().close()


class _Lines(logging.Formatter):
    """`2027-01-31T09:30:00Z WARNING 4711 text`; the lines of a traceback follow, indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(process)d %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))

    def format(self, record: logging.LogRecord) -> str:
        first, *more = super().format(record).splitlines()
        return "\n".join([first, *(f"    {line}" for line in more)])


@contextlib.contextmanager
def run_log(folder: RunFolder, recipe: Mapping[str, Any], workers: str) -> Iterator[None]:
    """Writes what is logged during a block to the log of the run, with how the block began and ended."""
    folder.log_file.parent.mkdir(parents=True, exist_ok=True)
    handler = _File(folder.log_file, encoding="utf-8")
    handler.setFormatter(_Lines())
    LOG.addHandler(handler)
    try:
        with _python_warnings():
            started = time.monotonic()
            facts = versions()
            LOG.info("roco %s, Python %s, %s", facts["roco"], facts["python"], workers)
            names = ", ".join(f"{key} {value}" for key, value in recipe.items())
            LOG.info("%s, digest %s", names or "a pipeline", folder.pipeline.digest[:16])
            yield
            LOG.info("finished after %.1f s", time.monotonic() - started)
    except KeyboardInterrupt:
        LOG.info("interrupted after %.1f s", time.monotonic() - started)
        raise
    except Exception as err:
        message = err.message if isinstance(err, RocoError) else f"{type(err).__name__}: {err}"
        LOG.error("%s", message, exc_info=True)
        raise
    finally:
        LOG.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def _python_warnings() -> Iterator[None]:
    """Logs the warnings that Python and packages issue, and shows them as before."""
    before = warnings.showwarning

    def show(*facts: Any, **more: Any) -> None:
        LOG.info("%s", warning_text(*facts[:4]))
        before(*facts, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def warning_text(message: Warning | str, category: type[Warning], filename: str, lineno: int) -> str:
    """Returns a warning of Python in one line; the arguments are the first of `warnings.showwarning`."""
    return f"{category.__name__}: {' '.join(str(message).split())} ({filename}, line {lineno})"
