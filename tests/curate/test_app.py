"""The curation server: what it shows and stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roco import Release
from roco.curate.app_state import Server
from roco.curate.corpus import of_release
from tests.curate.figures import jpeg, row
from tests.curate.servers import HOST, Browser, entry, server


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(server(tmp_path))


def test_a_label_is_stored_and_leaves_the_view(browser: Browser) -> None:
    first = browser.page(guess="DRCT")
    assert first["left"] == 10 and first["figures"][0]["guess"] == "DRCT"
    answer = browser.label({"key": first["figures"][0]["key"], "label": "DRXR"})
    assert answer.json() == {"batch": "b1", "saved": 1, "wrong": []}
    after = browser.page(guess="DRCT")
    assert (after["left"], after["done"], after["total"]) == (9, 1, 10)
    assert browser.page(guess="DRCT", show="done")["figures"][0]["mine"] == "DRXR"
    event = browser.server.log.current("modality")[0]  # type: ignore[union-attr]
    assert (event.label, event.origin, event.round, event.annotator) == ("DRXR", "typed", "curated", "a1")
    assert event.guideline == browser.server.tasks["modality"].version


def test_an_act_that_is_sent_twice_is_stored_once(browser: Browser) -> None:
    browser.label(entry(1, "DRXR"))
    assert browser.label(entry(1, "DRXR")).status_code == 200
    assert browser.events() == 2  # the round and the label


def test_a_page_is_accepted_and_undone_as_one_act(browser: Browser) -> None:
    page = browser.page(guess="DRMR")["figures"]
    accepted = [{"key": one["key"], "label": one["guess"], "origin": "accepted"} for one in page]
    browser.label(*accepted)
    assert browser.page(guess="DRMR")["left"] == 0
    origins = {event.origin for event in browser.server.log.current("modality")}  # type: ignore[union-attr]
    assert origins == {"accepted"}
    undone = browser.post("/api/undo", {"annotator": "a1"}).json()
    assert len(undone["figures"]) == 10 and {one["mine"] for one in undone["figures"]} == {None}
    assert browser.page(guess="DRMR")["left"] == 10
    assert browser.post("/api/undo", {"annotator": "a1"}).status_code == 422


def test_an_undo_brings_the_label_before_back(browser: Browser) -> None:
    browser.label(entry(1, "DRXR"))
    browser.label(entry(1, "DRCT"), batch="b2")
    undone = browser.post("/api/undo", {"annotator": "a1", "batch": "b2"}).json()
    assert undone["figures"][0]["mine"] == "DRXR"


def test_the_undo_of_a_decision_returns_the_decision_before(browser: Browser) -> None:
    for number, label in enumerate(("DRXR", "DRCT")):
        browser.label(entry(1, label, origin="adjudicated"), batch=f"b{number}", by="judge")
    decided = [browser.post("/api/undo", {"annotator": "judge"}).json()["figures"][0]["adjudicated"] for _ in range(2)]
    assert decided == ["DRXR", None]


def test_a_label_against_an_adjudicated_one_is_reported_at_once(browser: Browser) -> None:
    browser.label(entry(0, "DRXR", origin="adjudicated"), by="judge")
    answer = browser.label(entry(0, "DRCT", origin="accepted"), batch="b2").json()
    wrong = {"key": row(0)["image_key"], "concept": "", "label": "DRCT", "adjudicated": "DRXR"}
    assert answer["wrong"] == [wrong]
    assert browser.label(entry(0, "DRXR"), batch="b3").json()["wrong"] == []


def test_flags_and_notes_are_shown_with_the_figure(browser: Browser) -> None:
    key = row(4)["image_key"]
    browser.label({"key": key, "kind": "flag"}, {"key": key, "kind": "note", "note": "two panels"})
    figure = browser.page(show="flagged")["figures"]
    assert [(one["key"], one["flagged"], one["notes"]) for one in figure] == [(key, True, ["two panels"])]


@pytest.mark.parametrize(
    ("bad", "status", "error"),
    [
        ({"key": "PMC1-of-another-run", "label": "DRCT"}, 404, "unknown figure"),
        ({"key": "../../etc/passwd", "label": "DRCT"}, 404, "unknown figure"),
        (entry(1, "DRCX"), 422, "not a label"),
        (entry(1, "chest"), 422, "not a label"),
        (entry(1, "DRCT+DRXR"), 422, "several labels"),
        (entry(1, "DRCT", origin="accepted"), 422, "not the guess"),
        (entry(1, "DRCT", origin="imported"), 422, "invalid request"),
        (entry(1, "DRCT", concept="C0000726"), 422, "a concept"),
        (entry(1, "DRCT", annotator="a2"), 422, "invalid request"),
        (entry(1, ["DRCT"]), 422, "invalid request"),  # type: ignore[arg-type]
        ({"key": row(1)["image_key"], "kind": "note"}, 422, "empty note"),
        (entry(1, "DRCT", kind="flag"), 422, "a flag with a label"),
        (entry(1, "", kind="note", note="n", origin="adjudicated"), 422, "a note with a label, concept or origin"),
    ],
)
def test_an_invalid_entry_is_refused_and_the_log_is_untouched(
    browser: Browser, bad: dict[str, object], status: int, error: str
) -> None:
    before = browser.events()
    answer = browser.label(entry(2, "DRMR"), bad)
    assert answer.status_code == status
    assert error in answer.json()["error"]
    assert answer.json()["hint"]
    assert browser.events() == before


def test_requests_without_sense_are_refused(browser: Browser) -> None:
    assert browser.label().status_code == 422
    assert browser.label(*[entry(1)] * 501).status_code == 422
    assert browser.label(entry(1), by="").status_code == 422
    assert browser.label(entry(1), by="a\x1b1").status_code == 422
    assert browser.label(entry(1), task="modalities").status_code == 422
    assert browser.post("/api/labels", [1]).status_code == 422
    assert (
        browser.http.get("/api/page", params={"task": "modality", "annotator": "a1", "size": 10**9}).status_code == 422
    )
    assert browser.http.get("/api/page", params={"task": "modality"}).status_code == 422
    assert browser.events() == 1


def test_a_figure_that_was_dropped_before_the_guess_is_not_labelled(tmp_path: Path) -> None:
    rows = [row(0), row(1, stage="license", drop="license", modality_guess=None)]
    browser = Browser(server(tmp_path, rows))
    assert browser.page()["left"] == 1
    assert browser.label(entry(1)).status_code == 422


def test_images_are_sent_with_the_type_of_their_content(tmp_path: Path) -> None:
    rows = [row(number) for number in range(4)]
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    images = {"PMC1/f1/0": svg, "PMC2/f1/0": jpeg(9)[:100], "PMC3/f1/0": b"BM" + bytes(60)}
    browser = Browser(server(tmp_path, rows, images=images))

    def get(what: str, number: int) -> tuple[int, str]:
        answer = browser.http.get(f"/api/{what}", params={"key": row(number)["image_key"]})
        return answer.status_code, answer.headers["content-type"]

    assert get("image", 0) == get("thumbnail", 0) == (200, "image/jpeg")
    for number in (1, 3):
        assert get("image", number) == get("thumbnail", number) == (422, "application/json")
    assert get("thumbnail", 2) == (422, "application/json")
    assert browser.http.get("/api/image", params={"key": "nothing"}).status_code == 404


def test_a_dropped_figure_of_a_release_has_no_image(finished_demo: Path) -> None:
    with Release.open(finished_demo / "run" / "release") as release:
        figures = of_release(release, "the release")
        browser = Browser(Server(corpus=figures, tasks={}, write_token="w", hosts=frozenset({HOST})))
        dropped, kept = (
            browser.http.get("/api/page", params={"drop": drop, "size": 1}).json()["figures"][0]
            for drop in (figures.column("drop").drop_null()[0].as_py(), "none")
        )
        assert (dropped["has_image"], kept["has_image"]) == (False, True)
        for what in ("image", "thumbnail"):
            answer = browser.http.get(f"/api/{what}", params={"key": dropped["key"]})
            assert (answer.status_code, answer.json()["error"]) == (404, "a dropped figure has no image in the release")
            assert browser.http.get(f"/api/{what}", params={"key": kept["key"]}).status_code == 200


def test_a_blind_round_sends_no_guess_score_or_label_of_others(tmp_path: Path) -> None:
    open_round = Browser(server(tmp_path))
    for number in range(30):
        open_round.label(entry(number, "DRXR"), batch=f"o{number}", by="a2")
    open_round.label(entry(3, "DRCT", origin="adjudicated"), batch="j", by="judge")
    open_round.label({"key": row(3)["image_key"], "kind": "note", "note": "secret"}, batch="n", by="a2")
    browser = Browser(server(tmp_path, blind=True))
    for task in ("modality", "region"):
        found = browser.page(task=task, size=200)
        assert found["by_guess"] == {}
        for figure in found["figures"]:
            hidden = {"guess", "p", "from", "disagrees", "modality", "concepts", "split", "adjudicated"}
            assert not hidden & set(figure)
            assert figure["mine"] is None and set(figure["labels"].values()) == {None} and figure["notes"] == []
    assert "DRXR" not in json.dumps(found["figures"]) and "secret" not in json.dumps(found)
    assert browser.label(entry(3, "DRXR"), batch="x").json()["wrong"] == []
    assert browser.label(entry(4, "DRXR", origin="accepted"), batch="y").status_code == 422
    assert browser.http.get("/api/agree", params={"task": "modality"}).status_code == 404
    answer = browser.http.get("/api/page", params={"task": "modality", "annotator": "a1", "guess": "DRCT"})
    assert answer.status_code == 422


def test_a_server_without_a_log_only_shows_figures(tmp_path: Path) -> None:
    rows = [row(0), row(1, stage="license", drop="license", drop_detail="NO-CC")]
    browser = Browser(server(tmp_path, rows, tasks={}, log=None))
    session = browser.http.get("/api/session").json()
    assert session["read_only"] and session["filters"]["drop"] == ["license", "none"]
    found = browser.http.get("/api/page", params={"drop": "license"}).json()
    assert [one["drop_detail"] for one in found["figures"]] == ["NO-CC"]
    assert browser.http.get("/api/page", params={"drop": "none"}).json()["total"] == 1
    assert browser.label(entry(0)).status_code in (404, 405)


def test_the_name_of_an_annotator_has_no_colon(browser: Browser) -> None:
    before = browser.events()
    asked = {"task": "modality", "annotator": "curated:bob"}
    refused = browser.http.get("/api/page", params=asked)
    assert refused.status_code == 422 and "annotator with a colon" in refused.text
    assert browser.label(entry(1), by="curated:bob").status_code == 422
    assert browser.events() == before
