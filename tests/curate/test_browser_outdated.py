"""Labels of an older guideline in a real browser: how many there are, and labelling them again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roco.curate.events import Entry
from tests.curate.browsers import MARKS, Running, eventually
from tests.curate.figures import row
from tests.curate.servers import server

pytestmark = MARKS


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server whose log has three labels under an older guideline, of four."""
    found = Running(server(tmp_path))
    facts = {"task": "modality", "label": "DRCT"}
    old = [Entry(image_key=row(number)["image_key"], guideline="0123456789ab", **facts) for number in (0, 3, 6)]  # type: ignore[arg-type]
    log = found.server.log
    assert log is not None
    log.add([*old, Entry(image_key=row(9)["image_key"], **facts)], round="curated", annotator="a1")  # type: ignore[arg-type]
    yield found
    found.stop()


def progress(page: Any) -> str:
    text: str = page.locator("#progress").inner_text()
    return text


def outdated(running: Running) -> int:
    assert running.server.log is not None
    return len(running.server.log.outdated("modality"))


def test_the_grid_counts_them_and_shows_them_for_labelling_again(page: Any, running: Running) -> None:
    page.goto(f"{running.address}/?task=modality&annotator=a1")
    page.wait_for_selector(".cell")
    assert "; 3 of your labels under an older guideline" in progress(page)
    page.locator("#show").select_option("outdated")
    eventually(lambda: page.locator(".cell").count() == 3)
    assert page.locator(".cell .tag").first.inner_text() == "CT, older guideline"
    assert page.locator("#accept").is_hidden()
    page.keyboard.press("Enter")  # nothing is accepted
    assert "3 labels of this page are under an older guideline" in page.locator("#message").inner_text()
    page.keyboard.press("c")  # the same label
    assert page.locator("#message").inner_text() == ""  # 3 is out of date
    page.keyboard.press("x")
    eventually(lambda: outdated(running) == 1)
    assert progress(page).endswith("; 1 of your labels under an older guideline (Show: outdated)")
    assert progress(page).startswith("4 of 30 done")
    page.keyboard.press("u")
    eventually(lambda: page.locator(".cell").count() == 2)  # the page was loaded again
    assert outdated(running) == 2
    page.keyboard.press("c")
    page.keyboard.press("c")
    page.keyboard.press("Enter")
    page.wait_for_selector("#grid p")
    assert outdated(running) == 0 and "guideline" not in progress(page)


def test_the_page_of_one_figure_shows_them_too(page: Any, running: Running) -> None:
    page.goto(f"{running.address}/one?task=modality&annotator=a1")
    page.wait_for_selector("#rows button")
    assert "; 3 of your labels under an older guideline" in progress(page)
    page.locator("#show").select_option("outdated")
    eventually(lambda: "Under an older guideline CT" in page.locator("#detail").inner_text())
    page.keyboard.press("c")
    page.keyboard.press("m")
    page.keyboard.press("u")
    eventually(lambda: "; 2 of your labels" in progress(page))  # the page was loaded again
    page.keyboard.press("c")
    page.keyboard.press("c")
    page.wait_for_selector(".broken")
    assert outdated(running) == 0
    assert "show=outdated" in page.url
