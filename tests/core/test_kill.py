"""A run that is killed at any point and then repeated gives the result of an undisturbed run."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roco.core import drive as engine
from tests.core.conftest import everything
from tests.faults.drive import KILLED, drive, faults, forked, kept, kill_group, leftovers, read, started, write_articles
from tests.faults.kills import Kill, Sweep, calls, sweeper
from tests.waits import wait_until

N = 15  # two parts of seven articles and one of one


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("killed") / "articles", N)


@pytest.fixture(scope="module")
def finished(articles: Path) -> Path:
    """Returns an undisturbed run."""
    folder = articles.with_name("finished")
    drive(articles, folder)
    return folder


@pytest.fixture(scope="module")
def sweep() -> Iterator[Sweep]:
    with sweeper() as sweep:
        yield sweep


@pytest.mark.slow
def test_a_driver_killed_at_any_write_resumes_and_reads_only_the_part_in_flight_again(
    articles: Path, finished: Path, tmp_path: Path, sweep: Sweep
) -> None:
    fates = sweep(Kill(articles, tmp_path, finished))
    assert len(fates) > 60  # measures, packs, decisions, table decisions, release, manifest, funnel
    for fate in fates:
        assert (fate.code, fate.other, fate.left) == (KILLED, [], []), fate
        assert fate.reads <= N + 7, fate


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"at_least": 3}, {"at_least": 1}, {"retry": "unreadable"}], ids=["same", "3", "1", "retry"]
)
def test_a_second_run_killed_at_any_write_resumes(
    articles: Path, finished: Path, tmp_path: Path, sweep: Sweep, options: dict[str, Any]
) -> None:
    shutil.copytree(finished, tmp_path / "fresh")
    drive(articles, tmp_path / "fresh", **options)
    kill = Kill(articles, tmp_path / "work", tmp_path / "fresh", before=finished, options=options)
    for fate in sweep(kill, range(1, calls(kill) + 1, 4)):
        assert (fate.code, fate.other, fate.left, fate.reads) == (KILLED, [], [], 0), fate


@pytest.mark.slow
def test_a_run_survives_a_worker_killed_at_any_write(tmp_path: Path, sweep: Sweep) -> None:
    articles = write_articles(tmp_path / "articles", 7)
    drive(articles, tmp_path / "fresh")
    kill = Kill(articles, tmp_path / "work", tmp_path / "fresh", where="worker", options={"workers": 1})
    fates = sweep(kill)
    # Three calls each for three measures and a pack; the decisions of the part are synced later, by the driver.
    assert len(fates) == 3 * 4 + 1
    for fate in fates:
        assert (fate.code, fate.other, fate.left) == (0, [], []), fate
        assert fate.reads <= 7 + 7, fate


@pytest.mark.slow
def test_a_driver_killed_while_its_workers_are_busy_resumes(articles: Path, finished: Path, tmp_path: Path) -> None:
    options = {"workers": 2}
    kill = Kill(articles, tmp_path, finished, options=options)
    for at in range(1, calls(kill) + 1, 8):
        folder = tmp_path / f"killed-{at}"
        assert forked(articles, folder, faults(tmp_path / f"at-{at}", at, "driver"), **options) == KILLED
        drive(articles, folder)
        assert kept(folder) == kept(finished), at


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_process_group_killed_at_random_times_resumes(
    articles: Path, finished: Path, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, chance = tmp_path / "log", random.Random(seed)
    monkeypatch.setenv("ROCO_TEST_LOG", str(log))
    kills = 0
    for _ in range(3):
        # Killed after some of the work, whenever that is: the fakes write one line of the log per piece of work.
        enough = sum(read(log).values()) + chance.randint(1, 40)
        with started(articles, tmp_path / "run", workers=2) as process:
            wait_until(lambda enough=enough: process.poll() is not None or sum(read(log).values()) >= enough)
            kills += process.poll() is None
            kill_group(process)
    drive(articles, tmp_path / "run")
    assert kept(tmp_path / "run") == kept(finished)
    assert leftovers(tmp_path / "run") == []
    assert read(log)["read"] <= N + kills * 2 * 7


def test_repeated_kills_leave_only_the_temporary_files_of_the_last_one(articles: Path, tmp_path: Path) -> None:
    for i in range(4):
        assert forked(articles, tmp_path / "run", faults(tmp_path / f"at-{i}", 15)) == KILLED
        assert len(leftovers(tmp_path / "run")) <= 2  # a pack and a file that was not renamed yet


@pytest.mark.slow
def test_a_recipe_changed_after_a_kill_gives_the_same_as_a_fresh_run(articles: Path, tmp_path: Path) -> None:
    drive(articles, tmp_path / "fresh", at_least=3)
    n = calls(Kill(articles, tmp_path, tmp_path))
    for at in range(10, n, 7):
        folder = tmp_path / f"run-{at}"
        assert forked(articles, folder, faults(tmp_path / f"at-{at}", at), at_least=2) == KILLED
        drive(articles, folder, at_least=3)
        assert everything(folder) == everything(tmp_path / "fresh"), at


def test_switching_between_two_recipes_measures_nothing_again(articles: Path, tmp_path: Path) -> None:
    first = drive(articles, tmp_path / "run", at_least=2)
    assert first.measured["look"] > 0
    two = everything(tmp_path / "run")
    three = ""
    for _ in range(2):
        assert drive(articles, tmp_path / "run", at_least=3).measured == {}
        three = three or everything(tmp_path / "run")
        assert everything(tmp_path / "run") == three != two
        assert drive(articles, tmp_path / "run", at_least=2).measured == {}
        assert everything(tmp_path / "run") == two


def test_the_funnel_keeps_its_table_stages_when_a_later_run_is_killed(
    articles: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    for rows in (tmp_path / "run" / "decisions").glob("rows-*/*.parquet"):
        rows.unlink()
    monkeypatch.setattr(engine, "SAVE_EVERY", 0.0)  # so that a manifest is written before all parts are done
    assert forked(articles, tmp_path / "run", faults(tmp_path / "at", 16)) == KILLED
    outcome = drive(articles, tmp_path / "run")
    assert [s["stage"] for s in outcome.funnel["stages"]][-2:] == ["halves", "printed"]
    assert kept(tmp_path / "run") == kept(finished)


def test_a_run_killed_while_it_swaps_releases_publishes_the_new_one(
    articles: Path, finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    shutil.move(tmp_path / "run" / "release", tmp_path / "run" / ".release.old")
    assert drive(articles, tmp_path / "run").release == tmp_path / "run" / "release"
    assert everything(tmp_path / "run") == everything(finished)
    assert leftovers(tmp_path / "run") == []


@pytest.mark.slow
def test_write_calls_are_counted_across_all_processes(articles: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    assert forked(articles, tmp_path / "run", faults(count, 0), workers=2) == 0
    both = count.stat().st_size
    assert both == calls(Kill(articles, tmp_path / "here", tmp_path))
    assert "ROCO_FAULT_COUNT" not in os.environ
