"""The page of agreement: the numbers of `roco agree`, cells for decisions, and which raters it offers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roco.cli.agree import agree
from roco.curate.events import Entry
from roco.evaluate.report import render
from tests.curate.figures import row
from tests.curate.logs import with_colon
from tests.curate.servers import Browser, entry, server


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Two annotators who agree on 18 of 20 images."""
    found = Browser(server(tmp_path))
    found.label(*[entry(number, "DRCT" if number < 10 else "DRXR") for number in range(20)], batch="x1")
    found.label(*[entry(number, "DRCT" if number < 8 else "DRXR") for number in range(20)], batch="x2", by="a2")
    return found


def agreement(browser: Browser, **facts: str) -> dict[str, Any]:
    answer = browser.http.get("/api/agree", params={"task": "modality", **facts})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def cell(browser: Browser, one: str = "DRCT", other: str = "DRXR") -> dict[str, dict[str, Any]]:
    """The figures of a cell by key."""
    pair = {"task": "modality", "first": "a1", "second": "a2", "row": one, "column": other, "annotator": "judge"}
    return {figure["key"]: figure for figure in browser.http.get("/api/cell", params=pair).json()["figures"]}


def add_sample(browser: Browser, n: int, weight: float = 10.0) -> None:
    drawn = [
        Entry(kind="sample", task="modality", image_key=row(number)["image_key"], label="CT", weight=weight)
        for number in range(n)
    ]
    browser.server.log.add(drawn, round="curated", annotator="lead")  # type: ignore[union-attr]


def test_the_page_has_the_numbers_of_two_annotators(browser: Browser) -> None:
    found = agreement(browser)
    assert (found["first"], found["second"], found["raters"]) == ("a1", "a2", {"a1": 20, "a2": 20, "curated": 20})
    one = found["tasks"][0]
    assert (one["n"], one["agree"], one["matrix"], one["normalised"]) == (
        20,
        18,
        [[8, 2], [0, 10]],
        [[0.8, 0.2], [0, 1]],
    )
    assert round(one["value"], 4) == 0.8 and one["words"] == "substantial"
    assert one["weighted"] is None and one["weighted_table"] is None


def test_the_page_shows_the_figures_that_the_command_prints(
    browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    add_sample(browser, 20)
    log = browser.server.log
    assert log is not None
    one = agreement(browser)["tasks"][0]
    agree(log.path, task=["modality"])
    printed = capsys.readouterr().out
    for name in ("table_7", "weighted_table", "label_table"):
        assert render.text(render.ReportTable(**one[name])) in printed
    agree(log.path, task=["modality"], as_json=True)
    numbers = json.loads(capsys.readouterr().out)[0]
    assert {name: one[name] for name in numbers} == numbers
    assert numbers["weighted"]["n"] == 20 and numbers["alpha"] and numbers["ac1"]


def test_the_weighted_kappa_leaves_out_a_compared_image_that_the_sample_lacks(browser: Browser) -> None:
    add_sample(browser, 19)
    one = agreement(browser)["tasks"][0]
    assert one["weighted"]["n"] == 19 and one["n"] == 20


def test_a_cell_has_its_figures_without_the_names_of_annotators(browser: Browser) -> None:
    found = cell(browser)
    assert set(found) == {row(8)["image_key"], row(9)["image_key"]}
    assert "a1" not in json.dumps(found) and "a2" not in json.dumps(found)


def test_a_decision_is_no_label_of_a_rater(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    browser.label(entry(8, "DRXR", origin="adjudicated"), batch="j", by="a1")
    assert agreement(browser)["tasks"][0]["matrix"] == [[8, 2], [0, 10]]
    assert cell(browser)[row(8)["image_key"]]["adjudicated"] == "DRXR"
    agree(browser.server.log.path, first="a1", second="a2", as_json=True)  # type: ignore[union-attr]
    assert json.loads(capsys.readouterr().out)[0]["matrix"] == [[8, 2], [0, 10]]


def test_new_labels_and_undone_ones_change_the_numbers(browser: Browser) -> None:
    assert agreement(browser)["tasks"][0]["agree"] == 18
    browser.label(entry(8, "DRCT"), batch="again", by="a2")
    assert agreement(browser)["tasks"][0]["agree"] == 19
    browser.post("/api/undo", {"annotator": "a2", "batch": "again"})
    assert agreement(browser)["tasks"][0]["agree"] == 18


def test_other_tasks_of_the_same_raters_follow(browser: Browser) -> None:
    for by in ("a1", "a2"):
        browser.label(entry(12, "chest"), entry(13, "spine"), batch=f"r{by}", by=by, task="region")
    assert [one["task"] for one in agreement(browser)["tasks"]] == ["modality", "region"]


def test_a_round_is_a_rater_with_its_resolved_labels(browser: Browser) -> None:
    browser.label(entry(8, "DRXR", origin="adjudicated"), batch="j", by="judge")
    one = agreement(browser, first="a1", second="curated")["tasks"][0]
    assert (one["n"], one["matrix"]) == (19, [[8, 1], [0, 10]])  # one image is disputed


def test_labels_that_were_computed_are_not_computed_again(tmp_path: Path) -> None:
    computed: list[str] = []

    def statistics(compared: Any) -> dict[str, Any]:
        computed.append(compared.task)
        return {"task": compared.task}

    browser = Browser(server(tmp_path, agreement=statistics))
    for by in ("a1", "a2"):
        browser.label(entry(1), batch=by, by=by)
    agreement(browser)
    agreement(browser)
    browser.label({"key": row(1)["image_key"], "kind": "flag"}, batch="flag")
    agreement(browser)
    assert computed == ["modality"]
    browser.label(entry(1, "DRXR"), batch="again")
    agreement(browser)
    assert computed == ["modality"] * 2


def test_without_labels_the_page_is_empty_and_an_unknown_rater_is_refused(tmp_path: Path) -> None:
    browser = Browser(server(tmp_path))
    found = agreement(browser)
    assert (found["tasks"], found["first"], found["raters"]) == ([], "", {})
    answer = browser.http.get("/api/agree", params={"task": "modality", "first": "x:y", "second": "z"})
    assert answer.status_code == 422
    assert answer.json() == {"error": "unknown annotator or round", "hint": "choose one of the list"}


def test_an_annotator_with_a_colon_in_an_older_log_can_be_compared(browser: Browser) -> None:
    assert browser.server.log is not None
    with_colon(browser.server.log, "curated", "curated:bob", {row(0)["image_key"]: "DRCT"})
    assert agreement(browser)["raters"] == {"a1": 20, "a2": 20, "curated": 20, "curated:bob": 1}
    assert agreement(browser, first="a1", second="curated:bob")["tasks"][0]["n"] == 1
    refused = browser.http.get("/api/agree", params={"task": "modality", "first": "a1", "second": "curated:eve"})
    assert refused.status_code == 422 and str(browser.server.log.path) not in refused.text
