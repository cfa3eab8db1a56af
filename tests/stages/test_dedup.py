from __future__ import annotations

import itertools
import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import RecipeError
from roco.base.schema import types
from roco.core.stage import Stage
from roco.models.images.hamming import hex_distance
from roco.stages.dedup import Dedup

BASE = 0x5A3C96E17F0048D2
SECOND = int(f"{BASE:016x}" * 9, 16)


def image(
    name: str, bits: int = 0, more: int = 0, side: int = 100, pinned: str | None = None, **other: Any
) -> dict[str, Any]:
    """An image whose hashes differ from those of others in the lowest bits."""
    row = {
        "figure_id": f"{name}/f/0", "image_key": f"{name}-key", "sha256": f"{name}-sha",
        "phash": f"{BASE ^ ((1 << bits) - 1):016x}", "phash_fine": f"{SECOND ^ ((1 << more) - 1):0144x}",
        "width": side, "height": side, "pinned_by": pinned, "given_id": None, "archive": f"{name}.tar.gz", "drop": None,
        "drop_detail": None,
    }  # fmt: skip
    return row | other


def table(*rows: dict[str, Any]) -> pa.Table:
    names = (*Dedup.reads, *Dedup.optional)
    schema = pa.schema(
        [("figure_id", pa.string()), *types(*names).items(), ("drop", pa.string()), ("drop_detail", pa.string())]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def run(*rows: dict[str, Any], stage: Stage | None = None) -> dict[str, dict[str, Any]]:
    out = (stage or Dedup())(table(*rows))
    return {row["figure_id"].partition("/")[0]: row for row in out.to_pylist()}


def dropped(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, row in found.items() if row["drop"] == "duplicate"}


def test_of_duplicates_the_image_with_the_most_pixels_is_kept() -> None:
    found = run(image("a", side=50), image("b", 1, side=90), image("c", 2, side=70))
    assert dropped(found) == {"a", "c"}
    assert {row["duplicate_group"] for row in found.values()} == {"b-key"}
    assert found["a"]["drop_detail"] == "duplicate of b/f/0: 1 of 64 and 0 of 576 bits differ"


def test_of_duplicates_of_equal_size_the_smallest_key_is_kept() -> None:
    assert dropped(run(image("b"), image("a"))) == {"b"}


def test_duplicates_must_be_close_in_the_second_hash_too() -> None:
    assert dropped(run(image("a"), image("b", 1, more=37))) == set()
    assert dropped(run(image("a"), image("b", 1, more=36))) == {"b"}


def test_duplicates_are_not_chained() -> None:
    found = run(image("a", 0), image("b", 6), image("c", 12))
    assert dropped(found) == {"b"}
    assert found["c"]["duplicate_group"] is None


def test_an_image_of_the_previous_release_is_kept_however_small() -> None:
    assert dropped(run(image("big", side=500), image("old", side=20, pinned="image"))) == {"big"}
    both = run(image("a", pinned="image"), image("b", pinned="file"))
    assert dropped(both) == set() and both["a"]["similar_group"] == both["b"]["similar_group"] == "a-key"


def test_an_image_of_a_dataset_is_kept_however_small_the_copy_in_a_package_is() -> None:
    given = {"pinned": "given", "given_id": "ROCOv2_2023_train_000001"}
    found = run(image("a", side=500), image("b", side=500, sha256="z-sha"), image("z", side=20, **given))
    assert dropped(found) == {"a", "b"}
    assert found["a"]["drop_detail"] == "duplicate of z/f/0: same bytes or same hashes"
    both = run(image("a", **given), image("b", 1, **given), image("c", **given))
    assert dropped(both) == set()


def test_an_image_of_a_dataset_is_dropped_for_the_same_image_of_the_previous_release_or_of_an_earlier_dataset() -> None:
    given = {"pinned": "given", "given_id": "x"}
    assert dropped(run(image("a", **given), image("z", 1, pinned="image"))) == {"a"}
    assert dropped(run(image("a", archive="10/PMC1", **given), image("z", archive="2/PMC1", **given))) == {"a"}


def test_an_image_of_a_dataset_is_preferred_even_if_it_does_not_keep_its_id() -> None:
    given = {"given_id": "x"}
    assert dropped(run(image("a", side=500), image("z", side=20, **given))) == {"a"}
    assert dropped(run(image("a", **given), image("z", **given))) == {"z"}


def test_a_retired_image_that_comes_back_is_dropped_for_the_released_image_that_replaced_it() -> None:
    found = run(image("a", pinned="retired", side=500), image("z", pinned="image"), image("c", side=900))
    assert dropped(found) == {"a", "c"}
    assert dropped(run(image("a", pinned="retired"), image("c", side=900))) == {"c"}


def test_images_without_content_are_compared_by_their_bytes_alone() -> None:
    blank = {"phash": None, "phash_fine": None}
    assert dropped(run(image("a", **blank), image("b", **blank), image("c", **blank, sha256="a-sha"))) == {"c"}


def test_a_copy_is_dropped_for_the_same_image_as_its_original() -> None:
    found = run(image("a", side=200), image("b", 1), image("c", 1, sha256="b-sha"))
    assert dropped(found) == {"b", "c"}
    assert found["c"]["duplicate_group"] == "a-key"


def test_near_duplicates_are_kept_and_chained() -> None:
    found = run(image("a", 0), image("b", 8), image("c", 16), image("d", 40))
    assert dropped(found) == set()
    assert [found[n]["similar_group"] for n in "abcd"] == ["a-key", "a-key", "a-key", None]


def test_a_group_of_near_duplicates_is_limited() -> None:
    found = run(*(image(f"i{k}", 4 * k) for k in range(12)), stage=Dedup(similar_most=4))
    sizes = [
        sum(row["similar_group"] == name for row in found.values())
        for name in {r["similar_group"] for r in found.values()} - {None}
    ]
    assert sizes and max(sizes) <= 4


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    rows = [image(f"i{k}", rng.randrange(20), rng.randrange(30), rng.choice([50, 90])) for k in range(40)]
    shuffled = rng.sample(rows, len(rows))
    assert run(*rows) == dict(sorted(run(*shuffled).items(), key=lambda item: int(item[0][1:])))


def test_rows_dropped_before_are_not_compared() -> None:
    found = run(image("a", side=900, drop="license"), image("b"))
    assert dropped(found) == set()


def test_a_radius_above_the_similar_radius_is_refused() -> None:
    with pytest.raises(RecipeError, match="radius"):
        Dedup(radius=9)


def test_a_duplicate_is_dropped_for_the_kept_image_with_the_highest_priority() -> None:
    found = run(image("large", 0, side=90), image("medium", 12, side=80), image("small", 6, side=50))
    assert dropped(found) == {"small"}
    assert found["small"]["duplicate_group"] == found["large"]["duplicate_group"] == "large-key"
    assert found["medium"]["duplicate_group"] is None


def test_the_detail_gives_the_distance_or_says_that_bytes_or_hashes_are_equal() -> None:
    found = run(image("a", side=200), image("b", 0, more=3), image("c", 2), image("d"))
    assert {name: row["drop_detail"] for name, row in found.items()} == {
        "a": None,
        "b": "duplicate of a/f/0: 0 of 64 and 3 of 576 bits differ",
        "c": "duplicate of a/f/0: 2 of 64 and 0 of 576 bits differ",
        "d": "duplicate of a/f/0: same bytes or same hashes",
    }


def test_the_second_hash_limits_near_duplicates_too() -> None:
    assert run(image("a"), image("b", 1, more=140))["b"]["similar_group"] == "a-key"
    assert run(image("a"), image("b", 1, more=141))["b"]["similar_group"] is None


def test_near_duplicates_are_chained_nearest_pair_first() -> None:
    found = run(image("a", 0), image("b", 8), image("c", 15), stage=Dedup(similar_most=2))
    assert [found[name]["similar_group"] for name in "abc"] == [None, "b-key", "b-key"]


def test_a_group_of_near_duplicates_can_be_as_large_as_the_limit() -> None:
    found = run(*(image(f"i{k}", 8 * k) for k in range(4)), stage=Dedup(similar_most=4))
    assert {row["similar_group"] for row in found.values()} == {"i0-key"}


def test_a_radius_of_16_bits_is_the_largest() -> None:
    assert Dedup(similar_radius=16).similar_radius == 16
    with pytest.raises(RecipeError, match="similar_radius = 17"):
        Dedup(similar_radius=17)


# --- against the definition -------------------------------------------------------------------------------------------

FLIPS = st.tuples(
    st.integers(0, 2), st.lists(st.integers(0, 63), max_size=8), st.lists(st.integers(0, 575), max_size=40)
)
IMAGES = st.lists(st.tuples(FLIPS, st.integers(1, 3), st.booleans()), max_size=14)


def flipped(value: int, bits: list[int]) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


@given(IMAGES)
def test_each_image_is_dropped_for_the_first_kept_one_within_the_radii(images: list[Any]) -> None:
    """Compares with the definition: in order of priority, each image with all that are kept so far."""
    rows = []
    for number, ((base, bits, more), side, has_content) in enumerate(images):
        phash, fine = flipped(BASE * (base + 1) % 2**64, bits), flipped(SECOND * (base + 1) % 2**576, more)
        hashes = {"phash": f"{phash:016x}", "phash_fine": f"{fine:0144x}"} if has_content else {"phash": None}
        rows.append(image(f"i{number:02}", side=side, sha256=f"sha{base}", **hashes))
    kept: list[dict[str, Any]] = []
    expected: dict[str, str | None] = {}
    for row in sorted(rows, key=lambda row: (-row["width"], row["image_key"])):
        found = next((other for other in kept if is_duplicate(row, other)), None)
        expected[row["figure_id"]] = found["image_key"] if found else None
        if found is None:
            kept.append(row)
    out = Dedup()(table(*rows)).to_pylist()
    assert {row["figure_id"]: row["duplicate_group"] if row["drop"] else None for row in out} == expected


def is_duplicate(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one["phash"] is None or other["phash"] is None:
        return one["phash"] == other["phash"] and one["sha256"] == other["sha256"]
    near = hex_distance(one["phash"], other["phash"]) <= 6
    return near and hex_distance(one["phash_fine"], other["phash_fine"]) <= 36


# --- near-duplicates --------------------------------------------------------------------------------------------------


NEAR = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 3), st.booleans()), max_size=20, unique_by=lambda drawn: drawn[:2]
)


