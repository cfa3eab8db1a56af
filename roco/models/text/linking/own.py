"""Linkers of users: a function, class or factory that is named as `module:function`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.base.user_modules import import_named
from roco.models.text import semantic_types
from roco.models.text.linking.checked import MOST_MENTIONS, call
from roco.models.text.linking.linker import Described, Linker, Suggestion

HINT = "name a function of captions that returns lists of mentions, or a class or function that returns a linker"


class Own:
    """A function of a user as a linker: it takes captions and returns for each a list of mentions."""

    def __init__(self, function: Callable[[list[str]], Any], name: str, heavy: bool = False) -> None:
        self.name = name
        self.heavy = heavy
        self._function = function

    def link(self, captions: Sequence[str]) -> Any:
        """Returns what the function returns. Raises DataError with the caption for which it fails."""
        return call(lambda some: _evaluated(self._function(list(some)), len(some)), captions, self.name)


class OwnLinker(Own):
    """A linker of a user, with the errors that it raises attributed to it."""

    def __init__(self, linker: Any, name: str) -> None:
        super().__init__(linker.link, name, bool(getattr(linker, "heavy", False)))
        self._linker = linker

    def describe(self, cui: str) -> Described | None:
        """Returns name and semantic types of a concept, if the linker has a method `describe` that knows them."""
        describe = getattr(self._linker, "describe", None)
        found = call(lambda _: describe(cui), [cui], self.name) if describe is not None else None
        if found is None:
            return None
        if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], tuple | list | set | frozenset):
            hint = "return a pair of name and TUIs: ('Lung', ('T023',))"
            raise DataError(f"'{self.name}' describes {cui} by {excerpt(repr(found))}", hint)
        types = tuple(str(tui) for tui in found[1])
        unknown = next((tui for tui in types if tui not in semantic_types.load()), None)
        if unknown is not None:
            hint = "return TUIs of UMLS, such as ('Lung', ('T023',))"
            raise DataError(f"'{self.name}' gives {cui} the unknown semantic type {excerpt(unknown, 40)!r}", hint)
        return Described(str(found[0]), types)


class OwnSuggestingLinker(OwnLinker):
    """A linker of a user that also suggests concepts."""

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[Any, list[Suggestion]]]:
        """Returns what the linker returns. Raises DataError with the caption for which it fails."""
        pairs = call(lambda some: list(self._linker.link_and_suggest(list(some))), captions, self.name)
        if len(pairs) != len(captions):
            message = f"'{self.name}' returned {len(pairs)} results for {len(captions)} captions"
            raise DataError(message, "return one pair of mentions and suggestions for each caption")
        return pairs


def load(use: str) -> Linker:
    """Returns the linker that `module:function` names. Raises UsageError.

    A function with a required argument is a linker: it is called with a list of captions. A class, or a function
    without required arguments, is called once and returns a linker: an object with the method `link`.
    """
    named = import_named(use, "function")
    if hasattr(named, "link") and not isinstance(named, type):
        return _wrapped(named, use)
    if not callable(named):
        raise UsageError(f"'{use}' is neither a function nor a linker", HINT)
    if not isinstance(named, type) and _takes_captions(named):
        return Own(named, use, bool(getattr(named, "heavy", False)))
    try:
        made = named()
    except (Exception, SystemExit) as err:
        words = f"{type(err).__name__}: {excerpt(err)}"
        raise UsageError(f"cannot open linker '{use}': {words}", "correct it; --debug shows the traceback") from err
    if not hasattr(made, "link"):
        what = "is a class without" if isinstance(named, type) else f"returned {excerpt(repr(made))}, which is without"
        raise UsageError(f"'{use}' {what} method 'link'", HINT)
    return _wrapped(made, use)


def _wrapped(linker: Any, use: str) -> Linker:
    if not callable(linker.link):
        raise UsageError(f"'{use}' is a linker whose 'link' is not a method", HINT)
    return (OwnSuggestingLinker if hasattr(linker, "link_and_suggest") else OwnLinker)(linker, use)


def _takes_captions(function: Callable[..., Any]) -> bool:
    """Returns whether a function must be called with an argument."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have no signature
        return True
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(one.kind in positional and one.default is inspect.Parameter.empty for one in parameters)


def _evaluated(results: Any, captions: int) -> Any:
    """Evaluates generators, so that what they raise is raised here; at most one item more than is valid.

    The mentions of a caption are evaluated before the next caption's: they may depend on a variable of the outer loop.
    """
    if not inspect.isgenerator(results) and not isinstance(results, list):
        return results
    return [
        list(islice(one, MOST_MENTIONS + 1)) if inspect.isgenerator(one) else one
        for one in islice(results, captions + 1)
    ]
