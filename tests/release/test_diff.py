"""Differences between two releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import roco
from roco.base.schema import types
from roco.base.tables import TOMBSTONE_COLUMNS
from roco.release.diff import Moved
from roco.release.format import DROPPED_COLUMNS

CUI_MAPPING = ("id", "split", "image_key", "article_key", "file", "figure_id", "caption", "concepts", "license")


def image(id: str, article: str = "PMC1", **other: Any) -> dict[str, Any]:
    row = {
        "id": id, "split": id.split("_")[1], "image_key": f"{article}-{id}", "article_key": article, "file": "a.jpg",
        "figure_id": f"{article}/f1/0", "caption": "CT of the chest.", "concepts": ["C0040405"], "license": "CC-BY",
    }  # fmt: skip
    return row | other


def release(folder: Path, *rows: dict[str, Any], dropped: tuple[dict[str, Any], ...] = ()) -> Path:
    folder.mkdir()
    table = pa.Table.from_pylist(list(rows), schema=pa.schema(types(*CUI_MAPPING).items()))
    pq.write_table(table, folder / "figures.parquet")
    table = pa.Table.from_pylist(list(dropped), schema=pa.schema([(name, pa.string()) for name in DROPPED_COLUMNS]))
    pq.write_table(table, folder / "removed.parquet")
    return folder


def test_a_release_does_not_differ_from_itself(tmp_path: Path) -> None:
    one = release(tmp_path / "one", image("r_train_1"), image("r_test_1", "PMC2"))
    found = roco.diff(one, one)
    assert found.images == {"old": 2, "new": 2, "both": 2}
    assert not any(found[1:])


def test_added_and_removed_images_are_listed_with_the_reason(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"), image("r_train_2", "PMC2"))
    dropped = {"image_key": "PMC2-r_train_2", "drop": "license", "drop_detail": "CC-BY-ND"}
    new = release(tmp_path / "new", image("r_train_1"), image("r_train_3", "PMC3"), dropped=(dropped,))
    found = roco.diff(old, new)
    assert [one.id for one in found.added] == ["r_train_3"]
    assert [(one.id, one.reason, one.detail) for one in found.removed] == [("r_train_2", "license", "CC-BY-ND")]


def test_the_reason_of_a_tombstone_precedes_that_of_a_dropped_figure(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"))
    dropped = {"image_key": "PMC1-r_train_1", "drop": "duplicate", "drop_detail": ""}
    new = release(tmp_path / "new", dropped=(dropped,))
    cells = ("r_train_1", "train", "k", "PMC1", "a.jpg", "f", "retracted", "index")
    (new / "tombstones.csv").write_text(f"{','.join(TOMBSTONE_COLUMNS)}\n{','.join(cells)}\n")
    assert [(one.reason, one.detail) for one in roco.diff(old, new).removed] == [("retracted", "index")]


def test_an_image_removed_without_a_recorded_reason_has_the_reason_unknown(tmp_path: Path) -> None:
    found = roco.diff(release(tmp_path / "old", image("r_train_1")), release(tmp_path / "new"))
    assert [one.reason for one in found.removed] == ["unknown"]


def test_changed_labels_are_listed_by_column(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"))
    new = release(tmp_path / "new", image("r_train_1", concepts=["C0040405", "C0817096"], caption="CT."))
    assert {one.column: (one.old, one.new) for one in roco.diff(old, new).changed} == {
        "caption": ("CT of the chest.", "CT."),
        "concepts": (["C0040405"], ["C0040405", "C0817096"]),
    }


def test_images_that_moved_to_another_split_are_listed(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"))
    new = release(tmp_path / "new", image("r_train_1", split="test"))
    assert roco.diff(old, new).moved_splits == [Moved("r_train_1", "train", "test")]


def test_an_image_under_another_id_is_renamed_and_neither_added_nor_removed(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", image_key="key"))
    new = release(tmp_path / "new", image("s_train_9", image_key="key"))
    found = roco.diff(old, new)
    assert found.renamed == [Moved("s_train_9", "r_train_1", "s_train_9")]
    assert found.added == found.removed == []


def test_an_id_reused_for_another_article_is_listed(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", "PMC1"))
    new = release(tmp_path / "new", image("r_train_1", "PMC2"))
    found = roco.diff(old, new)
    assert found.reused == [Moved("r_train_1", "PMC1", "PMC2")]
    assert (len(found.added), len(found.removed)) == (1, 1)


def test_changed_bytes_under_the_same_id_are_listed(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", image_key="a"))
    new = release(tmp_path / "new", image("r_train_1", image_key="b"))
    assert [(one.column, one.old, one.new) for one in roco.diff(old, new).changed] == [("image_key", "a", "b")]


def test_a_folder_that_is_not_a_release_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(roco.DataError, match="no such folder"):
        roco.diff(tmp_path / "gone", tmp_path / "gone")


# --- which images are the same ------------------------------------------------------------------------------


def test_ids_that_were_assigned_anew_are_no_images_that_came_or_went(tmp_path: Path) -> None:
    """Three images of one article got each other's ids, because an article was added before them."""
    old = [image(f"r_train_{n}", image_key=f"key-{n}", file=f"{n}.jpg") for n in (1, 2, 3)]
    new = [image(f"r_train_{n + 1}", image_key=f"key-{n}", file=f"{n}.jpg") for n in (1, 2, 3)]
    new.append(image("r_train_1", "PMC0"))
    found = roco.diff(release(tmp_path / "old", *old), release(tmp_path / "new", *new))
    assert [one.id for one in found.added] == ["r_train_1"]
    assert found.removed == []
    assert found.renamed == [Moved(f"r_train_{n + 1}", f"r_train_{n}", f"r_train_{n + 1}") for n in (1, 2, 3)]
    assert found.changed == []


