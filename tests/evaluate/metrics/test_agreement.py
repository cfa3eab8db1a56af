"""Kappa has the published values and the standard error of the paper's Table 7, and a reason if it is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from roco.evaluate.metrics import agreement

THREE = [[44, 5, 1], [7, 20, 3], [9, 5, 6]]


@pytest.mark.parametrize(
    ("matrix", "value", "se", "null", "simple"),
    [
        (THREE, 0.4915254237288134, 0.0721274592933407, 0.0735093167532252, 0.0776707744907770),
        ([[20, 5], [10, 15]], 0.4, 0.1269960629, 0.1385641, 0.1296148),
        ([[31, 12], [4, 58]], 0.6756756757, 0.0734476074, None, None),
    ],
)
def test_kappa_and_its_standard_errors_have_the_published_values(
    matrix: list[list[int]], value: float, se: float, null: float | None, simple: float | None
) -> None:
    found = agreement.kappa(matrix)
    assert found.value == pytest.approx(value, abs=1e-9)
    assert found.se == pytest.approx(se, abs=1e-9)
    assert null is None or found.se_null == pytest.approx(null, abs=1e-6)
    assert simple is None or found.se_simple == pytest.approx(simple, abs=1e-6)


def test_the_interval_is_kappa_plus_or_minus_1_96_standard_errors() -> None:
    found = agreement.kappa(THREE)
    assert (found.n, found.agree, round(found.chance, 10)) == (100, 70, 41.0)
    assert (found.low, found.high) == (pytest.approx(0.350155594, abs=1e-7), pytest.approx(0.6328952534, abs=1e-7))
    third = agreement.kappa([[31, 12], [4, 58]])
    assert (third.low, third.high) == (pytest.approx(0.5317210105, abs=1e-5), pytest.approx(0.8196303408, abs=1e-5))


@pytest.mark.parametrize(
    ("n", "agree", "chance", "kappa", "simple"),
    [(400, 378, 93.9, 0.928, 0.0149), (400, 363, 76.2, 0.886, 0.0179), (399, 264, 94.0, 0.557, 0.0310)],
)
def test_table_7_of_the_paper_follows_from_its_counts(
    n: int, agree: int, chance: float, kappa: float, simple: float
) -> None:
    po, pe = agree / n, chance / n
    assert round((po - pe) / (1 - pe), 3) == kappa
    assert math.sqrt(po * (1 - po) / n) / (1 - pe) == pytest.approx(simple, abs=5e-5)


def test_an_undefined_kappa_has_a_reason() -> None:
    same = agreement.kappa([[5, 0], [0, 0]])
    assert math.isnan(same.value) and same.words == "both raters used the same single label"
    assert agreement.kappa(np.zeros((2, 2))).words == "no image has both labels"
    for wrong in ([[1, 2]], [[1, -1], [0, 1]], [[0.5, 0], [0, 1]]):
        with pytest.raises(ValueError, match="confusion matrix"):
            agreement.kappa(wrong)


def test_perfect_agreement_has_a_standard_error_of_0() -> None:
    assert agreement.kappa([[3, 0], [0, 4]])[3:5] == (1.0, 0.0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[9, 0], [0, 9]], "almost perfect"),
        ([[14, 6], [6, 14]], "fair"),
        ([[1, 9], [9, 1]], "poor"),
        (THREE, "moderate"),
    ],
)
def test_levels_of_agreement_are_those_of_landis_and_koch(rows: list[list[int]], words: str) -> None:
    assert agreement.kappa(rows).words == words


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=4, max_size=40))
def test_kappa_equals_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    one, two = [a for a, _ in pairs], [b for _, b in pairs]
    labels = agreement.labels_of(one, two)
    matrix = agreement.confusion(one, two, labels)
    found = agreement.kappa(matrix)
    if math.isnan(found.value):
        return
    assert found.value == pytest.approx(cohen_kappa_score(one, two), abs=1e-12)
    assert agreement.kappa_values(matrix[None].astype(float))[0] == pytest.approx(found.value, abs=1e-12)


def test_a_label_that_only_one_rater_used_is_in_the_matrix() -> None:
    labels = agreement.labels_of(["a", "b"], ["a", "c"])
    assert labels == ["a", "b", "c"]
    assert agreement.confusion(["a", "b"], ["a", "c"], labels).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_the_kappa_of_a_label_compares_it_with_all_others() -> None:
    found = agreement.kappa_by_class(THREE, ["a", "b", "c"])
    assert found["a"] == agreement.kappa([[44, 6], [16, 34]])


def test_a_matrix_is_normalised_by_rows_columns_or_all_counts() -> None:
    m = [[1, 3], [0, 0]]
    assert agreement.normalised(m, "true").tolist() == [[0.25, 0.75], [0, 0]]
    assert agreement.normalised(m, "pred").tolist() == [[1, 1], [0, 0]]
    assert agreement.normalised(m, "all").tolist() == [[0.25, 0.75], [0, 0]]
    with pytest.raises(ValueError, match="over must be"):
        agreement.normalised(m, "rows")


def test_krippendorffs_alpha_has_the_value_of_his_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's alpha-reliability", example C: nominal, four observers, alpha 0.743.
    rows = (
        "1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .",
    )  # fmt: skip
    cells = [[None if c == "." else c for c in row.split()] for row in rows]
    assert agreement.krippendorff_alpha(list(zip(*cells, strict=True))) == pytest.approx(0.743, abs=5e-4)
    assert math.isnan(agreement.krippendorff_alpha([("a", "a"), ("a", None)]))


def test_ac1_is_stable_if_one_label_dominates() -> None:
    # Gwet 2008: 125 cases, 118 + 2 agreed; kappa is low, AC1 is not.
    skewed = [[118, 5], [2, 0]]
    assert agreement.kappa(skewed).value < 0
    share = (123 + 120) / 250
    pe = 2 * share * (1 - share)
    assert agreement.gwet_ac1(skewed) == pytest.approx((118 / 125 - pe) / (1 - pe))
    assert agreement.gwet_ac1(skewed) > 0.9
