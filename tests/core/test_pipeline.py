"""A pipeline is checked before the first row (stages, options, columns, order); needed measures are inserted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.base.schema import types
from roco.core.pipeline import Pipeline
from roco.core.stage import Decision, Measure, Stage
from tests.core import fakes

Make = Callable[..., Pipeline]


def names(pipeline: Pipeline) -> list[str]:
    return [s.name for s in pipeline.steps]


def test_measures_come_before_the_stage_that_needs_them(make: Make) -> None:
    assert names(make()) == ["read", "free", "words", "long", "look", "halves", "printed"]


def test_a_measure_that_the_recipe_lists_keeps_its_place(make: Make) -> None:
    stages = [fakes.Look(), fakes.Free(), fakes.Long()]
    assert names(Pipeline(make().source, stages, fakes.CATALOGUE)) == ["read", "look", "free", "words", "long"]


def test_a_need_is_met_by_the_measure_that_the_recipe_lists(make: Make) -> None:
    pipeline = make(words=fakes.Words(factor=3))
    assert pipeline.step("words").stage.options["factor"] == 3
    assert names(pipeline).count("words") == 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Typo(Decision):
    needs = ("words",)
    reads = ("n_word",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeedsTypo(Decision):
    needs = ("wrods",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peeks(Measure):
    """A measure that reads the column of a decision."""

    needs = ("read",)
    reads = ("split",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pixels(Decision):
    needs = ("read",)
    reads = ("bytes",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Again(Measure):
    needs = ("words",)
    reads = ("caption",)
    writes: ClassVar[dict[str, pa.DataType]] = {"n_words": pa.int32()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overwrites(Decision):
    needs = ("read",)
    reads = ("caption",)
    writes: ClassVar[dict[str, pa.DataType]] = types("caption")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LooksBack(Decision):
    needs = ("read",)
    dropped = ("caption",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeedsNothing(Decision):
    reads = ("split",)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forgetful(Decision):
    reads = ("n_words",)


@pytest.mark.parametrize(
    ("stage", "message", "hint"),
    [
        (Typo(), "reads the column 'n_word'", "'n_words'"),
        (NeedsTypo(), "unknown measure 'wrods' (needed by 'other')", "'words'"),
        (Peeks(), "which is decided by 'halves'", "Decision"),
        (Pixels(), "exists only while images are measured", "Measure"),
        (Again(), "'other' and 'words' both write the column 'n_words'", "another name"),
        (Overwrites(), "'other' and 'read' both write the column 'caption'", "another name"),
        (LooksBack(), "`dropped` in a stage of scope 'row'", 'scope = "table"'),
        (Stage(), "Stage is not a stage", "derive"),
    ],
)
def test_an_invalid_stage_is_refused_with_a_hint(make: Make, stage: Stage, message: str, hint: str) -> None:
    with pytest.raises(RecipeError) as err:
        make(other=stage)
    assert message in err.value.message
    assert hint in err.value.hint


def test_a_missing_column_is_answered_with_the_stage_that_writes_it_and_its_place(make: Make) -> None:
    source = make().source
    with pytest.raises(RecipeError) as err:
        Pipeline(source, [fakes.Read(), fakes.Printed()], fakes.CATALOGUE)
    assert err.value.hint == "add the stage 'halves' before 'printed'"
    with pytest.raises(RecipeError) as err:
        Pipeline(source, [fakes.Read(), NeedsNothing(), fakes.Halves(name="other")], fakes.CATALOGUE)
    assert err.value.hint == "move the stage 'other' before 'needs_nothing'"
    with pytest.raises(RecipeError) as err:
        Pipeline(source, [fakes.Read(), Forgetful()], fakes.CATALOGUE)
    assert err.value.hint == "put 'words' into `needs` of 'forgetful'"


def test_two_stages_with_the_same_name_are_refused(make: Make) -> None:
    with pytest.raises(RecipeError, match="duplicate stage name 'free'"):
        Pipeline(make().source, [fakes.Free(), fakes.Free()], fakes.CATALOGUE)


def test_a_class_can_be_used_twice_under_two_names(make: Make) -> None:
    assert "longer" in names(make(longer=fakes.Long(at_least=3)))


def test_a_publication_must_be_the_last_stage(make: Make) -> None:
    stages = [fakes.Free(), fakes.Halves(), fakes.Printed(), fakes.Long()]
    with pytest.raises(RecipeError, match="must be the last stage"):
        Pipeline(make().source, stages, fakes.CATALOGUE)


def test_stages_before_a_measure_do_not_change_its_digest(make: Make) -> None:
    one, other = make(), make(free=None, long=fakes.Long(at_least=9))
    assert one.step("look").digest == other.step("look").digest
    assert one.rows_digest != other.rows_digest


def test_the_digest_of_a_measure_changes_with_the_measures_it_reads(make: Make) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Double(Measure):
        needs = ("words",)
        reads = ("n_words",)
        writes: ClassVar[dict[str, pa.DataType]] = {"twice": pa.int32()}

    one, other = make(double=Double()), make(double=Double(), words=fakes.Words(factor=2))
    assert one.step("double").digest != other.step("double").digest
    assert one.step("look").digest == other.step("look").digest


def test_a_version_changes_the_digest(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    before = make().step("words").digest
    monkeypatch.setattr(fakes.Words, "version", 2)
    assert make().step("words").digest != before


def test_a_need_can_ask_for_options(make: Make) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Asks(Decision):
        needs = (("words", {"factor": 5}),)
        reads = ("n_words",)

    pipeline = make(long=None, asks=Asks())
    assert pipeline.step("words").stage.options["factor"] == 5


def test_until_suggests_the_nearest_stage(make: Make) -> None:
    with pytest.raises(RecipeError) as err:
        make().until("halfs")
    assert "'halves'" in err.value.hint


def test_options_that_name_files_are_paths(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("x")
    assert fakes.Words(list=tmp_path / "v.csv").content == (tmp_path / "v.csv",)
