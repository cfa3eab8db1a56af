"""A real browser that drives the pages of a server which runs in this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import uvicorn

from roco.curate.app_state import Server
from roco.curate.finder import SearchServer
from roco.curate.serve import app_of, listen
from tests.waits import wait_until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: apt-get install chromium"),
    # Playwright and uvicorn leave sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]
"""The marks of a module whose tests drive a browser."""

PATIENCE = float(os.environ.get("ROCO_BROWSER_PATIENCE", "120"))
"""Seconds after which a page counts as hung: many times what any step takes on a loaded machine."""

READY = ".cell, .hit, #empty:not(:empty), #rows button, #decide img, .agree table, .broken, #grid p, #tables p"
"""What a page shows when it has loaded."""


class _CutOff(uvicorn.Server):
    """Ends all connections when it stops, as the end of a process does.

    uvicorn alone leaves a connection open that was accepted while it stopped: what a browser sends there is never
    answered, as nobody reads it, and nobody refuses it.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0)  # the loop closes them


class Running:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, server: Server | SearchServer) -> None:
        self.server, self.port, self._stop = server, 0, lambda: None
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listening = listen("127.0.0.1", self.port, "")
        self.port = listening.getsockname()[1]
        # A server that was restarted has another write token.
        fresh = replace(self.server, hosts=frozenset({f"127.0.0.1:{self.port}"}), write_token=f"w{time.monotonic_ns()}")
        # Without a configuration of logging: its handler would keep the stderr that pytest captures in this test.
        config = uvicorn.Config(app_of(fresh), log_config=None, timeout_graceful_shutdown=1, ws="none")
        running = _CutOff(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: running.started or not thread.is_alive(), "the start of the server", patience=PATIENCE)
        assert running.started

        def stop() -> None:
            running.should_exit = True
            thread.join()
            listening.close()

        self._stop = stop

    def stop(self) -> None:
        self._stop()

    def labels(self) -> dict[str, tuple[str, str]]:
        """The current labels: figure -> label and origin."""
        assert isinstance(self.server, Server) and self.server.log is not None
        return {event.image_key: (event.label, event.origin) for event in self.server.log.current()}


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], timeout=1000 * PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


def eventually(check: Callable[[], Any]) -> None:
    """Waits until something is true; fails where it must count as never."""
    wait_until(check, "what the page was to show or store", patience=PATIENCE)
