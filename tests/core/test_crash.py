"""Only the image or article that crashes a worker is dropped; the other figures are not affected."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import StageFailed
from roco.core import job as jobs
from roco.core.pipeline import Pipeline
from roco.core.run import Outcome
from tests.core import fakes
from tests.core.conftest import everything, run, write_article
from tests.faults import stages
from tests.faults.drive import kept, pipeline, write_articles

Counted = Callable[[], Counter[str]]

N = 9  # parts of seven and of two
DECODER = ["look", "unreadable", "decoder crashed"]
READER = ["read", "article", "reader crashed"]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    return write_articles(tmp_path / "articles", N)


def go(articles: Path, folder: Path, **options: Any) -> Outcome:
    made = pipeline(articles, read=stages.Read(), look=stages.Look())
    return run(made, folder, **{"workers": 1, "part_size": 7, **options})


def mended(articles: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Returns the kept figures of a run in which nothing crashes."""
    with monkeypatch.context() as patch:
        patch.setenv("ROCO_TEST_MENDED", "1")
        go(articles, folder, workers=0)
    return kept_figures(folder)


def kept_figures(folder: Path) -> dict[str, Any]:
    """Returns the figures of the release by figure_id, without their ids, which depend on the number of figures."""
    rows = json.loads(everything(folder))["kept"]
    return {row.pop("figure_id"): {k: v for k, v in row.items() if k != "id"} for row in rows}


def crashed(folder: Path) -> dict[str, list[str]]:
    """Returns stage, reason and detail of the figures that crashed a process."""
    rows = json.loads(everything(folder))["removed"]
    return {
        r["figure_id"]: [r["stage"], r["drop"], r["drop_detail"]] for r in rows if "crashed" in str(r["drop_detail"])
    }


def with_images(articles: Path, i: int, **images: str) -> None:
    found = {name: images.get(name, f"image {name} of {i}") for name in ("a", "b")}
    write_article(articles, i, images={f"{name}.jpg": data for name, data in found.items()})


class HurriedClock:
    """The clock of the driver; it runs fast only while a worker hangs.

    The test therefore does not wait for the real limit, and a worker that is slow on a loaded machine is not killed.
    """

    def __init__(self, log: Path) -> None:
        self.log, self.real, self.ahead = log, time.monotonic, 0.0

    def __call__(self) -> float:
        if self.hanging():
            self.ahead += 120.0
            assert self.ahead < 100_000, "a worker that hangs is not killed"
        return self.real() + self.ahead

    def hanging(self) -> bool:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        workers = [line.split()[1] for line in lines if line.startswith("hang ")]
        return bool(workers) and Path("/proc", workers[-1]).exists()


