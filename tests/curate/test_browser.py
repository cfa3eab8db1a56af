"""The pages in a real browser: label, accept, undo, filter, blind page, decisions, a lost connection."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from roco.curate.log import Log
from tests.curate.browsers import MARKS, Running, eventually
from tests.curate.figures import row
from tests.curate.servers import TASKS, Browser, entry, server

pytestmark = MARKS


def test_one_key_labels_saves_and_moves_on(visit: Any, running: Running) -> None:
    page = visit()
    first = page.locator(".cell").nth(0)
    page.keyboard.press("x")
    eventually(lambda: page.locator("#status").inner_text() == "saved" and running.labels())
    assert [label for label, _ in running.labels().values()] == ["DRXR"]
    assert "labelled" in first.get_attribute("class") and "other" in first.get_attribute("class")
    assert "current" in page.locator(".cell").nth(1).get_attribute("class")
    assert page.locator("#progress").inner_text() == "1 of 10 done, 9 left in this view"


def test_a_page_is_accepted_with_enter_and_undone_with_one_key(visit: Any, running: Running) -> None:
    page = visit()
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    eventually(lambda: "0 left" in page.locator("#progress").inner_text() and len(running.labels()) == 10)
    origins = sorted(origin for _, origin in running.labels().values())
    assert origins == ["accepted"] * 9 + ["typed"]
    page.wait_for_selector("#grid p")  # the view is done
    page.keyboard.press("u")
    eventually(lambda: len(running.labels()) == 1)
    eventually(lambda: page.locator(".cell").count() == 9)


def test_shift_and_arrows_label_several_at_once(visit: Any, running: Running) -> None:
    page = visit()
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "s"):
        page.keyboard.press(key)
    eventually(lambda: len(running.labels()) == 3)
    assert {label for label, _ in running.labels().values()} == {"DRUS"}
    assert page.locator(".labelled").count() == 3


def test_captions_and_notes_with_html_are_text_and_do_not_run(visit: Any, page: Any) -> None:
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    visit()
    page.keyboard.press("n")
    page.keyboard.type("<script>alert(2)</script><img src=y onerror=alert(3)>")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#detail >> text=onerror=alert(3)")
    assert "<img src=x onerror=alert(1)>" in page.locator("#detail").inner_text()
    assert page.locator("#detail img, #detail script").count() == 0
    assert alerts == [] and not [url for url in requested if url.endswith(("/x", "/y"))]


def test_the_policy_of_the_pages_stops_code_that_would_get_in(visit: Any, page: Any) -> None:
    visit()
    page.evaluate("""() => {
      window.stopped = [];
      document.addEventListener("securitypolicyviolation", (event) => {
        window.stopped.push(`${event.effectiveDirective}: ${event.blockedURI}`);
      });
      window.ended = new Promise((done) => {
        const image = document.createElement("img");
        image.setAttribute("onerror", "window.ran = true");
        image.addEventListener("error", () => setTimeout(done));  // after the handler of the attribute
        image.src = "https://example.org/x.png";
        document.body.append(image);
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
      });
    }""")
    page.evaluate("window.ended")
    found = ["img-src: https://example.org/x.png", "script-src-attr: inline", "script-src-elem: inline"]
    eventually(lambda: sorted(set(page.evaluate("window.stopped"))) == found)
    assert page.evaluate("window.ran === undefined")


def test_the_filter_is_part_of_the_address(visit: Any, running: Running) -> None:
    page = visit("/?task=modality&annotator=a1")
    page.keyboard.press("/")
    page.locator("#filter-text").fill("caption 7")
    page.keyboard.press("Enter")
    eventually(lambda: page.locator(".cell").count() == 1)
    assert "text=caption+7" in page.url
    page.reload()
    page.wait_for_selector(".cell")
    assert page.locator(".cell").count() == 1


def test_space_enlarges_f_flags_n_notes_and_the_question_mark_lists_the_keys(visit: Any, running: Running) -> None:
    page = visit()
    page.keyboard.press(" ")
    assert page.locator("dialog img").get_attribute("src").startswith("/api/image?key=")
    page.keyboard.press(" ")
    page.keyboard.press("f")
    page.keyboard.press("n")
    page.keyboard.type("u x: typed, no key")
    page.keyboard.press("Control+Enter")
    eventually(lambda: len(running.server.log.standing("note")) == 1)  # type: ignore[union-attr]
    assert len(running.server.log.standing("flag")) == 1  # type: ignore[union-attr]
    assert running.labels() == {}
    page.keyboard.press("?")
    assert "accept the remaining guesses" in page.locator("dialog").inner_text()


def test_labels_outlast_a_lost_connection_and_a_restarted_server(visit: Any, running: Running) -> None:
    page = visit()
    running.stop()
    page.keyboard.press("x")
    page.keyboard.press("m")
    eventually(lambda: page.locator("#status").inner_text().startswith("NOT SAVED: 2 acts"))
    assert running.labels() == {}
    running.start()
    eventually(lambda: page.locator("#status").inner_text() == "saved")
    assert sorted(label for label, _ in running.labels().values()) == ["DRMR", "DRXR"]


def test_a_killed_server_loses_no_act_of_the_page(page: Any, killable: Any, tmp_path: Path) -> None:
    process, address = killable

    def start() -> int:
        process.stdin.write("start\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    server = start()
    page.goto(f"{address}/?task=modality&annotator=a1&guess=DRCT")
    page.wait_for_selector(".cell")
    page.keyboard.press("x")
    page.wait_for_selector("#status.saved")
    os.kill(server, signal.SIGKILL)
    assert process.stdout.readline() == "ended\n"
    for key in ("m", "s"):  # the socket still accepts: the acts wait for the next server
        page.keyboard.press(key)
    page.wait_for_selector("#status.busy, #status.unsaved")
    server = start()
    page.wait_for_selector("#status.saved")
    os.kill(server, signal.SIGKILL)
    assert process.stdout.readline() == "ended\n"
    with Log.open(tmp_path / "labels.db", TASKS) as log:
        labels = [event.label for event in log.events() if event.kind == "label"]
    assert labels == ["DRXR", "DRMR", "DRUS"]


def test_two_annotators_label_at_once(chrome: Any, visit: Any, running: Running) -> None:
    page = visit()
    context = chrome.new_context()
    other = context.new_page()
    other.goto(f"{running.address}/?task=modality&annotator=a2&guess=DRMR")
    other.wait_for_selector(".cell")
    for _ in range(5):
        page.keyboard.press("x")
        other.keyboard.press("s")
    log = running.server.log
    assert log is not None
    eventually(lambda: len(log.current("modality")) == 10)
    labels = {(event.annotator, event.label) for event in log.current("modality")}
    assert labels == {("a1", "DRXR"), ("a2", "DRUS")}
    page.wait_for_selector("#status.saved")
    other.wait_for_selector("#status.saved")
    context.close()


def test_the_blind_page_shows_one_figure_and_no_guess(chrome: Any, tmp_path: Path) -> None:
    open_round = Browser(server(tmp_path))
    open_round.label(*[entry(number, "DRXR") for number in range(30)], by="a2")
    running = Running(server(tmp_path, blind=True, annotator="r1"))
    context = chrome.new_context()
    page = context.new_page()
    bodies: list[str] = []
    page.on("response", lambda answer: bodies.append(answer.text()) if "/api/page" in answer.url else None)
    page.goto(f"{running.address}/one?task=modality&annotator=r1")
    page.wait_for_selector("#rows button")
    assert "Guess" not in page.locator("aside #detail").inner_text()
    assert "guess" not in bodies[0].replace("by_guess", "")
    page.keyboard.press("x")  # an X-ray: region and direction are asked next
    eventually(lambda: page.locator("#rows h2").count() == 3)
    page.keyboard.press("3")
    page.keyboard.press("d")
    eventually(lambda: "1 of 30 done" in page.locator("#progress").inner_text())
    events = running.server.log.current(rounds=["blind"])  # type: ignore[union-attr]
    eventually(lambda: len(running.server.log.current(rounds=["blind"])) == 3)  # type: ignore[union-attr]
    assert {event.annotator for event in events} == {"r1"}
    assert page.locator("nav a").all_inner_texts() == ["Grid", "One"]
    context.close()
    running.stop()


def test_a_blind_page_names_the_labels_that_a_question_depends_on(page: Any, tmp_path: Path) -> None:
    running = Running(server(tmp_path, blind=True))
    for path in ("/one", "/"):
        page.goto(f"{running.address}{path}?task=region")
        eventually(lambda: "labelled before (Modality: DRXR)" in page.locator("main").inner_text())
    running.stop()


def test_brightness_and_inversion_stay_from_figure_to_figure(visit: Any) -> None:
    page = visit("/one?task=modality&annotator=a1&guess=DRCT")
    page.keyboard.press("i")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("ArrowRight")
    assert page.locator("#image").evaluate("image => image.style.filter") == "brightness(110%) contrast(100%) invert(1)"
    page.reload()
    page.wait_for_selector("#rows button")
    assert "invert(1)" in page.locator("#image").evaluate("image => image.style.filter")


def test_two_annotators_do_not_see_each_other(chrome: Any, visit: Any, running: Running) -> None:
    page = visit()
    page.keyboard.press("x")
    eventually(lambda: len(running.labels()) == 1)
    context = chrome.new_context()
    other = context.new_page()
    other.goto(f"{running.address}/?task=modality&annotator=a2&guess=DRCT")
    other.wait_for_selector(".cell")
    assert other.locator(".labelled").count() == 0
    assert (
        "0 of 9 done" in other.locator("#progress").inner_text() or "0 of 10" in other.locator("#progress").inner_text()
    )
    context.close()


def test_a_wrong_acceptance_of_a_decided_figure_is_reported_at_once(visit: Any, running: Running) -> None:
    Browser(running.server).label(entry(0, "DRXR", origin="adjudicated"), by="judge")
    page = visit("/?task=modality&annotator=a1&guess=DRCT&show=all")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cell.wrong")
    assert "decided before: X-ray" in page.locator("#message").inner_text()


def test_a_run_is_viewed_read_only(chrome: Any, tmp_path: Path) -> None:
    rows = [row(0), row(1, stage="license", drop="license", drop_detail="NO-CC")]
    running = Running(server(tmp_path, rows, tasks={}, log=None))
    context = chrome.new_context()
    page = context.new_page()
    page.goto(f"{running.address}/?drop=license")
    page.wait_for_selector(".cell")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    assert page.locator(".cell").count() == 1
    assert "license (NO-CC)" in page.locator("#detail").inner_text()
    assert page.locator("#status").inner_text() == "" and page.locator("#accept").count() == 0
    context.close()
    running.stop()
