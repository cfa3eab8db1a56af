"""The search page is accessible: axe-core finds nothing, on a phone too, and the keyboard alone is enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.curate.browsers import MARKS, eventually
from tests.curate.searches import IDS
from tests.curate.test_accessible import FOCUS, violations

pytestmark = MARKS


def asked(page: Any) -> str:
    found: str = page.evaluate("() => location.search")
    return found


@pytest.mark.parametrize(
    ("path", "keys", "shows"),
    [
        ("/", "", "#empty:not(:empty)"),
        ("/?words=ct", "", ".hit .broken"),
        ("/?words=ct&modality=DRCT&diverse=1", "", "#more[open]"),
        (f"/?like={IDS[0]}", "", "#asked img"),
        ("/?words=ct&n=0", "", "#message:not(:empty)"),
        ("/?words=ct", "Escape ?", "dialog[data-kind=keys]"),
        ("/?words=ct", "ArrowRight Space", "dialog[data-kind=large]"),
    ],
)
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(open_drawn: Callable[..., Any], path: str, keys: str, shows: str, width: int) -> None:
    page = open_drawn(path)
    page.set_viewport_size({"width": width, "height": 900})
    for key in keys.split():
        page.keyboard.press(key)
    page.wait_for_selector(shows)
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")  # nothing is cut off at the side


def test_the_focus_is_visible_at_each_place_that_tab_reaches(open_drawn: Callable[..., Any]) -> None:
    page = open_drawn(f"/?like={IDS[0]}&diverse=1")
    page.wait_for_selector(".hit")
    places = []
    for _ in range(24):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS, "*")
        assert focus["isVisible"] or focus["isBody"], focus["name"]
        places.append(page.evaluate("() => document.activeElement.id || document.activeElement.textContent"))
    fields = ["help", "words", "concepts", "choose", "clear", "modality", "license", "split", "year", "diverse", "n"]
    assert [one for one in places if one in fields] == fields
    assert {"Search", "Remove", "Like this", "Article"} <= set(places)


def test_the_keyboard_alone_is_enough(open_drawn: Callable[..., Any]) -> None:
    page = open_drawn("/?words=ct")
    page.wait_for_selector(".hit")
    focused = "() => document.activeElement.closest('.hit')?.hit.id"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == IDS[0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == IDS[1]
    page.keyboard.press("Space")
    page.wait_for_selector("dialog[data-kind=large] img")
    page.keyboard.press("Escape")
    assert page.evaluate(focused) == IDS[1]
    page.keyboard.press("l")
    eventually(lambda: asked(page) == f"?like={IDS[1]}")
    eventually(lambda: page.evaluate(focused) == IDS[0])  # the first of the new hits
    page.keyboard.press("/")
    page.keyboard.type("chest")
    page.keyboard.press("Enter")
    eventually(lambda: asked(page) == f"?like={IDS[1]}&words=chest")
