"""Tests of the linker `dictionary`."""

from __future__ import annotations

import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.linking.dictionary import AMBIGUOUS, Dictionary
from roco.models.text.linking.linker import Described, Describes, Linker, Mention
from roco.models.text.vocabulary.table import Concept, Vocabulary
from tests.models.text.linking.vocabularies import linked, pairs, vocabulary

NAMES = ("pleural effusion", "X-ray|radiograph", "thrombus", "tumor", "left ventricle|LV", "computed tomography|CT")
LINKER = Dictionary(vocabulary(*NAMES))


def test_it_is_a_linker_that_describes_its_concepts() -> None:
    assert isinstance(LINKER, Linker) and isinstance(LINKER, Describes)
    assert (LINKER.name, LINKER.heavy) == ("dictionary", False)
    assert LINKER.describe("C0000001") == Described("pleural effusion", ("T047",))
    assert LINKER.describe("C9999999") is None


def test_a_mention_has_offsets_and_the_words_as_written() -> None:
    text = "Chest: bilateral Pleural  effusions, no thrombi."
    assert linked(text, *NAMES) == [
        Mention(17, 35, "Pleural  effusions", "C0000001", 1.0, False, False, "dictionary"),
        Mention(40, 47, "thrombi", "C0000003", 1.0, True, False, "dictionary"),
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("effusion of the pleura", "pleural effusion"),
        ("pleural-effusion", "pleural effusion"),
        ("PLEURAL EFFUSIONS", "pleural effusion"),
        ("Xray", "X-ray"),
        ("x-rays", "X-ray"),
        ("tumours", "tumor"),
        ("thrombi", "thrombus"),
    ],
)
def test_forms_of_a_name_are_linked(text: str, name: str) -> None:
    assert pairs(f"A {text} here", *NAMES) == [(text, name)]


def test_a_word_after_a_prefix_is_linked_unless_the_prefix_makes_it_another() -> None:
    names = ("contrast", "hepatic", "aneurysm", "pseudoaneurysm", "intrahepatic")
    assert pairs("post-contrast", *names) == [("contrast", "contrast")]
    assert pairs("intra-hepatic", *names) == [("intra-hepatic", "intrahepatic")]
    assert pairs("non-contrast, pseudo-contrast", *names) == []


def test_a_part_of_a_word_is_not_linked() -> None:
    assert pairs("thrombusectomy, CTX, pretumor", *NAMES) == []


def test_a_longer_name_hides_a_shorter_one() -> None:
    assert pairs("fibrosis; cystic fibrosis", "cystic", "fibrosis", "cystic fibrosis") == [
        *(("fibrosis", "fibrosis"), ("cystic fibrosis", "cystic fibrosis")),
    ]


def test_a_phrase_that_means_something_else_hides_a_name() -> None:
    assert pairs("cystic; cystic duct", "cystic") == [("cystic", "cystic")]
    assert pairs("cystic duct", "cystic", "cystic duct") == [("cystic duct", "cystic duct")]


def test_words_of_physics_are_not_radiology() -> None:
    assert pairs("X-ray crystallography", *NAMES) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The hepatic duct", []),
        ("hepatic ducts", []),
        ("bony canal", []),
        ("hepatic lesion near the duct", ["hepatic"]),
        ("hepatic, duct of Luschka", ["hepatic"]),
        ("liver duct", ["liver"]),
        ("hepatic artery", ["hepatic artery"]),
    ],
)
def test_the_adjective_of_an_organ_before_another_structure_is_no_mention_of_the_organ(
    text: str, found: list[str]
) -> None:
    organs = [("liver", "hepatic"), ("bone", "bony"), ("hepatic artery",)]
    concepts = [Concept(f"C{n:07}", names[0], names[1:], ("T023",)) for n, names in enumerate(organs)]
    assert [one.text for one in Dictionary(Vocabulary(tuple(concepts))).link([text])[0]] == found


def test_the_adjective_of_a_disease_is_a_mention_whatever_follows() -> None:
    assert pairs("hepatic duct", "hepatic") == [("hepatic", "hepatic")]  # T047


def test_a_short_form_is_compared_as_written() -> None:
    names = ("acute kidney injury|AKI", "cathepsin|CAT")
    assert pairs("AKI, aki, CAT, cat", *names) == [("AKI", "acute kidney injury"), ("CAT", "cathepsin")]
    assert pairs("A CAT IN CAPITALS", *names) == []


def test_an_ambiguous_short_form_needs_its_context() -> None:
    assert pairs("LV was measured", *NAMES) == []
    mention = linked("A thrombus at the apex of the LV", *NAMES)[1]
    assert (mention.text, mention.cui) == ("LV", "C0000005")
    assert mention.score < 1


def test_a_short_form_in_a_longer_name_needs_no_context() -> None:
    assert pairs("LV aneurysm", "left ventricle|LV", "left ventricular aneurysm|LV aneurysm") == [
        ("LV aneurysm", "left ventricular aneurysm"),
    ]


def test_a_name_of_two_concepts_goes_to_the_preferred_one_with_a_lower_score() -> None:
    (mention,) = linked("A stone", "calculus|stone", "stone")
    assert (mention.cui, mention.score) == ("C0000002", AMBIGUOUS)


def test_spelling_decides_between_names_that_are_compared_alike() -> None:
    assert pairs("base, bases", "base", "bases|basses") == [("base", "base"), ("bases", "bases")]


def test_the_result_does_not_depend_on_the_batch() -> None:
    texts = ["left ventricle (LV)", "LV", "no thrombus", "thrombus"]
    assert LINKER.link(texts) == [LINKER.link([text])[0] for text in texts]
    assert LINKER.link([]) == []


def test_a_copy_in_another_process_links_alike() -> None:
    copy = pickle.loads(pickle.dumps(LINKER))
    assert copy.link(["CT of a thrombus"]) == LINKER.link(["CT of a thrombus"])


@given(st.text(max_size=120) | st.text(alphabet="LV (=:),.; thrombus no? CT-x", max_size=120))
def test_mentions_of_any_text_are_in_order_and_in_place(text: str) -> None:
    at = 0
    for mention in LINKER.link([text])[0]:
        assert at <= mention.start < mention.end <= len(text)
        assert mention.text == text[mention.start : mention.end]
        assert 0 < mention.score <= 1
        assert not (mention.negated and mention.uncertain)
        at = mention.end


HOSTILE = {
    "negated lists": "no thrombus or ",
    "lists before a cue": "thrombus, ",
    "abbreviations": "left ventricle (LV) ",
    "open brackets": "LV (",
    "signs": "LV = ",
    "ambiguous short forms": "CT: ",
    "beginnings of names": "pleural ",
    "parts of words": "pseudo-",
    "places": "thrombus of the ",
    "question marks": "thrombus? ",
    "one word": "a",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_work_for_a_caption_grows_with_its_length_and_not_faster(kind: str) -> None:
    work = []
    for characters in (2_000, 8_000):
        text = HOSTILE[kind] * (characters // len(HOSTILE[kind])) + " was not seen"
        LINKER.link([text])
        calls = [0]
        sys.setprofile(lambda *_: calls.__setitem__(0, calls[0] + 1))  # noqa: B023
        try:
            LINKER.link([text])
        finally:
            sys.setprofile(None)
        work.append(calls[0])
    assert work[1] <= 5 * work[0] + 100


def test_only_the_first_of_many_abbreviations_are_searched_for() -> None:
    letters = "ABCDEFGHIJ"
    text = " ".join(f"(L{a}{b}V)" for a in letters for b in letters)
    assert LINKER.link([text * 5]) == [[]]
