"""Questions of held-out images and their answers: deterministic, without leaks, and scored as computed by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.retrieve.evaluation.answering import Answered, answer_all, extractive, facts, is_right
from roco.baselines.retrieve.evaluation.questions import (
    CAPTION,
    CONCEPT,
    PAIR,
    TEMPLATES,
    TERMS,
    Question,
    _terms,
    questions,
)
from roco.baselines.retrieve.grounding.check import check_answer
from roco.baselines.retrieve.grounding.model import Reply
from roco.baselines.retrieve.grounding.prompt import REFUSAL, build_prompt
from roco.baselines.retrieve.questions import content_words
from roco.evaluate.grounding import evaluate_grounding
from tests.baselines import drawn
from tests.baselines.retrieve.encoders import fake
from tests.baselines.retrieve.evaluation.command import run
from tests.baselines.retrieve.grounding.fake_endpoint import message, serving
from tests.baselines.retrieve.grounding.fake_endpoint import status as garbage
from tests.baselines.retrieve.grounding.material import hit

pytest.importorskip("duckdb", reason="pip install '.[select]'")

NAMES = {
    drawn.CT: "Tomography", drawn.XR: "Plain X-Ray", drawn.US: "Sonography", drawn.CHEST: "Stripes",
    drawn.CYST: "Speckle", drawn.NODULE: "Rings",
}  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of drawn images whose captions name the finding, and whose articles reach from train into test."""
    folder = tmp_path_factory.mktemp("grounding")
    dataset = drawn.write(folder / "dataset", {"train": 9, "test": 6}, articles_of=1)
    drawn.table(dataset / "cui_mapping.csv", ("CUI", "Canonical name"), NAMES.items())
    licenses = (dataset / "license_information.csv").read_text().replace("PMC40001", "PMC50001")
    (dataset / "license_information.csv").write_text(licenses)
    roco.index(dataset, folder / "index")
    return folder / "index"


class Model:
    """Answers with a text, or fails after some answers."""

    def __init__(self, text: str, most: int = 1000) -> None:
        self.text, self.most, self.asked = text, most, list[str]()

    def ask(self, messages: list[dict[str, str]]) -> Reply:
        if len(self.asked) >= self.most:
            raise DataError("the endpoint answers 500", "try again later")
        self.asked.append(messages[1]["content"])
        return Reply(self.text, "a model", False)


# --- questions --------------------------------------------------------------------------------------------------------


def test_questions_are_deterministic_of_all_kinds_and_none_occurs_twice(path: Path) -> None:
    index = roco.Index.open(path)
    found = questions(index)
    assert found == questions(index) and len({one.text for one in found}) == len(found)
    # Six images of three kinds: a caption each, whose three words occur once per kind, and per kind one concept, alone
    # and with its modality.
    assert sorted(one.kind for one in found) == sorted([CAPTION] * 6 + [CONCEPT] * 3 + [PAIR] * 3 + [TERMS] * 3)
    assert questions(index, 5) == found[:5] and {one.kind for one in found[:4]} == {CONCEPT, PAIR, CAPTION, TERMS}
    assert {one.id.split("_")[1] for one in found} == {"test"}


def test_a_question_asks_for_the_concepts_of_its_image(path: Path) -> None:
    for one in questions(roco.Index.open(path)):
        assert one.asked <= one.concepts
        named = {NAMES[cui] for cui in one.asked}
        assert all(name in one.text for name in named) and (one.kind in (CAPTION, TERMS)) == (not named)


def test_the_words_of_a_caption_are_asked_for_three_at_a_time_and_each_once() -> None:
    caption = "CT of the chest shows a nodule (arrow), 5 mm; the Nodule is a granuloma of the lung, in the chest."
    assert _terms(caption) == ["chest, nodule and arrow"]
    assert _terms(caption + " Biopsy.") == ["chest, nodule and arrow", "granuloma, lung and Biopsy"]
    assert _terms("") == _terms("5 mm") == []
    assert _terms('vein (arrow).""Left side; T2-weighted') == ["vein, arrow and Left"]


