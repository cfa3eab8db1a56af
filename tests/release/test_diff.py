from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.schema import types
from roco.release.diff import Moved
from roco.release.read import REMOVED

NAMES = ("id", "split", "image_key", "article_key", "file", "figure_id", "caption", "concepts", "license")


def image(id: str, article: str = "PMC1", **other: Any) -> dict[str, Any]:
    row = {
        "id": id, "split": id.split("_")[1], "image_key": f"{article}-{id}", "article_key": article, "file": "a.jpg",
        "figure_id": f"{article}/f1/0", "caption": "CT of the chest.", "concepts": ["C0040405"], "license": "CC-BY",
    }  # fmt: skip
    return row | other


def release(folder: Path, *rows: dict[str, Any], removed: tuple[dict[str, Any], ...] = ()) -> Path:
    folder.mkdir()
    table = pa.Table.from_pylist(list(rows), schema=pa.schema(types(*NAMES).items()))
    pq.write_table(table, folder / "figures.parquet")
    left = pa.Table.from_pylist(list(removed), schema=pa.schema([(name, pa.string()) for name in REMOVED]))
    pq.write_table(left, folder / "removed.parquet")
    return folder


def test_a_release_does_not_differ_from_itself(tmp_path: Path) -> None:
    one = release(tmp_path / "one", image("r_train_1"), image("r_test_1", "PMC2"))
    found = roco.diff(one, one)
    assert found.images == {"old": 2, "new": 2, "both": 2}
    assert not any(found[1:])


def test_what_came_and_what_went_is_told_with_the_reason(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"), image("r_train_2", "PMC2"))
    gone = {"image_key": "PMC2-r_train_2", "drop": "license", "drop_detail": "CC-BY-ND"}
    new = release(tmp_path / "new", image("r_train_1"), image("r_train_3", "PMC3"), removed=(gone,))
    found = roco.diff(old, new)
    assert [one.id for one in found.came] == ["r_train_3"]
    assert [(one.id, one.reason, one.detail) for one in found.went] == [("r_train_2", "license", "CC-BY-ND")]


def test_what_nobody_explains_is_untold(tmp_path: Path) -> None:
    found = roco.diff(release(tmp_path / "old", image("r_train_1")), release(tmp_path / "new"))
    assert [one.reason for one in found.went] == ["untold"]


def test_labels_that_changed_are_told_by_column(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"))
    new = release(tmp_path / "new", image("r_train_1", concepts=["C0040405", "C0817096"], caption="CT."))
    assert {one.column: (one.was, one.now) for one in roco.diff(old, new).changed} == {
        "caption": ("CT of the chest.", "CT."),
        "concepts": (["C0040405"], ["C0040405", "C0817096"]),
    }


def test_splits_that_moved_are_told(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"))
    new = release(tmp_path / "new", image("r_train_1", split="test"))
    assert roco.diff(old, new).moved == [Moved("r_train_1", "train", "test")]


def test_an_image_under_another_id_is_the_same_image(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", image_key="key"))
    new = release(tmp_path / "new", image("s_train_9", image_key="key"))
    found = roco.diff(old, new)
    assert found.renamed == [Moved("s_train_9", "r_train_1", "s_train_9")]
    assert found.came == found.went == []


def test_an_id_that_stands_for_another_article_now_is_told(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", "PMC1"))
    new = release(tmp_path / "new", image("r_train_1", "PMC2"))
    found = roco.diff(old, new)
    assert found.reused == [Moved("r_train_1", "PMC1", "PMC2")]
    assert (len(found.came), len(found.went)) == (1, 1)


def test_other_bytes_under_the_same_id_are_a_change(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", image_key="a"))
    new = release(tmp_path / "new", image("r_train_1", image_key="b"))
    assert [(one.column, one.was, one.now) for one in roco.diff(old, new).changed] == [("image_key", "a", "b")]


def test_what_is_no_release_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(roco.DataError, match="is not a folder"):
        roco.diff(tmp_path / "gone", tmp_path / "gone")
