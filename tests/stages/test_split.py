from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import RecipeError
from roco.base.schema import DROP, types
from roco.core.spec import build
from roco.release.leakage import leakage
from roco.stages.split import Split


def figures(sizes: list[int], dropped: int = 0) -> pa.Table:
    rows = [
        {"figure_id": f"PMC{a}/f{k}/0", "article_key": f"PMC{a}", "drop": None}
        for a, n in enumerate(sizes)
        for k in range(n)
    ]
    rows += [{"figure_id": f"gone/{k}/0", "article_key": "PMC0", "drop": "license"} for k in range(dropped)]
    schema = pa.schema([(n, pa.string()) for n in ("figure_id", "article_key", "drop", "drop_detail")])
    return pa.Table.from_pylist(rows, schema=schema)


def whole(table: pa.Table) -> pa.Table:
    """The table as the engine hands it over: columns that nobody wrote are null."""
    for name, kind in ({"drop_detail": pa.string()} | types(*Split.optional)).items():
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), kind))
    return table


def splits(table: pa.Table, **options: Any) -> dict[str, str]:
    out = Split(**options)(whole(table))
    return dict(zip(out["figure_id"].to_pylist(), out["split"].to_pylist(), strict=True))


def test_three_figures_of_two_articles_stay_with_their_articles() -> None:
    found = splits(figures([2, 1]))
    assert found["PMC0/f0/0"] == found["PMC0/f1/0"]
    assert set(found.values()) <= {"train", "valid", "test"}


def test_images_and_not_articles_are_divided_in_proportion() -> None:
    sizes = [1 + (k * k) % 13 for k in range(800)]
    count = Counter(splits(figures(sizes)).values())
    total = sum(sizes)
    assert abs(count["train"] - 0.75 * total) <= 13
    assert abs(count["valid"] - 0.125 * total) <= 13
    assert abs(count["test"] - 0.125 * total) <= 13


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = figures([1, 2, 3, 4, 5] * 10)
    order = list(range(len(table)))
    random.Random(3).shuffle(order)
    assert splits(table) == splits(table.take(order))


def test_another_seed_is_another_split_and_the_same_seed_the_same() -> None:
    table = figures([1] * 100)
    assert splits(table, seed="a") == splits(table, seed="a")
    assert splits(table, seed="a") != splits(table, seed="b")


def test_figures_that_left_are_in_no_split_and_do_not_count() -> None:
    table = figures([1] * 40)
    with_gone = splits(figures([1] * 40, dropped=500))
    assert {with_gone.pop(f"gone/{k}/0") for k in range(500)} == {None}
    assert with_gone == splits(table)


def test_a_split_of_no_fraction_stays_empty() -> None:
    assert set(splits(figures([3] * 50), fractions=(0.9, 0.0, 0.1)).values()) == {"train", "test"}


def test_a_figure_without_an_article_stands_for_itself() -> None:
    table = pa.table(
        {"figure_id": ["a/f/0", "b/f/0"], "article_key": pa.nulls(2, pa.string()), "drop": pa.nulls(2, pa.string())}
    )
    assert None not in splits(table).values()


def test_no_figures_are_no_error() -> None:
    assert splits(figures([])) == {}


@given(st.lists(st.integers(1, 12), max_size=40), st.text(max_size=5))
@settings(max_examples=30)
def test_no_article_is_ever_in_two_splits(sizes: list[int], seed: str) -> None:
    of: dict[str, set[str]] = {}
    for figure, split in splits(figures(sizes), seed=seed).items():
        of.setdefault(figure.split("/")[0], set()).add(split)
    assert all(len(names) == 1 for names in of.values())


@pytest.mark.parametrize(
    ("fractions", "said"),
    [
        ([0.5, 0.2, 0.2], "sum to 0.9"),
        ([0.5, 0.5], "2 fractions"),
        ([1.5, -0.25, -0.25], "below 0"),
        ([float("nan"), 0.5, 0.5], "below 0"),
    ],
)
def test_fractions_that_cannot_be_are_refused_with_what_would_be_right(fractions: list[float], said: str) -> None:
    with pytest.raises(RecipeError, match=said) as caught:
        build(Split, {"fractions": fractions}, "split")
    assert "fractions = [" in caught.value.hint


# --- what belongs together


def image(name: str, article: str, **other: Any) -> dict[str, Any]:
    return {"figure_id": f"{article}/{name}/0", "article_key": article, "image_key": f"{article}-{name}", **other}


