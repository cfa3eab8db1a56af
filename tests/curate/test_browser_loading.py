"""What a page does between two sets of figures, in a real browser: keys while they load, and what follows by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.curate.browsers import MARKS, Running, eventually
from tests.curate.servers import Browser, entry

pytestmark = MARKS

ONE = "/one?task=modality&annotator=a1&text=caption+7"
"""The page One with a single figure."""


PAGE = re.compile(r"/api/page\?(?!.*page=)")
"""The request of a page that is shown; the next page is asked for ahead of time, too, by its number."""


def held(page: Any, address: re.Pattern[str], *keys: str) -> Any:
    """Presses keys, and returns the first request for the address that they cause; it waits to be continued."""
    requests: list[Any] = []
    page.route(address, lambda route: requests.append(route), times=1)
    for key in keys:
        page.keyboard.press(key)
    eventually(lambda: page.title() and requests)  # asking for the title lets the request arrive
    return requests[0]


def press_while_loading(page: Any, first: str, second: str) -> None:
    """Presses a key that loads the next figures, and another one before the server answers."""
    request = held(page, PAGE, first)
    page.keyboard.press(second)
    request.continue_()


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


LABELS, UNDO, CELL = re.compile("/api/labels"), re.compile("/api/undo"), re.compile("/api/cell")


def test_a_key_pressed_while_an_accepted_page_is_saved_labels_nothing(visit: Any, running: Running) -> None:
    page = visit("/?task=modality&annotator=a1&guess=DRCT&size=4")
    request = held(page, LABELS, "Enter")
    page.keyboard.press("m")
    request.continue_()
    eventually(lambda: page.locator(".cell.labelled").count() == 0)
    assert [label for label, _ in running.labels().values()] == ["DRCT"] * 4


def test_the_page_that_was_asked_for_last_is_shown(visit: Any) -> None:
    page = visit("/?task=modality&annotator=a1&size=10")
    request = held(page, re.compile(r"/api/page\?.*page=1&"), "]")
    page.keyboard.press("]")
    request.continue_()
    eventually(lambda: page.locator("#progress").inner_text().endswith(", page 3"))
    page.unroute_all()
    third = page.locator(".cell img").first.get_attribute("src")
    page.reload()
    page.wait_for_selector(".cell")
    assert page.locator(".cell img").first.get_attribute("src") == third


def test_figures_that_were_asked_for_before_an_undo_are_asked_for_again(visit: Any, running: Running) -> None:
    page = visit("/?task=modality&annotator=a1&guess=DRCT&size=4")
    request = held(page, PAGE, "Enter")
    answer = request.fetch()  # without the labels that the next key undoes
    page.keyboard.press("u")
    eventually(lambda: running.labels() == {})
    request.fulfill(response=answer)
    eventually(lambda: page.locator("#progress").inner_text() == "0 of 10 done, 10 left in this view")


@pytest.mark.parametrize("path", ["/", "/one"])
def test_a_label_given_while_an_undo_is_sent_stays(visit: Any, running: Running, path: str) -> None:
    page = visit(f"{path}?task=modality&annotator=a1&guess=DRCT&show=all")
    page.keyboard.press("c")
    page.wait_for_selector("#status.saved")
    page.keyboard.press("ArrowLeft")
    request = held(page, UNDO, "u")
    page.keyboard.press("x")
    request.continue_()
    eventually(lambda: [label for label, _ in running.labels().values()] == ["DRXR"])
    page.wait_for_selector("#status.saved")
    shown = ".cell.labelled .tag" if path == "/" else "#rows button[aria-pressed=true]"
    eventually(lambda: page.locator(shown).first.inner_text().startswith("X-ray"))
    eventually(lambda: page.locator("#progress").inner_text() == "1 of 10 done, 9 left in this view")
    assert page.locator(shown).count() == 1


def test_a_label_that_is_never_answered_counts_as_not_saved_and_is_sent_again(
    visit: Any, page: Any, running: Running
) -> None:
    page.clock.install()
    visit()
    held(page, LABELS, "x")  # a connection that was lost without notice: no answer, no error
    assert page.locator("#status").inner_text() == "saving …"
    page.clock.fast_forward(10_000)
    eventually(lambda: page.locator("#status").inner_text().startswith("NOT SAVED: 1 act"))
    page.clock.fast_forward(2_000)
    page.wait_for_selector("#status.saved")
    assert [label for label, _ in running.labels().values()] == ["DRXR"]


@pytest.fixture
def disputed(visit: Any, running: Running) -> Any:
    """The page of agreement of two annotators who differ on two images."""
    sender = Browser(running.server)
    sender.label(*[entry(number, "DRCT") for number in range(10)], batch="x1")
    sender.label(*[entry(number, "DRCT" if number < 8 else "DRXR") for number in range(10)], batch="x2", by="a2")
    page = visit("/agree?task=modality&annotator=judge")
    page.locator("button[aria-label='CT and X-ray: 2']").focus()
    return page


def test_a_cell_that_is_closed_before_its_figures_arrive_stays_closed(disputed: Any) -> None:
    request = held(disputed, CELL, "Enter")
    disputed.keyboard.press("Escape")
    with disputed.expect_response(CELL) as received:
        request.continue_()
    received.value.finished()
    eventually(lambda: "row=" not in disputed.url)
    assert disputed.locator("#decide").inner_text() == "" and disputed.locator("#tables table").count() > 0


def test_keys_after_the_undo_of_a_decision_act_on_the_figures_that_are_shown(disputed: Any, running: Running) -> None:
    log = running.server.log
    assert log is not None
    disputed.keyboard.press("Enter")
    disputed.wait_for_selector("#decide img")
    disputed.keyboard.press("x")
    disputed.wait_for_selector("#status.saved")
    request = held(disputed, UNDO, "u")
    disputed.keyboard.press("c")  # the second figure
    request.continue_()
    eventually(lambda: [one.label for one in log.standing("label") if one.origin == "adjudicated"] == ["DRCT"])
    eventually(lambda: "Figure 1 of 2, 1 without a decision" in disputed.locator("#decide").inner_text())
    assert disputed.locator("#decide button[aria-pressed=true]").count() == 0
    disputed.keyboard.press("ArrowRight")
    assert "CT (chosen)" in disputed.locator("#decide button[aria-pressed=true]").inner_text()
    disputed.route(CELL, lambda route: None)  # no answer: an undo needs none
    disputed.keyboard.press("u")
    eventually(lambda: "Figure 2 of 2, 2 without a decision" in disputed.locator("#decide").inner_text())
    disputed.keyboard.press("Escape")
    assert disputed.locator("#decide").inner_text() == ""
