"""A changed recipe takes over what its unchanged first stages have decided; the result is that of a new run."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from roco.base.schema import types
from roco.base.sealed_tables import read_table, write_table
from roco.core.contract import Reason
from roco.core.folder import RunFolder
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.stage import Decision, drop, put
from roco.core.unchanged import Recorded, first_changed
from tests.core import fakes
from tests.core.conftest import everything, run, write_article

Make = Callable[..., Pipeline]
Counted = Callable[[], Counter[str]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tagged(Decision):
    """Writes a column that another stage of the same class writes again; drops captions with a word."""

    needs = ("read",)
    reads = ("caption",)
    writes: ClassVar[dict[str, pa.DataType]] = types("modality")
    reasons = {"tagged": Reason("it has the word")}
    tag: str = "DRCT"
    without: str = "nothing"

    def __call__(self, batch: pa.Table) -> pa.Table:
        fakes.log(self.name, len(batch))
        batch = put(batch, "modality", pa.array([self.tag] * len(batch), pa.string()))
        return drop(batch, pc.match_substring(batch["caption"], self.without), "tagged", self.tag)


VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "every licence": {"free": fakes.Free(allow=("CC-BY", "CC-BY-ND"))},
    "long captions": {"long": fakes.Long(at_least=5)},
    "all captions": {"long": fakes.Long(at_least=0)},
    "other words": {"long": fakes.Long(at_least=5), "words": fakes.Words(factor=2)},
    "wide": {"wide": fakes.Wide(at_least=1)},
    "too wide": {"wide": fakes.Wide(at_least=9)},
    "tagged": {"tagged": Tagged(without="CT")},
    "tagged otherwise": {"tagged": Tagged(tag="DRMR", without="case 1")},
    "tagged twice": {"tagged": Tagged(), "again": Tagged(tag="DRMR", without="case 2")},
    "tagged twice, the second changed": {"tagged": Tagged(), "again": Tagged(tag="DRUS")},
    "without captions": {"long": None},
}


PAIRS = [
    *itertools.permutations(("default", "tagged", "tagged otherwise", "tagged twice", "too wide"), 2),
    *((first, "default") for first in VARIANTS if first != "default"),
    *(("tagged twice, the second changed", second) for second in ("tagged", "tagged twice")),
]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder of few articles, so that many runs take little time."""
    folder = tmp_path_factory.mktemp("articles")
    for i in range(12):
        write_article(folder, i)
    return folder