@given(NEAR, st.integers(1, 5))
def test_near_duplicates_are_joined_one_pair_after_the_other(images: list[tuple[int, int, bool]], most: int) -> None:
    """Compares with the definition: two groups are joined unless both together would be too large."""
    rows = []
    for number, (bits, more, is_pinned) in enumerate(images):
        key = {"image_key": f"{(number * 7) % 20:02}-key"}
        rows.append(image(f"i{number:02}", bits, more, pinned="image" if is_pinned else None, **key))
    out = Dedup(similar_most=most)(table(*rows)).to_pylist()
    kept = [row for row in out if row["drop"] is None]
    names = sorted((row["image_key"], row["figure_id"]) for row in kept)
    hashes = {(row["image_key"], row["figure_id"]): (row["phash"], row["phash_fine"]) for row in kept}
    pairs = []
    for low, high in itertools.combinations(names, 2):
        bits, fine_bits = (hex_distance(one, other) for one, other in zip(hashes[low], hashes[high], strict=True))
        if bits <= 8 and fine_bits <= 140:
            pairs.append((bits, fine_bits, low, high))
    groups = {name: [name] for name in names}
    for *_, low, high in sorted(pairs):
        one, other = groups[low], groups[high]
        if one is not other and len(one) + len(other) <= most:
            joined = [*one, *other]
            groups.update(dict.fromkeys(joined, joined))
    expected = {name: min(group)[0] if len(group) > 1 else None for name, group in groups.items()}
    assert {(row["image_key"], row["figure_id"]): row["similar_group"] for row in kept} == expected


@given(st.lists(st.integers(0, 12), max_size=3))
def test_a_table_in_several_chunks_gives_the_same_result(cuts: list[int]) -> None:
    blank = {"phash": None, "phash_fine": None, "sha256": "sha"}
    rows = [image(f"i{k:02}", 3 * k % 11, **(blank if k % 5 == 0 else {})) for k in range(12)]
    whole = table(*rows)
    edges = [0, *sorted(cuts), len(rows)]
    chunked = pa.concat_tables([whole.slice(start, stop - start) for start, stop in itertools.pairwise(edges)])
    assert Dedup()(chunked).to_pylist() == Dedup()(whole).to_pylist()
    assert len(Dedup()(whole.slice(0, 0))) == 0
