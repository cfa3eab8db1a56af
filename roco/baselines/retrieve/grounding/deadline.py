"""A time limit for a call that has none of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Call(threading.Thread, Generic[T]):
    """A call in a thread that does not keep the process alive."""

    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self.values: list[T] = []
        self.errors: list[BaseException] = []

    def run(self) -> None:
        try:
            self.values.append(self._function())
        except BaseException as err:  # raised by `within`, in the thread that called it
            self.errors.append(err)


def within(seconds: float, function: Callable[[], T]) -> T:
    """Returns the value of a call; raises its error, and TimeoutError if it takes longer.

    A call that takes longer goes on in its thread: the caller closes what it reads from.
    """
    call = _Call(function)
    call.start()
    call.join(min(seconds, threading.TIMEOUT_MAX))
    if call.errors:
        raise call.errors[0]
    if not call.values:
        raise TimeoutError
    return call.values[0]
