"""The task `visible` in a real browser: a concept of a sample is shown by its name and labelled with one key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roco.curate.precision import concept_precision
from roco.curate.subset import Draw, draw_subset
from tests.curate.browsers import MARKS, Running, eventually
from tests.curate.figures import corpus, row
from tests.curate.logs import TASKS, opened
from tests.curate.servers import server

pytestmark = MARKS

LUNG, PNEUMONIA = "C0024109", "C0032285"


@pytest.mark.parametrize("path", ["/", "/one"])
def test_a_concept_of_the_sample_is_shown_by_name_and_labelled_with_one_key(
    page: Any, tmp_path: Path, path: str
) -> None:
    rows = [row(number, concepts_auto=[LUNG, PNEUMONIA]) for number in range(10)]
    log = opened(tmp_path / "labels.db")
    draw = Draw(task=TASKS["visible"], n=4, by="type", seed=1, tasks=TASKS)
    draw_subset(log, corpus(rows), draw, round="sample", annotator="a1")
    running = Running(server(tmp_path, rows, round="sample", log=log, tasks={"visible": TASKS["visible"]}))
    page.goto(f"{running.address}{path}?task=visible&annotator=a1")
    page.wait_for_selector("#detail p")
    assert "0 of 4 done" in page.locator("#progress").inner_text()
    detail = page.locator("#detail").inner_text()
    name = next(name for name in ("lung", "pneumonia") if f"Concept {name} C" in detail)
    page.keyboard.press("x")
    eventually(lambda: log.current("visible"))
    (label,) = log.current("visible")
    assert (label.label, label.concept) == ("no", {"lung": LUNG, "pneumonia": PNEUMONIA}[name])
    eventually(lambda: "1 of 4 done" in page.locator("#progress").inner_text())
    page.keyboard.press("u")
    eventually(lambda: not log.current("visible"))
    eventually(lambda: "0 of 4 done" in page.locator("#progress").inner_text())
    for key in "xyyt":
        page.keyboard.press(key)
    eventually(lambda: len(log.current("visible")) == 4)
    running.stop()
    total = concept_precision(log, TASKS["visible"]).total
    assert (total.drawn, total.yes, total.no, total.unsure) == (4, 2, 1, 1)
    log.close()
