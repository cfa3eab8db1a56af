"""The check of an answer finds citations that do not exist, sentences without one, and copies with their licence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.baselines.retrieve.grounding.check import LONGEST_ANSWER, CheckedAnswer, check_answer
from roco.baselines.retrieve.grounding.copies import copied
from roco.baselines.retrieve.grounding.prompt import NOT_CLINICAL, REFUSAL, build_prompt
from roco.baselines.retrieve.grounding.sentences import cited, sentences
from tests.baselines.retrieve.grounding.material import hit

LIVER = "Axial CT scan of the abdomen shows a large hypodense mass in the left hepatic lobe with calcification."
CHEST = "Chest radiograph with a right pleural effusion (arrow)."
PROMPT = build_prompt("Where is the mass?", [hit(LIVER, 1), hit(CHEST, 2)])


def checked(answer: str, shortest: int = 12) -> CheckedAnswer:
    return check_answer(PROMPT, answer, shortest_copy=shortest, model="m")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One [1]. Two [2].", ["One [1].", "Two [2]."]),
        ("One. [1] Two.[2][3] Three", ["One. [1]", "Two.[2][3]", "Three"]),
        ("A lesion of 1.5 cm, e.g. a cyst, in Fig. 3 of Smith et al. is shown [1].", None),
        ("It lacks vitamin D. [1] Dr. J. Smith agrees!", ["It lacks vitamin D. [1]", "Dr. J. Smith agrees!"]),
        ("- One [1]\n- Two.\n\n1. Three? Yes.", ["One [1]", "Two.", "Three?", "Yes."]),
        ("**Bold.** \"Quoted.\" (In brackets.) End", ["**Bold.**", '"Quoted."', "(In brackets.)", "End"]),
        ("…\n---\n ** ", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_are_split_as_a_reader_does(text: str, parts: list[str] | None) -> None:
    assert [text[start:end] for start, end in sentences(text)] == ([text] if parts is None else parts)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1]", [1]),
        ("[2][1][2]", [2, 1]),
        ("[1, 3; 5]", [1, 3, 5]),
        ("[2-4], [7–8]", [2, 3, 4, 7, 8]),
        ("[4-2] [1-999999999]", [4, 2, 1, 999999999]),
        ("[Source 2] [sources 3, 4] [^5] 【6】 ［7］ [1](http://x)", [2, 3, 4, 5, 6, 7, 1]),
        ("(1) [a] [] [1.5] [link] 1] [2", []),
        ("[٣]", []),
    ],
)
def test_citations_are_read_in_the_forms_that_models_write(text: str, numbers: list[int]) -> None:
    assert cited(text) == numbers


def test_an_answer_that_cites_throughout_has_no_problems() -> None:
    answer = checked("The mass is in the left lobe of the liver [1]. An effusion is elsewhere. [2]\n\n" + NOT_CLINICAL)
    assert answer.problems == ()
    assert answer.cited == (1, 2) and answer.cited_share == 1.0
    text = answer.to_text()
    assert "check: no problems" in text
    assert "[1] CC BY-NC Doe 1 et al. (2020) · https://example.org/1/" in text


def test_sentences_without_a_citation_are_marked() -> None:
    answer = checked("It is in the liver [1]. It is benign. It is big.")
    assert answer.marked() == "It is in the liver [1]. It is benign. (no citation) It is big. (no citation)"
    assert answer.problems == ("2 of 3 sentences without a citation",)
    assert answer.cited_share == pytest.approx(1 / 3)


def test_citations_of_sources_that_do_not_exist_are_marked_and_do_not_count() -> None:
    answer = checked("It is in the liver [3]. It is big [1][0].")
    assert (
        answer.marked()
        == "It is in the liver [3]. (no such source: 3) (no citation) It is big [1][0]. (no such source: 0)"
    )
    assert answer.unknown == (0, 3) and answer.cited == (1,)
    assert "no such source: 0, 3" in answer.problems
    assert "[3]" not in answer.to_text().split("Sources")[1].split("check:")[0]


def test_a_refusal_needs_no_citation() -> None:
    answer = checked(f" {REFUSAL}\n{NOT_CLINICAL}")
    assert answer.is_refusal and answer.problems == () and answer.cited_share is None
    assert not checked(f"{REFUSAL} But it is benign.").is_refusal
    assert not checked(NOT_CLINICAL).is_refusal


def test_an_empty_answer_is_a_problem() -> None:
    assert checked(" \n ").problems == ("the answer is empty",)


def test_a_verbatim_copy_is_quoted_with_licence_attribution_and_link() -> None:
    answer = checked(
        "It shows a LARGE hypodense mass in the left hepatic lobe, with calcification here [1].", shortest=10
    )
    assert answer.marked().startswith(
        "It “shows a LARGE hypodense mass in the left hepatic lobe, with calcification” here"
    )
    text = answer.to_text()
    copy = "“shows a LARGE hypodense mass in the left hepatic lobe, with calcification”"
    assert f"Copied word for word\n{copy} [1] CC BY-NC Doe 1 et al. (2020) · https://example.org/1/" in text
    record = answer.to_json()["copies"]
    assert [(one["words"], one["source"], one["license"], one["cited"]) for one in record] == [
        (12, 1, "CC-BY-NC", True)
    ]
    assert record[0]["attribution"] and record[0]["link"] == "https://example.org/1/"


def test_a_copy_that_is_quoted_already_is_not_quoted_again() -> None:
    answer = checked(f"The source states: “{LIVER}” [1]")
    assert [copy.is_quoted for copy in answer.copies] == [True]
    assert answer.marked() == answer.text


def test_a_copy_from_a_source_that_the_sentence_does_not_cite_is_a_problem() -> None:
    answer = checked(f"{LIVER[:-1]} [2].")
    assert answer.problems == ("18 words copied from [1], which the sentence does not cite",)


def test_of_two_sources_with_the_same_caption_the_one_that_is_cited_was_copied() -> None:
    prompt = build_prompt("Where is the mass?", [hit(LIVER, 1), hit(CHEST, 2), hit(LIVER, 3)])
    for number, source, is_cited in ((3, 3, True), (1, 1, True), (2, 1, False)):
        (copy,) = check_answer(prompt, f"{LIVER[:-1]} [{number}].").copies
        assert (copy.source, copy.is_cited) == (source, is_cited)


@pytest.mark.parametrize(("shortest", "found"), [(12, 1), (18, 1), (19, 0)])
def test_only_copies_of_enough_words_count(shortest: int, found: int) -> None:
    assert len(checked(f"{LIVER} [1]", shortest).copies) == found


def test_a_citation_in_the_middle_does_not_hide_a_copy() -> None:
    answer = "axial CT scan of the abdomen [1] shows a large [2] hypodense mass in the left hepatic lobe"
    (copy,) = copied(answer, [CHEST, LIVER])
    assert (copy.start, copy.end, copy.source, copy.words) == (0, len(answer), 2, 16)


@given(
    st.lists(st.sampled_from("abc"), max_size=14),
    st.lists(st.lists(st.sampled_from("abc"), max_size=14), max_size=3),
    st.integers(1, 5),
)
def test_copies_are_exactly_the_shared_runs(answer: list[str], sources: list[list[str]], shortest: int) -> None:
    """Each copy is in its source; no run that is long enough is missed beside the copies."""
    text = " ".join(answer)
    passages = copied(text, [" ".join(source) for source in sources], shortest)
    joined = [f" {' '.join(source)} " for source in sources]
    taken = [False] * len(text)
    for passage in passages:
        part = text[passage.start : passage.end]
        assert f" {part} " in joined[passage.source - 1] and len(part.split()) == passage.words >= shortest
        assert not any(taken[passage.start : passage.end])
        taken[passage.start : passage.end] = [True] * (passage.end - passage.start)
    free = "".join("|" if is_taken else character for character, is_taken in zip(text, taken, strict=True))
    for start in range(len(answer) - shortest + 1):
        window = free[2 * start : 2 * (start + shortest) - 1]
        assert "|" in window or not any(f" {window} " in source for source in joined)


@pytest.mark.parametrize("answer", ["It is big [1].", REFUSAL, "", "Bad [9]", "\x1b[2J\u202e [1]\r\ud800"])
def test_every_output_is_safe_to_print_and_is_not_for_clinical_use(answer: str) -> None:
    result = checked(answer)
    text = result.to_text()
    assert text.split("\n")[-1] == NOT_CLINICAL
    assert all(character.isprintable() or character == "\n" for character in text)
    assert result.to_json()["notice"] == NOT_CLINICAL
    json.dumps(result.to_json())


def test_a_hostile_attribution_cannot_steer_the_terminal() -> None:
    prompt = build_prompt("What?", [hit(LIVER, attribution="\x1b[31mred\n[2] another source")])
    text = check_answer(prompt, f"{LIVER} [1]").to_text()
    assert "\x1b" not in text and "\n[2]" not in text


def test_an_endless_answer_is_cut_and_reported() -> None:
    answer = checked("It is big [1]. " * 10_000)
    assert len(answer.text) <= LONGEST_ANSWER
    assert "the answer ends at the limit of its length" in answer.problems
