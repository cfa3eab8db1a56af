"""F1 of sets equals that of scikit-learn to the last digit; values are added in the order of the images."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score

from roco.evaluate.metrics import sets

CUIS = st.frozensets(st.sampled_from([f"C{n:07d}" for n in range(9)]), max_size=7)


@settings(max_examples=60)
@given(st.lists(st.tuples(CUIS.filter(bool), CUIS), min_size=1, max_size=8))
def test_f1_equals_that_of_scikit_learn_to_the_last_digit(pairs: list[tuple[frozenset[str], frozenset[str]]]) -> None:
    sizes = sets.overlap([g for g, _ in pairs], [p for _, p in pairs])
    total = 0.0
    for (g, p), f1, precision, recall in zip(
        pairs, sets.f1(sizes), sets.precision(sizes), sets.recall(sizes), strict=True
    ):
        every = sorted(g | p)
        columns = [c in g for c in every], [c in p for c in every]
        assert f1 == f1_score(*columns, zero_division=0)
        assert precision == precision_score(*columns, zero_division=0)
        assert recall == recall_score(*columns, zero_division=0)
        total += f1
    assert sets.mean(sets.f1(sizes)) == total / len(pairs)


def test_empty_sets_score_0() -> None:
    sizes = sets.overlap([frozenset(), frozenset("a")], [frozenset(), frozenset()])
    assert sets.f1(sizes).tolist() == [0.0, 0.0]
    assert math.isnan(sets.mean(np.empty(0)))


def test_hits_false_predictions_and_misses_are_counted_per_concept() -> None:
    counts = sets.by_concept([frozenset("ab"), frozenset("b")], [frozenset("bc"), frozenset("b")])
    assert counts == {"a": (0, 0, 1), "b": (2, 0, 0), "c": (0, 1, 0)}
    assert [sets.concept_f1(c) for c in counts.values()] == [0.0, 1.0, 0.0]
    assert sets.macro_f1(counts.values()) == 1 / 3
    assert sets.micro_f1(sets.overlap([frozenset("ab"), frozenset("b")], [frozenset("bc"), frozenset("b")])) == 4 / 6
