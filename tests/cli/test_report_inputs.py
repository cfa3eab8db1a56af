"""`roco report`: scores, labels, and what the command prints about sections that cannot be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import DATA, DONE, USAGE, Command
from tests.curate.logs import labelled, opened
from tests.evaluate.report.counted import write_scores
from tests.evaluate.report.examples import write_published


@pytest.fixture(autouse=True)
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_published(Path("rocov2"))


def test_labels_and_scores_fill_their_sections(command: Command) -> None:
    with opened(Path("labels.db"), "curated") as log:
        for number, label in enumerate(("DRCT", "DRCT", "DRMR")):
            labelled(log, f"i{number}", label, round="curated")
            labelled(log, f"i{number}", "DRCT", by="radiologist", round="curated")
    words = ["--labels", "labels.db", "--first", "a1", "--second", "radiologist"]
    write_scores(Path("kNN"), "concepts", {"f1": 0.5})
    done = command("report", "rocov2", *words, "--scores", "kNN", "--out", "x", "--json")
    assert done.code == DONE
    sections = json.loads(done.out)["sections"]
    assert {"table-7", "figure-4", "figure-5", "table-1"} <= set(sections)
    assert {"figure-6", "table-2"}.isdisjoint(sections)
    data = json.loads(Path("x/report.json").read_text())["sections"]
    assert data["table-1"]["tables"][0]["rows"][0][0] == "kNN"
    assert data["figure-5"]["tables"][0]["rows"] == [["DRCT", 2, 0], ["DRMR", 1, 0]]
    assert "no labels of two people" in data["figure-6"]["missing"]


def test_without_them_the_paper_is_shown_and_the_command_succeeds(command: Command) -> None:
    done = command("report", "rocov2", "--out", "x")
    assert done.code == DONE
    assert "not available: Table 1. Concept detection: no scores of concepts were given" in done.out
    assert "EfficientNet-B0" in Path("x/report.html").read_text()
    assert Path("x/tables/table-1.csv").is_file()


def test_wrong_options_write_nothing(command: Command) -> None:
    assert command("report", "rocov2", "--first", "a1", "--second", "a2", "--out", "x").code == USAGE
    missing = command("report", "rocov2", "--scores", "none", "--out", "x")
    assert (missing.code, "none cannot be read" in missing.err) == (DATA, True)
    assert command("report", "rocov2", "--labels", "none.db", "--out", "x").code == DATA
    assert not Path("x").exists()
