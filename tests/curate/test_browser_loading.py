"""What a page does between two sets of figures, in a real browser: keys while they load, and what follows by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.curate.browsers import MARKS, Running, eventually

pytestmark = MARKS

ONE = "/one?task=modality&annotator=a1&text=caption+7"
"""The page One with a single figure."""


def press_while_loading(page: Any, first: str, second: str) -> None:
    """Presses a key that loads the next figures, and another one before the server answers."""
    held: list[Any] = []
    # The next page is asked for ahead of time, too, by its number.
    page.route(lambda url: "/api/page?" in url and "page=" not in url, lambda route: held.append(route), times=1)
    page.keyboard.press(first)
    eventually(lambda: page.title() and held)  # asking for the title lets the request arrive
    page.keyboard.press(second)
    held[0].continue_()


def test_a_key_pressed_while_the_next_figure_loads_does_not_label_the_last_one_again(
    visit: Any, running: Running
) -> None:
    page = visit(ONE)
    press_while_loading(page, "c", "m")
    page.wait_for_selector(".broken")
    assert page.locator("#status").inner_text() == "saved"
    events = running.server.log.events()  # type: ignore[union-attr]
    assert [event.label for event in events if event.task == "modality"] == ["DRCT"]


@pytest.mark.parametrize("second", ["m", "Enter"])
def test_a_key_pressed_while_the_next_page_loads_labels_nothing(visit: Any, running: Running, second: str) -> None:
    page = visit("/?task=modality&annotator=a1&guess=DRCT&size=4")
    press_while_loading(page, "Enter", second)
    eventually(lambda: page.locator(".cell.labelled").count() == 0)
    assert page.locator("#status").inner_text() == "saved"
    assert [label for label, _ in running.labels().values()] == ["DRCT"] * 4


def test_the_next_figures_follow_by_themselves_when_the_connection_is_back(visit: Any, running: Running) -> None:
    page = visit(ONE)
    running.stop()
    page.keyboard.press("c")
    eventually(lambda: "loaded when the labels are saved" in page.locator("#message").inner_text())
    running.start()
    page.wait_for_selector(".broken")
    assert page.locator("#message").inner_text() == ""
    assert [label for label, _ in running.labels().values()] == ["DRCT"]


def test_enter_goes_on_with_the_next_guess_when_no_figures_of_one_are_left(visit: Any, running: Running) -> None:
    page = visit()
    page.keyboard.press("Enter")
    page.wait_for_selector("#grid p")
    hint = page.locator("#grid p").inner_text()
    assert hint == "No figures are left here. Enter goes on with MRI (10 left)."
    page.keyboard.press("Enter")
    page.wait_for_selector(".cell")
    assert "guess=DRMR" in page.url
    assert page.locator(".cell .tag").first.inner_text() == "MRI?"
    assert len(running.labels()) == 10


def test_the_guideline_is_shown_without_its_markup(visit: Any) -> None:
    guideline = visit().locator("#guideline")
    assert guideline.locator("h3").all_inner_texts() == ["Modality"]
    entry = guideline.locator("p", has_text="DRPE, PET").inner_text().splitlines()
    assert entry == [
        "DRPE, PET",
        "choose it for: positron emission tomography alone",
        "not for: scintigraphy and SPECT, which detect no positrons (OTHER); PET fused with CT or MRI (DRCO)",
    ]
    assert "|" not in guideline.inner_text() and "#" not in guideline.inner_text()
