"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, cast


def later(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Returns a regular expression that is compiled at its first use, for those that take long to compile.

    A command that reads no article, and the process that only starts workers, never compile them.
    """
    return cast("re.Pattern[str]", _Later(pattern, flags))


class _Later:
    """Stands for a pattern; it gets the methods of the pattern when they are first used."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._arguments = (pattern, flags)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(*self._arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._compiled, name)
        setattr(self, name, value)
        return value
