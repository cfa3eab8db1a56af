from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.schema import types
from roco.release.previous import PreviousRelease, ReleasedImage, Tombstone
from roco.stages import pins as module
from roco.stages.pins import Pins

COLUMNS = ("figure_id", *Pins.reads, *Pins.optional, "drop", "drop_detail")


def kept(id: str, article: str = "PMC1", bytes: str = "b1", file: str = "f1.jpg", figure: str = "f1") -> ReleasedImage:
    return ReleasedImage(id, id.split("_")[1], f"{article}-{bytes}", article, file, f"{article}/{figure}/0")


def image(
    article: str = "PMC1", bytes: str = "b1", file: str = "f1.jpg", figure: str = "f1", **more: Any
) -> dict[str, Any]:
    row = {
        "figure_id": f"{article}/{figure}/0",
        "article_key": article,
        "image_key": f"{article}-{bytes}",
        "file": file,
    }
    return dict.fromkeys(COLUMNS) | row | more


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(
        before: list[ReleasedImage], *rows: dict[str, Any], gone: tuple[str, ...] = (), **options: Any
    ) -> list[tuple[str | None, str | None, str | None]]:
        dead = [Tombstone(id, id.split("_")[1], f"PMC1-{id}", "PMC1", "f", "PMC1/g/0", "license", "") for id in gone]
        told = PreviousRelease.of(before, dead)
        monkeypatch.setattr(module, "known_releases", lambda path, ledger: told)
        kinds = {"figure_id": pa.string(), **types(*COLUMNS[1:])}
        stage = Pins(previous=Path("before"), **options)
        out = stage(pa.Table.from_pylist(list(rows), schema=pa.schema(kinds.items()))).to_pylist()
        return [(row["pinned_id"], row["pinned_split"], row["pinned_by"]) for row in out]

    return run


NONE = (None, None, None)


def test_an_image_is_recognised_by_article_and_bytes(pinned: Any) -> None:
    before = [kept("r_train_1")]
    assert pinned(before, image(file="other.jpg", figure="F99")) == [("r_train_1", "train", "image")]
    assert pinned(before, image(article="PMC2")) == [NONE]


def test_other_bytes_under_the_same_name_are_the_same_image(pinned: Any) -> None:
    assert pinned([kept("r_test_1")], image(bytes="b2")) == [("r_test_1", "test", "file")]
    assert pinned([kept("r_test_1")], image(bytes="b2", file="f2.jpg")) == [NONE]


def test_a_file_name_is_recognised_as_releases_write_it_with_control_characters_escaped(pinned: Any) -> None:
    found = pinned([kept("r_test_1", file=r"f\x1b\n.jpg")], image(bytes="b2", file="f\x1b\n.jpg"))
    assert found == [("r_test_1", "test", "file")]


def test_bytes_take_precedence_over_file_names(pinned: Any) -> None:
    before = [kept("r_train_1", bytes="b1", file="a.jpg"), kept("r_train_2", bytes="b2", file="b.jpg")]
    swapped = (image(bytes="b2", file="a.jpg"), image(bytes="b1", file="b.jpg", figure="f2"))
    assert [id for id, *_ in pinned(before, *swapped)] == ["r_train_2", "r_train_1"]


def test_an_id_is_assigned_once_and_to_the_same_figure_first(pinned: Any) -> None:
    found = pinned([kept("r_train_1", figure="f2")], image(figure="f1"), image(figure="f2"), image(figure="f3"))
    assert found == [NONE, ("r_train_1", "train", "image"), NONE]


def test_two_copies_in_one_article_keep_both_their_ids(pinned: Any) -> None:
    before = [kept("r_train_1", figure="f1"), kept("r_train_2", figure="f2")]
    assert [id for id, *_ in pinned(before, image(figure="f2"), image(figure="f1"))] == ["r_train_2", "r_train_1"]


def test_a_figure_keeps_the_id_that_it_has_and_not_the_first_free_one(pinned: Any) -> None:
    before = [kept("r_train_1", figure="f2"), kept("r_train_2", figure="f1")]
    assert [id for id, *_ in pinned(before, image(figure="f1"), image(figure="f2"))] == ["r_train_2", "r_train_1"]


def test_of_new_figures_with_equal_images_the_smallest_figure_id_gets_the_id(pinned: Any) -> None:
    rows = (image(figure="f5"), image(figure="f3"))
    assert pinned([kept("r_train_1")], *rows) == [NONE, ("r_train_1", "train", "image")]


