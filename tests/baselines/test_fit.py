"""Fitting a head: folds, weights, calibration and the numbers on its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError
from roco.baselines.examples import Examples
from roco.baselines.fit import balanced, fit
from roco.baselines.folds import folds
from roco.baselines.parts import Recipe, train
from roco.baselines.report import auroc, measured, plot, recall_curves
from roco.baselines.save import save
from roco.models.heads.head import Head
from roco.models.images.layout import NAMES


def examples(n: int = 120, noise: float = 0.3, derived: int = 0) -> Examples:
    """Two classes that the first number separates; two images of each article, four sources."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 4 // 2
    layout = rng.normal(0, 1, (n, len(NAMES))).astype(np.float32)
    layout[:, 0] = labels + rng.normal(0, noise, n)
    return Examples(
        tuple(map(str, range(n))),
        {"layout": layout},
        labels,
        tuple((f"article {i // 2}",) for i in range(n)),
        tuple(f"source {i // 2 % 4}" for i in range(n)),
        np.arange(n) >= n - derived,
    )


LINEAR = Recipe("linear", ("layout",), c=1.0)
TREES = Recipe("trees", ("layout",), trees=10, leaves=4)


@pytest.mark.parametrize("by", ["group", "source"])
def test_nothing_of_a_tested_group_or_source_is_trained_on(by: str) -> None:
    some = examples(derived=20)
    tested = np.zeros(len(some), int)
    for trained, test in folds(some, by):  # type: ignore[arg-type]
        names = some.sources if by == "source" else tuple(groups[0] for groups in some.groups)
        assert not {names[i] for i in np.flatnonzero(trained)} & {names[i] for i in np.flatnonzero(test)}
        assert not some.derived[test].any()
        tested += test
    assert (tested == ~some.derived).all()


def test_an_image_in_two_sources_is_left_out_with_both() -> None:
    some = examples(40)
    sources = list(some.sources)
    sources[0] = "source 0|source 3"
    joined = Examples(some.ids, some.blocks, some.labels, some.groups, tuple(sources), some.derived)
    for trained, test in folds(joined, "source"):
        of_test = {name for i in np.flatnonzero(test) for name in sources[i].split("|")}
        of_train = {name for i in np.flatnonzero(trained) for name in sources[i].split("|")}
        assert not of_test & of_train


def test_a_composed_image_is_left_out_with_each_of_its_articles() -> None:
    some = examples(40)
    composed = Examples(
        (*some.ids, "composed"),
        {"layout": np.concatenate([some.blocks["layout"], some.blocks["layout"][:1]])},
        np.append(some.labels, 1),
        (*some.groups, ("article 0", "article 7")),
        (*some.sources, "generated"),
        np.append(some.derived, True),
    )
    for trained, test in folds(composed, "group"):
        tested = {composed.groups[i][0] for i in np.flatnonzero(test)}
        assert trained[-1] == tested.isdisjoint({"article 0", "article 7"})


def test_classes_count_alike_however_many_images_they_have() -> None:
    some = examples(100).take(np.arange(100)[np.arange(100) % 4 != 3])
    weights = balanced(some, 2)
    assert weights[some.labels == 0].sum() == pytest.approx(weights[some.labels == 1].sum())


@pytest.mark.parametrize("recipes", [(LINEAR,), (TREES,), (LINEAR, TREES)])
def test_a_fitted_head_answers_as_its_file_does_when_it_is_loaded(tmp_path: Path, recipes: tuple[Recipe, ...]) -> None:
    some = examples()
    fitted = fit(some, ("no", "yes"), recipes)
    save(tmp_path / "test.npz", "test", ("no", "yes"), fitted, some, by="group")
    head = Head.load(tmp_path / "test.npz")
    answers = head.probabilities(some.blocks).argmax(1)
    assert (answers == some.labels).mean() > 0.9
    assert head.card.measured["by group"]["accuracy"][1] == len(some)


def test_a_part_reads_the_numbers_of_the_embedding_that_it_is_given() -> None:
    some = examples()
    noise = np.random.default_rng(1).normal(0, 1, (len(some), 20)).astype(np.float32)
    noise[:, 7] = some.labels
    blocks = {"embedding": noise, "layout": some.blocks["layout"]}
    weights = np.ones(len(some))
    both = train(Recipe("linear", ("embedding", "layout"), (5, 10)), blocks, some.labels, weights, 2).model
    assert set(np.flatnonzero(np.abs(both.weights).sum(1))) == {5, 6, 7, 8, 9, *range(20, 20 + len(NAMES))}
    alone = train(Recipe("linear", ("embedding",), (0, 5)), blocks, some.labels, weights, 2).model
    moved = noise.copy()
    moved[:, 5:] += 100
    assert (alone.logits(moved) == alone.logits(noise)).all()


def test_the_same_examples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fitted = fit(examples(), ("no", "yes"), (LINEAR, TREES))
        save(tmp_path / name / "x.npz", "x", ("no", "yes"), fitted, examples(), by="group")
        plot(measured(examples(), fitted.held_out, ("no", "yes")), "x", tmp_path / name / "x.svg")
    for suffix in (".npz", ".json", ".svg"):
        assert (tmp_path / "a" / f"x{suffix}").read_bytes() == (tmp_path / "b" / f"x{suffix}").read_bytes()


def test_probabilities_are_calibrated_on_images_that_were_not_trained_on() -> None:
    some = examples(400, noise=0.8)
    fitted = fit(some, ("no", "yes"), (LINEAR,))
    stated = fitted.held_out.max(1).mean()
    right = (fitted.held_out.argmax(1) == some.labels).mean()
    assert stated == pytest.approx(right, abs=0.05)


def test_too_few_images_or_articles_are_refused() -> None:
    some = examples(60)
    with pytest.raises(DataError, match="only 3 images are labelled 'yes'"):
        fit(
            some.take(np.concatenate([np.flatnonzero(some.labels == 0), np.flatnonzero(some.labels == 1)[:3]])),
            ("no", "yes"),
            (LINEAR,),
        )
    with pytest.raises(DataError, match="from only 1 articles"):
        one = examples(60)
        fit(
            Examples(one.ids, one.blocks, one.labels, (("a",),) * 60, one.sources, one.derived),
            ("no", "yes"),
            (LINEAR,),
        )


def test_a_class_with_few_images_of_a_second_source_is_not_measured() -> None:
    some = examples()
    numbers = measured(some, np.eye(2)[some.labels], ("no", "yes"))
    assert numbers["classes"]["no"]["note"].startswith("not measured: only 30 images")
    assert numbers["confusion"] == [[60, 0], [0, 60]]


def test_the_threshold_for_a_recall_keeps_that_many() -> None:
    some = examples(200, noise=0.8)
    held_out = fit(some, ("no", "yes"), (LINEAR,)).held_out
    for recall, threshold in recall_curves(some, held_out, ("no", "yes"))["yes"]:
        assert (held_out[some.labels == 1, 1] >= threshold).mean() >= recall


def test_auroc_counts_ties_as_half() -> None:
    scores, positive = np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True])
    assert auroc(scores, positive) == pytest.approx(3.5 / 4)
