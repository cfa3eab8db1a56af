"""What somebody in a blind round can learn: the same, whatever was guessed, labelled, flagged or dropped before."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, get_args

import pytest

from roco.curate.view import FILTERS, Show
from tests.curate.figures import LABELS, row
from tests.curate.servers import TASKS, Browser, entry, server

N = 12
VALUES = (*LABELS, "train", "none", "CC-BY")


def rows(shift: int) -> list[dict[str, Any]]:
    """Figures whose guesses, splits and drops depend on the shift alone."""
    found = []
    for number in range(N):
        is_dropped = (number + shift) % 4 == 0
        facts = {
            "modality_guess": LABELS[(number + shift) % 3],
            "modality_p": 0.5 + ((number * 5 + shift) % 7) / 20,
            "modality": None if is_dropped else LABELS[(number + shift) % 3],
            "split": None if is_dropped else "train",
            "concepts": ["C0040405"] if (number + shift) % 3 else [],
            "stage": "labels" if is_dropped else None,
            "drop": "OTHER" if is_dropped else None,
        }
        found.append(row(number, **facts))
    return found


def blind(folder: Path, shift: int) -> Browser:
    """A blind round of a1, after others have labelled, flagged and noted in it and in an open round."""
    folder.mkdir()
    figures = rows(shift)
    for is_blind in (False, True):
        label = LABELS[shift % 3]
        other = Browser(server(folder, figures, blind=is_blind, annotator="r2"))
        for number in range(shift, N, 2):
            what = [entry(number, label), {"key": row(number)["image_key"], "kind": "flag"}]
            other.label(
                *what,
                {"key": row(number)["image_key"], "kind": "note", "note": "n"},
                batch=f"{is_blind}{number}",
                by="r2",
            )
    served = server(folder, figures, blind=True)
    served.corpus.asked[:] = True  # as in a run: what labels have dropped is asked about like all others
    return Browser(served)


def learned(browser: Browser) -> dict[str, Any]:
    """Every answer that the pages of a1 and hand-written addresses get, by its address."""
    session = browser.http.get("/api/session").json()
    found: dict[str, Any] = {"session": {name: value for name, value in session.items() if name != "scope"}}
    orders, filters = ("doubt", "random", "article"), [{"guess": "DRCT"}, {"concept": "C0040405"}, {"text": "1"}]
    filters += [{name: value} for name in FILTERS for value in VALUES]
    views = [{"order": order, "show": show} for order, show in itertools.product(orders, get_args(Show))]
    for task, by, facts in itertools.product(TASKS, ("a1", "r2", ""), [{}, *views, *filters]):
        asked = {"task": task, "annotator": by, "size": "200", **facts}
        answer = browser.http.get("/api/page", params=asked)
        found[str(asked)] = answer.status_code, answer.json()
    for by in ("a1", "r2"):
        found[f"label {by}"] = browser.label(entry(1, "DRMR"), by=by, batch=f"x{by}").json()
    return found


@pytest.mark.slow
def test_a_blind_session_learns_nothing_of_guesses_drops_and_the_acts_of_others(tmp_path: Path) -> None:
    one, other = blind(tmp_path / "one", 0), blind(tmp_path / "other", 1)
    for label in ("DRXR", "DRCT"):
        assert [browser.label(entry(5, label), batch=label).status_code for browser in (one, other)] == [200, 200]
    first, second = learned(one), learned(other)
    assert {asked: answer for asked, answer in first.items() if second[asked] != answer} == {}
    assert any(answer[1].get("figures") for asked, answer in first.items() if asked.startswith("{"))


@pytest.mark.parametrize("act", [{"annotator": "r2"}, {"annotator": "r2", "batch": "theirs"}])
def test_a_blind_server_serves_its_annotator_alone(tmp_path: Path, act: dict[str, str]) -> None:
    Browser(server(tmp_path, blind=True, annotator="r2")).label(entry(1, "DRXR"), batch="theirs", by="r2")
    browser = Browser(server(tmp_path, blind=True))
    before = browser.events()
    page = browser.http.get("/api/page", params={"task": "modality", "annotator": "r2", "show": "done"})
    for answer in (page, browser.label(entry(1), by="r2"), browser.post("/api/undo", act)):
        assert answer.status_code == 422
        assert answer.json()["error"] == "another annotator than 'a1' in a blind round"
        assert "--annotator" in answer.json()["hint"]
    assert browser.post("/api/undo", {"annotator": "a1", "batch": "theirs"}).status_code == 422
    assert browser.events() == before
