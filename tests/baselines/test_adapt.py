"""A head that starts from another one: what it learns, what it keeps, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError
from roco.baselines.adapt import adapt, classes_of
from roco.baselines.examples import Examples
from roco.baselines.fit import fit
from roco.baselines.parts import Recipe
from roco.baselines.save import save
from roco.models.heads.head import Head
from roco.models.heads.head import save as save_arrays
from roco.models.images.layout import NAMES

CLASSES = ("CT", "MR", "US")
RECIPES = (Recipe("linear", ("layout",), c=1.0), Recipe("trees", ("layout",), trees=10, leaves=4))


def examples(labels: Sequence[int], shift: float = 0, seed: int = 0) -> Examples:
    """Images of classes that differ in their first numbers; in another source, all of these are shifted."""
    rng = np.random.default_rng(seed)
    n = len(labels)
    layout = rng.normal(0, 1, (n, len(NAMES))).astype(np.float32)
    layout[np.arange(n), np.asarray(labels)] += 4
    layout[:, : len(CLASSES) + 1] += shift * np.arange(len(CLASSES) + 1)
    groups = tuple((f"article {i // 2}",) for i in range(n))
    return Examples(
        tuple(map(str, range(n))), {"layout": layout}, np.asarray(labels), groups, ("a",) * n, np.zeros(n, np.bool_)
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Head:
    """A head of three classes, trained on a source in which nothing is shifted."""
    some = examples([0, 1, 2] * 40)
    path = tmp_path_factory.mktemp("base") / "base.npz"
    save(path, "modality", CLASSES, fit(some, CLASSES, RECIPES), some, by="group")
    return Head.load(path)


def loaded(path: Path, some: Examples, base: Head, classes: Sequence[str] = CLASSES) -> Head:
    save(path, "modality", classes, adapt(base, some, classes), some, by="group")
    return Head.load(path)


def share_right(head: Head, some: Examples) -> float:
    return float((head.probabilities(some.blocks).argmax(1) == some.labels).mean())


def test_a_few_labels_of_another_source_make_its_guesses_right(base: Head, tmp_path: Path) -> None:
    adapted = loaded(tmp_path / "new.npz", examples([0, 1, 2] * 12, shift=3, seed=1), base)
    unseen = examples([0, 1, 2] * 40, shift=3, seed=2)
    assert share_right(base, unseen) < 0.75 < 0.9 < share_right(adapted, unseen)


def test_a_class_that_nobody_labelled_is_still_guessed(base: Head, tmp_path: Path) -> None:
    adapted = loaded(tmp_path / "new.npz", examples([0, 1] * 15, seed=1), base)
    unseen = examples([2] * 40, seed=2)
    assert share_right(adapted, unseen) >= share_right(base, unseen) - 0.05


def test_a_new_class_is_learned_and_follows_those_of_the_base(base: Head, tmp_path: Path) -> None:
    names = ["CT", "MR", "US", "OTHER"] * 12
    classes, rare = classes_of(base, names)
    assert (classes, rare) == ((*CLASSES, "OTHER"), {})
    adapted = loaded(tmp_path / "new.npz", examples([classes.index(name) for name in names], seed=1), base, classes)
    assert share_right(adapted, examples([3] * 40, seed=2)) > 0.8


def test_a_new_class_with_few_labels_is_left_out_and_counted(base: Head) -> None:
    assert classes_of(base, ["CT"] * 3 + ["PET"] * 7) == (CLASSES, {"fewer than 8 images of PET": 7})


def test_probabilities_on_the_card_are_of_parts_that_never_saw_the_article(base: Head) -> None:
    # Labels that have nothing to do with the images cannot be guessed for an article that was held out.
    rng = np.random.default_rng(3)
    some = examples([0, 1, 2] * 40, seed=1)
    shuffled = Examples(some.ids, some.blocks, rng.permutation(some.labels), some.groups, some.sources, some.derived)
    fitted = adapt(base, shuffled, CLASSES)
    assert (fitted.held_out.argmax(1) == shuffled.labels).mean() < 0.5


def test_equal_labels_give_equal_bytes(base: Head, tmp_path: Path) -> None:
    some = examples([0, 1, 2] * 12, seed=1)
    for name in ("one.npz", "two.npz"):
        loaded(tmp_path / name, some, base)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize(("labels", "message"), [([0] * 40, "all of one class"), ([0, 1, 2], "from only 2 articles")])
def test_labels_from_which_nothing_can_be_learned_are_refused(base: Head, labels: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        adapt(base, examples(labels), CLASSES)


def test_a_head_with_one_column_of_log_odds_is_refused(base: Head, tmp_path: Path) -> None:
    path = tmp_path / "old.npz"
    two = examples([0, 1] * 20)
    save(path, "kind", ("a", "b"), fit(two, ("a", "b"), RECIPES[:1]), two, by="group")
    head = Head.load(path)
    part = head.parts[0]
    narrow = type(part.model)(part.model.mean, part.model.scale, part.model.weights[:, 1:], part.model.bias[1:])  # type: ignore[union-attr]
    save_arrays(path, [type(part)(part.blocks, narrow)], head.weights, head.bias)
    old = Head(path, head.card, (type(part)(part.blocks, narrow),), head.weights, head.bias)
    with pytest.raises(DataError, match="one column of log-odds"):
        adapt(old, two, ("a", "b"))
