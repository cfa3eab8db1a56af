"""The vocabulary of multi-hot vectors: its order, its file, and errors in it."""

from __future__ import annotations

from pathlib import Path

import pytest

import roco
from tests.sources.test_dataset import CHEST, CT, NODULE


def test_the_most_frequent_concept_is_first_and_equally_frequent_ones_are_in_the_order_of_the_cuis() -> None:
    rows = [[NODULE, CT], [NODULE, CHEST], [], [NODULE, NODULE]]
    assert roco.Vocabulary.of(rows).cuis == (NODULE, CT, CHEST)
    assert roco.Vocabulary.of(rows).index == {NODULE: 0, CT: 1, CHEST: 2}


def test_every_part_of_a_release_has_the_vocabulary_of_its_training_set(good: Path) -> None:
    train = roco.load(good, "train")
    cuis = train.vocabulary.cuis
    assert cuis == roco.Vocabulary.of(row.concepts for row in train).cuis
    assert len(cuis) == len(train.vocabulary) > 2
    assert roco.load(good, "valid").vocabulary.cuis == train[:2].vocabulary.cuis == cuis


def test_a_vocabulary_in_the_release_takes_precedence(release: Path) -> None:
    (release / "labels").mkdir()
    (release / "labels" / "concepts_vocab.txt").write_text(f"{CHEST}\n{CT}\n")
    assert roco.load(release).vocabulary.cuis == (CHEST, CT)


def test_a_vocabulary_without_training_images_must_be_given(rocov2: Path) -> None:
    for table in ("captions", "concepts", "concepts_manual"):
        (rocov2 / f"train_{table}.csv").write_text("ID,Caption\n" if table == "captions" else "ID,CUIs\n")
    test = roco.load(rocov2, "test")
    with pytest.raises(roco.DataError, match="no training images") as caught:
        test.targets()
    assert "Vocabulary.read" in caught.value.hint
    assert test.targets(roco.Vocabulary((NODULE,))).concepts.tolist() == [[1]]


def test_a_saved_vocabulary_is_read_again_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "vocab.txt"
    vocabulary = roco.Vocabulary((NODULE, CT))
    vocabulary.save(path)
    assert path.read_text() == f"{NODULE}\n{CT}\n"
    assert roco.Vocabulary.read(path) == vocabulary
    vocabulary.save(path)
    with pytest.raises(roco.UsageError, match="other content"):
        roco.Vocabulary((CT,)).save(path)
    assert roco.Vocabulary.read(path) == vocabulary


@pytest.mark.parametrize(
    ("text", "message"),
    [("C0040405\nC12\n", "line 2: 'C12' is not a CUI"), ("C0040405\nC0040405\n", "C0040405 is in several lines")],
)
def test_an_invalid_line_of_a_vocabulary_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "vocab.txt").write_text(text)
    with pytest.raises(roco.DataError, match=message):
        roco.Vocabulary.read(tmp_path / "vocab.txt")
    with pytest.raises(roco.DataError, match="unreadable"):
        roco.Vocabulary.read(tmp_path / "missing.txt")