def test_templates_have_no_word_that_is_searched_for() -> None:
    for template in TEMPLATES.values():
        assert content_words(template.format(concept="", modality="", caption="", terms="")) == ""


def test_held_out_images_are_those_of_valid_and_test(tmp_path: Path) -> None:
    roco.index(drawn.write(tmp_path / "dataset", {"train": 3, "valid": 3, "test": 3}), tmp_path / "index")
    index = roco.Index.open(tmp_path / "index")
    assert {one.id.split("_")[1] for one in questions(index, split="held-out")} == {"valid", "test"}
    assert {one.id.split("_")[1] for one in questions(index, split="valid")} == {"valid"}


def test_a_long_caption_is_quoted_in_one_sentence_that_cites() -> None:
    caption = "A nodule of the lung " + "and another one " * 40 + "at the end."
    prompt = build_prompt("nodule", [hit(caption)])
    checked = check_answer(prompt, extractive(prompt).text)
    assert len(checked.sentences) == 1 and checked.cited_share == 1
    assert 250 < len(checked.text) < 320 and checked.text.endswith("one and” [1].")


@pytest.mark.parametrize(("split", "n"), [("train", 1), ("all", 1), ("tset", 1), ("test", 0), ("test", 10_001)])
def test_a_split_of_sources_and_impossible_numbers_are_refused(path: Path, split: str, n: int) -> None:
    with pytest.raises(UsageError):
        questions(roco.Index.open(path), n, split)


def test_a_split_without_images_is_an_error(path: Path) -> None:
    with pytest.raises(DataError, match="no questions can be made from the split valid"):
        questions(roco.Index.open(path), 1, "valid")


# --- answers ----------------------------------------------------------------------------------------------------------


def test_sources_are_of_train_and_never_of_the_article_of_the_question(path: Path) -> None:
    """The first train image has the same article as the first test image."""
    index = roco.Index.open(path)
    same = [row["id"] for row in index.store.rows(range(len(index))) if row["article_key"] == "PMC50001"]
    assert {id.split("_")[1] for id in same} == {"train", "test"}
    asked = questions(index)
    model = Model("None.")
    answer_all(index, asked, model, n=20)
    of_article = {question.text: question.article for question in asked}
    cited = {text: f'"{same[0]}"' in prompt for text, prompt in zip(of_article, model.asked, strict=True)}
    assert not any("drawn_test" in prompt for prompt in model.asked)
    assert not any(cited[text] for text, article in of_article.items() if article == "PMC50001")
    assert "PMC50001" in of_article.values() and any(cited.values())


def test_the_extractive_baseline_quotes_and_cites_the_best_three_sources() -> None:
    hits = [hit("Axial CT of the chest. A nodule [7] is marked."), hit(""), hit("See [9]! More."), hit("Not quoted.")]
    same = build_prompt("chest", [hit("An MRI."), hit("An MRI."), hit("A scan.")])
    assert extractive(same).text == "“An MRI” [1].\n“A scan” [3]."
    prompt = build_prompt("chest", hits)
    assert extractive(prompt).text == "“Axial CT of the chest” [1].\n“See (9)!” [3]."
    assert extractive(replace(prompt, sources=(hit(""),))).text == REFUSAL


def test_a_right_image_has_all_concepts_of_the_question_or_half_of_those_of_the_caption() -> None:
    pair = Question(PAIR, "?", "a", "A", frozenset({"C1", "C2"}), frozenset({"C1", "C2", "C3"}))
    assert is_right(pair, frozenset({"C1", "C2"})) and not is_right(pair, frozenset({"C1", "C3"}))
    caption = replace(pair, kind=CAPTION, asked=frozenset())
    assert is_right(caption, frozenset({"C1", "C2", "C9"})) and not is_right(caption, frozenset({"C1", "C9"}))
    assert not is_right(replace(caption, concepts=frozenset()), frozenset())


def answered(index: roco.Index, text: str, question: Question) -> Answered:
    return answer_all(index, [question], Model(text), n=20)[0]


