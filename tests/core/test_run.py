"""A run measures only what is missing, and gives the same bytes whatever was run before."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.base.errors import DataError, RecipeError, StageFailed, UsageError
from roco.core.pipeline import Pipeline
from roco.core.stage import Extraction, put
from tests.core import fakes
from tests.core.conftest import everything, run, write_article

Make = Callable[..., Pipeline]
Counted = Callable[[], Counter[str]]


def go(pipeline: Pipeline, folder: Path, **options: object) -> Counter[str]:
    """Runs in this process with parts of seven articles; returns what was measured."""
    return Counter(run(pipeline, folder, **{"workers": 0, "part_size": 7, **options}).measured)  # type: ignore[arg-type]


def test_a_second_run_measures_and_decides_nothing(make: Make, tmp_path: Path, counted: Counted) -> None:
    assert go(make(), tmp_path / "run") == {"read": 30, "words": 52, "look": 44}
    counted()
    assert go(make(), tmp_path / "run") == {}
    assert counted() == {}


def test_a_changed_threshold_does_not_rerun_the_model(make: Make, tmp_path: Path, counted: Counted) -> None:
    go(make(), tmp_path / "run")
    counted()
    assert go(make(long=fakes.Long(at_least=6)), tmp_path / "run") == {}
    done = counted()
    assert done["long"] == 52
    assert done["words"] == done["look"] == done["read"] == done["open"] == 0


def test_relaxing_a_filter_measures_only_the_newly_admitted_figures(
    make: Make, tmp_path: Path, counted: Counted
) -> None:
    go(make(long=fakes.Long(at_least=2)), tmp_path / "run")
    counted()
    assert go(make(long=fakes.Long(at_least=1)), tmp_path / "run") == {"look": 8}
    assert counted()["image"] == 8
    go(make(long=fakes.Long(at_least=1)), tmp_path / "fresh")
    assert everything(tmp_path / "run") == everything(tmp_path / "fresh")


def test_a_new_stage_runs_only_its_own_measure(make: Make, tmp_path: Path, counted: Counted) -> None:
    go(make(), tmp_path / "run")
    counted()
    assert go(make(wide=fakes.Wide(), halves=None, printed=None), tmp_path / "run") == {"glance": 40}
    done = counted()
    assert done["words"] == done["read"] == 0
    assert done["look"] == 40  # lent columns are in memory only, so the images are decoded again


def test_a_changed_option_of_a_measure_reruns_only_that_measure(make: Make, tmp_path: Path) -> None:
    go(make(), tmp_path / "run")
    assert go(make(words=fakes.Words(factor=2), long=fakes.Long(at_least=4)), tmp_path / "run") == {"words": 52}


def test_an_option_that_changes_no_value_measures_nothing_again(make: Make, tmp_path: Path) -> None:
    go(make(words=fakes.Words(slow=0.0)), tmp_path / "run")
    assert go(make(words=fakes.Words(slow=0.0001)), tmp_path / "run") == {}


def test_a_changed_vocabulary_reruns_its_measure_but_a_renamed_one_does_not(make: Make, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("one")
    go(make(words=fakes.Words(list=tmp_path / "list.csv")), tmp_path / "run")
    (tmp_path / "list.csv").rename(tmp_path / "renamed.csv")
    assert go(make(words=fakes.Words(list=tmp_path / "renamed.csv")), tmp_path / "run") == {}
    (tmp_path / "renamed.csv").write_text("two")
    assert go(make(words=fakes.Words(list=tmp_path / "renamed.csv")), tmp_path / "run") == {"words": 52}


def test_only_new_articles_are_read(make: Make, tmp_path: Path, articles: Path) -> None:
    go(make(), tmp_path / "run")
    for i in range(100, 120):
        write_article(articles, i)
    assert go(make(), tmp_path / "run")["read"] == 20
    go(make(), tmp_path / "fresh")
    assert everything(tmp_path / "run") == everything(tmp_path / "fresh")


def test_changed_articles_are_read_and_their_previous_versions_are_superseded(
    make: Make, tmp_path: Path, articles: Path
) -> None:
    go(make(), tmp_path / "run")
    for i in (2, 12, 22):
        write_article(articles, i, note="changed")
    outcome = run(make(), tmp_path / "run", workers=0, part_size=7)
    assert outcome.measured["read"] == 3
    assert outcome.superseded == 3
    go(make(), tmp_path / "fresh")
    assert everything(tmp_path / "run") == everything(tmp_path / "fresh")


def test_an_article_that_changes_back_uses_its_cached_measures(make: Make, tmp_path: Path, articles: Path) -> None:
    go(make(), tmp_path / "run")
    before = everything(tmp_path / "run")
    write_article(articles, 2, note="changed")
    go(make(), tmp_path / "run")
    write_article(articles, 2)
    assert go(make(), tmp_path / "run") == {}
    assert everything(tmp_path / "run") == before


def test_an_article_that_the_source_no_longer_lists_is_not_released(make: Make, tmp_path: Path, articles: Path) -> None:
    go(make(), tmp_path / "run")
    (articles / "A004.json").unlink()
    assert go(make(), tmp_path / "run") == {}
    assert "A004" not in everything(tmp_path / "run")
    go(make(), tmp_path / "fresh")
    assert everything(tmp_path / "run") == everything(tmp_path / "fresh")


def test_one_and_four_workers_give_the_same_bytes(make: Make, tmp_path: Path) -> None:
    go(make(), tmp_path / "one", workers=1)
    go(make(), tmp_path / "four", workers=4)
    go(make(), tmp_path / "here", part_size=1000)
    assert everything(tmp_path / "one") == everything(tmp_path / "four") == everything(tmp_path / "here")


def test_slices_in_any_order_and_then_all_give_the_same_bytes(make: Make, tmp_path: Path) -> None:
    go(make(), tmp_path / "whole")
    assert go(make(), tmp_path / "sliced", only=(2, 2))["read"] == 14
    assert not (tmp_path / "sliced" / "release").exists()
    assert go(make(), tmp_path / "sliced", only=(1, 2))["read"] == 16
    assert go(make(), tmp_path / "sliced")["read"] == 0
    assert everything(tmp_path / "sliced") == everything(tmp_path / "whole")


def test_each_package_is_opened_once_and_each_image_decoded_once(make: Make, tmp_path: Path, counted: Counted) -> None:
    go(make(wide=fakes.Wide(), halves=None, printed=None), tmp_path / "run")
    done = counted()
    assert done["open"] == 30
    assert done["image"] == 44  # only those that passed the cheap filters
    assert done["look"] == 44
    assert done["glance"] == 40


def test_the_release_reads_images_from_the_pack_and_not_from_the_source(
    make: Make, tmp_path: Path, counted: Counted
) -> None:
    go(make(printed=None), tmp_path / "run")
    counted()
    go(make(), tmp_path / "run")
    assert counted()["open"] == 0


def test_without_the_pack_images_come_from_the_source(make: Make, tmp_path: Path, counted: Counted) -> None:
    go(make(), tmp_path / "run")
    before = everything(tmp_path / "run")
    for pack in (tmp_path / "run" / "images").glob("*.pack"):
        pack.unlink()
    counted()
    go(make(printed=fakes.Printed(prefix="x")), tmp_path / "run")
    (tmp_path / "run" / "release" / "checksums.sha256").unlink()
    go(make(), tmp_path / "run")
    assert counted()["image"] == 40
    assert everything(tmp_path / "run") == before


def test_a_measure_after_a_table_stage_runs_only_for_the_kept_figures(
    make: Make, tmp_path: Path, counted: Counted
) -> None:
    late = make(halves=fakes.Halves(refuse="A001"), words=fakes.Words(), long=None)
    stages = [fakes.Free(), fakes.Halves(refuse="A002"), fakes.Long(at_least=2), fakes.Printed()]
    late = Pipeline(late.source, stages, fakes.CATALOGUE)
    assert go(late, tmp_path / "run")["words"] == 50  # 52 licensed, two of them in A002
    before = everything(tmp_path / "run")
    counted()
    assert go(late, tmp_path / "run") == {}
    go(late, tmp_path / "two", workers=2)
    assert everything(tmp_path / "two") == before


def test_an_unreadable_figure_is_dropped_with_a_reason(make: Make, tmp_path: Path, articles: Path) -> None:
    write_article(articles, 4, images={"a.jpg": "fine"})
    (articles / "A005.json").write_text("<html>")
    go(make(), tmp_path / "run")
    text = everything(tmp_path / "run")
    assert '"drop_detail": "missing file: b.jpg"' in text
    assert '"drop_detail": "not JSON"' in text


def test_the_funnel_adds_up_from_articles_to_release(make: Make, tmp_path: Path) -> None:
    funnel = run(make(), tmp_path / "run", workers=0).funnel
    for before, after in zip(funnel["stages"], funnel["stages"][1:], strict=False):
        assert after["in"] == before["kept"]
    assert all(s["in"] == s["kept"] + sum(s["dropped"].values()) for s in funnel["stages"])
    assert funnel["counts"]["articles"] == 30


def test_a_stage_that_loses_rows_stops_the_run(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakes.Long, "__call__", lambda self, batch: batch.slice(1))
    with pytest.raises(StageFailed, match="returned other rows"):
        go(make(), tmp_path / "run")


def test_an_exception_in_a_stage_names_the_stage_and_the_part(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, batch: object) -> None:
        raise KeyError("n_words")

    monkeypatch.setattr(fakes.Long, "__call__", fail)
    with pytest.raises(StageFailed, match="stage 'long' failed on part"):
        go(make(), tmp_path / "run")


def test_a_funnel_that_does_not_add_up_stops_the_run(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roco.core import part

    monkeypatch.setattr(part, "tally", lambda rows: {})
    with pytest.raises(DataError, match="does not add up"):
        go(make(), tmp_path / "run")


def test_an_unknown_reason_to_retry_gets_the_nearest_name(make: Make, tmp_path: Path) -> None:
    go(make(), tmp_path / "run")
    with pytest.raises(UsageError) as err:
        go(make(), tmp_path / "run", retry="unreadabel")
    assert "unreadable" in err.value.hint


def test_retry_measures_only_the_figures_dropped_for_the_reason(make: Make, tmp_path: Path) -> None:
    go(make(), tmp_path / "run")
    assert go(make(), tmp_path / "run", retry="unreadable") == {"look": 4}


def test_an_empty_source_is_refused(make: Make, tmp_path: Path, articles: Path) -> None:
    for file in articles.glob("*.json"):
        file.unlink()
    with pytest.raises(DataError, match="no articles"):
        go(make(), tmp_path / "run")


def test_until_stops_after_a_stage_and_its_measures_are_cached(make: Make, tmp_path: Path) -> None:
    pipeline = make()
    assert go(pipeline.until("long"), tmp_path / "run") == {"read": 30, "words": 52}
    assert go(pipeline, tmp_path / "run") == {"look": 44}


def test_figures_with_the_same_id_in_two_parts_are_refused_before_a_table_stage(make: Make, tmp_path: Path) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Same(fakes.Read):
        def __call__(self, batch: pa.Table) -> Extraction:
            figures, counts = super().__call__(batch)
            ids = pc.replace_substring(figures["figure_id"], "A029", "A001")
            return Extraction(put(figures, "figure_id", ids), counts)

    with pytest.raises(DataError, match="two packages") as err:
        run(make(read=Same()), tmp_path / "run", workers=0, part_size=7)
    assert "identity" in err.value.hint


def test_figures_that_reach_no_measure_give_an_empty_release(make: Make, tmp_path: Path, articles: Path) -> None:
    for i in range(30):
        write_article(articles, i, figures=[{"caption": "x", "license": "ND", "file": "a.jpg"}])
    assert go(make(), tmp_path / "run") == {"read": 30}
    assert '"kept": []' in everything(tmp_path / "run")
    write_article(articles, 3)
    write_article(articles, 4)
    assert go(make(), tmp_path / "run")["read"] == 2
    assert "A004/f0/0" in everything(tmp_path / "run")


def test_the_release_changes_when_one_article_is_removed_and_another_returns(
    make: Make, tmp_path: Path, articles: Path
) -> None:
    """Both articles are in one part and have the same funnel, so the funnel alone does not show the change."""
    one, other = articles / "A002.json", articles / "A005.json"
    go(make(), tmp_path / "run")
    one.rename(tmp_path / "one")
    go(make(), tmp_path / "run")
    (tmp_path / "one").rename(one)
    other.rename(tmp_path / "other")
    go(make(), tmp_path / "run")
    go(make(), tmp_path / "fresh")
    assert "A005/f0/0" not in everything(tmp_path / "run")
    assert everything(tmp_path / "run") == everything(tmp_path / "fresh")


def test_a_negative_number_of_workers_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="workers"):
        go(make(), tmp_path / "run", workers=-1)


def test_a_stage_that_exits_is_named_in_the_error(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exit_process(self: object, batch: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(fakes.Long, "__call__", exit_process)
    with pytest.raises(StageFailed, match="stage 'long' failed"):
        go(make(), tmp_path / "run")


@pytest.mark.parametrize("name", ["../evil", "a b", "x" * 61, "é"])
def test_a_stage_name_that_is_not_a_file_name_is_refused(make: Make, name: str) -> None:
    with pytest.raises(RecipeError, match="invalid stage name"):
        Pipeline(make().source, [fakes.Free(name=name)], fakes.CATALOGUE)