def test_images_whose_bytes_changed_are_paired_by_article_and_file_although_their_ids_changed(tmp_path: Path) -> None:
    old = [image(f"r_train_{n}", image_key=f"old-{n}", file=f"{n}.jpg") for n in (1, 2)]
    new = [image(f"r_train_{3 - n}", image_key=f"new-{n}", file=f"{n}.jpg") for n in (1, 2)]
    found = roco.diff(release(tmp_path / "old", *old), release(tmp_path / "new", *new))
    assert (found.added, found.removed) == ([], [])
    assert {(one.id, one.old, one.new) for one in found.changed} == {
        ("r_train_2", "old-1", "new-1"),
        ("r_train_1", "old-2", "new-2"),
    }


def test_the_bytes_of_an_image_precede_its_file_name(tmp_path: Path) -> None:
    old = [image("r_train_1", image_key="a", file="1.jpg"), image("r_train_2", image_key="b", file="2.jpg")]
    new = [image("r_train_1", image_key="b", file="1.jpg"), image("r_train_2", image_key="a", file="2.jpg")]
    found = roco.diff(release(tmp_path / "old", *old), release(tmp_path / "new", *new))
    assert [(one.old, one.new) for one in found.renamed] == [("r_train_2", "r_train_1"), ("r_train_1", "r_train_2")]


def test_of_equal_images_of_an_article_each_keeps_its_id(tmp_path: Path) -> None:
    twins = [image(f"r_train_{n}", image_key="same", file=f"{n}.jpg") for n in (1, 2, 3)]
    found = roco.diff(release(tmp_path / "old", *twins[:2]), release(tmp_path / "new", *reversed(twins)))
    assert [one.id for one in found.added] == ["r_train_3"]
    assert found.renamed == found.removed == found.changed == []


def test_an_id_pairs_images_that_share_neither_bytes_nor_file_while_ids_are_stable(tmp_path: Path) -> None:
    old = [image("r_train_1", "PMC2"), image("r_train_2", image_key="a", file="1.tif")]
    new = [image("r_train_1", "PMC2"), image("r_train_2", image_key="b", file="2.jpg")]
    found = roco.diff(release(tmp_path / "old", *old), release(tmp_path / "new", *new))
    assert [(one.column, one.old, one.new) for one in found.changed] == [("image_key", "a", "b")]
    assert (found.added, found.removed) == ([], [])


def test_an_id_pairs_nothing_once_ids_were_assigned_anew(tmp_path: Path) -> None:
    old = [image("r_train_1", image_key="gone", file="1.jpg"), image("r_train_2", image_key="stays", file="2.jpg")]
    new = [image("r_train_1", image_key="stays", file="2.jpg"), image("r_train_2", image_key="came", file="3.jpg")]
    found = roco.diff(release(tmp_path / "old", *old), release(tmp_path / "new", *new))
    assert [one.id for one in found.added] == ["r_train_2"]
    assert [one.id for one in found.removed] == ["r_train_1"]


def test_an_article_that_has_another_key_now_is_recognised_by_id_and_bytes(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1", "10.1000/x"))
    new = release(tmp_path / "new", image("r_train_1", "PMC1"))
    for folder in (old, new):
        table = pq.read_table(folder / "figures.parquet")
        pq.write_table(table.append_column("sha256", pa.array(["5a"])), folder / "figures.parquet")
    found = roco.diff(old, new)
    assert found.images == {"old": 1, "new": 1, "both": 1}


def test_what_only_one_release_records_has_not_changed(tmp_path: Path) -> None:
    """The published ROCOv2 has neither image keys nor modalities."""
    old = release(tmp_path / "old", image("r_train_1", image_key=None))
    new = release(tmp_path / "new", image("r_train_1"))
    table = pq.read_table(new / "figures.parquet")
    pq.write_table(table.append_column("modality", pa.array(["DRCT"])), new / "figures.parquet")
    assert not any(roco.diff(old, new)[1:])


def test_a_tombstone_of_another_image_with_the_same_id_is_not_the_reason(tmp_path: Path) -> None:
    old = release(tmp_path / "old", image("r_train_1"))
    new = release(tmp_path / "new")
    cells = ("r_train_1", "train", "PMC7-key", "PMC7", "b.jpg", "PMC7/f1/0", "retracted", "index")
    (new / "tombstones.csv").write_text(f"{','.join(TOMBSTONE_COLUMNS)}\n{','.join(cells)}\n")
    assert [one.reason for one in roco.diff(old, new).removed] == ["unknown"]
