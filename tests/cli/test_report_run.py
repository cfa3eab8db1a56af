"""What `roco report` reads of a run and of a label log."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.cli.report_run import read_articles, read_precision
from roco.curate.events import Entry
from roco.release.read import Release
from tests.curate.logs import labelled, opened

LUNG = "C0024109"


def test_articles_of_a_run_include_those_without_a_kept_image(finished_demo: Path) -> None:
    read = read_articles(finished_demo / "run")
    assert read is not None
    articles = read["article_key"].to_pylist()
    kept = Release.open(finished_demo / "run" / "release").articles()
    assert len(articles) == len(set(articles)) and kept < set(articles)
    licenses = dict(zip(articles, read["license"].to_pylist(), strict=True))
    assert "CC-BY-NC-ND" in licenses.values()  # of an article that the licence drops
    years = dict(zip(articles, read["year"].to_pylist(), strict=True))
    assert all(years[article] for article in kept)


def test_a_folder_without_measures_has_no_articles(tmp_path: Path) -> None:
    assert read_articles(tmp_path) is None


def test_the_precision_of_the_last_sample_counts(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "first", "second") as log:
        for round, size in (("first", 4), ("second", 2)):
            facts = {"kind": "sample", "task": "visible", "concept": LUNG, "label": "organ", "weight": size / 2}
            entries = [Entry(image_key=f"{round}{n}", **facts) for n in range(2)]  # type: ignore[arg-type]
            log.add(entries, round=round, annotator="lead")
        labelled(log, "second0", "yes", "a1", "second", task="visible", concept=LUNG)
        labelled(log, "second1", "no", "a1", "second", task="visible", concept=LUNG)
    organ, total = read_precision(tmp_path / "labels.db")
    assert organ[:6] == ("organ", 2, 2, 1, 1, 0) and organ.value == pytest.approx(0.5)
    assert total.stratum == "all"


def test_a_log_without_a_sample_has_no_precision(tmp_path: Path) -> None:
    with opened(tmp_path / "labels.db", "first"):
        pass
    assert read_precision(tmp_path / "labels.db") == []