def test_an_answer_is_recorded_as_computed_by_hand(path: Path) -> None:
    """Three of nine train images have rings; without that of the own article, two of eight."""
    index = roco.Index.open(path)
    question = next(one for one in questions(index) if one.asked == {drawn.NODULE})
    text = "Rings are shown [1]. Nobody knows. It is so [1][99]."
    found = answered(index, text, replace(question, article="PMC50001"))
    assert (found.sentences, found.cited_sentences, found.unknown) == (3, 2, 1)
    assert found.citations == (True, True) and found.shares == (1, 1) and found.sources == (True, True)
    assert found.chance == 2 / 8 and found.model == "a model" and not found.is_refusal
    assert answered(index, REFUSAL, question).is_refusal


def test_a_question_without_a_source_counts_as_such_and_all_of_them_are_an_error(path: Path) -> None:
    index = roco.Index.open(path)
    question = replace(questions(index)[0], text="What do images of xyzzy show?")
    found = answer_all(index, [question, questions(index)[0]])
    assert "has no hits" in found[0].problem and not found[1].problem
    with pytest.raises(DataError, match=r"no question has a source; the first one: .*xyzzy"):
        answer_all(index, [question])


# --- scores -----------------------------------------------------------------------------------------------------------


def test_scores_are_as_computed_by_hand() -> None:
    first = Question(CONCEPT, "one?", "a", "A", frozenset({"C1"}), frozenset({"C1", "C2"}))
    second = Question(CAPTION, "two?", "b", "B", frozenset(), frozenset({"C1"}))
    answers = [
        Answered(first, "x", sentences=4, cited_sentences=3, citations=(True, False), shares=(0.5, 0.25), unknown=2,
                 sources=(True, False, False, False), chance=0.5),
        Answered(second, "y", sentences=1, cited_sentences=0, sources=(False,), uncited_copies=1),
        Answered(first, REFUSAL, is_refusal=True, sources=(True,), chance=0.5),
        Answered(second, problem="no sources"),
    ]  # fmt: skip
    report = evaluate_grounding(answers, inputs={}, models={})
    assert report["cited_sentences"] == (3 / 4 + 0) / 2
    assert report["valid_citations"] == 2 / 4 and report["citation_precision"] == 1 / 2
    assert report["citation_jaccard"] == 0.375
    assert report["refused"] == report["uncited_copies"] == 1 / 3 and report["no_sources"] == 1 / 4
    assert report.bounds is not None
    assert [row[2] for row in report.bounds.rows] == pytest.approx([1 / 3, (1 / 4 + 0 + 1) / 3, 2 / 3])
    assert "4 questions of 2 images (2 concept, 2 caption); 2 have no right image" in report.notes[0]
    assert {score.name: score.images for score in report.scores}["citation_precision"] == 1


def test_answers_without_a_citation_leave_precision_undefined() -> None:
    question = Question(CONCEPT, "one?", "a", "A", frozenset({"C1"}), frozenset({"C1"}))
    report = evaluate_grounding([Answered(question, "x", sentences=1)], inputs={}, models={})
    assert report["cited_sentences"] == 0 and "citation_precision" in dict(report.not_computed)


# --- stored replies ---------------------------------------------------------------------------------------------------


def test_an_endpoint_that_fails_loses_no_reply(path: Path, tmp_path: Path) -> None:
    index, file = roco.Index.open(path), tmp_path / "replies.json"
    asked = questions(index)
    broken, working = Model("It is so [1].", most=3), Model("It is so [1].")
    with pytest.raises(DataError, match="the endpoint answers 500") as caught:
        answer_all(index, asked, broken, name="m", replies=file)
    assert caught.value.hint == "try again later; replies that are stored: 3; run the same command again to go on"
    found = answer_all(index, asked, working, name="m", replies=file)
    assert len(working.asked) == len(asked) - 3
    assert found == answer_all(index, asked, Model("It is so [1]."), name="m")
    assert answer_all(index, asked, Model("", most=0), name="m", replies=file) == found


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"kind": "replies", "model": "m", "replies": {"a": {"text": 1}}}', "[" * 100_000]
)
def test_a_broken_file_of_replies_is_one_line(path: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "replies.json").write_text(content)
    index = roco.Index.open(path)
    with pytest.raises(DataError, match=r"replies\.json cannot be read"):
        answer_all(index, questions(index), Model("x"), name="m", replies=tmp_path / "replies.json")


