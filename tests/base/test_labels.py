from __future__ import annotations

import re

import pytest

from roco.base import labels as vocab
from roco.base.ids import is_cui


def test_the_paper_has_seven_modalities_eight_regions_and_four_directions() -> None:
    assert (len(vocab.MODALITIES), len(vocab.REGIONS), len(vocab.DIRECTIONS)) == (7, 8, 4)


@pytest.mark.parametrize("kind", list(vocab.KINDS))
def test_every_term_has_its_label_as_key_a_cui_and_a_semantic_type(kind: str) -> None:
    for label, term in vocab.KINDS[kind].items():
        assert term.label == label
        if label != "DRCO":
            assert is_cui(term.cui or "")
            assert re.fullmatch(r"T\d{3}", term.tui or "")


def test_combined_modalities_have_no_cui() -> None:
    assert vocab.MODALITIES["DRCO"].cui is None
    assert len(vocab.cuis("modality")) == 6


def test_no_two_labels_have_the_same_cui() -> None:
    terms = [term.cui for terms in vocab.KINDS.values() for term in terms.values() if term.cui]
    assert len(terms) == len(set(terms)) == 18
