from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roco.core.spec import build
from roco.errors import RecipeError
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


def splits(table: pa.Table, **options: Any) -> dict[str, str]:
    out = Split(**options)(table)
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
@settings(max_examples=30, deadline=None)
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
