from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.base.errors import RecipeError
from roco.base.schema import DROP, types
from roco.core.spec import build
from roco.release.leakage import leakage
from roco.release.relations import RELATION_COLUMNS
from roco.stages import split as module
from roco.stages.split import HeldOut, Split


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


def test_the_proportions_are_of_images_and_not_of_articles() -> None:
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


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    table = figures([1] * 100)
    assert splits(table, seed="a") == splits(table, seed="a")
    assert splits(table, seed="a") != splits(table, seed="b")


def test_dropped_figures_are_in_no_split_and_do_not_count() -> None:
    table = figures([1] * 40)
    with_gone = splits(figures([1] * 40, dropped=500))
    assert {with_gone.pop(f"gone/{k}/0") for k in range(500)} == {None}
    assert with_gone == splits(table)


def test_a_split_with_a_fraction_of_zero_is_empty() -> None:
    assert set(splits(figures([3] * 50), fractions=(0.9, 0.0, 0.1)).values()) == {"train", "test"}


def test_a_figure_without_an_article_is_a_unit_of_its_own() -> None:
    table = pa.table(
        {"figure_id": ["a/f/0", "b/f/0"], "article_key": pa.nulls(2, pa.string()), "drop": pa.nulls(2, pa.string())}
    )
    assert None not in splits(table).values()


def test_a_run_without_figures_is_split_without_error() -> None:
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
def test_invalid_fractions_are_refused_with_a_valid_example(fractions: list[float], said: str) -> None:
    with pytest.raises(RecipeError, match=said) as caught:
        build(Split, {"fractions": fractions}, "split")
    assert "fractions = [" in caught.value.hint


# --- related images


def image(name: str, article: str, **other: Any) -> dict[str, Any]:
    return {"figure_id": f"{article}/{name}/0", "article_key": article, "image_key": f"{article}-{name}", **other}