def test_of_free_ids_the_smallest_is_assigned_first(pinned: Any) -> None:
    before = [kept("r_train_2", figure="f2"), kept("r_train_1", figure="f1")]
    assert pinned(before, image(figure="f9")) == [("r_train_1", "train", "image")]


def test_an_image_recognised_by_its_bytes_does_not_take_the_id_of_its_file_name(pinned: Any) -> None:
    before = [kept("r_train_1", bytes="b1", file="a.jpg"), kept("r_train_2", bytes="b2", file="c.jpg")]
    assert pinned(before, image(bytes="b1", file="c.jpg")) == [("r_train_1", "train", "image")]


def test_the_digest_depends_on_the_previous_release(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "checksums.sha256").write_text(name)
    assert Pins(previous=tmp_path / "a").digest({}) != Pins(previous=tmp_path / "b").digest({})


def test_a_place_that_starts_with_thousands_of_digits_is_not_the_number_of_a_source(pinned: Any) -> None:
    row = image(given_id="r_train_1", given_split="train", archive=f"{'9' * 5000}/PMC1")
    assert pinned([], row) == [("r_train_1", "train", "given")]


def test_without_a_previous_release_no_image_has_an_id() -> None:
    kinds = {"figure_id": pa.string(), **types(*COLUMNS[1:])}
    out = Pins()(pa.Table.from_pylist([image()], schema=pa.schema(kinds.items())))
    assert out["pinned_id"].to_pylist() == [None]


def test_ids_of_a_dataset_that_is_a_source_are_kept_unless_given_is_false(pinned: Any) -> None:
    rows = (image(given_id="ROCOv2_2023_test_000001", given_split="test"), image(article="PMC2", given_id="x"))
    assert pinned([], *rows) == [("ROCOv2_2023_test_000001", "test", "given"), NONE]
    assert pinned([], *rows, given=False) == [NONE, NONE]
    assert pinned([kept("r_train_1")], *rows)[0] == ("r_train_1", "train", "image")


def test_an_id_that_another_image_has_or_had_is_not_taken_from_a_dataset(pinned: Any) -> None:
    rows = (
        image(article="PMC2", given_id="r_train_1", given_split="valid"),
        image(article="PMC3", given_id="r_train_2", given_split="test"),
        image(article="PMC4", given_id="r_train_3", given_split="test"),
    )
    found = pinned([kept("r_train_1")], *rows, gone=("r_train_2",))
    assert found == [(None, "valid", "given"), (None, "test", "given"), ("r_train_3", "test", "given")]


def test_of_two_datasets_with_the_same_id_the_one_listed_first_keeps_it(pinned: Any) -> None:
    rows = (
        image(article="PMC2", given_id="r_train_1", given_split="train", archive="1/PMC2"),
        image(article="PMC9", given_id="r_train_1", given_split="test", archive="0/PMC9"),
    )
    assert pinned([], *rows) == [(None, "train", "given"), ("r_train_1", "test", "given")]


def test_a_retired_image_that_is_in_the_source_again_gets_its_id_and_split_back(pinned: Any) -> None:
    found = pinned([], image(bytes="r_test_4"), image(bytes="other", file="f"), gone=("r_test_4",))
    assert found == [("r_test_4", "test", "retired"), NONE]


def test_a_released_image_is_recognised_before_a_retired_one(pinned: Any) -> None:
    before = [kept("r_train_1", bytes="r_test_4")]
    assert pinned(before, image(bytes="r_test_4"), gone=("r_test_4",)) == [("r_train_1", "train", "image")]


def test_an_image_that_was_taken_down_is_dropped_by_its_bytes_and_by_its_file_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stone = Tombstone("r_train_1", "train", "PMC1-b1", "PMC1", "f1.jpg", "PMC1/f1/0", "takedown", "2026-11-30: x")
    other = stone._replace(id="r_train_2", image_key="PMC2-b1", article_key="PMC2", reason="license")
    previous = PreviousRelease.of([], [stone, other])
    monkeypatch.setattr(module, "known_releases", lambda path, ledger: previous)
    rows = [
        image(file="renamed.jpg"),
        image(bytes="b2"),
        image(bytes="b2", file="f2.jpg"),
        image(article="PMC2"),
        image(article="PMC3"),
    ]
    kinds = {"figure_id": pa.string(), **types(*COLUMNS[1:])}
    out = Pins(previous=Path("before"))(pa.Table.from_pylist(rows, schema=pa.schema(kinds.items()))).to_pylist()
    reasons = [(row["drop"], row["drop_detail"]) for row in out]
    assert reasons == [("takedown", "2026-11-30: x")] * 2 + [(None, None)] * 3
