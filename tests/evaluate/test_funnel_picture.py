"""The picture of a funnel: bars, labels and reproducible bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from roco.evaluate.report.funnel import DROPPED_COLOR, KEPT_COLOR, draw

FUNNEL: dict[str, Any] = {
    "source": {"articles": 1200},
    "stages": [
        {"stage": "extract", "kind": "measure", "in": 3000, "kept": 2990, "dropped": {"missing": 10}},
        {
            "stage": "license",
            "kind": "decision",
            "in": 2990,
            "kept": 1500,
            "dropped": {"license": 1400, "retracted": 90},
        },
        {"stage": "language_id", "kind": "measure", "in": 1500, "kept": 1500, "dropped": {}},
        {"stage": "merge", "kind": "decision", "in": 1500, "kept": 1500, "dropped": {}},
    ],
}


def texts(path: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))


def test_each_bar_is_labelled_with_kept_figures_and_reasons(tmp_path: Path) -> None:
    draw(FUNNEL, tmp_path / "funnel.svg")
    found = texts(tmp_path / "funnel.svg")
    assert "1,500   −1,400 license, 90 retracted" in found
    assert "2,990   −10 missing" in found
    assert "1,500" in found  # merge, which dropped nothing
    assert "1,200 articles, 3,000 figures, 1,500 in the release" in found


def test_a_measurement_that_dropped_nothing_has_no_bar(tmp_path: Path) -> None:
    draw(FUNNEL, tmp_path / "funnel.svg", title="Another title")
    found = texts(tmp_path / "funnel.svg")
    assert {"extract", "license", "merge"} <= set(found) and "language_id" not in found
    assert "Another title" in found


def test_kept_and_dropped_figures_have_their_own_colours(tmp_path: Path) -> None:
    draw(FUNNEL, tmp_path / "funnel.svg")
    picture = (tmp_path / "funnel.svg").read_text(encoding="utf-8")
    assert picture.count(f"fill: {KEPT_COLOR}") == 3 and picture.count(f"fill: {DROPPED_COLOR}") == 3


def test_the_same_funnel_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw(FUNNEL, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_funnel_without_figures_can_be_drawn(tmp_path: Path) -> None:
    empty = {"source": {"articles": 0}, "stages": [{**FUNNEL["stages"][1], "in": 0, "kept": 0, "dropped": {}}]}
    draw(empty, tmp_path / "funnel.png")
    assert (tmp_path / "funnel.png").read_bytes().startswith(b"\x89PNG")