def decided(*rows: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    schema = pa.schema(list(({"figure_id": pa.string()} | types("article_key", *Split.optional) | DROP).items()))
    out = Split(**options)(pa.Table.from_pylist(list(rows), schema=schema))
    return {row["figure_id"].split("/")[1]: row for row in out.to_pylist()}


LONG = "Axial CT of the chest shows a nodule in the left lung"


@pytest.mark.parametrize("bond", [{"similar_group": "g"}, {"caption": LONG}])
def test_related_images_are_in_one_split(bond: dict[str, str]) -> None:
    rows = [image(f"i{k}", f"PMC{k}", **(bond if k % 3 == 0 else {})) for k in range(60)]
    found = decided(*rows, fractions=(0.5, 0.25, 0.25))
    assert len({found[f"i{k}"]["split"] for k in range(0, 60, 3)}) == 1
    assert len({row["split"] for row in found.values()}) == 3


def test_a_short_caption_does_not_relate_images() -> None:
    rows = [image(f"i{k}", f"PMC{k}", caption="Chest X-ray") for k in range(40)]
    assert len({row["split"] for row in decided(*rows).values()}) == 3


def test_a_released_image_keeps_its_split_and_its_unit_follows() -> None:
    old = image("old", "PMC1", pinned_split="test")
    found = decided(old, image("same", "PMC1"), image("alike", "PMC2", similar_group="g"),
                    image("bridge", "PMC1", similar_group="g"))  # fmt: skip
    assert {row["split"] for row in found.values()} == {"test"}


def test_a_new_image_that_would_connect_two_splits_is_dropped() -> None:
    old = image("a", "PMC1", pinned_split="train", similar_group="g"), image("b", "PMC2", pinned_split="test")
    found = decided(*old, image("bridge", "PMC2", similar_group="g"))
    assert (found["bridge"]["drop"], found["bridge"]["split"]) == ("leak", None)
    assert found["bridge"]["drop_detail"] == "would connect train and test"
    assert (found["a"]["split"], found["b"]["split"]) == ("train", "test")


def test_of_related_released_images_in_several_splits_the_one_in_test_is_kept() -> None:
    found = decided(
        *(image(split, "PMC1", pinned_split=split) for split in ("train", "valid", "test")), released_leaks="drop"
    )
    assert {name: row["drop"] for name, row in found.items()} == {"train": "leak", "valid": "leak", "test": None}
    assert "test" in found["train"]["drop_detail"]


def test_of_released_images_in_train_and_valid_the_one_in_valid_is_kept() -> None:
    found = decided(*(image(split, "PMC1", pinned_split=split) for split in ("train", "valid")), released_leaks="drop")
    assert {name: row["drop"] for name, row in found.items()} == {"train": "leak", "valid": None}
    assert found["train"]["drop_detail"] == "related to an image in valid, which takes precedence over train"


def test_each_modality_has_its_share_of_each_split() -> None:
    rows = [image(f"i{k}", f"PMC{k}", modality="DRPE" if k % 50 == 0 else "DRCT") for k in range(2000)]
    found = decided(*rows)
    pet = Counter(row["split"] for name, row in found.items() if int(name[1:]) % 50 == 0)
    assert pet == {"train": 30, "valid": 5, "test": 5}
    assert Counter(row["split"] for row in found.values()) == {"train": 1500, "valid": 250, "test": 250}


def test_a_modality_of_eight_images_is_distributed_like_any_other() -> None:
    rows = [image(f"pet{k}", f"PMC{k}", modality="DRPE") for k in range(8)]
    rows += [image(f"ct{k}", f"PMC{k + 8}", modality="DRCT") for k in range(400)]
    found = decided(*rows)
    pet = Counter(row["split"] for name, row in found.items() if name.startswith("pet"))
    assert pet == {"train": 6, "valid": 1, "test": 1}


def test_a_modality_of_a_single_image_goes_to_train() -> None:
    rows = [
        image("pet", "PMC1", modality="DRPE"),
        *(image(f"ct{k}", f"PMC{k + 2}", modality="DRCT") for k in range(39)),
    ]
    assert decided(*rows)["pet"]["split"] == "train"


@pytest.mark.parametrize("seed", range(12))
def test_units_of_the_rarest_modality_come_first_so_that_the_others_make_up_for_their_size(seed: int) -> None:
    # One of eight articles with a PET image also has 40 CT images. Wherever it goes, the CT images are in proportion.
    rows = [image(f"pet{k}", f"PMC{k}", modality="DRPE") for k in range(8)]
    rows += [image(f"with{k}", "PMC0", modality="DRCT") for k in range(40)]
    rows += [image(f"ct{k}", f"PMC{k + 8}", modality="DRCT") for k in range(400)]
    found = decided(*rows, seed=str(seed))
    ct = Counter(row["split"] for name, row in found.items() if not name.startswith("pet"))
    assert ct == {"train": 330, "valid": 55, "test": 55}


def test_a_unit_counts_as_its_rarest_modality() -> None:
    rows = [image(f"pet{k}", f"PMC{k}", modality="DRPE") for k in range(8)]
    rows += [image(f"with{k}", f"PMC{k}", modality="DRCT") for k in range(8)]
    rows += [image(f"ct{k}", f"PMC{k + 8}", modality="DRCT") for k in range(8)]
    for seed in range(12):
        found = decided(*rows, seed=str(seed))
        pet = Counter(row["split"] for name, row in found.items() if name.startswith("pet"))
        assert pet == {"train": 6, "valid": 1, "test": 1}


def test_of_splits_that_need_as_many_images_of_a_modality_the_one_that_needs_most_overall_gets_the_unit() -> None:
    # Each modality has one image for valid or test. Together these are distributed over both.
    rows = [image(f"i{k}", f"PMC{k}", modality=f"M{k // 4}") for k in range(40)]
    count = Counter(row["split"] for row in decided(*rows).values())
    assert count == {"train": 30, "valid": 5, "test": 5}


def test_images_of_the_previous_release_count_in_the_proportions() -> None:
    rows = [image(f"old{k}", f"PMC{k}", pinned_split="test") for k in range(40)]
    rows += [image(f"new{k}", f"PMC{k + 40}") for k in range(120)]
    new = Counter(row["split"] for name, row in decided(*rows, fractions=(0.5, 0.25, 0.25)).items() if "new" in name)
    assert new == {"train": 80, "valid": 40}


def test_seed_and_key_are_hashed_apart() -> None:
    by_seed = {
        seed: [
            row["split"]
            for row in decided(
                *(image("f", f"PMC{k}", image_key=f"{prefix}{k}") for k in range(100)), seed=seed
            ).values()
        ]
        for seed, prefix in (("a", "bc"), ("ab", "c"))
    }
    assert by_seed["a"] != by_seed["ab"]


def test_single_images_are_split_with_by_image() -> None:
    rows = [image(f"i{k}", "PMC1") for k in range(80)]
    assert len({row["split"] for row in decided(*rows, by="image").values()}) == 3
    assert len({row["split"] for row in decided(*rows).values()}) == 1


def test_images_held_out_are_from_the_given_year_on() -> None:
    rows = [image(f"i{k}", f"PMC{k}", year=2015 + k % 8) for k in range(200)]
    rows.append(image("unknown", "PMC999"))
    stage = {"held_out": {"from_year": 2021}, "fractions": [0.8, 0.1, 0.1]}
    options = {k: getattr(build(Split, stage, "split"), k) for k in stage}
    found = decided(*rows, **options)
    held = [row for row in found.values() if row["split"] != "train"]
    assert 39 <= len(held) <= 41 and min(row["year"] for row in held) == 2021
    assert found["unknown"]["split"] == "train"


def test_a_unit_is_held_out_only_if_all_its_images_may_be() -> None:
    rows = [image("early", "PMC1", year=2019, similar_group="g"), image("late", "PMC2", year=2022, similar_group="g")]
    found = decided(*rows, held_out=HeldOut(from_year=2021), fractions=(0.0, 0.5, 0.5))
    assert {row["split"] for row in found.values()} == {"train"}


def test_articles_of_another_dataset_are_not_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "articles_of", lambda folder: {"PMC0", "PMC1"})
    rows = [image(f"i{k}", f"PMC{k}") for k in range(8)]
    found = decided(*rows, held_out=HeldOut(not_in=Path("rocov1")), fractions=(0.0, 0.5, 0.5))
    assert {name: row["split"] for name, row in found.items() if row["split"] == "train"} == {
        "i0": "train",
        "i1": "train",
    }


