"""Heads: their files, their cards, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from roco.base.errors import DataError, RecipeError
from roco.models.heads.card import Card, to_json
from roco.models.heads.head import Head, Linear, Part, save, shipped
from roco.models.heads.trees import Trees
from roco.models.images.layout import NAMES


def a_head(folder: Path, **changes: object) -> Path:
    """A head of two classes that looks at the first number alone."""
    weights = np.zeros((len(NAMES), 2), np.float32)
    weights[0] = [-1, 1]
    n = len(NAMES)
    linear = Linear(np.zeros(n, np.float32), np.ones(n, np.float32), weights, np.zeros(2, np.float32))
    path = folder / "test.npz"
    digest = save(path, [Part(("layout",), linear)], np.ones((1, 2)), np.zeros(2))
    card = Card("test", ("no", "yes"), ("layout",), digest, recall={"yes": ((0.9, 0.6), (0.99, 0.2))})
    values = {**json.loads(to_json(card)), **changes}
    path.with_suffix(".json").write_text(json.dumps(values))
    return path


def test_a_head_gives_probabilities_that_add_up_to_one(tmp_path: Path) -> None:
    head = Head.load(a_head(tmp_path))
    rows = np.zeros((3, len(NAMES)), np.float32)
    rows[:, 0] = [-2, 0, 2]
    found = head.probabilities({"layout": rows})
    assert found.sum(1) == pytest.approx(1)
    assert found[:, 1] == pytest.approx([1 / (1 + np.exp(4)), 0.5, 1 / (1 + np.exp(-4))], abs=1e-6)


def test_equal_heads_have_equal_bytes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert a_head(tmp_path).read_bytes() == a_head(tmp_path / "b").read_bytes()


def test_a_threshold_for_a_recall_is_read_from_the_card(tmp_path: Path) -> None:
    card = Head.load(a_head(tmp_path)).card
    assert card.threshold("yes", 0.9) == 0.6
    assert card.threshold("yes", 0.95) == 0.2
    with pytest.raises(RecipeError, match="more than head 'test' was measured for"):
        card.threshold("yes", 0.999)
    with pytest.raises(RecipeError, match="no measured recall of 'no'"):
        card.threshold("no", 0.9)


def test_a_head_whose_file_was_changed_is_refused(tmp_path: Path) -> None:
    path = a_head(tmp_path, sha256="0" * 64)
    with pytest.raises(DataError, match="not the file that its card describes"):
        Head.load(path)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    path = a_head(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(DataError, match="missing card of the head"):
        Head.load(path)


def test_an_unknown_head_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(DataError, match="unknown head 'compond'") as caught:
        Head.load("compond")
    assert "compound" in caught.value.hint


class Harm:
    """Creates a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("harm", "w")


def test_a_pickled_array_is_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = a_head(tmp_path)
    np.savez(path, weights=np.array([Harm()], object), bias=np.zeros(2))
    from roco.base.files import file_digest

    a_card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**a_card, "sha256": file_digest(path)}))
    with pytest.raises(DataError, match="is not a head"):
        Head.load(path)
    assert not Path("harm").exists()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", b"\x80\x04."])
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, damage: bytes) -> None:
    from roco.base.files import file_digest

    path = a_head(tmp_path)
    path.write_bytes(damage)
    values = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**values, "sha256": file_digest(path)}))
    with pytest.raises(DataError, match="is not a head"):
        Head.load(path)


def test_trees_follow_their_thresholds_and_a_cycle_is_refused() -> None:
    arrays = {
        "feature": np.array([[0, -1, -1]]),
        "threshold": np.array([[0.5, 0, 0]]),
        "left": np.array([[1, 0, 0]]),
        "right": np.array([[2, 0, 0]]),
        "value": np.array([[0, -1.0, 1.0]]),
        "output": np.array([1]),
        "base": np.zeros(2),
    }
    trees = Trees.from_arrays(arrays, "")
    assert trees.logits(np.array([[0.5], [0.6]], np.float32))[:, 1].tolist() == [-1, 1]
    with pytest.raises(ValueError, match="not a tree"):
        Trees.from_arrays({**arrays, "left": np.array([[0, 0, 0]])}, "")


@pytest.mark.parametrize("name", shipped())
def test_each_shipped_head_states_what_it_was_trained_on_and_how_good_it_is(name: str) -> None:
    card = Head.load(name).card
    assert card.task == name
    assert card.trained_on["images"]["real"]
    for label in card.classes:
        row = card.measured["by source"]["classes"][label]
        assert len(row["recall"]) == 4
    assert sum(map(sum, card.measured["by source"]["confusion"])) == card.measured["by source"]["images"]


@pytest.mark.parametrize(
    ("weights", "bias", "message"),
    [
        (np.full((1, 2), np.nan), np.zeros(2), "not finite"),
        (np.ones((1, 2)), np.array([np.inf, 0]), "not finite"),
        (np.ones((0, 2)), np.zeros(2), "another number of classes"),
        (np.ones((1, 3)), np.zeros(2), "another number of classes"),
    ],
)
def test_a_head_whose_weights_would_keep_everything_or_stop_a_run_is_refused(
    tmp_path: Path, weights: np.ndarray, bias: np.ndarray, message: str
) -> None:
    path = a_head(tmp_path)
    part = Head.load(path).parts[0]
    card = json.loads(path.with_suffix(".json").read_text())
    digest = save(path, [part] * len(weights), weights, bias)
    path.with_suffix(".json").write_text(json.dumps({**card, "sha256": digest}))
    with pytest.raises(DataError, match=message):
        Head.load(path)


@pytest.mark.parametrize(("n", "classes"), [(7, 2), (len(NAMES), 5)])
def test_a_part_of_another_width_or_number_of_classes_is_refused(tmp_path: Path, n: int, classes: int) -> None:
    path = a_head(tmp_path)
    card = json.loads(path.with_suffix(".json").read_text())
    values = (np.zeros(n), np.ones(n), np.zeros((n, classes)), np.zeros(classes))
    linear = Linear(*(np.asarray(value, np.float32) for value in values))
    digest = save(path, [Part(("layout",), linear)], np.ones((1, 2)), np.zeros(2))
    path.with_suffix(".json").write_text(json.dumps({**card, "sha256": digest}))
    with pytest.raises(DataError, match="invalid head"):
        Head.load(path)


@pytest.mark.parametrize("classes", [["no"], ["yes", "yes"], "ny", []])
def test_a_card_needs_two_different_classes(tmp_path: Path, classes: object) -> None:
    with pytest.raises(DataError, match="invalid card"):
        Head.load(a_head(tmp_path, classes=classes))


def test_a_card_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    path = a_head(tmp_path)
    path.with_suffix(".json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="invalid card"):
        Head.load(path)


def test_an_unknown_head_in_a_recipe_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown head 'radiolgy'") as caught:
        Head.load(tmp_path / "radiolgy")
    assert "did you mean 'radiology'?" in caught.value.hint
