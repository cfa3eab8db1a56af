"""The page of agreement in a real browser: its tables, a cell that is opened, and decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roco.cli.agree import agree
from roco.curate.events import Entry
from roco.curate.log import Log
from tests.curate.browsers import MARKS, Running, eventually
from tests.curate.figures import row
from tests.curate.servers import TASKS, Browser, entry, server

pytestmark = MARKS


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Two annotators who agree on 8 of 10 images of a sample."""
    found = Running(server(tmp_path))
    sender = Browser(found.server)
    sender.label(*[entry(number, "DRCT") for number in range(10)], batch="x1")
    sender.label(*[entry(number, "DRCT" if number < 8 else "DRXR") for number in range(10)], batch="x2", by="a2")
    yield found
    found.stop()


def visit(page: Any, running: Running, task: str = "modality") -> None:
    page.goto(f"{running.address}/agree?task={task}&annotator=judge")
    page.wait_for_selector("#tables table")


def cells(page: Any, table: str) -> list[list[str]]:
    rows = page.locator(f"{table} tr").all()
    return [one.locator("th, td").all_inner_texts() for one in rows]


def test_the_tables_are_those_of_the_command(page: Any, running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    sample = [
        Entry(kind="sample", task="modality", image_key=row(number)["image_key"], label="CT", weight=5.0)
        for number in range(10)
    ]
    log = running.server.log
    assert log is not None
    log.add(sample, round="curated", annotator="lead")
    visit(page, running)
    head, body = cells(page, "#table-7")
    assert head[:6] == ["task", "n", "kappa (sd)", "95% CI", "agreements", "expected by chance"]
    assert head[6:] == ["Landis and Koch", "alpha", "AC1"]
    agree(log.path, task=["modality"])
    printed = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert " ".join(["modality", *body[1:]]) in lines
    weighted = cells(page, "#weighted")[1]
    assert " ".join(["modality", *weighted[1:]]) in lines
    by_class = ["0", "2", "0", "0.000 (0.000)", "[0.000, 0.000]", "8 (80.00%)", "8.0 (80.00%)", "slight"]
    assert " ".join(["DRXR", *by_class]) in lines
    assert ["X-ray", *by_class] in cells(page, "#classes")
    assert cells(page, "#shares")[1:] == [["CT", "0.80", "0.20"], ["X-ray", "0.00", "0.00"]]


def test_a_click_on_a_cell_opens_its_figures_and_a_key_decides(page: Any, running: Running) -> None:
    visit(page, running)
    page.locator("button[aria-label='CT and X-ray: 2']").click()
    page.wait_for_selector("#decide img")
    assert not {"a1", "a2", "a1?"} & set(page.locator("body").inner_text().split())
    assert page.locator("#title").inner_text() == "Decision, Modality"
    assert page.locator("#tables").is_hidden() and page.locator("#first").is_hidden()
    assert "One of two people chose each of: CT, X-ray." in page.locator("#decide").inner_text()
    page.keyboard.press("x")
    page.keyboard.press("x")
    log = running.server.log
    eventually(lambda: "every figure of this cell is decided" in page.locator("#message").inner_text())
    page.keyboard.press("u")
    eventually(lambda: page.locator("#message").inner_text() == "")
    page.keyboard.press("x")
    eventually(lambda: sum(one.origin == "adjudicated" for one in log.current()) == 2)  # type: ignore[union-attr]
    page.keyboard.press("Escape")
    assert page.locator("#decide").inner_text() == ""
    assert page.locator("#message").inner_text() == ""
    eventually(lambda: page.locator("#title").inner_text() == "Agreement, Modality: a1 and a2")
    page.locator("button[aria-label='CT and CT: 8']").click()
    eventually(lambda: "Both chose CT." in page.locator("#decide").inner_text())


def test_the_heading_names_no_raters_if_none_share_an_image(page: Any, running: Running) -> None:
    page.goto(f"{running.address}/agree?task=region&annotator=judge")
    page.wait_for_selector("#tables p")
    assert page.locator("#title").inner_text() == "Agreement, Body region"


def test_several_labels_of_an_image_are_shown_and_decided_together(page: Any, tmp_path: Path) -> None:
    tasks = {**TASKS, "region": replace(TASKS["region"], several=True)}
    log = Log.open(tmp_path / "joint.db", tasks)
    log.open_round("curated", annotator="a1")
    running = Running(server(tmp_path, tasks=tasks, log=log))
    sender = Browser(running.server)
    sender.label(entry(1, "abdomen+pelvis"), entry(4, "chest"), batch="x1", task="region")
    sender.label(entry(1, "pelvis"), entry(4, "chest"), batch="x2", by="a2", task="region")
    visit(page, running, "region")
    assert "Abdomen + Pelvis" in [one[0] for one in cells(page, "#classes")]
    page.locator("button[aria-label='Abdomen + Pelvis and Pelvis: 1']").click()
    page.get_by_role("button", name="Abdomen + Pelvis (chosen)").click()
    eventually(
        lambda: [one.label for one in log.standing("label") if one.origin == "adjudicated"] == ["abdomen+pelvis"]
    )
    running.stop()