def test_replies_of_another_model_are_refused(path: Path, tmp_path: Path) -> None:
    index = roco.Index.open(path)
    answer_all(index, questions(index, 2), Model("x"), name="m", replies=tmp_path / "replies.json")
    with pytest.raises(DataError, match="has the replies of m, not of other"):
        answer_all(index, questions(index, 2), Model("x"), name="other", replies=tmp_path / "replies.json")


def test_the_baseline_is_called_a_floor_and_a_model_is_not(path: Path) -> None:
    index = roco.Index.open(path)
    asked = questions(index, 3)
    for model, is_floor in ((None, True), (Model("x [1]."), False)):
        found = answer_all(index, asked, model)
        stated = facts(index, found, 3, "test", 5)
        assert any("citation by construction" in note for note in stated.notes) == is_floor
        assert stated.models["the answers"] == ("extractive" if is_floor else "a model")


def test_the_report_states_the_encoder_that_found_the_sources(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = roco.Index.open(path)
    stated = facts(index, answer_all(index, questions(index, 3)), 3, "test", 5)
    assert any("by BM25 of the words of the question" in note for note in stated.notes) and len(stated.models) == 1
    fake.use(monkeypatch)
    model = fake.folder(tmp_path / "model")
    roco.index(index.dataset().figures.path, tmp_path / "dense", text_encoder=model)
    dense = roco.Index.open(tmp_path / "dense")
    stated = facts(dense, answer_all(dense, questions(dense, 3)), 3, "test", 5)
    assert any("cosines of vectors, fused" in note for note in stated.notes)
    assert stated.models["the search (caption)"].startswith("model, sha256 ")


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_prints_scores_with_intervals_and_writes_questions_and_answers(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "grounding", path, "--out", tmp_path / "out", "--json")
    printed = json.loads(out)
    assert status == 0 and printed["scores"]["cited_sentences"]["value"] == 1
    assert 0 < printed["scores"]["citation_precision"]["value"] <= 1
    assert "15 questions of 6 images" in printed["notes"][0] and "100 questions were asked for" in printed["notes"][1]
    table = (tmp_path / "out" / "per_image.csv").read_text()
    assert "What do images of Rings show?" in table and "“rings number" in table


def test_a_model_behind_an_endpoint_answers_and_what_it_invents_counts_against_it(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(message("It is so [1]. And so [77]. Nobody knows.", model="a-model-2")) as fake:
        status, out, _ = run(capsys, "grounding", path, "--endpoint", fake.url, "--model", "m", "--json")
    report = json.loads(out)
    assert status == 0 and report["models"]["the answers"] == "a-model-2" and len(fake.requests) == 15
    assert report["scores"]["cited_sentences"]["value"] == pytest.approx(1 / 3)
    assert report["scores"]["valid_citations"]["value"] == 1 / 2
    assert not any("by construction" in note for note in report["notes"])


def test_an_endpoint_that_answers_garbage_is_one_line_and_its_replies_are_kept(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["grounding", path, "--answers", tmp_path / "replies.json", "--model", "m", "--json", "--endpoint"]
    with serving(message("It is so [1]."), message("It is so [1]."), garbage(200, b"<html>")) as fake:
        status, _, err = run(capsys, *words, fake.url)
        assert status == 1 and "something other than JSON" in err and "replies that are stored: 2" in err
        fake.behaviours[:] = [message("It is so [1].")]
        status, out, _ = run(capsys, *words, fake.url)
        assert status == 0 and len(fake.requests) == 3 + 13
        assert json.loads(out)["scores"]["cited_sentences"]["value"] == 1


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (["nowhere"], 1, "no such folder: nowhere"),
        (["INDEX", "--split", "train"], 2, "no questions from 'train'"),
        (["INDEX", "--model", "m"], 2, "--model without --endpoint"),
        (["INDEX", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"], 1, "Connection refused"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    path: Path, words: list[str], status: int, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _, err = run(capsys, "grounding", *(path if word == "INDEX" else word for word in words))
    assert found == status and what in err and "Traceback" not in err
