from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.base.schema import types
from roco.core.stage import Stage
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
        "width": side, "height": side, "pinned_id": pinned, "drop": None, "drop_detail": None,
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


def left(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, row in found.items() if row["drop"] == "duplicate"}


def test_of_the_same_images_the_one_of_most_pixels_stays() -> None:
    found = run(image("a", side=50), image("b", 1, side=90), image("c", 2, side=70))
    assert left(found) == {"a", "c"}
    assert {row["duplicate_group"] for row in found.values()} == {"b-key"}
    assert found["a"]["drop_detail"] == "duplicate of b/f/0: 1 of 64 and 0 of 576 bits differ"


def test_of_equal_size_the_smallest_key_stays() -> None:
    assert left(run(image("b"), image("a"))) == {"b"}


def test_the_second_hash_confirms() -> None:
    assert left(run(image("a"), image("b", 1, more=37))) == set()
    assert left(run(image("a"), image("b", 1, more=36))) == {"b"}


def test_groups_are_not_chained() -> None:
    found = run(image("a", 0), image("b", 6), image("c", 12))
    assert left(found) == {"b"}
    assert found["c"]["duplicate_group"] is None


def test_a_released_image_stays_however_small() -> None:
    assert left(run(image("big", side=500), image("old", side=20, pinned="roco_train_000001"))) == {"big"}
    both = run(image("a", pinned="roco_train_000001"), image("b", pinned="roco_test_000001"))
    assert left(both) == set() and both["a"]["similar_group"] == both["b"]["similar_group"] == "a-key"


def test_images_that_show_nothing_are_the_same_by_their_bytes_alone() -> None:
    blank = {"phash": None, "phash_fine": None}
    assert left(run(image("a", **blank), image("b", **blank), image("c", **blank, sha256="a-sha"))) == {"c"}


def test_copies_leave_for_the_image_that_their_original_leaves_for() -> None:
    found = run(image("a", side=200), image("b", 1), image("c", 1, sha256="b-sha"))
    assert left(found) == {"b", "c"}
    assert found["c"]["duplicate_group"] == "a-key"


def test_images_that_are_alike_stay_together_and_are_chained() -> None:
    found = run(image("a", 0), image("b", 8), image("c", 16), image("d", 40))
    assert left(found) == set()
    assert [found[n]["similar_group"] for n in "abcd"] == ["a-key", "a-key", "a-key", None]


def test_a_group_of_similar_images_has_a_most() -> None:
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


def test_rows_that_left_are_no_neighbours() -> None:
    found = run(image("a", side=900, drop="license"), image("b"))
    assert left(found) == set()


def test_radii_that_make_no_sense_are_refused() -> None:
    with pytest.raises(RecipeError, match="radius"):
        Dedup(radius=9)
