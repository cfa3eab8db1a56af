"""Tests of the scores of mentions, on small tables that can be counted by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from roco.evaluate.concept_mentions import Caption, Gold, Rates, by_type, score
from roco.evaluate.metrics.sets import Counts

LUNG, EFFUSION, CHEST, XRAY, CHEST_XRAY = "C0024109", "C0032227", "C0817096", "C1306645", "C0039985"


class Link(NamedTuple):
    start: int
    end: int
    cui: str


def caption(gold: Sequence[Gold], *found: Link, article: str = "PMC1") -> Caption:
    return Caption(article, gold, found)


def values(rates: Rates) -> tuple[float, float, float]:
    return rates.precision.value, rates.recall.value, rates.f1.value


ONE = [Gold(start=0, end=4, cui=LUNG, tui="T023"), Gold(start=10, end=26, cui=EFFUSION, tui="T047")]
JOINT = [
    Gold(start=0, end=11, cui=CHEST_XRAY, tui="T060"),
    Gold(start=0, end=5, cui=CHEST, tui="T029", inner=True),
    Gold(start=6, end=11, cui=XRAY, tui="T060", inner=True),
]


def test_spans_need_equal_offsets_and_overlaps_one_character() -> None:
    rates = score([caption(ONE, Link(0, 4, LUNG), Link(18, 26, EFFUSION), Link(30, 35, "C0000001"))])
    assert values(rates["spans"]) == pytest.approx((1 / 3, 1 / 2, 2 / 5))
    assert values(rates["overlaps"]) == pytest.approx((2 / 3, 1, 4 / 5))
    assert values(rates["CUIs"]) == pytest.approx((2 / 3, 1, 4 / 5))
    assert (rates["spans"].gold, rates["spans"].found) == (2, 3)


def test_spans_that_only_meet_do_not_overlap() -> None:
    rates = score([caption(ONE, Link(4, 10, LUNG))])
    assert values(rates["overlaps"]) == (0, 0, 0)


def test_a_linked_mention_counts_for_one_labelled_mention_only() -> None:
    rates = score([caption(ONE, Link(0, 26, LUNG))])
    assert values(rates["overlaps"]) == pytest.approx((1, 1 / 2, 2 / 3))


def test_the_mean_weighs_captions_equally_and_leaves_out_empty_ones() -> None:
    full = caption(ONE, Link(0, 4, LUNG), Link(10, 26, EFFUSION))
    missed = caption(ONE[:1])
    false = caption([], Link(0, 1, LUNG))
    empty = caption([])
    rates = score([full, missed, false, empty])
    assert values(rates["CUIs (mean)"]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert values(rates["CUIs"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))


def test_a_joint_name_is_right_as_a_whole_and_in_parts() -> None:
    whole = score([caption(JOINT, Link(0, 11, CHEST_XRAY))])
    parts = score([caption(JOINT, Link(0, 5, CHEST), Link(6, 11, XRAY))])
    both = score([caption(JOINT, Link(0, 11, CHEST_XRAY), Link(0, 5, CHEST))])
    for rates in (whole, parts, both):
        assert all(values(rate) == (1, 1, 1) for rate in rates.values())
    assert [rates["spans"].gold for rates in (whole, parts, both)] == [1, 2, 1]


def test_a_joint_name_of_which_one_part_is_linked_is_half_right() -> None:
    rates = score([caption(JOINT, Link(6, 11, XRAY))])
    assert values(rates["spans"]) == pytest.approx((1, 1 / 2, 2 / 3))


def test_a_label_without_cui_counts_as_a_span_and_is_not_judged_by_cui() -> None:
    rates = score([caption([Gold(start=0, end=4), ONE[1]], Link(0, 4, LUNG), Link(10, 26, EFFUSION))])
    assert values(rates["spans"]) == (1, 1, 1)
    assert values(rates["CUIs"]) == (1, 1, 1)
    assert (rates["CUIs"].gold, rates["CUIs"].found) == (1, 1)


def test_either_cui_of_an_examination_is_right() -> None:
    gold = [Gold(start=0, end=9, cui="C0024671", instead=XRAY)]
    for cui, value in (("C0024671", 1), (XRAY, 1), (LUNG, 0)):
        rates = score([caption(gold, Link(0, 9, cui))])
        assert values(rates["CUIs"]) == (value, value, value)
    elsewhere = score([caption(gold, Link(20, 24, XRAY))])
    assert values(elsewhere["CUIs"]) == (0, 0, 0)


def test_a_repeated_concept_is_one_cui_of_its_caption() -> None:
    rates = score([caption([ONE[0], Gold(start=6, end=9, cui=LUNG)], Link(0, 4, LUNG))])
    assert values(rates["CUIs"]) == (1, 1, 1)
    assert rates["spans"].recall.value == 0.5


def test_intervals_are_drawn_over_articles() -> None:
    right, wrong = caption(ONE[:1], Link(0, 4, LUNG)), caption(ONE[:1])
    same = [right, wrong] * 10
    assert score(same)["CUIs"].recall.interval is None
    apart = [right._replace(article="PMC1")] * 10 + [wrong._replace(article="PMC2")] * 10
    recall = score(apart)["CUIs"].recall
    assert recall.interval is not None
    assert (recall.value, *recall.interval) == (0.5, 0, 1)


def test_without_mentions_nothing_is_scored() -> None:
    rates = score([caption([])])
    assert all(math.isnan(value) for rate in rates.values() for value in values(rate))


def test_counts_by_type_use_the_label_and_else_the_types_of_the_linker() -> None:
    captions = [
        caption(ONE, Link(0, 4, LUNG), Link(40, 44, CHEST), Link(50, 54, XRAY)),
        caption([Gold(start=0, end=4, cui=LUNG, tui="T023")]),
    ]
    counts = by_type(captions, {CHEST: "T029", LUNG: "T999"})
    assert list(counts) == ["T023", "T047", "", "T029"]
    assert counts["T023"] == (2, 1, Counts(hits=1, false=0, missed=1))
    assert counts["T047"] == (1, 0, Counts(hits=0, false=0, missed=1))
    assert counts["T029"] == (0, 0, Counts(hits=0, false=1, missed=0))
    assert counts[""].cuis.false == 1
