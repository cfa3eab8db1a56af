"""What Ray does to the signals of a process does not reach the user."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from roco.core import cluster


def _ray(init: Callable[..., None]) -> Any:
    """A module that replaces the handler of SIGTERM when it connects and when it ends, as Ray does."""

    def shutdown() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

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
    assert signal.getsignal(signal.SIGTERM) is interrupt


def test_sigterm_while_ray_connects_interrupts_the_run(use: Callable[[Callable[..., None]], None]) -> None:
    def init(*words: Any, **options: Any) -> None:
        sys.exit(signal.SIGTERM)

    use(init)
    with pytest.raises(KeyboardInterrupt), cluster.connected(1):
        pass