@pytest.mark.parametrize("data", ["CRASH", pytest.param("HUGE", marks=pytest.mark.slow)])
def test_only_the_image_that_kills_its_worker_is_dropped(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    with_images(articles, 4, a=data)
    go(articles, tmp_path / "one")
    assert crashed(tmp_path / "one") == {"A004/f0/0": DECODER}
    whole = mended(articles, tmp_path / "mended", monkeypatch)
    whole = {k: v for k, v in whole.items() if k in kept_figures(tmp_path / "one") or k == "A004/f0/0"}
    assert whole.pop("A004/f0/0")
    assert kept_figures(tmp_path / "one") == whole


@pytest.mark.slow
def test_crashing_images_and_articles_are_dropped_alike_by_one_and_two_workers(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_images(articles, 4, a="CRASH one", b="CRASH two")
    with_images(articles, 7, b="CRASH three")
    write_article(articles, 8, figures=[{"caption": "CRASH THE READER", "license": "CC-BY", "file": "a.jpg"}])
    go(articles, tmp_path / "one")
    go(articles, tmp_path / "two", workers=2)
    assert crashed(tmp_path / "one") == {
        "A004/f0/0": DECODER,
        "A004/f1/0": DECODER,
        "A008/article/0": READER,
        "A007/f1/0": DECODER,
    }
    assert kept(tmp_path / "one") == kept(tmp_path / "two")


@pytest.mark.slow
def test_an_image_that_hangs_counts_as_a_crash(articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("ROCO_TEST_LOG", str(log))
    monkeypatch.setattr(time, "monotonic", HurriedClock(log))
    with_images(articles, 4, a="HANG")
    go(articles, tmp_path / "run")
    assert crashed(tmp_path / "run") == {"A004/f0/0": DECODER}


def test_a_retry_measures_only_the_unreadable_figures_again(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    with_images(articles, 4, a="CRASH")
    go(articles, tmp_path / "run")
    unreadable = [r["drop"] for r in json.loads(everything(tmp_path / "run"))["removed"]].count("unreadable")
    monkeypatch.setenv("ROCO_TEST_MENDED", "1")
    counted()
    assert go(articles, tmp_path / "run").measured == {}
    assert go(articles, tmp_path / "run", retry="unreadable").measured == {"look": unreadable}
    done = counted()
    assert (done["look"], done["image"], done["words"], done["read"]) == (unreadable, unreadable, 0, 0)
    assert crashed(tmp_path / "run") == {}
    go(articles, tmp_path / "fresh", workers=0)
    assert kept(tmp_path / "run") == kept(tmp_path / "fresh")


@pytest.mark.slow
def test_a_retry_that_crashes_again_changes_nothing(articles: Path, tmp_path: Path) -> None:
    with_images(articles, 4, a="CRASH")
    go(articles, tmp_path / "run")
    before = kept(tmp_path / "run")
    go(articles, tmp_path / "run", retry="unreadable")
    assert kept(tmp_path / "run") == before


@pytest.mark.slow
def test_a_retry_reads_an_article_that_crashed_the_reader(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    write_article(articles, 8, figures=[{"caption": "CRASH THE READER", "license": "CC-BY", "file": "a.jpg"}])
    go(articles, tmp_path / "run")
    assert crashed(tmp_path / "run") == {"A008/article/0": READER}
    monkeypatch.setenv("ROCO_TEST_MENDED", "1")
    counted()
    go(articles, tmp_path / "run", retry="article")
    assert counted()["read"] == 1
    go(articles, tmp_path / "fresh", workers=0)
    assert kept(tmp_path / "run") == kept(tmp_path / "fresh")


@pytest.mark.slow
def test_too_many_crashes_of_one_part_stop_the_run(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_CRASHES", 1)
    with_images(articles, 4, a="CRASH one", b="CRASH two")
    with pytest.raises(StageFailed, match="in 'look'"):
        go(articles, tmp_path / "run")


def test_an_exception_stops_the_run_and_drops_no_figure(articles: Path, tmp_path: Path) -> None:
    made = Pipeline(stages.Faulty(path=articles), (fakes.Read(), fakes.Free()), fakes.CATALOGUE)
    with pytest.raises(StageFailed, match=r"KeyError: 'A000\.json'"):
        run(made, tmp_path / "run", workers=1, part_size=7)
    assert not list((tmp_path / "run").glob("decisions/*/*.parquet"))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_part_is_done_even_if_its_figures_reach_no_measure(tmp_path: Path, workers: int) -> None:
    for i in range(9):
        figures = [{"caption": "a scan of the knee", "license": "CC-BY-ND", "file": "a.jpg"}]
        write_article(tmp_path / "articles", i, figures=figures)
    write_article(tmp_path / "articles", 9)
    go(tmp_path / "articles", tmp_path / "run", workers=workers, part_size=9)
    assert [f.split("/")[0] for f in kept_figures(tmp_path / "run")] == ["A009"]


LIMITED = """
import resource
from roco.core.worker import limit_memory

limit_memory(1 << 40)
print(resource.getrlimit(resource.RLIMIT_AS)[0])
"""


@pytest.mark.parametrize(("hard", "limit"), [(resource.RLIM_INFINITY, 1 << 40), (1 << 36, 1 << 36)])
def test_the_memory_limit_of_a_worker_respects_that_of_the_system(hard: int, limit: int) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))

    done = subprocess.run([sys.executable, "-c", LIMITED], preexec_fn=limited, capture_output=True, text=True)
    assert (done.stderr, done.stdout.strip()) == ("", str(limit))
