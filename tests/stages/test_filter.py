"""Layout, embedding, score and filter: what reaches the network, what is dropped, and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from roco.base.errors import DataError, RecipeError
from roco.models.heads.head import FOLDER
from roco.models.images import pixels
from roco.models.images.layout import NAMES
from roco.recipes.load import load_recipe
from roco.stages.embed import Embed
from roco.stages.filter import Filter
from roco.stages.layout import Layout
from roco.stages.score import Score


def batch(**columns: Any) -> pa.Table:
    n = len(next(iter(columns.values())))
    given = {
        "figure_id": [str(i) for i in range(n)],
        "drop": pa.nulls(n, pa.string()),
        "drop_detail": pa.nulls(n, pa.string()),
    }
    return pa.table({**given, **columns})


def images(*arrays: np.ndarray | None) -> pa.Array:
    from roco.base.schema import PIXELS

    return pa.array([None if one is None else pixels.to_value(one) for one in arrays], PIXELS)


NOISE = np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8)


def test_layout_and_embedding_are_null_where_there_is_no_image() -> None:
    table = batch(small=images(NOISE, None))
    assert [value is None for value in Layout()(table)["layout"].to_pylist()] == [False, True]
    assert [value is None for value in Embed()(table)["embedding"].to_pylist()] == [False, True]
    assert len(Layout()(table)["layout"][0]) == len(NAMES)


def test_a_score_is_a_probability_and_null_without_numbers() -> None:
    table = Layout()(batch(small=images(NOISE, None)))
    out = Score(head=Path("gate"))(table)["gate_score"].to_pylist()
    assert 0 <= out[0] <= 1 and out[1] is None


def test_the_head_decides_what_is_needed() -> None:
    assert Score(head=Path("gate")).contract.needs == ("layout",)
    assert set(Score(head=Path("compound")).contract.needs) == {"embed", "layout"}
    assert Score(head=Path("modality")).contract.writes.keys() == {"modality_scores"}


def test_a_figure_below_the_threshold_is_dropped_with_its_evidence() -> None:
    score = pa.array([0.9, 0.1, None], pa.float32())
    rows = {"n_rows": [1, 1, 1], "n_columns": [2, 1, 1], "caption": ["(a) CT. (b) MRI.", "", ""]}
    out = Filter(head=Path("compound"), keep="single", at_least=0.5)(batch(compound_score=score, **rows))
    assert out["drop"].to_pylist() == ["compound", None, None]
    assert out["drop_detail"][0].as_py() == "single 0.10; bands between 1 x 2 panels; caption has panels a to b"


def test_the_wanted_class_may_be_the_second_one() -> None:
    out = Filter(head=Path("radiology"), keep="radiology", at_least=0.5)(
        batch(radiology_score=pa.array([0.9, 0.1], pa.float32()))
    )
    assert out["drop"].to_pylist() == [None, "not_radiology"]


def test_several_classes_are_added_up() -> None:
    kinds = Score(head=Path("modality")).contract.writes["modality_scores"]
    rows = pa.array([{"DRCT": 0.4, "DRMR": 0.3, "DRUS": 0.3}, {"DRCT": 0.1, "DRMR": 0.1, "DRUS": 0.8}], kinds)
    rows = pa.array([{field.name: (row.get(field.name) or 0.0) for field in kinds} for row in rows.to_pylist()], kinds)
    out = Filter(head=Path("modality"), keep=("DRCT", "DRMR"), name="slices")(batch(modality_scores=rows))
    assert out["drop"].to_pylist() == [None, "slices"]


def test_a_recall_chooses_the_threshold_of_the_card() -> None:
    most, less = (Filter(head=Path("radiology"), keep="radiology", recall=recall).threshold for recall in (0.999, 0.95))
    assert 0 <= most <= less <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at_least": 1.5}, "at_least = 1.5"),
        ({"keep": ()}, "names no class"),
        ({"keep": "singel"}, "has no class 'singel'"),
        ({"recall": 1.0, "keep": "nothing"}, "has no class 'nothing'"),
    ],
)
def test_invalid_options_are_refused_before_the_run(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        _ = Filter(head=Path("compound"), **options).contract


def test_a_missing_head_is_named() -> None:
    with pytest.raises(DataError, match="missing head"):
        _ = Filter(head=Path("heads/mine.npz")).contract
    with pytest.raises(DataError, match="unknown head 'radiolgy'"):
        _ = Filter(head=Path("radiolgy")).contract


def test_a_head_for_another_backbone_is_refused(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "radiology.npz", tmp_path / "mine.npz")
    card = json.loads((FOLDER / "radiology.json").read_text())
    card["backbone"] = {"name": "another network", "sha256": "0" * 64}
    (tmp_path / "mine.json").write_text(json.dumps(card))
    with pytest.raises(RecipeError, match="trained on embeddings of another network, not of EfficientNet-Lite0"):
        _ = Score(head=tmp_path / "mine.npz").contract


def test_a_changed_threshold_changes_the_filter_alone() -> None:
    one, other = (Filter(head=Path("compound"), at_least=value) for value in (0.5, 0.6))
    assert one.digest({}) != other.digest({})
    assert one.contract.needs == other.contract.needs


def test_at_least_of_an_override_counts_instead_of_the_recall_of_the_recipe() -> None:
    assert Filter(head=Path("gate"), keep="candidate", recall=0.995, at_least=0.25).threshold == 0.25


def test_images_of_a_dataset_that_is_read_are_kept_unless_they_shall_be_filtered() -> None:
    rows = batch(
        compound_score=pa.array([0.9, 0.9, 0.1], pa.float32()), given_id=["ROCOv2_2023_train_000001", None, None]
    )
    assert Filter()(rows)["drop"].to_pylist() == [None, "compound", None]
    assert Filter(given="filter")(rows)["drop"].to_pylist() == ["compound", "compound", None]


@pytest.mark.parametrize("stage", ["compound", "radiology"])
@pytest.mark.parametrize("option", ["at_least", "recall"])
def test_an_override_of_either_option_changes_the_threshold_of_a_shipped_filter(
    tmp_path: Path, stage: str, option: str
) -> None:
    recipe = tmp_path / "mine.toml"
    head = '[run]\nfolder = "run"\nbase = "rocov2"\n[source]\nkind = "package"\npath = "articles"\n'
    recipe.write_text(f'{head}[[override]]\nstage = "{stage}"\n{option} = 0.99\n')
    steps = load_recipe(recipe).pipeline.steps
    found = next(step.stage for step in steps if isinstance(step.stage, Filter) and step.stage.name == stage)
    assert found.threshold != 0.5
