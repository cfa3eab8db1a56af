"""The truth may be a release of ours or the published layout: articles, manual concepts and names come with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco import evaluate_captions, evaluate_concepts, load
from roco.base.errors import DataError, UsageError
from tests.sources.test_dataset import published


def test_the_published_layout_is_a_truth(tmp_path: Path) -> None:
    root = published(tmp_path / "ROCOv2")
    table = load(root, "train")
    said = dict(zip(table["id"].to_pylist(), table["concepts"].to_pylist(), strict=True))
    report = evaluate_concepts(said, root, split="train")
    # A region found by rule, not by hand, is a wrong manual concept: so the official script has it.
    assert (report["f1"], report["secondary_f1"]) == (1.0, 2 / 3)
    assert not any("articles are unknown" in note for note in report.notes)
    assert {Path(name).name for name in report.inputs} == {
        "train_captions.csv", "train_concepts.csv", "train_concepts_manual.csv",
    }  # fmt: skip
    written = dict(zip(table["id"].to_pylist(), table["caption"].to_pylist(), strict=True))
    assert evaluate_captions(written, root, split="train", metrics=("rouge1",), train=root)["rouge1"] == 1.0


def test_a_split_that_is_not_there_and_a_folder_that_is_no_release_are_told(tmp_path: Path) -> None:
    root = published(tmp_path / "ROCOv2")
    with pytest.raises(UsageError, match="unknown split 'tset'"):
        evaluate_concepts({}, root, split="tset")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="not a release"):
        evaluate_concepts({}, tmp_path / "empty")


def test_a_release_that_nobody_labelled_has_no_secondary_score(composed_release: Path) -> None:
    table = load(composed_release, "train")
    said = dict(zip(table["id"].to_pylist(), table["concepts"].to_pylist(), strict=True))
    report = evaluate_concepts(said, composed_release, split="train")
    assert report["f1"] == 1.0
    assert "secondary_f1" in {lost.name for lost in report.lost}
    names = {row[0]: row[1] for sheet in report.sheets if sheet.title.startswith("By concept") for row in sheet.rows}
    assert all(names.values())


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
