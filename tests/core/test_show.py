"""Show traces figures by any of their names, and states why what it shows is out of date."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.base.errors import DataError, UsageError
from roco.base.schema import types
from roco.core import names, show
from roco.core.manifest import Manifest
from roco.core.parts import read
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.stage import Decision, Extraction, Measure
from tests.core import fakes
from tests.core.conftest import run, write_article

Make = Callable[..., Pipeline]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Any_(Decision):
    """Keeps every figure."""

    def __call__(self, batch: Any) -> Any:
        return batch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Titles(Measure):
    """Reads articles, but no files."""

    scope = "article"
    reads = ("article", "place")
    writes = types("figure_id", "archive", "caption", "drop", "drop_detail")

    def __call__(self, batch: pa.Table) -> Extraction:
        rows = []
        for article in batch.to_pylist():
            figure = f"{article['article']}/title/0"
            rows.append({"figure_id": figure, "archive": article["place"], "caption": "a title"})
        counts = {article["place"]: {"articles": 1} for article in batch.to_pylist()}
        return Extraction(pa.Table.from_pylist(rows, schema=pa.schema(list(self.writes.items()))), counts)


def by_name(trace: dict[str, Any]) -> dict[str, Any]:
    return {step["stage"]: step for step in trace["steps"]}


def test_show_traces_a_figure_to_the_stage_that_dropped_it(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    [trace] = Run(make(), tmp_path / "run").show("A001/f1/0")
    assert trace["dropped_at"] == "look"
    steps = by_name(trace)
    assert steps["words"]["values"] == {"n_words": 5}
    assert (steps["look"]["drop"], steps["look"]["drop_detail"]) == ("unreadable", "bad bytes")
    assert steps["halves"]["state"] == "not reached"
    assert (trace["id"], trace["stale"]) == (None, [])


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "A000/f0/0", "A000/f0", "A000", "A000.json", "x_train_0", "x_train_0.jpg", "train/x_train_0.jpg",
        "run/release/train_images.zip/train/x_train_0.PNG", " A000 ",
    ],
)  # fmt: skip
def test_a_figure_is_found_by_its_names(make: Make, tmp_path: Path, name: str) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    traces = Run(make(), tmp_path / "run").show(name)
    assert traces[0]["figure_id"] == "A000/f0/0"
    assert traces[0]["id"] == "x_train_0"
    assert traces[0]["dropped_at"] is None


@pytest.mark.parametrize("name", ["special", "special.jpg", "folder/special.jpg", "special.tif"])
def test_a_figure_is_found_by_its_original_file(make: Make, tmp_path: Path, articles: Path, name: str) -> None:
    figure = {"caption": "an MRI of another case", "license": "CC-BY", "file": "special.jpg"}
    write_article(articles, 99, figures=[figure], images={"special.jpg": "image"})
    run(make(), tmp_path / "run", workers=0, part_size=7)
    [trace] = Run(make(), tmp_path / "run").show(name)
    assert trace["figure_id"] == "A099/f0/0"


@pytest.mark.parametrize(
    ("name", "pmcid", "doi", "pmid"),
    [
        ("PMC123", "PMC123", None, None),
        ("pmc0123", "PMC123", None, None),
        ("123", "PMC123", None, "123"),
        ("PMC123.2", "PMC123", None, None),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC123/", "PMC123", None, None),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC123/figure/f1/", "PMC123", None, None),
        ("10.1000/Case.7", None, "10.1000/case.7", None),
        ("https://doi.org/10.1000/Case.7", None, "10.1000/case.7", None),
        ("PMID: 77", None, None, "77"),
    ],
)
def test_the_names_of_an_article_are_normalised(
    name: str, pmcid: str | None, doi: str | None, pmid: str | None
) -> None:
    meant = names.Name(name)
    assert (meant.pmcid, meant.doi, meant.pmid) == (pmcid, doi, pmid)


@pytest.mark.parametrize("name", ["PMC5/f1/0", "PMC5.2/f1/0", "PMC5.2/f1", "PMC5/f1", "PMC5.1/f1"])
def test_a_figure_is_found_whatever_version_of_its_article_is_named(name: str) -> None:
    table = names.pa.table({
        "figure_id": ["PMC5.2/f1/0", "PMC55.2/f1/0", "PMC5.2/f11/0"], "file": ["a", "b", "c"], "archive": ["x"] * 3
    })  # fmt: skip
    for matching in names.Name(name).matches(table):
        hits = table.filter(pc.fill_null(matching, False))["figure_id"].to_pylist()
        if hits:
            break
    assert hits == ["PMC5.2/f1/0"]


def test_articles_without_files_are_found(make: Make, tmp_path: Path) -> None:
    pipeline = Pipeline(make().source, [Titles()], fakes.CATALOGUE)
    run(pipeline, tmp_path / "run", workers=0)
    [trace] = Run(pipeline, tmp_path / "run").show("A003/title/0")
    assert trace["steps"][0]["values"]["caption"] == "a title"
    with pytest.raises(DataError, match="no figure"):
        Run(pipeline, tmp_path / "run").show("a.jpg")


def test_an_exact_name_wins_over_a_similar_one(make: Make, tmp_path: Path, articles: Path) -> None:
    for number, file in ((98, "same.png"), (99, "same.jpg")):
        figure = {"caption": "an MRI of another case", "license": "CC-BY", "file": file}
        write_article(articles, number, figures=[figure], images={file: f"image {number}"})
    run(make(), tmp_path / "run", workers=0, part_size=7)
    opened = Run(make(), tmp_path / "run")
    assert [trace["figure_id"] for trace in opened.show("same.jpg")] == ["A099/f0/0"]
    assert [trace["figure_id"] for trace in opened.show("same")] == ["A098/f0/0", "A099/f0/0"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("A001/f1/00", "'A001/f1/0'"), ("x_trian_0", "'x_train_0'"), ("A0001.jsn", "'A001'")],
)
def test_a_typo_is_answered_with_the_nearest_name(make: Make, tmp_path: Path, name: str, hint: str) -> None:
    run(make(), tmp_path / "run", workers=0)
    with pytest.raises(DataError) as err:
        Run(make(), tmp_path / "run").show(name)
    assert hint in err.value.hint


def test_a_name_of_many_articles_and_an_empty_name_are_refused(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    with pytest.raises(DataError, match=r"'a.jpg' is the name of 30 figures of 30 articles") as err:
        Run(make(), tmp_path / "run").show("a.jpg")
    assert "A000/f0/0" in err.value.hint
    with pytest.raises(UsageError, match="empty"):
        Run(make(), tmp_path / "run").show(" ")


# --- what is stale ----------------------------------------------------------------------------------------------------


def stale(pipeline: Pipeline, folder: Path, figure: str = "A000/f0/0") -> list[str]:
    [trace] = Run(pipeline, folder).show(figure)
    return list(trace["stale"])


def test_a_trace_of_an_up_to_date_run_is_not_stale(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    for figure in ("A000/f0/0", "A001/f1/0", "A003/f0/0"):
        assert stale(make(), tmp_path / "run", figure) == []


def test_a_changed_option_is_stated_and_the_results_of_the_last_run_are_shown(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    changed = make(long=fakes.Long(at_least=9))
    [trace] = Run(changed, tmp_path / "run").show("A000/f0/0")
    assert trace["stale"] == ["stage 'long' has changed since the last run (at_least: 2 → 9)"]
    assert {step["state"] for step in trace["steps"]} == {"kept"}
    assert trace["id"] == "x_train_0"


def test_a_change_after_the_stage_that_dropped_a_figure_does_not_make_its_trace_stale(
    make: Make, tmp_path: Path
) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    changed = make(halves=fakes.Halves(refuse="A000"))
    assert stale(changed, tmp_path / "run", "A003/f0/0") == []  # dropped by `free`, the first decision
    assert stale(changed, tmp_path / "run") == ["stage 'halves' has changed since the last run (refuse: '' → 'A000')"]


def test_new_and_removed_stages_are_stated(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    assert "stage 'long' is no longer in the recipe" in stale(make(long=None), tmp_path / "run")
    first, *others = make().stages
    inserted = Pipeline(make().source, [first, Any_(), *others], fakes.CATALOGUE)
    [trace] = Run(inserted, tmp_path / "run").show("A000/f0/0")
    assert trace["stale"] == ["stage 'any_' is new in the recipe"]
    assert by_name(trace)["any_"]["state"] == "not run"
    assert by_name(trace)["halves"]["state"] == "kept"


def test_stages_that_have_not_been_run_yet_are_not_stale(make: Make, tmp_path: Path) -> None:
    run(make().until("long"), tmp_path / "run", workers=0)
    [trace] = Run(make(), tmp_path / "run").show("A000/f0/0")
    assert (trace["stale"], by_name(trace)["look"]["state"]) == ([], "not run")


def test_a_changed_or_removed_article_is_stated(make: Make, tmp_path: Path, articles: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    write_article(articles, 0, images={"a.jpg": "another image", "b.jpg": "image"})
    (articles / "A001.json").unlink()
    assert stale(make(), tmp_path / "run") == ["A000.json has changed in the source since the last run"]
    assert stale(make(), tmp_path / "run", "A001/f0/0") == ["the source no longer contains A001.json"]
    assert stale(make(), tmp_path / "run", "A002/f0/0") == []


def test_a_large_source_is_not_listed_again(
    make: Make, tmp_path: Path, articles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(make(), tmp_path / "run", workers=0)
    (articles / "A001.json").unlink()
    monkeypatch.setattr(show, "MOST_LISTED", 29)
    assert stale(make(), tmp_path / "run", "A001/f0/0") == []


def test_an_interrupted_run_is_stated_for_figures_that_reached_its_later_stages(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    files = Run(make(), tmp_path / "run").files
    plan = read(files.parts)
    manifest = Manifest(files)
    manifest.done(plan)
    manifest.save(plan, complete=False)
    assert "the last run was not completed" in stale(make(), tmp_path / "run")[0]
    assert stale(make(), tmp_path / "run", "A003/f0/0") == []
