"""The job decides what happens after a worker dies."""

from __future__ import annotations

import pyarrow as pa
import pytest

from roco.base.errors import StageFailed
from roco.core import job as jobs
from roco.core.articles import Articles
from roco.core.funnel import Flow, reconcile, total
from roco.core.job import Culprit, Job, JobResult, PartRecord


def test_after_the_first_crash_the_job_is_repeated_one_by_one() -> None:
    job = Job("p", articles=Articles(pa.table({"place": ["a"], "current": [True]}))).after_crash(
        Culprit("p", "look"), -9
    )
    assert job.one_by_one and not job.crashed and job.articles


def test_the_second_crash_names_the_culprit() -> None:
    job = Job("p").after_crash(None, -9).after_crash(Culprit("A/f0/0", "look"), -11)
    assert dict(job.crashed) == {"A/f0/0": "look"}
    assert dict(job.after_crash(Culprit("B/f0/0", "glance"), -11).crashed) == {"A/f0/0": "look", "B/f0/0": "glance"}


@pytest.mark.parametrize("exit_code", [-9, -15, None])
def test_a_worker_killed_from_outside_is_blamed_on_a_figure_only_if_a_second_one_is_killed_at_it(
    exit_code: int | None,
) -> None:
    job = Job("p", one_by_one=True)
    for figure in ("A/f0/0", "B/f0/0"):
        job = job.after_crash(Culprit(figure, "look"), exit_code)
        assert not job.crashed
    job = Job.of_json(job.to_json()).after_crash(Culprit("A/f0/0", "look"), exit_code)
    assert (dict(job.crashed), job.killed) == ({"A/f0/0": "look"}, ())


def test_a_worker_that_the_run_killed_because_it_stalled_is_blamed_on_the_figure_at_once() -> None:
    job = Job("p", one_by_one=True).after_crash(Culprit("A/f0/0", "look"), -9, stalled=True)
    assert dict(job.crashed) == {"A/f0/0": "look"}


def test_workers_killed_again_and_again_stop_the_run_without_blaming_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_KILLS", 2)
    job = Job("p", one_by_one=True).after_crash(None, -9).after_crash(Culprit("a", "look"), -9)
    with pytest.raises(StageFailed, match="3 times on part p, each time at another place"):
        job.after_crash(Culprit("b", "look"), -9)


def test_workers_killed_twice_before_they_read_anything_stop_the_run() -> None:
    job = Job("p").after_crash(None, -9).after_crash(None, -9)
    with pytest.raises(StageFailed, match="before it read part p"):
        job.after_crash(None, -9)


@pytest.mark.parametrize(
    ("culprit", "message"),
    [
        (None, "before it read part p"),
        (Culprit("p", "long"), "'long' ends its worker"),
        (Culprit("", "look"), "'look' ends its worker process while it loads"),
    ],
)
def test_a_crash_that_the_data_cannot_cause_stops_the_run(culprit: Culprit | None, message: str) -> None:
    with pytest.raises(StageFailed, match=message):
        Job("p", one_by_one=True).after_crash(culprit, 1)


def test_too_many_crashes_of_one_part_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_CRASHES", 2)
    job = Job("p", one_by_one=True)
    for figure in ("a", "b"):
        job = job.after_crash(Culprit(figure, "look"), -11)
    with pytest.raises(StageFailed, match="2 times on part p, last in 'look'"):
        job.after_crash(Culprit("c", "look"), -11)


def test_jobs_and_results_survive_the_conversion_to_json() -> None:
    articles = Articles(pa.table({"place": ["x"], "current": [True]}))
    job = Job("p", "words", ("a", "b"), articles, True, {"a": "look"})
    assert Job.of_json(job.to_json()) == job
    record = PartRecord("i", "c", (Flow("read", "measure", 3, 2, {"article": 1}),), {"articles": 2})
    for result in (JobResult("p", {"read": 3}, {"read": 0.5}, record), JobResult("p", {}, {})):
        assert JobResult.of_json(result.to_json()) == result


def test_funnels_add_up_stage_by_stage() -> None:
    one = [Flow("read", "measure", 3, 2, {"article": 1}), Flow("long", "decision", 2, 2)]
    other = [Flow("read", "measure", 4, 2, {"article": 1, "scope": 1}), Flow("long", "decision", 2, 1, {"caption": 1})]
    read, long = total([one, other])
    assert (read.rows_in, read.kept, read.dropped) == (7, 4, {"article": 2, "scope": 1})
    assert (long.rows_in, long.kept, long.dropped) == (4, 3, {"caption": 1})


@pytest.mark.parametrize("flow", [Flow("long", "decision", 2, 1), Flow("long", "decision", 3, 3)])
def test_a_funnel_that_does_not_add_up_is_an_error(flow: Flow) -> None:
    from roco.base.errors import DataError

    with pytest.raises(DataError, match="does not add up at 'long'"):
        reconcile([Flow("read", "measure", 2, 2), flow], "part p")
