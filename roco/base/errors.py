"""The exceptions of roco: each has a message (what is wrong, and where) and a hint (what to do).

RocoError
├── UsageError             the command line or a recipe is wrong                                    (exit 2)
│   ├── RecipeError        a recipe has an unknown stage, option or column, or an invalid value
│   └── MissingExtra       an optional package is not installed; the hint is the pip command
├── DataError              the input, the run folder or a release is invalid                        (exit 1)
│   ├── RejectedInput      an archive, XML file or image from outside is invalid or exceeds a limit
│   ├── InvalidSubmission  a file of predictions or its ground truth is invalid; nothing was scored
│   ├── CorruptFile        a file of the run folder is truncated or modified; a run that reads it computes it again
│   ├── SourceUnavailable  a source over the network cannot be read now; the same command may succeed later
│   └── Busy               another process is using the folder
└── StageFailed            a stage raised an exception: a bug in the stage, not in the data         (exit 1)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from roco.base.install import pip_line


class RocoError(Exception):
    """An error with a message (one line: what is wrong, and where) and a hint (what to do)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type[RocoError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(RocoError):
    """The command line or a recipe is wrong."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe has an unknown stage, option or column, or an invalid value."""


class MissingExtra(UsageError):
    """An optional package is not installed; the hint is the pip command that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed", pip_line(extra))

    def __reduce__(self) -> tuple[type[RocoError], tuple[str, str]]:
        return UsageError, (self.message, self.hint)


class DataError(RocoError):
    """The input, the run folder or a release is invalid."""


class RejectedInput(DataError):
    """An archive, XML file or image from outside is invalid or exceeds a limit of its reader."""


class InvalidSubmission(DataError):
    """A file of predictions or its ground truth is invalid, so nothing was scored.

    faults: every error in it, as (file, line, what is wrong, what to do).
    """

    def __init__(self, message: str, hint: str = "", faults: tuple[tuple[str, int, str, str], ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class CorruptFile(DataError):
    """The file `path` of the run folder is truncated or modified; the next run recreates it."""

    def __init__(self, message: str, hint: str = "", path: str = "") -> None:
        super().__init__(message, hint)
        self.path = path


class SourceUnavailable(DataError):
    """A source over the network cannot be read now; its part is tried again, and no figure is dropped for it."""


class Busy(DataError):
    """Another process is using the folder."""


class StageFailed(RocoError):
    """A stage raised an exception: a bug in the stage, not in the data."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns the hint for an unknown name: the closest known name, or else the first twelve known names."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    if not names:
        return "no names are known"
    more = f" … {len(names) - 12} more" if len(names) > 12 else ""
    return f"known: {', '.join(names[:12])}{more}"
