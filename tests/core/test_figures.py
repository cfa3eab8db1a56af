"""`Run.figures` returns what the stages decided last, for kept and dropped figures alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.base.errors import DataError, MissingExtra, RecipeError, StageFailed, UsageError
from roco.core.contract import Reason, Scope
from roco.core.open_tables import OpenTables
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.stage import Decision, Extraction, Measure, drop, put
from tests.core import fakes
from tests.core.conftest import everything, run, write_article

Make = Callable[..., Pipeline]


def kept_by(pipeline: Pipeline, folder: Path) -> list[str]:
    rows = Run(pipeline, folder).figures().to_pylist()
    return [row["figure_id"] for row in rows if row["drop"] is None]


def test_figures_have_their_columns_and_where_they_were_dropped(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    table = Run(make(), tmp_path / "run").figures(["caption", "split", "id"])
    rows = {row["figure_id"]: row for row in table.to_pylist()}
    assert len(rows) == 60
    assert (rows["A001/f1/0"]["stage"], rows["A001/f1/0"]["drop"]) == ("look", "unreadable")
    assert rows["A001/f1/0"]["split"] is None and rows["A001/f1/0"]["caption"] == "a CT of case 1"
    assert rows["A000/f0/0"]["drop"] is None and rows["A000/f0/0"]["id"].startswith("x_")
    some = Run(make(), tmp_path / "run").figures(["split"], where=pc.field("split") == "test")
    assert 0 < len(some) < len(table) and set(some["split"].to_pylist()) == {"test"}


def test_figures_of_a_run_that_has_not_started_or_is_out_of_date_are_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing has been run"):
        Run(make(), tmp_path / "run").figures()
    run(make(), tmp_path / "run", workers=0)
    with pytest.raises(DataError, match="not up to date"):
        Run(make(long=fakes.Long(at_least=3)), tmp_path / "run").figures()


def test_columns_of_some_figures_are_read_in_the_order_of_the_rows(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    opened = Run(make(), tmp_path / "run")
    table = opened.figures(["caption", "split"])
    some = [41, 3, 3, 17]
    rows = opened.figures().take(some)
    assert opened.columns(rows, ["caption", "split"]).to_pylist() == table.take(some).to_pylist()
    with pytest.raises(RecipeError, match="unknown column 'captoin'"):
        opened.columns(rows, ["captoin"])


@pytest.mark.parametrize("column", ["caption", "split"])  # measured in each part, and decided over the whole table
def test_dropped_figures_with_a_value_are_sorted_whatever_the_order_of_the_parts(
    make: Make, tmp_path: Path, column: str
) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class DropsLate(Decision):
        scope: ClassVar[Scope] = "table"
        reads = ("split",)
        reasons = {"late": Reason("it is in the test set")}

        def __call__(self, batch: pa.Table) -> pa.Table:
            return drop(batch, pc.equal(batch["split"], "test"), "late")

    pipeline = make(late=DropsLate())
    run(pipeline, tmp_path / "run", workers=0, part_size=7)
    opened = Run(pipeline, tmp_path / "run")
    rows = opened.figures([column], where=pc.is_valid(pc.field("drop")) & pc.is_valid(pc.field(column)))
    figures = opened._decided()
    names = figures.parts.names
    for order in (names, names[::-1]):
        figures.parts = SimpleNamespace(names=order)  # type: ignore[assignment]
        assert figures.dropped_with([column]).to_pylist() == rows.select(["figure_id", column]).to_pylist()
    assert len(rows) > 3


def test_a_stage_is_decided_if_its_results_are_up_to_date(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    assert all(Run(make(), tmp_path / "run").is_decided(stage) for stage in ("long", "look", "halves"))
    # The row stages are as they were, the first table stage is another one.
    changed = Run(make(halves=fakes.Halves(refuse="A000")), tmp_path / "run")
    assert changed.is_decided("long") and changed.is_decided("look") and not changed.is_decided("halves")
    assert not set(changed.figures()["stage"].to_pylist()) & {"halves"}


def test_an_unknown_column_is_refused_with_the_nearest_name(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    with pytest.raises(RecipeError) as err:
        Run(make(), tmp_path / "run").figures(["captoin"])
    assert "'caption'" in err.value.hint


def test_a_column_of_a_stage_that_has_not_been_run_is_answered_with_that_stage(make: Make, tmp_path: Path) -> None:
    first = make().until("look")
    run(first, tmp_path / "run", workers=0)
    with pytest.raises(RecipeError) as err:
        Run(first, tmp_path / "run").figures(["split"])
    assert str(err.value) == "no stage of this recipe writes the column 'split'\n  add the stage 'halves'"
    with pytest.raises(RecipeError) as err:
        Run(make(), tmp_path / "run").figures(["split"])
    assert err.value.message == "the stage 'halves', which writes the column 'split', has not been run"
    assert err.value.hint == "run the recipe: roco run RECIPE"


def test_decisions_about_another_input_are_not_applied(make: Make, tmp_path: Path, articles: Path) -> None:
    """One article goes and another comes: as many figures as before, but not the same ones."""
    made = make(halves=fakes.Halves(refuse="A002"), printed=None)
    run(made, tmp_path / "run", workers=0)
    assert "A002/f0/0" not in kept_by(made, tmp_path / "run")
    (articles / "A000.json").unlink()
    write_article(articles, 30, figures=[
        {"caption": "a radiograph of case 30", "license": "CC-BY", "file": "a.jpg"},
        {"caption": "short", "license": "CC-BY", "file": "b.jpg"},
    ])  # fmt: skip
    run(made, tmp_path / "run", workers=0, only=(1, 1))  # the row pass alone
    kept = kept_by(made, tmp_path / "run")
    assert {"A002/f0/0", "A003/f0/0", "A030/f0/0"} & set(kept) == {"A002/f0/0", "A030/f0/0"}
    run(made, tmp_path / "run", workers=0)
    assert "A002/f0/0" not in kept_by(made, tmp_path / "run")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picky(Measure):
    """Cannot measure every figure."""

    needs = ("read",)
    reads = ("caption",)
    writes = {"n_letters": pa.int32()}
    reasons = {"odd": Reason("its caption has an odd number of letters")}

    def __call__(self, batch: pa.Table) -> pa.Table:
        lengths = pa.array([len(caption) for caption in batch["caption"].to_pylist()], pa.int32())
        odd = pa.array([n % 2 == 1 for n in lengths.to_pylist()])
        return drop(put(batch, "n_letters", lengths), odd, "odd")


def test_what_a_measure_after_a_table_stage_drops_is_dropped(make: Make, tmp_path: Path) -> None:
    made = make(picky=Picky(), printed=None)
    funnel = run(made, tmp_path / "run", workers=0).funnel["stages"]
    assert funnel[-1]["dropped"]["odd"] > 0
    assert len(kept_by(made, tmp_path / "run")) == funnel[-1]["kept"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Twins(fakes.Read):
    """Two packages of one article have figures of the same id."""

    def __call__(self, batch: pa.Table) -> Extraction:
        figures, counts = super().__call__(batch)
        ids = pc.replace_substring(figures["figure_id"], "A029", "A002")
        return Extraction(put(figures, "figure_id", ids), counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnePackage(Decision):
    scope = "table"
    needs = ("read",)
    reads = ("archive",)
    reasons = {"superseded": Reason("another package of the article is kept")}

    def __call__(self, batch: pa.Table) -> pa.Table:
        return drop(batch, pc.equal(batch["archive"], "A029.json"), "superseded", "the article is in A002.json too")


def test_a_figure_dropped_before_a_stage_has_no_value_of_it_even_if_another_package_has(
    make: Make, tmp_path: Path
) -> None:
    made = make(read=Twins(), halves=None, one=OnePackage(), split=fakes.Halves())
    run(made, tmp_path / "run", workers=0, part_size=7)
    rows = Run(made, tmp_path / "run").figures(["split"], where=pc.field("figure_id") == "A002/f0/0").to_pylist()
    assert [(row["archive"], row["drop"], row["split"] is None) for row in rows] == [
        ("A002.json", None, False),
        ("A029.json", "superseded", True),
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LookAtWords(fakes.Look):
    """Lends what it computes from another measure."""

    needs = ("read", "words")
    reads = ("bytes", "n_words")

    def __call__(self, batch: pa.Table, lend: Collection[str] = ()) -> pa.Table:
        out = super().__call__(batch, lend)
        if "thumbnail" in lend:
            thumbnails = [bytes([n]) for n in batch["n_words"].to_pylist()]
            out = put(out, "thumbnail", pa.array(thumbnails, pa.large_binary()))
        return out


def test_a_late_measure_gets_what_is_lent_from_other_measures(make: Make, tmp_path: Path) -> None:
    made = make(look=LookAtWords(), glance=fakes.Glance(), printed=None)
    assert run(made, tmp_path / "run", workers=0).measured["glance"] > 0


@pytest.mark.parametrize("workers", [0, 1])
def test_a_corrupt_file_is_recomputed_in_a_run_folder_with_a_relative_path(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.chdir(tmp_path)
    run(make(printed=None), Path("run"), workers=0)
    before = Run(make(printed=None), Path("run")).figures()
    extracted = min((tmp_path / "run" / "measures").glob("read-*/*.parquet"))
    extracted.write_bytes(extracted.read_bytes()[:-20])
    late = make(glance=fakes.Glance(), printed=None)
    run(late, Path("run"), workers=workers)
    assert Run(late, Path("run")).figures().equals(before)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoModel(fakes.Words):
    def prepare(self) -> None:
        raise FileNotFoundError("model.onnx")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoExtra(fakes.Words):
    def prepare(self) -> None:
        raise MissingExtra("torch", "neural")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_model_that_cannot_be_loaded_is_an_error_of_its_stage(make: Make, tmp_path: Path, workers: int) -> None:
    with pytest.raises(StageFailed, match=r"stage 'words' failed .*model\.onnx"):
        run(make(words=NoModel()), tmp_path / "run", workers=workers)
    with pytest.raises(UsageError, match="torch is not installed") as err:
        run(make(words=NoExtra()), tmp_path / "run", workers=workers)
    assert err.value.exit_code == 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class LendsNothing(fakes.Look):
    def __call__(self, batch: pa.Table, lend: Collection[str] = ()) -> pa.Table:
        return super().__call__(batch, ())


def test_a_measure_that_does_not_lend_what_it_declares_is_named(make: Make, tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="'look' declares the column 'thumbnail' but did not write it"):
        run(make(look=LendsNothing()), tmp_path / "run", workers=0)


def test_images_and_thumbnails_of_a_run(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    opened = Run(make(), tmp_path / "run")
    [row] = opened.figures(["file"], where=pc.field("figure_id") == "A002/f1/0").to_pylist()
    assert (opened.image(row), opened.thumbnail(row)) == (b"image b of 2", b"ima")
    with pytest.raises(DataError, match="cannot read the image of A002/f9/0"):
        opened.image({**row, "figure_id": "A002/f9/0", "file": "none.jpg"})
    opened.close()


def test_a_rejected_retry_leaves_a_complete_run_complete(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    before = everything(tmp_path / "run")
    with pytest.raises(UsageError, match="no measure of this recipe"):
        run(make(), tmp_path / "run", workers=0, retry="licence")
    assert Run(make(), tmp_path / "run").status()["state"] == "complete"
    assert everything(tmp_path / "run") == before


def test_a_preview_reports_what_a_run_would_do(make: Make, tmp_path: Path, articles: Path) -> None:
    run(make(), tmp_path / "run", workers=0)
    (articles / "A001.json").unlink()
    write_article(articles, 2, images={"a.jpg": "another image", "b.jpg": "another"})
    write_article(articles, 77)
    found = Run(make(long=fakes.Long(at_least=3)), tmp_path / "run").preview()
    assert (found["new"], found["changed"], found["removed"]) == (1, 1, 1)
    assert {stage["stage"] for stage in found["stages"] if stage["why"]} >= {"long", "halves"}


@pytest.mark.parametrize("measure", ["read", "words", "look"])
def test_a_deleted_measure_is_computed_again_although_no_decision_needs_it(
    make: Make, tmp_path: Path, measure: str
) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    before = everything(tmp_path / "run")
    [deleted, *_] = sorted((tmp_path / "run" / "measures").glob(f"{measure}-*/*.parquet"))
    content = deleted.read_bytes()
    deleted.unlink()
    assert run(make(), tmp_path / "run", workers=0, part_size=7).measured[measure] > 0
    assert deleted.read_bytes() == content
    assert everything(tmp_path / "run") == before


def test_a_changed_table_stage_opens_no_file_of_a_part(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    read = OpenTables.read

    def counted(self: OpenTables, path: Path, columns: Sequence[str]) -> pa.Table:
        opened.append(path)
        return read(self, path, columns)

    monkeypatch.setattr(OpenTables, "read", counted)
    run(make(printed=None), tmp_path / "run", workers=0, part_size=7)
    assert opened
    opened.clear()
    changed = make(printed=None, halves=fakes.Halves(refuse="A001"))
    outcome = run(changed, tmp_path / "run", workers=0)
    assert outcome.funnel["stages"][-1]["dropped"] == {"leak": 1}
    assert not opened
    (tmp_path / "run" / "decisions" / "kept.parquet").unlink()
    expected = run(make(printed=None, halves=fakes.Halves()), tmp_path / "run", workers=0).funnel
    assert opened
    assert run(make(printed=None), tmp_path / "other", workers=0, part_size=7).funnel == expected


def test_kept_figures_are_copied_again_after_the_row_pass_gave_other_results(make: Make, tmp_path: Path) -> None:
    run(make(), tmp_path / "run", workers=0, part_size=7)
    for changed in (make(long=fakes.Long(at_least=3)), make()):
        run(changed, tmp_path / "run", workers=0)
        run(changed, tmp_path / f"fresh-{changed.rows_digest[:8]}", workers=0, part_size=7)
        assert kept_by(changed, tmp_path / "run") == kept_by(changed, tmp_path / f"fresh-{changed.rows_digest[:8]}")
