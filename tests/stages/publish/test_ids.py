from __future__ import annotations

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.release.previous import PreviousRelease, ReleasedImage, Tombstone
from roco.stages.publish.ids import assigned_ids

TEXTS = ("figure_id", "article_key", "split", "pinned_id", "drop")


def figures(*rows: tuple[str | None, ...]) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(TEXTS)})


def test_new_ids_follow_the_articles_and_continue_from_pinned_released_and_retired_ones() -> None:
    images = [ReleasedImage("x_test_7", "test", "", "", "", "")]
    tombstones = [Tombstone("x_valid_12", "valid", "", "", "", "", "license", "")]
    table = figures(
        ("a", "PMC2", "train", None, None), ("b", "PMC1", "train", "", None), ("c", None, "train", None, None),
        ("d", "PMC1", "test", None, None), ("e", "PMC1", "valid", None, None), ("f", "PMC9", "train", "old_5", None),
        ("g", "PMC0", "train", None, "license"), ("h", "PMC0", "train", "old_1000008", "license"),
    )  # fmt: skip
    assert assigned_ids(table, "roco", PreviousRelease.of(images, tombstones)).to_pylist() == [
        *("roco_train_1000011", "roco_train_1000010", "roco_train_1000009", "roco_test_000008", "roco_valid_000013"),
        *("old_5", None, None),
    ]


def test_a_figure_without_a_split_is_an_error_that_names_the_first_one() -> None:
    table = figures(("z", "PMC1", None, None, None), ("b", "PMC2", "dev", None, None), ("a", "PMC0", None, None, "x"))
    with pytest.raises(RecipeError, match="figure without a split: z"):
        assigned_ids(table, "roco", None)


def test_without_figures_there_are_no_ids() -> None:
    assert len(assigned_ids(figures(), "roco", None)) == 0