def decided(*rows: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    schema = pa.schema(list(({"figure_id": pa.string()} | types("article_key", *Split.optional) | DROP).items()))
    out = Split(**options)(pa.Table.from_pylist(list(rows), schema=schema))
    return {row["figure_id"].split("/")[1]: row for row in out.to_pylist()}


LONG = "Axial CT of the chest shows a nodule in the left lung"


@pytest.mark.parametrize("bond", [{"similar_group": "g"}, {"caption": LONG}])
def test_images_that_are_tied_are_in_one_split(bond: dict[str, str]) -> None:
    rows = [image(f"i{k}", f"PMC{k}", **(bond if k % 3 == 0 else {})) for k in range(60)]
    found = decided(*rows, fractions=(0.5, 0.25, 0.25))
    assert len({found[f"i{k}"]["split"] for k in range(0, 60, 3)}) == 1
    assert len({row["split"] for row in found.values()}) == 3


def test_a_short_caption_ties_nothing() -> None:
    rows = [image(f"i{k}", f"PMC{k}", caption="Chest X-ray") for k in range(40)]
    assert len({row["split"] for row in decided(*rows).values()}) == 3


def test_a_released_image_keeps_its_split_and_its_unit_follows() -> None:
    old = image("old", "PMC1", pinned_split="test")
    found = decided(old, image("same", "PMC1"), image("alike", "PMC2", similar_group="g"),
                    image("bridge", "PMC1", similar_group="g"))  # fmt: skip
    assert {row["split"] for row in found.values()} == {"test"}


def test_a_new_image_that_would_tie_two_splits_leaves() -> None:
    old = image("a", "PMC1", pinned_split="train", similar_group="g"), image("b", "PMC2", pinned_split="test")
    found = decided(*old, image("bridge", "PMC2", similar_group="g"))
    assert (found["bridge"]["drop"], found["bridge"]["split"]) == ("leak", None)
    assert found["bridge"]["drop_detail"] == "would connect train and test"
    assert (found["a"]["split"], found["b"]["split"]) == ("train", "test")


def test_of_released_images_that_clash_test_beats_valid_and_valid_beats_train() -> None:
    found = decided(*(image(split, "PMC1", pinned_split=split) for split in ("train", "valid", "test")))
    assert {name: row["drop"] for name, row in found.items()} == {"train": "leak", "valid": "leak", "test": None}
    assert "test" in found["train"]["drop_detail"]


def test_each_modality_has_its_share_of_each_split() -> None:
    rows = [image(f"i{k}", f"PMC{k}", modality="DRPE" if k % 50 == 0 else "DRCT") for k in range(2000)]
    found = decided(*rows)
    pet = Counter(row["split"] for name, row in found.items() if int(name[1:]) % 50 == 0)
    assert pet == {"train": 30, "valid": 5, "test": 5}
    assert Counter(row["split"] for row in found.values()) == {"train": 1500, "valid": 250, "test": 250}


def test_single_images_are_split_where_that_is_asked_for() -> None:
    rows = [image(f"i{k}", "PMC1") for k in range(80)]
    assert len({row["split"] for row in decided(*rows, by="image").values()}) == 3
    assert len({row["split"] for row in decided(*rows).values()}) == 1


def test_what_is_held_out_is_from_the_year_on() -> None:
    rows = [image(f"i{k}", f"PMC{k}", year=2015 + k % 8) for k in range(200)]
    rows.append(image("unknown", "PMC999"))
    stage = {"held_out": {"from_year": 2021}, "fractions": [0.8, 0.1, 0.1]}
    options = {k: getattr(build(Split, stage, "split"), k) for k in stage}
    found = decided(*rows, **options)
    held = [row for row in found.values() if row["split"] != "train"]
    assert 39 <= len(held) <= 41 and min(row["year"] for row in held) == 2021
    assert found["unknown"]["split"] == "train"


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 4), st.sampled_from([None, "train", "valid", "test"])), max_size=40
    )
)
def test_whatever_is_pinned_nothing_leaks(images: list[tuple[int, int, str | None]]) -> None:
    rows = [
        image(f"i{k}", f"PMC{a}", similar_group=f"g{g}" if g else None, pinned_split=pinned)
        for k, (a, g, pinned) in enumerate(images)
    ]
    kept = [row for row in decided(*rows).values() if row["drop"] is None]
    assert leakage(kept) == {"article": 0, "duplicate": 0, "similar": 0, "caption": 0}
    assert all(row["pinned_split"] in (None, row["split"]) for row in kept)
    assert decided(*rows) == dict(sorted(decided(*reversed(rows)).items(), key=lambda i: int(i[0][1:])))
