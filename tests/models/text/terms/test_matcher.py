from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import Term, Terms, load

CT, MR, US, XR, PET, PET_CT = "C0040405", "C0024485", "C0041618", "C1306645", "C0032743", "C1699633"
AN, AP, PA, CHEST, MEDIASTINUM = "C0002978", "C1999039", "C1996865", "C0817096", "C0025066"
LINKER = TermMatcher(load())


def cuis(text: str) -> list[str]:
    return [mention.cui for mention in LINKER.link(text)]


def words(text: str) -> list[str]:
    return [mention.text for mention in LINKER.link(text)]


def small(*rows: tuple[str, str]) -> TermMatcher:
    return TermMatcher(Terms(tuple(Term(cui, name, None, "concept", None, (name,)) for cui, name in rows)))


def test_offsets_of_a_mention_count_code_points() -> None:
    text = "Größe 𝛂: chest X‑ray of a 3-year-old"
    for mention in LINKER.link(text):
        assert text[mention.start : mention.end] == mention.text
    assert words(text) == ["chest", "X‑ray"]


def test_the_longest_name_wins() -> None:
    assert cuis("Coronal CT angiography of the aorta")[0] == CT
    assert words("right coronary artery") == ["right coronary artery"]
    assert small(("C0000001", "lung"), ("C0000002", "lung base")).link("the lung base")[0].cui == "C0000002"


def test_a_longer_name_that_ends_inside_a_word_does_not_hide_a_shorter_one() -> None:
    linker = small(("C0000001", "lung"), ("C0000002", "lung base"))
    assert [m.text for m in linker.link("lung basement")] == ["lung"]


def test_only_whole_words_are_matched() -> None:
    assert cuis("echoing impetus; hearty; octopus; PETER; CTX") == []


@pytest.mark.parametrize("text", ["X-ray", "x ray", "Xray", "X‑ray", "X–ray", "x-rays", "XRAYS"])
def test_hyphen_space_case_and_plural_do_not_matter(text: str) -> None:
    assert cuis(f"Plain {text} of the hand") == [XR]


def test_plurals_of_s_is_and_y() -> None:
    assert words("Stenoses, aneurysms, arteriographies and MRIs") == [
        "Stenoses",
        "aneurysms",
        "arteriographies",
        "MRIs",
    ]


def test_adjacent_names_are_both_found() -> None:
    assert words("chest CT abdomen, CT; MRI") == ["chest", "CT", "abdomen", "CT", "MRI"]


def test_a_full_stop_separates_words_and_a_slash_joins_them() -> None:
    assert cuis("FDG PET/CT") == cuis("PET-CT") == cuis("PET–CT scan") == [PET_CT]
    assert cuis("after PET. CT showed") == [PET, CT]


@pytest.mark.parametrize("text", ["let us see", "his pet dog", "mr Smith", "pa rum pum", "Mr. Smith", "las"])
def test_abbreviations_are_matched_case_sensitively(text: str) -> None:
    assert cuis(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("US of the gallbladder", [US]),
        ("US image shows", [US]),
        ("In the US, 10 people", []),
        ("a US Army hospital", []),
        ("the US image shows", [US]),
        ("US-guided biopsy", [US]),
        ("LET US GO", []),
        ("MR image of the knee", [MR]),
        ("severe MR of the mitral valve", []),
        ("PA view of the hand", [PA]),
        ("Erect PA radiograph", [PA, XR]),
        ("aneurysm of the PA (pulmonary artery), X-ray", ["C0002940", "C0034052", XR]),
        ("CT: dilated PA", [CT, "C0012359"]),
        ("Chest X-ray AP", [CHEST, XR, AP]),
        ("MRI: AP diameter of 3 cm", [MR]),
        ("PET scan", [PET]),
        ("RA hand, rheumatoid arthritis", []),
    ],
)
def test_ambiguous_abbreviations_are_linked_only_in_their_radiological_meaning(text: str, found: list[str]) -> None:
    assert cuis(text) == found


def test_phrases_with_another_meaning_are_not_linked() -> None:
    assert (
        cuis("stone in the cystic duct; renal pelvis; heart rate 80; C-arm; echo time; fluorescein angiography") == []
    )
    assert cuis("chest pain") == []


def test_a_vocabulary_that_contains_such_a_phrase_links_it() -> None:
    assert small(("C0000001", "cystic duct")).link("the cystic duct")[0].cui == "C0000001"


def test_a_name_of_two_concepts_is_linked_to_the_first() -> None:
    assert [m.cui for m in small(("C0000002", "cold"), ("C0000001", "cold")).link("a cold")] == ["C0000002"]


def test_a_linker_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(LINKER)).link("CT") == LINKER.link("CT")


@given(st.text() | st.lists(st.sampled_from(["CT", "US", " ", "-", "ß", "İ", "x-ray", "\0", "é", "."])).map("".join))
def test_mentions_are_in_order_and_do_not_overlap(text: str) -> None:
    at = 0
    for mention in LINKER.link(text):
        assert at <= mention.start < mention.end <= len(text)
        assert text[mention.start : mention.end] == mention.text
        at = mention.end


@pytest.mark.shared
def test_most_real_radiology_captions_mention_a_concept(shared: Path) -> None:
    path = shared / "data" / "captions" / "roco_v1_open_validation_radiology.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        captions = [json.loads(line)["caption"] for line in lines]
    assert sum(bool(LINKER.link(caption)) for caption in captions) / len(captions) > 0.75
