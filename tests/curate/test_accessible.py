"""The pages are accessible: axe-core finds nothing serious, and the keyboard alone is enough."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.curate.browsers import MARKS, Running, eventually
from tests.curate.figures import row
from tests.curate.servers import Browser, entry, server

pytestmark = MARKS

GRID = "/?task=modality&annotator=a1&guess=DRCT"
AGREE = "/agree?task=modality&annotator=judge&first=a1&second=a2"
FOCUS = """(selector) => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const isVisible = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const name = `${element.tagName} ${element.id}`;
  return { name, isVisible, isBody: element === document.body, isIt: element.matches(selector) };
}"""


def violations(page: Any) -> list[str]:
    """Returns what axe-core finds, through the devtools protocol: the pages themselves may not run it."""
    script = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    return [f"{one['impact']}, {one['id']}: {node['html']}" for one in found for node in one["nodes"]]


@pytest.fixture
def labelled(running: Running) -> Running:
    """Two annotators who differ on two of ten figures; a third figure is flagged, and one is decided."""
    sender = Browser(running.server)
    sender.label(*[entry(number, "DRCT") for number in range(10)], batch="x1")
    sender.label(*[entry(number, "DRCT" if number < 8 else "DRXR") for number in range(10)], batch="x2", by="a2")
    sender.label({"key": row(12)["image_key"], "kind": "flag"}, batch="x3")
    sender.label(entry(15, "DRXR", origin="adjudicated"), batch="x4", by="judge")
    return running


@pytest.mark.parametrize(
    ("path", "keys", "shows"),
    [
        (GRID, "", ".cell .flag"),
        (GRID, "x", ".cell.other"),
        (GRID, "Shift+ArrowRight Shift+ArrowDown", ".cell.selected"),
        (GRID + "&show=all", "Enter", ".cell.wrong"),
        ("/?task=modality&annotator=a3&guess=DRMR", "Enter", "#grid p"),
        (GRID, "?", "dialog[data-kind=keys]"),
        (GRID, "/", "dialog[data-kind=filter]"),
        (GRID, "n", "dialog[data-kind=note]"),
        (GRID, "Space", "dialog[data-kind=large]"),
        ("/one?task=modality&annotator=a3", "x ArrowLeft", "#rows > div:nth-child(3)"),
        ("/one?task=modality&annotator=a3", "?", "dialog[data-kind=keys]"),
        (AGREE, "", ".matrix button"),
        (AGREE, "?", "dialog[data-kind=keys]"),
        (AGREE + "&row=DRCT&column=DRXR", "", "#decide img"),
        ("/agree?task=region&annotator=judge", "", "#tables p"),
    ],
)
def test_axe_finds_nothing(visit: Callable[..., Any], labelled: Running, path: str, keys: str, shows: str) -> None:
    page = visit(path)
    for key in keys.split():
        page.keyboard.press(key)
    page.wait_for_selector(shows)
    assert violations(page) == []


def test_axe_finds_nothing_on_the_page_of_a_blind_round(page: Any, tmp_path: Path) -> None:
    running = Running(server(tmp_path, blind=True, annotator="r1"))
    page.goto(f"{running.address}/one?task=modality&annotator=r1")
    page.wait_for_selector("#rows button")
    page.keyboard.press("x")
    page.wait_for_selector("#rows > div:nth-child(3)")
    assert violations(page) == []
    running.stop()


def test_axe_finds_nothing_in_the_view_of_a_run(page: Any, tmp_path: Path) -> None:
    rows = [row(0), row(1, stage="license", drop="license", drop_detail="NO-CC")]
    running = Running(server(tmp_path, rows, tasks={}, log=None, images={"PMC1/f1/0": b"no image"}))
    page.goto(f"{running.address}/")
    page.wait_for_selector(".cell .broken")
    assert violations(page) == []
    running.stop()


def test_axe_finds_what_is_wrong(visit: Callable[..., Any]) -> None:
    """The other tests can fail: a text that cannot be read is found."""
    page = visit(GRID)
    page.evaluate("document.querySelector('#progress').style.color = '#30363c'")
    assert [one for one in violations(page) if one.startswith("serious, color-contrast")]


# --- the keyboard -----------------------------------------------------------------------------------------------------


@pytest.fixture
def keyboard(page: Any) -> Iterator[Callable[..., None]]:
    """Presses keys; `to` presses Tab until an element has the focus, which must be visible at each step."""

    def press(*keys: str, to: str = "") -> None:
        for _ in range(80 if to else 0):
            page.keyboard.press("Tab")
            focus = page.evaluate(FOCUS, to)
            assert focus["isVisible"] or focus["isBody"], f"the focus cannot be seen on {focus['name']}"
            if focus["isIt"]:
                break
        else:
            assert not to, f"Tab does not reach {to}"
        for key in keys:
            page.keyboard.press(key)

    yield press


def has_focus(page: Any, selector: str) -> bool:
    focus: dict[str, bool] = page.evaluate(FOCUS, selector)
    return focus["isIt"] and focus["isVisible"]


def test_the_grid_is_used_with_the_keyboard_alone(
    visit: Callable[..., Any], running: Running, keyboard: Callable[..., None]
) -> None:
    page = visit("/?task=modality&annotator=a1")
    log = running.server.log
    assert log is not None
    assert has_focus(page, "#grid")
    keyboard("?")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    keyboard("Escape")
    assert has_focus(page, "#grid")
    keyboard("Enter", to="#filter")
    page.keyboard.type("caption 1")
    keyboard("ArrowDown", to="#filter-license")
    keyboard("Enter", to="dialog button[type=submit]")
    eventually(lambda: "license=CC-BY&" in page.url + "&" and page.locator(".cell").count() == 6)
    keyboard("n", to="#grid")
    page.keyboard.type("looks odd")
    keyboard("Control+Enter", "f", "ArrowRight", "x", "Enter")
    eventually(lambda: len(running.labels()) == 6)
    assert [event.note for event in log.standing("note")] == ["looks odd"] and len(log.standing("flag")) == 1
    page.wait_for_selector("#grid p")
    keyboard("u")
    eventually(lambda: len(running.labels()) == 1)
    page.wait_for_selector(".cell")
    keyboard("ArrowDown", to="#show")  # todo, done
    eventually(lambda: page.locator(".cell.labelled").count() == 1 and has_focus(page, "#grid"))


def test_one_figure_after_the_other_is_labelled_with_the_keyboard_alone(
    visit: Callable[..., Any], running: Running, keyboard: Callable[..., None]
) -> None:
    page = visit("/?task=modality&annotator=a1")
    keyboard("Enter", to="nav a:nth-child(2)")
    page.wait_for_selector("#rows button")
    keyboard("ArrowRight", to="#brightness")
    keyboard("Space", to="#invert")
    assert "brightness(101%)" in page.locator("#image").evaluate("image => image.style.filter")
    assert "invert(1)" in page.locator("#image").evaluate("image => image.style.filter")
    keyboard("+", "Home", "PageUp")
    assert page.locator("#image").evaluate("image => image.style.transform") == "translate(60px, 60px) scale(1.25)"
    keyboard("Enter", to="#rows button")  # the first label, by its button
    eventually(lambda: [label for label, _ in running.labels().values()] == ["DRAN"])
    assert has_focus(page, "#rows button")


def test_agreement_is_read_and_decided_with_the_keyboard_alone(
    visit: Callable[..., Any], labelled: Running, keyboard: Callable[..., None]
) -> None:
    page = visit("/?task=modality&annotator=judge")
    log = labelled.server.log
    assert log is not None

    def decided() -> list[str]:
        return [event.label for event in log.standing("label") if event.origin == "adjudicated"]

    keyboard("Enter", to="nav a:nth-child(3)")
    page.wait_for_selector(".matrix")
    keyboard("Enter", to="button[aria-label='CT and X-ray: 2']")
    page.wait_for_selector("#decide img")
    assert has_focus(page, "#title")
    keyboard("x")
    eventually(lambda: decided() == ["DRXR", "DRXR"])
    keyboard("u")
    eventually(lambda: decided() == ["DRXR"])
    keyboard("ArrowRight", "c", "?", "Escape")
    eventually(lambda: decided() == ["DRXR", "DRCT"])
    keyboard("Escape")
    eventually(lambda: page.locator("#decide img").count() == 0)
