"""A run reports its progress: what it counts, each unit done, and how many figures were processed and dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from roco.core import reading
from roco.core.pipeline import Pipeline
from tests.core import fakes
from tests.core.conftest import run, write_article
from tests.recorder import Recorder

Make = Callable[..., Pipeline]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_counts_articles_and_their_figures(make: Make, tmp_path: Path, workers: int) -> None:
    recorder = Recorder()
    run(make(), tmp_path / "run", workers=workers, progress=recorder)
    assert recorder.totals["articles"] == recorder.done["articles"] == 30
    assert recorder.amounts["figures"] == 60 > recorder.amounts["dropped"] > 0


def test_what_cannot_be_counted_is_named_and_images_of_the_release_are_counted(
    make: Make, tmp_path: Path, articles: Path
) -> None:
    recorder = Recorder()
    outcome = run(make(), tmp_path / "run", workers=0, progress=recorder)
    assert recorder.activities == [
        f"listing the articles in {articles}",
        "articles",
        "stage 'halves'",
        "stage 'printed'",
        "images of the release",
    ]
    kept = outcome.funnel["stages"][-1]["kept"]
    assert recorder.totals["images of the release"] == recorder.done["images of the release"] == kept


def test_figures_of_a_measure_after_a_table_stage_are_counted(make: Make, tmp_path: Path) -> None:
    recorder = Recorder()
    run(make(words=None, long=None, late=fakes.Words()), tmp_path / "run", workers=0, progress=recorder)
    kept = sum(recorder.totals[what] for what in recorder.totals if what.startswith("figures ("))
    assert recorder.done["figures (late)"] == kept > 0


def test_articles_of_a_large_part_are_counted_while_it_is_processed(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PACKAGES_OPEN", 4)
    recorder = Recorder()
    run(make(), tmp_path / "run", workers=0, progress=recorder)
    assert max(recorder.steps) == 4


def test_articles_that_are_read_again_after_a_crash_are_counted_once(
    make: Make, tmp_path: Path, articles: Path
) -> None:
    figure = {"caption": "a radiograph", "license": "CC-BY", "file": "a.jpg"}
    write_article(articles, 5, figures=[figure], images={"a.jpg": "CRASH"})
    recorder = Recorder()
    run(make(), tmp_path / "run", workers=1, progress=recorder)
    assert recorder.done["articles"] == 30
    assert min(recorder.steps) > 0


def test_a_resumed_run_counts_from_the_articles_that_are_done(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, only=(1, 2))
    recorder = Recorder()
    run(make(), tmp_path / "run", workers=0, progress=recorder)
    before = recorder.before["articles"]
    assert (recorder.totals["articles"], recorder.done["articles"]) == (30, 30 - before)
    assert before > 0


def test_a_run_with_nothing_to_do_counts_nothing(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    recorder = Recorder()
    run(make(), tmp_path / "run", workers=0, progress=recorder)
    assert not recorder.totals and not recorder.done and not recorder.amounts
