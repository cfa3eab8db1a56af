"""The ground truth may be a release of roco or the published ROCOv2, with its articles, manual concepts and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco import evaluate_captions, evaluate_concepts, load
from roco.base.errors import DataError, UsageError
from tests.sources.test_dataset import published


def test_the_published_layout_is_read_as_ground_truth(tmp_path: Path) -> None:
    root = published(tmp_path / "ROCOv2")
    table = load(root, "train").to_arrow()
    predictions = dict(zip(table["id"].to_pylist(), table["concepts"].to_pylist(), strict=True))
    report = evaluate_concepts(predictions, root, split="train")
    # The official script counts a region that a rule assigned as a wrong manual concept.
    assert (report["f1"], report["secondary_f1"]) == (1.0, 2 / 3)
    assert not any("articles are unknown" in note for note in report.notes)
    assert {Path(name).name for name in report.inputs} == {
        "train_captions.csv", "train_concepts.csv", "train_concepts_manual.csv",
    }  # fmt: skip
    captions = dict(zip(table["id"].to_pylist(), table["caption"].to_pylist(), strict=True))
    assert evaluate_captions(captions, root, split="train", metrics=("rouge1",), train=root)["rouge1"] == 1.0


def test_an_unknown_split_and_a_folder_without_a_release_are_errors(tmp_path: Path) -> None:
    root = published(tmp_path / "ROCOv2")
    with pytest.raises(UsageError, match="unknown split 'tset'"):
        evaluate_concepts({}, root, split="tset")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="not a release"):
        evaluate_concepts({}, tmp_path / "empty")


def test_a_release_without_manual_labels_has_no_secondary_score(composed_release: Path) -> None:
    table = load(composed_release, "train").to_arrow()
    predictions = dict(zip(table["id"].to_pylist(), table["concepts"].to_pylist(), strict=True))
    report = evaluate_concepts(predictions, composed_release, split="train")
    assert report["f1"] == 1.0
    assert "secondary_f1" in {missing.name for missing in report.not_computed}
    (by_concept,) = [table for table in report.breakdowns if table.title == "By concept"]
    assert all(name for _, name, *_ in by_concept.rows)


@pytest.fixture(scope="module")
def composed_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of the small corpus that `roco init` writes."""
    from roco.recipes.demo import write
    from roco.recipes.load import load_recipe, shipped

    folder = tmp_path_factory.mktemp("demo")
    write(folder / "demo", shipped()["demo"].read_text(encoding="utf-8"))
    outcome = load_recipe(folder / "demo" / "demo.toml").run(workers=0)
    assert outcome.release is not None
    return Path(outcome.release)