@pytest.fixture(scope="module")
def new(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns a function that returns the folder of a new run of a variant."""
    folder = tmp_path_factory.mktemp("new")

    def of(variant: str) -> Path:
        if not (folder / variant).exists():
            run(pipeline(few, variant), folder / variant, workers=0)
        return folder / variant

    return of


def pipeline(articles: Path, variant: str, order: tuple[str, ...] = ()) -> Pipeline:
    stages = {"free": fakes.Free(), "tagged": None, "long": fakes.Long(), "look": fakes.Look(), "wide": None,
              "again": None, "halves": fakes.Halves(), "printed": fakes.Printed()} | VARIANTS[variant]  # fmt: skip
    names = [*order, *(name for name in stages if name not in order)]
    ordered = [(name, stages[name]) for name in names]
    named = [dataclasses.replace(stage, name=name) for name, stage in ordered if stage is not None]
    return Pipeline(fakes.Notes(path=articles), named, fakes.CATALOGUE)


def decided(folder: Path, of: Pipeline) -> dict[str, list[dict[str, Any]]]:
    """Returns the stored decisions of the row stages by part."""
    layout = RunFolder(folder, of)
    return {path.stem: read_table(path)[0].to_pylist() for path in layout.row_decisions_folder.glob("*.parquet")}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_any_change_of_the_recipe_gives_what_a_new_run_gives(
    few: Path, tmp_path: Path, new: Callable[[str], Path], first: str, second: str
) -> None:
    folder, of = tmp_path / "run", pipeline(few, second)
    shutil.copytree(new(first), folder)
    shutil.rmtree(folder / "release")
    run(of, folder, workers=0, new_ids=True)
    assert decided(folder, of) == decided(new(second), of)
    assert (folder / "funnel.json").read_text() == (new(second) / "funnel.json").read_text()
    if second != "too wide":  # it keeps nothing, and an empty release does not replace another one
        assert everything(folder) == everything(new(second))


@pytest.mark.parametrize("order", list(itertools.permutations(("free", "long", "tagged"))))
def test_stages_in_another_order_give_what_a_new_run_gives(few: Path, tmp_path: Path, order: tuple[str, ...]) -> None:
    run(pipeline(few, "tagged"), tmp_path / "run", workers=0)
    changed = run(pipeline(few, "tagged", order), tmp_path / "run", workers=0)
    assert changed.funnel == run(pipeline(few, "tagged", order), tmp_path / "new", workers=0).funnel
    assert everything(tmp_path / "run") == everything(tmp_path / "new")


def test_stages_before_the_changed_one_decide_nothing_again(few: Path, tmp_path: Path, counted: Counted) -> None:
    run(pipeline(few, "tagged twice"), tmp_path / "run", workers=0)
    counted()
    outcome = run(pipeline(few, "too wide"), tmp_path / "run", workers=0)
    assert counted()["long"] == sum(stage["in"] for stage in outcome.funnel["stages"] if stage["stage"] == "long")
    run(pipeline(few, "wide"), tmp_path / "run", workers=0)
    after = counted()
    assert after["long"] == 0
    assert after["glance"] == 0


def test_only_figures_that_reached_the_changed_stage_go_through_it(few: Path, tmp_path: Path, counted: Counted) -> None:
    run(pipeline(few, "tagged"), tmp_path / "run", workers=0)
    counted()
    outcome = run(pipeline(few, "tagged otherwise"), tmp_path / "run", workers=0)
    reached = {stage["stage"]: stage["in"] for stage in outcome.funnel["stages"]}
    assert counted()["tagged"] == reached["tagged"] < reached["free"]


def test_a_recipe_that_ends_earlier_and_is_continued_decides_its_first_stages_once(
    few: Path, tmp_path: Path, counted: Counted
) -> None:
    whole = pipeline(few, "default")
    run(whole.until("long"), tmp_path / "run", workers=0)
    counted()
    run(whole, tmp_path / "run", workers=0)
    assert counted()["long"] == 0
    run(whole.until("long"), tmp_path / "run", workers=0)
    assert counted()["long"] == 0


def test_a_new_version_of_an_article_is_decided_in_all_stages(few: Path, tmp_path: Path) -> None:
    few = shutil.copytree(few, tmp_path / "articles")
    run(pipeline(few, "default"), tmp_path / "run", workers=0)
    write_article(few, 1, figures=[{"caption": "an entirely new caption", "license": "CC-BY", "file": "a.jpg"}])
    run(pipeline(few, "wide"), tmp_path / "run", workers=0)
    run(pipeline(few, "wide"), tmp_path / "new", workers=0)
    kept = [json.loads(everything(tmp_path / name))["kept"] for name in ("run", "new")]
    assert kept[0] == kept[1]


def test_slices_of_changing_recipes_give_what_a_new_run_gives(few: Path, tmp_path: Path) -> None:
    one, other = pipeline(few, "default"), pipeline(few, "long captions")
    folder = tmp_path / "run"
    Run(one, folder).do(workers=0, part_size=3)
    for stages, only in ((other, (1, 2)), (one, (2, 2)), (other, (2, 2)), (one, (1, 2))):
        Run(stages, folder).do(workers=0, only=only, part_size=3)
    Run(other, folder).do(workers=0, part_size=3)
    Run(other, tmp_path / "new").do(workers=0, part_size=3)
    assert decided(folder, other) == decided(tmp_path / "new", other)
    assert everything(folder) == everything(tmp_path / "new")


@pytest.mark.parametrize("damage", ["stages", "decisions", "measure", "forged"])
def test_what_is_damaged_is_not_taken_over(few: Path, tmp_path: Path, counted: Counted, damage: str) -> None:
    one, folder = pipeline(few, "wide"), tmp_path / "run"
    run(one, folder, workers=0)
    layout = RunFolder(folder, one)
    part = next(layout.row_decisions_folder.glob("*.parquet"))
    if damage == "stages":
        layout.row_steps.write_text(layout.row_steps.read_text().replace('"long"', '"Long"'))
    elif damage == "decisions":
        part.write_bytes(part.read_bytes()[:-1])
    elif damage == "measure":
        next(folder.glob("measures/words-*/*.parquet")).unlink()
    else:  # valid decisions on other measured values
        table, meta = read_table(part)
        meta["measures"]["words"] = "0" * 64
        write_table(part, table, meta)
    counted()
    changed = run(pipeline(few, "too wide"), folder, workers=0)
    assert counted()["long"] > 0
    assert changed.funnel == run(pipeline(few, "too wide"), tmp_path / "new", workers=0).funnel


@pytest.mark.parametrize("damage", [lambda path: path.write_text(""), Path.unlink])
def test_the_stages_beside_decisions_are_written_again_when_all_parts_are_done(
    few: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    stages = RunFolder(tmp_path / "run", pipeline(few, "wide")).row_steps
    run(pipeline(few, "wide"), tmp_path / "run", workers=0)
    before = stages.read_bytes()
    damage(stages)
    run(pipeline(few, "wide"), tmp_path / "run", workers=0)
    assert stages.read_bytes() == before


def test_a_column_that_is_written_twice_keeps_the_stages_between_from_being_taken_over(few: Path) -> None:
    steps = pipeline(few, "tagged twice").row_steps
    stages = [Recorded(step.name, step.digest, step.writes) for step in steps]
    names = [step.name for step in steps]
    assert first_changed(stages, steps) == len(steps)
    changed = [*stages[: names.index("again")], Recorded("again", "other", ("modality",))]
    assert first_changed(changed, steps) == names.index("tagged")


def test_the_decisions_of_all_parts_are_read_as_one_table(few: Path, new: Callable[[str], Path]) -> None:
    layout = RunFolder(new("default"), pipeline(few, "default"))
    assert layout.row_steps.exists()
    assert len(pq.read_table(layout.row_decisions_folder)) == 24
