"""Tests of words: what is compared alike, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.linking import words
from roco.models.text.linking.words import UNKNOWN, Words, normal

ALIKE = [
    ("effusion", "effusions"),
    ("artery", "arteries"),
    ("mass", "masses"),
    ("abscess", "Abscesses"),
    ("metastasis", "metastases"),
    ("stenosis", "stenoses"),
    ("disease", "diseases"),
    ("epiphysis", "epiphyses"),
    ("thrombus", "thrombi"),
    ("nucleus", "nuclei"),
    ("radius", "radii"),
    ("diverticulum", "diverticula"),
    ("foramen", "foramina"),
    ("vertebra", "vertebrae"),
    ("bulla", "bullae"),
    ("apex", "apices"),
    ("phalanx", "phalanges"),
    ("femur", "femora"),
    ("sinus", "sinuses"),
    ("fibroma", "fibromata"),
    ("arthritis", "arthritides"),
    ("tooth", "teeth"),
    ("biopsy", "biopsies"),
    ("CT", "CTs"),
    ("Crohn", "Crohn's"),
    ("Crohn", "Crohn’s"),
    ("tumor", "tumour"),
    ("tumor", "tumours"),
    ("esophagus", "oesophagus"),
    ("hematoma", "haematoma"),
    ("hematoma", "haematomata"),
    ("edema", "oedema"),
    ("anesthesia", "anaesthesia"),
    ("pediatric", "paediatric"),
    ("orthopedic", "orthopaedic"),
    ("fetus", "foetuses"),
    ("diarrhea", "diarrhoea"),
    ("fiber", "fibres"),
    ("center", "centre"),
    ("caliber", "calibre"),
    ("color", "colour"),
    ("catheterization", "catheterisation"),
    ("localized", "localised"),
    ("analyze", "analyse"),
    ("labeled", "labelled"),
    ("disk", "disc"),
    ("hilus", "hilum"),
    ("gray", "grey"),
    ("leukocyte", "leucocytes"),
    ("Meniere", "Ménière's"),
    ("C.T.", "CT"),
]
"""Forms of one word."""

APART = [
    ("four", "for"),
    ("hip", "hips-"),
    ("toe", "te"),
    ("pelvis", "pelvic"),
    ("lens", "len"),
    ("basis", "base"),
    ("axis", "axe"),
    ("us", "u"),
    ("gas", "ga"),
    ("aorta", "aortae-"),
    ("ileum", "ilium"),
    ("course", "corse"),
    ("ct", "cts"),
    ("aura", "aurum"),
    ("stoma", "stomach"),
    ("coli", "colus"),
    ("mri", "mrus"),
]
"""Different words whose letters are close."""


def learned(*names: str) -> Words:
    known = Words()
    with known.learning():
        for name in names:
            known.key(name)
    return known


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_forms_of_a_word_are_compared_alike(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [(one, other) for one, other in APART if not other.endswith("-")])
def test_different_words_are_compared_apart(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("X-ray", "X ray"),
        ("X-ray", "Xray"),
        ("PET/CT", "PET-CT"),
        ("gallbladder", "gall bladder"),
        ("gallbladder", "gall-bladder"),
        ("pseudoaneurysm", "pseudo-aneurysm"),
        ("intrahepatic", "intra-hepatic"),
        ("non-Hodgkin", "NonHodgkin"),
        ("T2-weighted", "T2 weighted"),
        ("soft tissue", "soft–tissue"),
    ],
)
def test_hyphens_only_separate_words_and_join_parts_of_words(name: str, text: str) -> None:
    known = learned(name)
    assert known.key(name) == known.key(text) == tuple(known.tokens(text).numbers)
    assert UNKNOWN not in known.key(name)


def test_words_that_no_name_has_are_unknown() -> None:
    known = learned("pleural effusion")
    assert known.tokens("PLEURAL chair").numbers[1] == UNKNOWN
    assert known.tokens("PLEURAL chair").numbers[0] != UNKNOWN


def test_a_word_that_was_unknown_can_be_learned() -> None:
    known = Words()
    assert known.tokens("effusion").numbers == [UNKNOWN]
    with known.learning():
        number = known["effusions"]
    assert known.tokens("effusion").numbers == [number] != [UNKNOWN]


def test_offsets_are_those_of_the_words() -> None:
    text = " A pseudo-aneurysm,  of the C.T. (x ray)"
    tokens = Words().tokens(text)
    ends = tokens.ends()
    found = [text[ends[2 * k] : ends[2 * k + 1]] for k in range(len(tokens.written))]
    assert found == tokens.written == ["A", "pseudo-aneurysm", ",", "of", "the", "C.T.", "(", "x ray", ")"]


@given(st.text(max_size=80))
def test_any_text_is_split_without_a_loss(text: str) -> None:
    tokens = Words().tokens(text)
    assert "".join(tokens.parts) == text
    assert tokens.parts[1::2] == tokens.written
    assert len(tokens.numbers) == len(tokens.written)
    assert all(tokens.written)


@given(st.text(alphabet="pseudo-xray gallbladder", max_size=60))
def test_parts_that_are_joined_twice_lose_nothing(text: str) -> None:
    tokens = Words().tokens(text)
    assert "".join(tokens.parts) == text


def test_captions_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MOST_CACHED", 10)
    known = learned("effusion")
    number = known["effusion"]
    before = len(known)
    known.tokens(" ".join(f"w{k}" for k in range(100)))
    assert len(known) <= before + 11
    known.tokens("y" * 1000)
    assert "y" * 1000 not in known
    assert known.tokens("effusions").numbers == [number]


def test_the_table_has_no_entry_without_effect() -> None:
    table = words._table()
    for word, other in table.spellings.items():
        assert normal(word) == normal(other) != word, word
    for plural, singular in table.plurals.items():
        assert normal(plural) == normal(singular), plural
