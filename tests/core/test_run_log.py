"""The log of a run: log/run.log, with times, versions, warnings, tracebacks; and who else receives it."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, StageFailed
from roco.base.version import __version__
from roco.core import run_log
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.stage import Decision
from tests.core import fakes
from tests.core.conftest import run, write_article

Make = Callable[..., Pipeline]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|WARNING|ERROR) +\d+ .*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Broken(Decision):
    needs = ("read",)

    def __call__(self, batch: Any) -> Any:
        raise ZeroDivisionError("broken on purpose")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interrupted(Decision):
    needs = ("read",)

    def __call__(self, batch: Any) -> Any:
        raise KeyboardInterrupt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Warns(Decision):
    needs = ("read",)

    def __call__(self, batch: Any) -> Any:
        warnings.warn("look at\nthis", UserWarning, stacklevel=1)
        return batch


def log_of(folder: Path) -> str:
    return (folder / "log" / "run.log").read_text(encoding="utf-8")


def test_the_log_begins_with_version_recipe_and_digest_and_each_line_has_a_time(make: Make, tmp_path: Path) -> None:
    Run(make(), tmp_path / "run", {"recipe": "mine.toml"}).do(workers=0)
    lines = log_of(tmp_path / "run").splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert f"roco {__version__}, Python 3." in lines[0]
    assert lines[1].endswith(f"recipe mine.toml, digest {make().digest[:16]}")
    assert sum(line.endswith("stage halves: 40 of 40 figures kept") for line in lines) == 1
    assert re.search(r"finished after \d+\.\d s$", lines[-1])


def test_each_run_is_appended(make: Make, tmp_path: Path) -> None:
    for _ in range(2):
        run(make(), tmp_path / "run", workers=0)
    assert log_of(tmp_path / "run").count(f"roco {__version__}") == 2


def test_the_digest_of_a_recipe_changes_with_an_option(make: Make) -> None:
    assert make().digest == make().digest != make(long=fakes.Long(at_least=3)).digest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Busy(Decision):
    """Uses the processor for a while."""

    needs = ("read",)

    def __call__(self, batch: Any) -> Any:
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        return batch


@pytest.mark.parametrize("workers", [0, 1])
def test_the_log_of_each_part_has_cpu_seconds_beside_the_elapsed_ones(make: Make, tmp_path: Path, workers: int) -> None:
    Run(make(free=Busy()), tmp_path / "run").do(workers=workers)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log" / "run.jsonl").read_text().splitlines()]
    assert lines
    for line in lines:
        assert line["cpu"].keys() == line["seconds"].keys() >= {"read", "free", "load", "look", "write", "all"}
        assert line["cpu"]["free"] >= 0.05
        assert all(line["cpu"][name] <= line["cpu"]["all"] for name in line["cpu"])


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_is_logged_with_the_traceback_of_its_cause(make: Make, tmp_path: Path, workers: int) -> None:
    with pytest.raises(StageFailed) as err:
        run(Pipeline(make().source, [Broken()], fakes.CATALOGUE), tmp_path / "run", workers=workers)
    assert "log/run.log" in err.value.hint
    log = log_of(tmp_path / "run")
    assert re.search(r" ERROR +\d+ stage 'broken' failed on part \w+: ZeroDivisionError: broken on purpose\n", log)
    assert log.count(" ERROR ") == 1
    assert "    Traceback (most recent call last):\n" in log
    assert 'raise ZeroDivisionError("broken on purpose")' in log
    assert "finished" not in log


def test_an_interruption_is_logged_without_a_traceback(make: Make, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Pipeline(make().source, [Interrupted()], fakes.CATALOGUE), tmp_path / "run", workers=0)
    log = log_of(tmp_path / "run")
    assert "interrupted after" in log.splitlines()[-1]
    assert "Traceback" not in log


@pytest.mark.parametrize("workers", [0, 1])
def test_warnings_of_packages_are_logged(make: Make, tmp_path: Path, workers: int) -> None:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("default")
        run(Pipeline(make().source, [Warns()], fakes.CATALOGUE), tmp_path / "run", workers=workers)
    assert re.search(r"UserWarning: look at this \(\S+test_run_log.py, line \d+\)$", log_of(tmp_path / "run"), re.M)


def test_a_worker_that_dies_is_logged_with_what_it_worked_on(make: Make, tmp_path: Path, articles: Path) -> None:
    figure = {"caption": "a CT of another case", "license": "CC-BY", "file": "a.jpg"}
    write_article(articles, 50, figures=[figure], images={"a.jpg": "CRASH"})
    run(make(), tmp_path / "run", workers=1)
    log = log_of(tmp_path / "run")
    assert re.search(r" WARNING +\d+ a worker died on part \w+ at A050/f0/0 \(look\), exit code -9$", log, re.M)


def test_a_corrupt_file_that_is_computed_again_is_logged(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    path = next((tmp_path / "run" / "measures").glob("read-*/*.parquet"))
    path.write_bytes(b"broken")
    run(make(halves=fakes.Halves(refuse="A000")), tmp_path / "run", workers=0)
    log = log_of(tmp_path / "run")
    assert re.search(rf" WARNING +\d+ corrupt file, computed again: {path}$", log, re.M)
    assert "finished" in log.splitlines()[-1]


def test_callers_receive_what_their_level_asks_for(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "roco"):
        run(make(), tmp_path / "first", workers=0)
    assert caplog.records == []
    with caplog.at_level(logging.INFO, "roco"):
        run(make(), tmp_path / "second", workers=0)
    assert any("figures kept" in record.message for record in caplog.records)


def test_a_log_that_cannot_be_written_is_an_error_in_two_lines(make: Make, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log").write_text("in the way")
    with pytest.raises(DataError, match="in the place of a folder") as err:
        run(make(), tmp_path / "run", workers=0)
    assert "choose another path" in err.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_on_a_full_disk_loses_lines_and_the_run_goes_on(make: Make, tmp_path: Path) -> None:
    (tmp_path / "run" / "log").mkdir(parents=True)
    (tmp_path / "run" / "log" / "run.log").symlink_to("/dev/full")
    run(make(), tmp_path / "run", workers=0)
    assert (tmp_path / "run" / "release" / "all.json").exists()
    assert not [one for one in run_log.LOG.handlers if isinstance(one, run_log._File)]
