"""The previous release: its images, retired ids, articles."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from roco.base.errors import DataError, RecipeError
from roco.base.schema import types
from roco.base.tables import TOMBSTONE_COLUMNS
from roco.release.previous import (
    PreviousRelease,
    ReleasedImage,
    Tombstone,
    articles_of,
    concepts_of,
    content_files,
    read_previous,
)


def image(id: str, split: str = "train") -> ReleasedImage:
    return ReleasedImage(id, split, f"PMC1-{id}", "PMC1", "a.jpg", f"PMC1/{id}/0")


def tombstone(id: str, split: str = "train") -> Tombstone:
    return Tombstone(*image(id, split), "license", "CC-BY-ND")


def previous(images: list[ReleasedImage], tombstones: list[Tombstone]) -> PreviousRelease:
    return PreviousRelease.of(images, tombstones)


def release(folder: Path, images: list[ReleasedImage], tombstones: list[Tombstone]) -> Path:
    """Writes the two files of a release that the next one reads."""
    folder.mkdir()
    rows = [one._asdict() for one in images]
    schema = pa.schema(types(*ReleasedImage._fields).items())
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "figures.parquet")
    lines = [",".join(cells) + "\n" for cells in (TOMBSTONE_COLUMNS, *tombstones)]
    (folder / "tombstones.csv").write_text("".join(lines))
    return folder


def published(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "license_information.csv").write_text(text)
    return folder


# --- numbers -----------------------------------------------------------------------------------------------


def test_numbering_continues_after_the_highest_id_in_use() -> None:
    highest = previous([image("r_train_000007"), image("r_train_000009"), image("r_test_000002", "test")], []).highest
    assert highest == {"train": 9, "test": 2}


def test_numbering_continues_after_the_highest_retired_id() -> None:
    highest = previous(
        [image("r_train_000007")], [tombstone("r_train_000012"), tombstone("r_test_000003", "test")]
    ).highest
    assert highest == {"train": 12, "test": 3}


def test_ids_of_other_prefixes_count_and_ids_without_a_number_do_not() -> None:
    highest = previous([image("ROCOv2_2023_train_000040"), image("r_train_000007"), image("r_train_x")], []).highest
    assert highest == {"train": 40}


def test_images_and_tombstones_are_read_from_the_folder(tmp_path: Path) -> None:
    images, tombstones = [image("r_train_1"), image("r_test_1", "test")], [tombstone("r_train_2")]
    assert read_previous(release(tmp_path / "old", images, tombstones)) == previous(images, tombstones)


@pytest.mark.parametrize(
    ("images", "tombstones", "message"),
    [
        ([image("r_train_1"), image("r_train_1")], [], "missing or duplicate id 'r_train_1'"),
        ([image("")], [], "missing or duplicate id"),
        ([image("r_dev_1", "dev")], [], "unknown split of r_dev_1"),
        ([image("r_train_1")], [tombstone("r_train_1")], "retired id is in use: r_train_1"),
        ([], [("r_train_1", "train")], "tombstones.csv, line 2: 2 cells"),
    ],
)
def test_an_inconsistent_previous_release_is_an_error(
    tmp_path: Path, images: list[ReleasedImage], tombstones: list[Tombstone], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_previous(release(tmp_path / "old", images, tombstones))
    assert "roco verify" in caught.value.hint


# --- the published layout ----------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["PMC12", "12", "pmc0012", " PMC12 "])
def test_articles_of_the_published_layout_are_identified_by_their_number(tmp_path: Path, id: str) -> None:
    folder = published(tmp_path / "p", f"ID,PMCID,Attribution,Link\nROCOv2_2023_train_000001,{id},CC BY x,y\n")
    assert articles_of(folder) == {"PMC12"}


def test_a_table_with_another_header_is_an_error_and_not_an_empty_table(tmp_path: Path) -> None:
    folder = published(tmp_path / "p", "ID,ID,Attribution,Link\nROCOv2_2023_train_000001,PMC12,CC BY x,y\n")
    with pytest.raises(DataError, match="line 1"):
        articles_of(folder)


def test_concepts_of_the_published_layout_are_those_with_a_name(tmp_path: Path) -> None:
    folder = published(tmp_path / "p", "ID,PMCID,Attribution,Link\n")
    (folder / "cui_mapping.csv").write_text("CUI,Canonical name\nC0817096,Chest\n")
    assert concepts_of(folder) == {"C0817096"}


def test_the_published_layout_has_no_ids_to_continue_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a release of roco") as caught:
        read_previous(published(tmp_path / "p", "ID,PMCID,Attribution,Link\n"))
    assert "make it a source" in caught.value.hint


# --- the folder --------------------------------------------------------------------------------------------


def test_a_missing_folder_and_a_folder_without_a_release_are_different_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such release"):
        content_files(tmp_path / "nothing")
    with pytest.raises(RecipeError, match="not a release"):
        content_files(tmp_path)


def test_an_image_that_was_taken_down_does_not_come_back_from_an_older_release_in_the_run_folder() -> None:
    taken = Tombstone(*image("r_train_1"), "takedown", "2026-11-30: x")
    named = previous([], [taken, tombstone("r_train_2")])
    grown = named.continued(previous([image("r_train_1"), image("r_train_2")], []))
    assert grown == previous([image("r_train_2")], [taken])
