"""One tree of exceptions; each says what happened and what to do about it.

RocoError
├── UsageError          the command line or a recipe asks for what there is not   (exit 2)
│   └── RecipeError     a recipe names an unknown stage, option or column
├── DataError           the input, the run folder or a release is not as it must be (exit 1)
│   ├── Refused         an archive or XML from outside breaks a rule of the checked readers
│   ├── NotScored       a file of predictions, or their truth, breaks a rule; each breach has file and line
│   ├── Damaged         a file of the run folder is cut or changed; it is made again
│   └── Busy            another process holds the run folder
├── StageFailed         a stage raised an exception: a bug of the stage, not of the data (exit 1)
└── MissingExtra        an optional package is not installed; the hint is its pip line (exit 2)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RocoError(Exception):
    """What went wrong, in one line, with a hint that says what to do."""

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
    exit_code = 2


class RecipeError(UsageError):
    pass


class DataError(RocoError):
    pass


class Refused(DataError):
    pass


class NotScored(DataError):
    """Nothing was scored: `faults` has all that is wrong, each with file, line and what to do."""

    def __init__(self, message: str, hint: str = "", faults: tuple[tuple[str, int, str, str], ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class Damaged(DataError):
    def __init__(self, message: str, hint: str = "", path: str = "") -> None:
        super().__init__(message, hint)
        self.path = path


class Busy(DataError):
    pass


class StageFailed(RocoError):
    pass


class MissingExtra(UsageError):
    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed", f"pip install 'roco-radiology[{extra}]'")

    def __reduce__(self) -> tuple[type[RocoError], tuple[str, str]]:
        return RocoError, (self.message, self.hint)


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint for a name that does not exist: the nearest one, and all of them when they are few."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    more = f" … {len(names) - 12} more" if len(names) > 12 else ""
    return f"known: {', '.join(names[:12])}{more}" if names else "there is none"
