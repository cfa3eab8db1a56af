"""A release that is only viewed, in a real browser: figures without images, and pages that need tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roco import Release
from roco.curate.app_state import Server
from roco.curate.corpus import of_release
from tests.curate.browsers import MARKS, READY, Running, eventually

pytestmark = MARKS


@pytest.fixture
def running(finished_demo: Path) -> Iterator[Running]:
    """A server of a release without a log."""
    with Release.open(finished_demo / "run" / "release") as release:
        found = Running(Server(corpus=of_release(release, "the release"), tasks={}))
        yield found
        found.stop()


def test_the_grid_asks_for_no_image_of_a_dropped_figure(page: Any, running: Running) -> None:
    answers: list[tuple[str, int]] = []
    page.on("response", lambda answer: answers.append((answer.url, answer.status)))
    page.goto(f"{running.address}/?size=200")
    page.wait_for_selector(READY)
    page.wait_for_load_state("networkidle")
    figures = running.server.corpus
    assert sum("/api/thumbnail" in url for url, _ in answers) == figures.pictured[:200].sum()
    assert page.locator(".cell .broken").count() == (~figures.pictured[:200]).sum() > 0
    assert page.locator(".cell .broken").first.inner_text() == "no image: the figure was dropped"
    assert {status for _, status in answers} == {200}


@pytest.mark.parametrize("path", ["/one", "/agree"])
def test_pages_that_need_tasks_are_not_available(page: Any, running: Running, path: str) -> None:
    page.goto(running.address + path)
    eventually(lambda: page.locator("#message").inner_text() == "this page is not available when viewing: open Grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    assert "cannot be reached" not in page.locator("#message").inner_text()
