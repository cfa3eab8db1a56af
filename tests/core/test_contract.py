"""The contract of a stage depends on its options and name: columns, identity and reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from roco.base.errors import RecipeError
from roco.base.schema import DROP, types
from roco.core.contract import Contract, Reason
from roco.core.pipeline import Pipeline
from roco.core.pools import workers_for
from roco.core.run import Run
from roco.core.stage import Decision, Measure, Stage, drop, put
from tests.core import fakes
from tests.core.conftest import everything, run

Make = Callable[..., Pipeline]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score(Measure):
    """Scores a caption by one letter, in a column that contains the name of the stage."""

    needs = ("read",)
    reads = ("caption",)
    head: str

    @property
    def contract(self) -> Contract:
        return dataclasses.replace(super().contract, writes={f"{self.name}_score": pa.int32()})

    def __call__(self, batch: pa.Table) -> pa.Table:
        fakes.log(f"score-{self.head}", len(batch))
        counts = [(caption or "").count(self.head) for caption in batch["caption"].to_pylist()]
        return put(batch, f"{self.name}_score", pa.array(counts, pa.int32()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filter(Decision):
    """Keeps captions in which a letter is frequent, according to a score of its own."""

    head: str
    at_least: int = 1

    @property
    def contract(self) -> Contract:
        need = ("score", {"name": f"{self.name}_by", "head": self.head})
        return dataclasses.replace(
            super().contract,
            needs=(need,),
            reads=(f"{self.name}_by_score",),
            reasons={self.name: Reason(f"it has too few '{self.head}'")},
        )

    def __call__(self, batch: pa.Table) -> pa.Table:
        return drop(batch, pc.less(batch[f"{self.name}_by_score"], self.at_least), self.name, "too few")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByWords(Decision):
    """Needs the measure `words` with a factor of its own."""

    reads = ("n_words",)
    factor: int = 1

    @property
    def contract(self) -> Contract:
        return dataclasses.replace(super().contract, needs=(("words", {"factor": self.factor}),))

    def __call__(self, batch: pa.Table) -> pa.Table:
        return batch


CATALOGUE: dict[str, type[Stage]] = {**fakes.CATALOGUE, "score": Score, "filter": Filter}


def pipeline_of(articles: Path, *stages: Stage) -> Pipeline:
    return Pipeline(fakes.Notes(path=articles), stages, CATALOGUE)


def test_two_needs_of_one_measure_with_different_options_are_two_measures(articles: Path, tmp_path: Path) -> None:
    made = pipeline_of(articles, Filter(name="compound", head="a"), Filter(name="radiology", head="r"))
    assert [step.name for step in made.steps] == ["read", "compound_by", "compound", "radiology_by", "radiology"]
    assert made.step("compound_by").digest != made.step("radiology_by").digest
    funnel = {flow["stage"]: flow for flow in run(made, tmp_path / "run", workers=0).funnel["stages"]}
    table = Run(made, tmp_path / "run").figures(["compound_by_score", "radiology_by_score", "caption"])
    for row in table.to_pylist():
        assert row["compound_by_score"] == row["caption"].count("a")
        if row["radiology_by_score"] is not None:
            assert row["radiology_by_score"] == row["caption"].count("r")
    # "short" has an r and no a, "a CT of case 7" has an a and no r.
    assert (set(funnel["compound"]["dropped"]), set(funnel["radiology"]["dropped"])) == ({"compound"}, {"radiology"})


def test_the_same_need_twice_is_one_measure(articles: Path) -> None:
    made = pipeline_of(articles, ByWords(name="one", factor=3), ByWords(name="two", factor=3))
    assert [step.name for step in made.steps] == ["read", "words", "one", "two"]


def test_two_measures_that_would_write_the_same_column_are_refused(articles: Path) -> None:
    with pytest.raises(RecipeError) as err:
        pipeline_of(articles, ByWords(name="one", factor=2), ByWords(name="two", factor=3))
    assert "both write the column 'n_words'" in err.value.message
    assert "differ in 'factor' (3 and 2)" in err.value.message
    assert "same options" in err.value.hint


def test_a_need_without_options_is_not_met_by_a_measure_with_other_options(articles: Path) -> None:
    with pytest.raises(RecipeError, match="both write the column 'n_words'"):
        pipeline_of(articles, ByWords(name="five", factor=5), fakes.Long())


def test_two_stages_of_one_class_write_columns_named_after_them(articles: Path, tmp_path: Path) -> None:
    made = pipeline_of(articles, Score(name="compound", head="a"), Score(name="radiology", head="r"))
    run(made, tmp_path / "run", workers=2)
    [first, *_] = Run(made, tmp_path / "run").show("A001/f0/0")
    values = {step["stage"]: step["values"] for step in first["steps"]}
    assert (values["compound"], values["radiology"]) == ({"compound_score": 4}, {"radiology_score": 2})


def test_a_renamed_stage_whose_columns_contain_its_name_has_another_digest(articles: Path) -> None:
    one, other = pipeline_of(articles, Score(name="a", head="x")), pipeline_of(articles, Score(name="b", head="x"))
    assert one.step("a").digest != other.step("b").digest
    plain = pipeline_of(articles, fakes.Words(name="a")), pipeline_of(articles, fakes.Words(name="b"))
    assert plain[0].step("a").digest == plain[1].step("b").digest


def test_the_detail_of_a_custom_stage_is_published_with_its_reason(make: Make, tmp_path: Path) -> None:
    stages = [step.stage for step in make(long=None).steps]
    made = Pipeline(make().source, [*stages[:-2], Filter(name="compound", head="a"), *stages[-2:]], CATALOGUE)
    run(made, tmp_path / "run", workers=0)
    assert '"drop": "compound",\n   "drop_detail": "too few"' in everything(tmp_path / "run")
    assert made.reasons["compound"].meaning == "it has too few 'a'"


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("reads", "caption", "`reads` is not a tuple"),
        ("needs", "read", "`needs` is not a tuple"),
        ("reasons", ("short",), "`reasons` does not give each reason a meaning"),
        ("reasons", {"short": "it is short"}, "`reasons` does not give each reason a meaning"),
        ("writes", {"n": "int32"}, "`writes` does not give each column an Arrow type"),
        ("optional", ("modalty",), "unknown column 'modalty' in `optional`"),
        ("scope", "tabel", "unknown scope 'tabel'"),
        ("scope", "article", "only a Measure can read articles"),
    ],
)
def test_a_malformed_contract_is_refused(articles: Path, attribute: str, value: Any, message: str) -> None:
    malformed = type("Malformed", (Decision,), {attribute: value})
    with pytest.raises(RecipeError) as err:
        pipeline_of(articles, fakes.Read(), malformed(name="mine"))
    assert message in f"{err.value.message} {err.value.hint}" and "'mine'" in err.value.message and err.value.hint


def test_an_undeclared_reason_stops_the_run(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from roco.base.errors import StageFailed

    monkeypatch.setattr(fakes.Long, "reasons", {})
    with pytest.raises(StageFailed, match="reason 'caption', which it does not declare"):
        run(make(), tmp_path / "run", workers=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resolved(Decision):
    """Depends on values that are not in a file."""

    needs = ("read",)
    values: tuple[str, ...] = dataclasses.field(default=(), metadata={"value": False})

    def fingerprint(self) -> list[str]:
        return sorted(set(self.values))

    def __call__(self, batch: pa.Table) -> pa.Table:
        return batch


def test_a_fingerprint_covers_inputs_that_are_not_files(articles: Path) -> None:
    def digest_of(*values: str) -> str:
        return pipeline_of(articles, Resolved(name="r", values=values)).step("r").digest

    assert digest_of("a", "b") == digest_of("b", "a", "a")
    assert digest_of("a", "b") != digest_of("a")


def test_a_file_counts_by_its_content(articles: Path, tmp_path: Path) -> None:
    def digest_of(path: Path) -> str:
        return pipeline_of(articles, fakes.Words(list=path)).step("words").digest

    for name, text in (("one", "x"), ("same", "x"), ("other", "y")):
        (tmp_path / name).write_text(text)
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "same") != digest_of(tmp_path / "other")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heavy(fakes.Words):
    heavy = 1 << 60


def test_a_heavy_stage_limits_the_workers(make: Make) -> None:
    assert workers_for(make(words=Heavy())) == 1
    assert workers_for(make()) >= 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guess(Decision):
    """Writes a column that measures must not read."""

    needs = ("read",)
    writes = types("modality")
    value: str = "DRCT"

    def __call__(self, batch: pa.Table) -> pa.Table:
        return put(batch, "modality", pa.array([self.value] * len(batch), pa.string()))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Peeks(Measure):
    needs = ("read",)
    optional = ("modality",)
    writes = types("width")


def test_a_measure_must_not_read_a_decided_column_even_optionally(articles: Path) -> None:
    with pytest.raises(RecipeError, match="reads 'modality', which is decided by 'guess'"):
        pipeline_of(articles, Guess(), Peeks())
    assert pipeline_of(articles, Peeks()).steps


@dataclasses.dataclass(frozen=True, kw_only=True)
class Thumbs(Decision):
    needs = ("look",)
    optional = ("thumbnail",)


def test_an_in_memory_column_cannot_be_optional(articles: Path) -> None:
    with pytest.raises(RecipeError, match="in-memory column 'thumbnail' in `optional`"):
        pipeline_of(articles, Thumbs())


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableMeasure(Measure):
    scope = "table"
    needs = ("read",)


def test_a_measure_of_the_whole_table_is_refused(articles: Path) -> None:
    with pytest.raises(RecipeError, match="has the scope 'table'"):
        pipeline_of(articles, TableMeasure())


@dataclasses.dataclass(frozen=True)
class Table:
    """An option that is a table and names a file."""

    path: Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByTable(Decision):
    needs = ("read",)
    table: Table | None = None
    tables: tuple[Table, ...] = ()

    def __call__(self, batch: pa.Table) -> pa.Table:
        return batch


@pytest.mark.parametrize("option", ["table", "tables"])
def test_a_file_inside_a_table_counts_by_its_content_and_not_by_its_name(
    articles: Path, tmp_path: Path, option: str
) -> None:
    def digest_of(name: str) -> str:
        table = Table(tmp_path / name)
        stage = ByTable(**{option: table if option == "table" else (table,)})
        return pipeline_of(articles, stage).step("by_table").digest

    for name, text in (("one", "x"), ("same", "x"), ("other", "y")):
        (tmp_path / name).write_text(text)
    assert digest_of("one") == digest_of("same") != digest_of("other")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lends(Measure):
    """Lends a column that somebody else writes."""

    needs = ("words",)
    lends = {"n_words": pa.int32()}


def test_a_lent_column_and_a_written_one_cannot_have_the_same_name(articles: Path) -> None:
    with pytest.raises(RecipeError, match="both write the column 'n_words'"):
        pipeline_of(articles, Lends())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Letters(fakes.Words):
    """A measure that is in no catalogue."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NeedsLetters(ByWords):
    @property
    def contract(self) -> Contract:
        return dataclasses.replace(super().contract, needs=(("letters", {"factor": self.factor}),))


def test_a_custom_measure_of_the_recipe_serves_a_need_with_its_options(articles: Path) -> None:
    made = pipeline_of(articles, Letters(factor=2), NeedsLetters(factor=2))
    assert [step.name for step in made.steps] == ["read", "letters", "needs_letters"]
    with pytest.raises(RecipeError, match="needs 'letters' with other options"):
        pipeline_of(articles, Letters(factor=2), NeedsLetters(factor=3))


def test_the_name_under_which_the_engine_drops_figures_is_reserved(articles: Path) -> None:
    with pytest.raises(RecipeError, match="'source' is reserved"):
        pipeline_of(articles, fakes.Free(name="source"))


def test_an_empty_batch_can_be_dropped_with_conditions_without_a_type() -> None:
    empty = pa.table({"figure_id": pa.array([], pa.string()), **{c: pa.array([], pa.string()) for c in DROP}})
    assert drop(empty, pa.array([]), "small", pa.array([])).equals(empty)
