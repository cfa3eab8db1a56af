"""The strata of the figures that a stage judged, and the seeded sample of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.curate.sample import allocated, draw
from roco.curate.strata import DROPPED, KEPT, Judged, Stratum, judged
from tests.curate.conftest import add_stages


def figures(**sizes: int) -> Judged:
    """Figures in strata of these sizes, the kept ones first; the rows are in the order of the strata."""
    strata = [Stratum(KEPT if name.startswith("kept") else DROPPED, "", name, size) for name, size in sizes.items()]
    number = [at for at, stratum in enumerate(strata) for _ in range(stratum.size)]
    ids = [f"PMC{at}/f1/0" for at in range(len(number))]
    rows = pa.table({"figure_id": ids, "archive": ids, "stratum": pa.array(number, pa.int64())})
    return Judged(None, None, rows, strata)  # type: ignore[arg-type]


# --- strata -----------------------------------------------------------------------------------------------------------


def test_strata_are_decision_reason_and_band_of_the_score_that_the_stage_reads(run: roco.Run) -> None:
    found = judged(run, "dark")
    assert found.score == "brightness_score"
    assert [(stratum.decision, stratum.reason) for stratum in found.strata] == [
        ("kept", ""), ("kept", ""), ("dropped", "dark"), ("dropped", "dark"), ("dropped", "white"),
    ]  # fmt: skip
    table = run.figures(["brightness_score"])
    for row in found.rows.to_pylist():
        stratum = found.strata[row["stratum"]]
        (figure,) = [one for one in table.to_pylist() if one["figure_id"] == row["figure_id"]]
        is_dropped_here = figure["stage"] == "dark"
        assert stratum.reason == (figure["drop"] if is_dropped_here else "")
        assert row["detail"] == (figure["drop_detail"] if is_dropped_here else None)
        assert row["score"] == figure["brightness_score"]


def test_the_judged_figures_are_those_that_the_funnel_counts(run: roco.Run) -> None:
    flows = {stage["stage"]: stage for stage in run.status()["stages"]}
    for stage in ("license", "caption", "language", "dark", "merge"):
        found = judged(run, stage)
        assert len(found.rows) == flows[stage]["in"], stage
        assert found.count(KEPT) == flows[stage]["kept"], stage  # figures that later stages dropped are kept here
        reasons: Counter[str] = Counter()
        for stratum in found.strata:
            reasons[stratum.reason] += stratum.size
        del reasons[""]
        assert reasons == flows[stage]["dropped"], stage


def test_a_probability_on_the_edge_of_a_band_belongs_to_the_upper_one() -> None:
    from roco.curate.strata import _bands

    # As float32, 0.9 is less than 0.9 as float64.
    scores = pa.array([0.0, 0.0099, 0.01, 0.9, 0.98999, 0.99, 1.0, None], pa.float32()).cast(pa.float64())
    names, band = _bands(scores)
    assert [names[at] for at in band] == [
        "score below 0.01", "score below 0.01", "score 0.01 to 0.1", "score 0.9 to 0.99", "score 0.9 to 0.99",
        "score from 0.99", "score from 0.99", "no score",
    ]  # fmt: skip


def test_a_score_that_is_no_probability_is_divided_at_its_quartiles() -> None:
    from roco.curate.strata import _bands

    names, band = _bands(pa.array([float(value) for value in range(-40, 40)]))
    assert Counter(names[at] for at in band) == {
        "score below -20": 20, "score -20 to 0": 20, "score 0 to 20": 20, "score from 20": 20,
    }  # fmt: skip
    names, band = _bands(pa.array([7.0] * 10))
    assert {names[at] for at in band} == {"score from 7"}


def test_a_score_without_any_value_is_one_band() -> None:
    from roco.curate.strata import _bands

    names, band = _bands(pa.array([None, float("nan")], pa.float64()))
    assert {names[at] for at in band} == {"no score"}


def test_a_stage_that_has_not_been_run_with_this_recipe_cannot_be_audited(filtered: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "demo.toml"
    text = filtered.read_text(encoding="utf-8").replace('"run"', json.dumps(str(filtered.parent / "run")))
    text = text.replace("corpus/package", str(filtered.parent / "corpus" / "package"))
    recipe.write_text(text.replace('name = "dark"', 'name = "dark"\nat_least = 0.2'), encoding="utf-8")
    with pytest.raises(DataError, match="not up to date") as error:
        judged(roco.load_recipe(recipe).open(), "dark")
    assert "roco run" in error.value.hint


def test_a_stage_after_a_table_stage_that_has_not_been_run_cannot_be_audited(filtered: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "demo.toml"
    text = filtered.read_text(encoding="utf-8").replace('"run"', json.dumps(str(filtered.parent / "run")))
    text = text.replace("corpus/package", str(filtered.parent / "corpus" / "package"))
    recipe.write_text(text.replace('[[stage]]\nuse = "pins"\n', ""), encoding="utf-8")
    run = roco.load_recipe(recipe).open()
    assert len(judged(run, "dark").rows) == 49
    with pytest.raises(DataError, match="the stage 'merge' has not been run with this recipe"):
        judged(run, "merge")


def test_a_stage_that_no_figure_reached_cannot_be_audited(demo_corpus: Path) -> None:
    recipe = add_stages(demo_corpus / "demo.toml", '[[stage]]\nuse = "caption"\nname = "again"\n\n')
    text = recipe.read_text(encoding="utf-8").replace('allow = ["CC-BY", "CC-BY-NC"]', 'allow = ["CC-BY-ND"]')
    recipe.write_text(text, encoding="utf-8")
    run = roco.load_recipe(recipe).open()
    run.do(workers=0)
    with pytest.raises(DataError, match="no figure reached the stage 'again'"):
        judged(run, "again")


# --- the sample -------------------------------------------------------------------------------------------------------


def test_a_sample_is_divided_by_the_roots_of_the_sizes() -> None:
    assert allocated([10_000, 2500, 400], 85) == [50, 25, 10]
    assert allocated([1_000_000, 100], 100) == [95, 5]  # at least five of each stratum
    assert allocated([1_000_000, 3], 100) == [97, 3]  # or all
    assert allocated([30, 20], 100) == [30, 20]
    assert allocated([500, 500, 500], 3) == [1, 1, 1]
    assert allocated([], 100) == []


def test_a_sample_has_n_figures_of_each_side_and_none_twice() -> None:
    judged_figures = figures(kept_a=300, kept_b=40, dropped_a=900, dropped_b=6)
    drawn = draw(judged_figures, 50, 1)
    assert len({one.row for one in drawn}) == len(drawn) == 100
    assert [one.stratum for one in drawn] == sorted(one.stratum for one in drawn)
    assert all(judged_figures.rows["stratum"][one.row].as_py() == one.stratum for one in drawn)


def test_a_sample_depends_on_the_seed_and_on_the_ids_alone() -> None:
    first = figures(kept=200, dropped=200)
    drawn = draw(first, 20, 1)
    assert drawn == draw(first, 20, 1)
    assert drawn != draw(first, 20, 2)
    # The same figures in another order, as other parts would give them.
    backwards = [*range(199, -1, -1), *range(399, 199, -1)]
    second = Judged(first.step, None, first.rows.take(backwards), first.strata)
    assert [backwards[one.row] for one in draw(second, 20, 1)] == [one.row for one in drawn]


def test_a_larger_sample_contains_the_smaller_one() -> None:
    judged_figures = figures(kept_a=300, kept_b=40, dropped_a=900, dropped_b=60)
    small, large = draw(judged_figures, 30, 5), draw(judged_figures, 90, 5)
    assert set(small) < set(large)


def test_each_figure_of_a_stratum_is_as_likely_to_be_drawn() -> None:
    judged_figures = figures(kept=20, dropped=20)
    counts = Counter(one.row for seed in range(400) for one in draw(judged_figures, 5, seed))
    assert len(counts) == 40
    # Expected are 100; six standard deviations are 52.
    assert all(48 < count < 152 for count in counts.values())


def test_a_sample_smaller_than_the_number_of_strata_is_refused() -> None:
    with pytest.raises(UsageError) as error:
        draw(figures(kept=9, dropped_a=5, dropped_b=5, dropped_c=5), 2, 1)
    assert "2 of 3 strata of dropped figures" in error.value.message
    assert "--n 3" in error.value.hint


def test_a_sample_does_not_depend_on_the_hash_seed_of_python(filtered: Path) -> None:
    import subprocess
    import sys

    code = (
        "import roco, sys\n"
        "from roco.curate.strata import judged\n"
        "from roco.curate.sample import draw\n"
        "run = roco.load_recipe(sys.argv[1]).open()\n"
        "print(draw(judged(run, 'dark'), 9, 4))\n"
    )
    printed = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code, str(filtered)], env=env, capture_output=True, text=True, check=True
        )
        printed.add(done.stdout)
    assert len(printed) == 1
