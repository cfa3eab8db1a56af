"""Ways in which an upload fails that both hubs share: lost answers, a client that dies, a full disk."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roco.base import files
from roco.release.hubs.client import HubClient
from tests.release.hubs.fakes import Answer

LATE = Answer(504, {"message": "Gateway Timeout"})
BUSY = Answer(503, {}, {"Retry-After": "7"})

HOW = pytest.mark.parametrize(
    "how",
    [{"after": LATE}, {"is_cut_after": True}, {"before": LATE}, {"before": BUSY}, {"before": Answer(429, {})}],
    ids=["late", "cut after", "504", "503", "429"],
)
"""A request that is done without an answer, or is not done."""


class Killed(BaseException):
    """The process ends here."""


def kill_at(number: int, *, after: bool) -> Callable[[], None]:
    """Makes the client die at its nth request, before or after the hub has done what it asks for."""
    send_once = HubClient._once
    seen = [0]

    def once(self: Any, *words: Any) -> Any:
        seen[0] += 1
        if seen[0] == number and not after:
            raise Killed
        response = send_once(self, *words)
        if seen[0] == number:
            raise Killed
        return response

    HubClient._once = once  # type: ignore[method-assign]

    def restore() -> None:
        HubClient._once = send_once  # type: ignore[method-assign]

    return restore


@contextmanager
def full_disk_at(number: int | None) -> Iterator[list[str]]:
    """Fails the nth file that is written; yields the names of the files that were written."""
    replace = files.os.replace
    written: list[str] = []

    def full(source: Any, target: Any) -> None:
        if len(written) == number:
            raise OSError(errno.ENOSPC, "No space left on device", str(source))
        written.append(target.name)
        replace(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "replace", full)
        yield written
