"""A source that cannot be read now: its part is tried again, no figure is dropped, and the run stops if it is down."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import RejectedInput, SourceUnavailable
from roco.core import execute, job, parts
from roco.core.folder import RunFolder
from roco.core.job import Job
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.source import Wanted
from roco.core.stage import put
from tests.core import fakes
from tests.core.conftest import everything, run
from tests.core.test_execute import Make, Quiet, local


@dataclasses.dataclass(frozen=True, kw_only=True)
class Remote(fakes.Notes):
    """A source of which a read fails for each file in the folder `failures`: `A007.json~1`, or `a.jpg~1` for images."""

    def expect(self, files: list[Wanted]) -> None:
        for place, file in files:
            fakes.log(f"expected:{place}:{file}")

    def open(self, place: str) -> RemoteNote:
        return RemoteNote(self.path / place)


class RemoteNote(fakes.Note):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(path)

    def read(self, name: str) -> bytes:
        asked = f"{self.path.name}:{name}"
        fakes.log(f"read:{asked}")
        for failure in sorted((self.path.parent / "failures").glob(f"{asked}~*")):
            failure.unlink()
            raise SourceUnavailable(f"cannot read {asked}", "run again")
        return super().read(name)


@pytest.fixture
def remote(make: Make, articles: Path) -> Pipeline:
    (articles / "failures").mkdir()
    pipeline = make()
    return Pipeline(Remote(path=articles), pipeline.stages, pipeline.catalogue)


def fail(pipeline: Pipeline, what: str, times: int) -> None:
    """Lets a file fail as often as given."""
    for n in range(times):
        (Path(pipeline.source.path) / "failures" / f"{what}~{n}").touch()


@pytest.fixture
def undisturbed(remote: Pipeline, tmp_path: Path) -> str:
    run(remote, tmp_path / "undisturbed", workers=0, part_size=4)
    return everything(tmp_path / "undisturbed")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("what", ["A002.json:article.xml", "A002.json:a.jpg"])
def test_a_part_whose_source_failed_is_tried_again_and_the_release_is_the_same(
    remote: Pipeline, undisturbed: str, tmp_path: Path, workers: int, what: str
) -> None:
    fail(remote, what, job.MOST_UNAVAILABLE - 1)
    outcome = run(remote, tmp_path / "run", workers=workers, part_size=4)
    assert outcome.complete
    assert everything(tmp_path / "run") == undisturbed
    assert "tried again later" in (tmp_path / "run" / "log" / "run.log").read_text()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_part_that_failed_too_often_stops_the_run_after_all_others_are_done(
    remote: Pipeline, undisturbed: str, tmp_path: Path, workers: int
) -> None:
    fail(remote, "A002.json:a.jpg", job.MOST_UNAVAILABLE)
    with pytest.raises(SourceUnavailable, match=r"cannot read A002.json:a.jpg"):
        run(remote, tmp_path / "run", workers=workers, part_size=4)
    folder = RunFolder(tmp_path / "run", remote)
    names = parts.read(folder.parts).names
    assert len(list(folder.row_decisions_folder.glob("*.parquet"))) == len(names) - 1
    assert run(remote, tmp_path / "run", workers=workers, part_size=4).parts_done == 1
    assert everything(tmp_path / "run") == undisturbed


def test_a_source_that_is_down_stops_the_run_before_every_part_was_tried(
    remote: Pipeline, tmp_path: Path, counted: Any
) -> None:
    for i in range(30):
        fail(remote, f"A{i:03d}.json:article.xml", 5)
    with pytest.raises(SourceUnavailable):
        run(remote, tmp_path / "run", workers=0, part_size=2)
    reads = sum(n for what, n in counted().items() if what.startswith("read:"))
    assert reads == execute.MOST_UNAVAILABLE_TOGETHER


def test_failures_with_successes_between_them_do_not_count_as_an_outage(
    remote: Pipeline, undisturbed: str, tmp_path: Path
) -> None:
    for i in range(0, 30, 5):
        fail(remote, f"A{i:03d}.json:article.xml", 1)
    assert run(remote, tmp_path / "run", workers=0, part_size=2).complete
    assert everything(tmp_path / "run") == undisturbed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Denied(fakes.Notes):
    """A source of which one package may not be read while the file `denied` exists; facts: its facts in the listing."""

    facts: str = "{}"

    def listing(self, known: pa.Table | None) -> pa.Table:
        table = super().listing(known)
        return put(table, "facts", pa.array([self.facts] * len(table), pa.string()))

    def open(self, place: str) -> fakes.Note:
        if place == "A004.json" and (self.path / "denied").exists():
            raise RejectedInput("cannot be read: Permission denied") from PermissionError(errno.EACCES, "denied")
        return super().open(place)


def test_a_package_that_may_not_be_read_for_a_while_stops_the_run_and_drops_nothing(
    make: Make, articles: Path, undisturbed: str, tmp_path: Path
) -> None:
    made = make()
    denied = Pipeline(Denied(path=articles), made.stages, made.catalogue)
    (articles / "denied").touch()
    with pytest.raises(SourceUnavailable, match=r"cannot read A004\.json: cannot be read: Permission denied"):
        run(denied, tmp_path / "run", workers=0, part_size=4)
    (articles / "denied").unlink()
    assert run(denied, tmp_path / "run", workers=0, part_size=4).complete
    assert everything(tmp_path / "run") == undisturbed


def test_a_package_that_is_listed_as_unreadable_is_dropped_with_the_reason(
    make: Make, articles: Path, tmp_path: Path
) -> None:
    made = make()
    denied = Pipeline(Denied(path=articles, facts='{"error": "denied"}'), made.stages, made.catalogue)
    (articles / "denied").touch()
    assert run(denied, tmp_path / "run", workers=0, part_size=4).complete


def test_a_job_to_try_later_does_not_carry_its_articles(remote: Pipeline, tmp_path: Path) -> None:
    with local(RunFolder(tmp_path / "run", remote), 1) as executor:
        plan = parts.plan(executor.folder.parts, remote.source, 4)
        executor.queue.clear()
        executor.articles, executor.watcher = plan.articles, Quiet()
        worker = executor._start()
        worker.job = executor._with_articles(Job(plan.names[0]))
        executor._receive(worker, {"error": ["SourceUnavailable", "cannot read", "run again", ""]})
        assert worker.job == Job(plan.names[0], unavailable=1)


def test_what_is_announced_is_what_is_read(remote: Pipeline, tmp_path: Path, counted: Any) -> None:
    run(remote, tmp_path / "run", workers=0, part_size=4)
    counts = counted()
    expected = {what.removeprefix("expected:") for what in counts if what.startswith("expected:")}
    read = {what.removeprefix("read:") for what in counts if what.startswith("read:")}
    assert {what.replace(":article.xml", ":None") for what in read} == expected


def test_an_image_in_the_pack_is_not_announced(
    remote: Pipeline, undisturbed: str, tmp_path: Path, counted: Any
) -> None:
    run(remote, tmp_path / "run", workers=0, part_size=4)
    folder = RunFolder(tmp_path / "run", remote)
    measured = folder.measure_folder(remote.step("look").key)
    for path in (*measured.glob("*.parquet"), *folder.row_decisions_folder.glob("*.parquet")):
        path.unlink()
    counted()
    run(remote, tmp_path / "run", workers=0, part_size=4)
    expected = [what for what in counted() if what.startswith("expected:")]
    assert everything(tmp_path / "run") == undisturbed
    # Only the bytes of figures that `look` dropped are in no pack.
    assert len(expected) == len(Run(remote, tmp_path / "run").dropped("look")) > 0
