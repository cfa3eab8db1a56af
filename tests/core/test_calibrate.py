"""The measurement of a sample for `roco plan`."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import DataError
from roco.base.progress import NullProgress
from roco.core.calibrate import as_together, beyond, calibrate, listing, spread
from roco.core.cost import Cost
from roco.core.counted_source import CountedSource
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from tests.core import fakes


@given(st.integers(1, 3000), st.integers(1, 100))
def test_the_first_articles_of_a_sample_are_spread_evenly_over_the_listing(n: int, k: int) -> None:
    order = spread(n).tolist()
    assert sorted(order) == list(range(n))
    k = min(k, n)
    places = sorted(order[:k])
    gaps = [b - a for a, b in itertools.pairwise([*places, places[0] + n])]
    assert max(gaps) <= 4 * max(1, n / k) + 2


def test_a_calibration_counts_the_articles_and_figures_of_the_whole_sample(make: Callable[..., Pipeline]) -> None:
    pipeline = make(glance=fakes.Glance())
    table = listing(pipeline.source, Path("missing"), NullProgress())
    calibration = calibrate(pipeline, table, 1e9, NullProgress())
    assert calibration.articles == 30
    assert calibration.figures == 60
    assert calibration.stages == ("read", "free", "words", "long", "look", "glance")
    # As in the funnel of the run: article 3, 10, 17, 24 have no free licence, every third caption of the rest is short.
    funnel = {
        stage["stage"]: stage
        for stage in Run(pipeline, pipeline.source.path.parent / "run").do(workers=0).funnel["stages"]
    }
    reached = {name: stage["in"] for name, stage in funnel.items() if name in calibration.stages}
    assert {name: n for name, n in calibration.rows.items() if name != "pack"} == reached
    assert calibration.rows["pack"] == funnel["look"]["kept"]
    assert all(set(group.cpu) >= {*calibration.stages, "write", "bookkeeping"} for group in calibration.groups)
    assert calibration.groups[0].disk["measures"] > 0
    assert calibration.part.disk["measures"] > 0 and calibration.part.articles == 0


def test_a_calibration_ends_with_the_group_in_which_the_time_is_over(make: Callable[..., Pipeline]) -> None:
    pipeline = make()
    table = listing(pipeline.source, Path("missing"), NullProgress())
    ticks = itertools.count(step=10.0)
    calibration = calibrate(pipeline, table, 25.0, NullProgress(), lambda: next(ticks))
    assert len(calibration.groups) == 3
    assert calibration.articles == 12


class Loading(fakes.Words):
    """Logs when it loads its model."""

    @functools.cached_property
    def model(self) -> str:
        fakes.log("load")
        return "a model"

    def prepare(self) -> None:
        _ = self.model


def test_a_calibration_loads_each_model_once(
    make: Callable[..., Pipeline], counted: Callable[[], Counter[str]]
) -> None:
    made = make()
    pipeline = Pipeline(made.source, made.stages, {**fakes.CATALOGUE, "words": Loading})  # needed, but not listed
    counted()
    calibration = calibrate(pipeline, listing(pipeline.source, Path("missing"), NullProgress()), 1e9, NullProgress())
    assert len(calibration.groups) == 8
    assert counted()["load"] == 1


def test_a_calibration_leaves_nothing_behind(make: Callable[..., Pipeline], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    Run(make(), tmp_path / "run").calibrate(0.1)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_listing_is_that_of_the_run_if_it_has_one(make: Callable[..., Pipeline], tmp_path: Path) -> None:
    run = Run(make(), tmp_path / "run")
    run.do(workers=0)
    (tmp_path / "articles" / "A000.json").unlink()
    assert len(run.articles()) == 30


def test_a_source_without_articles_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no articles under"):
        listing(fakes.Notes(path=tmp_path / "empty"), tmp_path / "parts.parquet", NullProgress())


def test_the_cost_of_an_empty_part_is_subtracted_but_never_more() -> None:
    cost = Cost(articles=1, cpu={"write": 0.5, "read": 0.1}, disk={"measures": 100})
    rest = beyond(cost, Cost(cpu={"write": 0.2, "read": 0.4}, disk={"measures": 60, "images": 5}))
    assert rest.cpu == {"write": pytest.approx(0.3), "read": 0}
    assert rest.disk == {"measures": 40} and rest.articles == 1


def test_small_groups_are_charged_what_their_articles_cost_together() -> None:
    groups = [Cost(cpu={"gate": 0.2, "embed": 1.0}), Cost(cpu={"gate": 0.2, "embed": 3.0}), Cost(cpu={"gate": 0.4})]
    scaled = as_together(groups, groups[:2], Cost(cpu={"gate": 0.1, "embed": 5.0}))
    assert [group.cpu["gate"] for group in scaled] == pytest.approx([0.05, 0.05, 0.1])
    assert [group.cpu.get("embed") for group in scaled] == [1.0, 3.0, None]  # never more than apart


def test_a_package_that_is_one_file_counts_as_a_whole(articles: Path) -> None:
    source = CountedSource(fakes.Notes(path=articles))
    package = source.open("A001.json")
    package.read("a.jpg")
    assert (source.n_bytes, source.n_requests) == ((articles / "A001.json").stat().st_size, 1)


def test_of_a_remote_package_the_files_that_are_read_count(articles: Path) -> None:
    class Remote(CountedSource):
        path = "s3://bucket"

    source = Remote(fakes.Notes(path=articles))
    package = source.open("A001.json")
    assert source.n_requests == 0
    n_bytes = sum(len(package.read(name)) for name in ("a.jpg", "article.xml"))
    assert (source.n_bytes, source.n_requests) == (n_bytes, 2)
    assert package.xmls == ["article.xml"] and len(package.files) == 2
    assert isinstance(source.listing(None), pa.Table)


def test_a_counted_source_has_what_only_some_sources_have() -> None:
    class Origin:
        kind, path = "several", Path()

        def origin(self, place: str) -> str:
            return f"of {place}"

    assert CountedSource(Origin()).origin("x") == "of x"  # type: ignore[arg-type]
