"""What Ray does to the signals of a process does not reach the user."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from roco.core import cluster
from tests.process_signals import ON_LINUX, is_in

pytestmark = ON_LINUX


def _reset_sigterm() -> None:
    """Gives SIGTERM its default action behind Python's back, as Ray does when it ends; in any thread."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal(signal.SIGTERM, None)


def _ray(init: Callable[..., None], shutdown: Callable[[], None] = _reset_sigterm) -> Any:
    """A module that replaces the handler of SIGTERM, as Ray does."""
    return SimpleNamespace(is_initialized=lambda: False, init=init, shutdown=shutdown)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., None]], None]:
    """Makes a function what connecting to Ray does."""
    worker = SimpleNamespace(print_to_stdstream=None)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ray._private", SimpleNamespace(worker=worker))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return lambda init: monkeypatch.setattr(cluster, "_module", lambda: _ray(init))


def test_sigterm_ends_a_run_as_usual_while_ray_is_connected_and_after(
    use: Callable[[Callable[..., None]], None],
) -> None:
    def init(*words: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    use(init)
    signal.signal(signal.SIGTERM, interrupt)
    with cluster.connected(1):
        assert signal.getsignal(signal.SIGTERM) is interrupt
    assert signal.getsignal(signal.SIGTERM) is interrupt and is_in("SigCgt", signal.SIGTERM)


def test_sigterm_while_ray_ends_interrupts_the_run_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def shutdown() -> None:
        _reset_sigterm()
        while not is_in("SigCgt", signal.SIGTERM):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        ended.append(True)

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    with pytest.raises(KeyboardInterrupt):
        cluster._shut_down(_ray(lambda: None, shutdown))
    assert ended == [True] and signal.getsignal(signal.SIGTERM) is interrupt and is_in("SigCgt", signal.SIGTERM)


def test_sigterm_while_ray_connects_interrupts_the_run(use: Callable[[Callable[..., None]], None]) -> None:
    def init(*words: Any, **options: Any) -> None:
        sys.exit(signal.SIGTERM)

    use(init)
    with pytest.raises(KeyboardInterrupt), cluster.connected(1):
        pass