def test_a_held_out_unit_goes_to_the_split_that_needs_more_images() -> None:
    rows = [image(f"i{k}", f"PMC{k}", year=2022 if k == 0 else 2010) for k in range(10)]
    found = decided(*rows, held_out=HeldOut(from_year=2021), fractions=(0.5, 0.1, 0.4))
    assert found["i0"]["split"] == "test"


def leaks(rows: list[dict[str, Any]]) -> dict[str, int]:
    names = ("split", *RELATION_COLUMNS)
    return leakage(pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names}))


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 4), st.sampled_from([None, "train", "valid", "test"])), max_size=40
    )
)
def test_whatever_is_pinned_no_new_image_leaks(images: list[tuple[int, int, str | None]]) -> None:
    rows = [
        image(f"i{k}", f"PMC{a}", similar_group=f"g{g}" if g else None, pinned_split=pinned)
        for k, (a, g, pinned) in enumerate(images)
    ]
    found = decided(*rows)
    kept = [row for row in found.values() if row["drop"] is None]
    released = [row for row in kept if row["pinned_split"]]
    assert len(released) == sum(pinned is not None for _, _, pinned in images)
    assert all(row["pinned_split"] == row["split"] for row in released)
    assert leaks(kept) == leaks(released)
    assert found == dict(sorted(decided(*reversed(rows)).items(), key=lambda i: int(i[0][1:])))

    clean = [row for row in decided(*rows, released_leaks="drop").values() if row["drop"] is None]
    assert set(leaks(clean).values()) == {0}
    assert all(row["pinned_split"] in (None, row["split"]) for row in clean)


def test_related_released_images_of_several_splits_are_kept_and_relate_no_new_image() -> None:
    old = [image("a", "PMC1", pinned_split="train", similar_group="g"), image("b", "PMC1", pinned_split="test")]
    found = decided(*old, image("same", "PMC1"), image("alike", "PMC2", similar_group="g"))
    assert [found[name]["split"] for name in ("a", "b", "same", "alike")] == ["train", "test", None, "train"]
    assert found["same"]["drop_detail"] == "would connect train and test"


def test_an_image_of_a_dataset_does_not_leak_into_another_split_of_the_previous_release() -> None:
    old = image("old", "PMC1", pinned_split="train", pinned_by="image")
    given = {"pinned_by": "given", "given_id": "x", "archive": "0/PMC1"}
    found = decided(image("given", "PMC1", pinned_split="test", **given), old)
    assert (found["given"]["drop_detail"], found["old"]["split"]) == ("related to a released image in train", "train")


def test_of_two_datasets_the_one_listed_first_keeps_its_split() -> None:
    one = image("one", "PMC1", pinned_split="train", pinned_by="given", given_id="x", archive="2/PMC1")
    two = image("two", "PMC1", pinned_split="test", pinned_by="given", given_id="y", archive="10/PMC1")
    found = decided(two, one)
    assert (found["one"]["split"], found["two"]["drop"]) == ("train", "leak")


def test_a_retired_image_that_comes_back_keeps_its_split_unless_its_article_has_moved_on() -> None:
    back = image("back", "PMC1", pinned_split="test", pinned_by="retired")
    assert decided(back, image("new", "PMC1"))["new"]["split"] == "test"
    stays = image("stays", "PMC1", pinned_split="train", pinned_by="image")
    assert decided(back, stays)["back"]["drop"] == "leak"
    other = image("other", "PMC1", pinned_split="train", pinned_by="retired")
    assert sorted(str(row["split"]) for row in decided(back, other).values()) in (["None", "test"], ["None", "train"])
