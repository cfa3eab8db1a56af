"""Votes are weighted shares; k, power and threshold are those with the highest F1 on valid."""

from __future__ import annotations

import numpy as np
import pytest

import roco
from roco.base.errors import UsageError
from roco.baselines import scores
from roco.baselines.neighbours.options import NeighbourOptions
from roco.baselines.neighbours.search import NOBODY, Neighbours
from roco.baselines.neighbours.vote import Concepts, tune, votes

CT, XR, CHEST, EDEMA = "C0040405", "C1306645", "C0817096", "C0013604"
VOCABULARY = roco.Vocabulary((CT, XR, CHEST, EDEMA))
INDEX = [[CT], [XR, CHEST], [XR, EDEMA], []]
CONCEPTS = Concepts.of(scores.truth_of(INDEX, VOCABULARY))


def found(*rows: tuple[list[int], list[float]]) -> Neighbours:
    return Neighbours(np.array([row[0] for row in rows]), np.array([row[1] for row in rows], float))


def test_a_concept_has_the_share_of_the_weights_of_the_neighbours_with_it() -> None:
    one = found(([1, 0, 2, 3], [0.8, 0.6, 0.4, 0.2]))
    assert votes(one, CONCEPTS, 4, 0).tolist() == [[0.25, 0.5, 0.25, 0.25]]
    np.testing.assert_allclose(votes(one, CONCEPTS, 4, 1), [[0.3, 0.6, 0.4, 0.2]], rtol=1e-6)
    np.testing.assert_allclose(votes(one, CONCEPTS, 2, 2), [[0.36, 0.64, 0.64, 0]], rtol=1e-6)


def test_neighbours_that_are_not_similar_vote_as_the_least_similar_ones() -> None:
    assert votes(found(([0, 1], [-0.3, -0.9])), CONCEPTS, 2, 3).tolist() == [[0.5, 0.5, 0.5, 0]]


def test_an_image_without_neighbours_has_no_votes() -> None:
    one = found(([NOBODY, NOBODY], [0, 0]), ([2, NOBODY], [0.5, 0]))
    assert votes(one, CONCEPTS, 2, 1).tolist() == [[0, 0, 0, 0], [0, 1, 0, 1]]


def test_many_images_are_counted_in_blocks() -> None:
    n = 3000
    rng = np.random.default_rng(0)
    many = Neighbours(rng.integers(-1, 4, (n, 3)), rng.random((n, 3)))
    shares = votes(many, CONCEPTS, 3, 1)
    for row in (0, 1023, 1024, n - 1):
        np.testing.assert_array_equal(shares[row], votes(many[row : row + 1], CONCEPTS, 3, 1)[0])


def test_the_best_number_of_neighbours_on_valid_is_chosen() -> None:
    """The nearest neighbour is right, the others mislead."""
    truth = scores.truth_of([[CT], [XR, CHEST], [CT], [XR, CHEST]], VOCABULARY)
    one = found(*(([0, 2, 2], [0.9, 0.8, 0.7]), ([1, 2, 0], [0.9, 0.8, 0.7])) * 2)
    best = tune(one, CONCEPTS, truth, np.arange(4), NeighbourOptions(k=(3, 1), power=(0.0,)), VOCABULARY)
    assert best.setting == (1, 0.0) and best.values.mean() == 1


def test_fixed_settings_are_kept() -> None:
    options = NeighbourOptions(k=(3,), power=(2.0,), threshold=(0.35,))
    assert options.is_fixed and not NeighbourOptions().is_fixed
    truth = scores.truth_of([[CT]], VOCABULARY)
    best = tune(found(([0, 2, 2], [0.9, 0.8, 0.7])), CONCEPTS, truth, np.arange(1), options, VOCABULARY)
    assert (best.setting, best.threshold) == ((3, 2.0), 0.35)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": ()}, "k has no value"),
        ({"k": (0,)}, "k = 0"),
        ({"power": (-1.0,)}, r"power = -1\.0"),
        ({"threshold": (0.5, 1.5)}, r"threshold = 1\.5"),
        ({"threshold": (0.0,)}, r"threshold = 0\.0"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_impossible_options_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NeighbourOptions(**changes)  # type: ignore[arg-type]
