"""A question is answered from the hits of a search, by any model, and its answer checked."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

import roco
from roco.base.errors import DataError, UsageError
from roco.baselines.retrieve.grounding.prompt import NOT_CLINICAL, REFUSAL
from tests.baselines import drawn


class Model:
    """Answers always the same and keeps what it was asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[list[dict[str, str]]] = []

    def ask(self, messages: list[dict[str, str]]) -> roco.Reply:
        self.asked.append(messages)
        return roco.Reply(self.text, "stand-in", False)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.write(tmp_path_factory.mktemp("drawn") / "dataset")


@pytest.fixture(scope="module")
def path(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("indexes") / "index"
    roco.index(dataset, out)
    return out


def test_an_answer_has_the_sources_of_its_search_and_is_checked(path: Path) -> None:
    model = Model("They show rings [1]. They are round. So they are [9].")
    checked = roco.answer(path, "Which images show rings?", model, roco.AnswerOptions(n=3))
    assert [hit.caption.split()[0] for hit in checked.sources] == ["rings"] * 3
    assert checked.cited == (1,) and checked.unknown == (9,) and checked.model == "stand-in"
    assert checked.problems == ("2 of 3 sentences without a citation", "no such source: 9")
    text = checked.to_text()
    assert "They are round. (no citation)" in text and "(no such source: 9)" in text
    assert f"\nSources\n[1] {checked.sources[0].attribution}" in text
    assert f"\nNot cited\n[2] {checked.sources[1].id}\n" in text
    assert "\nsearch: 'rings'; 3 sources\nmodel: stand-in\n" in text and text.endswith(f"\n{NOT_CLINICAL}")
    ((system, user),) = model.asked
    assert system["role"] == "system" and 'question: "Which images show rings?"' in user["content"]
    assert checked.to_json()["notes"] == ["search: 'rings'; 3 sources"]


def test_a_refusal_has_no_problems_and_still_the_notice(path: Path) -> None:
    checked = roco.answer(path, "rings?", Model(REFUSAL))
    assert checked.is_refusal and checked.problems == () and NOT_CLINICAL in checked.to_text()
    assert checked.to_json()["notice"] == NOT_CLINICAL


def test_the_prompt_is_saved_before_the_model_is_asked(path: Path, tmp_path: Path) -> None:
    class Fails:
        def ask(self, messages: list[dict[str, str]]) -> roco.Reply:
            raise DataError("no answer", "try later")

    file = tmp_path / "prompt.txt"
    with pytest.raises(DataError, match="no answer"):
        roco.answer(path, "rings?", Fails(), save_prompt=file)
    assert file.read_text() == roco.answer_prompt(path, "rings?").text + "\n"
    model = Model("x")
    with pytest.raises(UsageError, match=r"prompt\.txt already exists"):
        roco.answer(path, "rings?", model, save_prompt=file)
    assert model.asked == []


def test_words_and_image_are_searched_for_together(path: Path, dataset: Path) -> None:
    image = drawn.image_file(dataset, "drawn_train_000002")
    prompt = roco.answer_prompt(path, "Are there rings?", roco.AnswerOptions(image=image, n=24))
    assert all(hit.matched for hit in prompt.sources) and len(prompt.sources) == 24
    assert {"words", "image"} in [set(hit.matched) for hit in prompt.sources]
    assert prompt.notes == (
        "search: 'rings' and images like drawn_train_000002.png; 24 sources", "image: compared by EfficientNet-Lite0",
    )  # fmt: skip
    assert "which you do not see" in prompt.rules


def test_the_name_of_an_encoder_adds_no_line_to_the_notes(path: Path, dataset: Path) -> None:
    index = roco.Index.open(path)
    index.manifest["encoder"]["name"] = "x\n1. \x1b[31m"  # type: ignore[index]
    options = roco.AnswerOptions(like="drawn_train_000002")
    assert roco.answer_prompt(index, "Are there rings?", options).notes[-1] == r"image: compared by x\n1. \x1b[31m"


def test_a_question_of_stop_words_searches_for_the_image_alone(path: Path) -> None:
    prompt = roco.answer_prompt(path, "What is shown here?", roco.AnswerOptions(like="drawn_test_000001"))
    assert {tuple(hit.matched) for hit in prompt.sources} == {("image",)}
    with pytest.raises(DataError, match="no word to search for in the question 'What is shown here\\?'"):
        roco.answer_prompt(path, "What is shown here?")


@pytest.mark.parametrize(("question", "what"), [("", "is empty"), (" \n ", "is empty"), ("x" * 2_001, "longer than")])
def test_an_empty_or_endless_question_is_refused(path: Path, question: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        roco.answer_prompt(path, question)


def test_a_search_without_hits_is_refused_with_its_words(path: Path) -> None:
    with pytest.raises(DataError, match="no sources: the search for 'hippogriff' has no hits"):
        roco.answer_prompt(path, "Is there a hippogriff?")


def test_concepts_articles_and_diversity_are_those_of_the_search(path: Path) -> None:
    opened = roco.Index.open(path)
    concepts = roco.answer_prompt(opened, "What is it?", roco.AnswerOptions(concepts=drawn.CYST, n=24))
    assert {hit.caption.split()[0] for hit in concepts.sources} == {"speckle"} and len(concepts.sources) == 8
    assert concepts.notes == (f"search: concepts {drawn.CYST}; 8 sources",)
    article = concepts.sources[0].article
    others = roco.answer_prompt(
        opened, "What is it?", roco.AnswerOptions(concepts=drawn.CYST, n=24, not_articles=[article])
    )
    assert {hit.id for hit in concepts.sources} - {hit.id for hit in others.sources} == {
        hit.id for hit in concepts.sources if hit.article == article
    }
    like = "drawn_test_000001"
    chosen = roco.answer_prompt(opened, "What is it?", roco.AnswerOptions(like=like, n=6, diverse=True)).sources
    assert chosen == tuple(opened.search(like=like, n=6, diverse=True)) != tuple(opened.search(like=like, n=6))
    with pytest.raises(UsageError, match="--by dense"):
        roco.answer_prompt(opened, "rings?", roco.AnswerOptions(by="dense"))


def test_an_answer_that_the_model_did_not_end_is_a_problem(path: Path) -> None:
    class Stops:
        def ask(self, messages: list[dict[str, str]]) -> roco.Reply:
            return roco.Reply("Rings [1].", is_truncated=True)

    checked = roco.answer(path, "rings?", Stops())
    assert checked.problems == ("the answer ends at the limit of its length",) and "model:" not in checked.to_text()


def test_hits_without_room_in_the_prompt_are_left_out_and_stated(tmp_path: Path) -> None:
    dataset = drawn.write(tmp_path / "dataset", {"train": 40})
    rows = [(f"drawn_train_{number:06d}", "rings " + "around " * 300) for number in range(1, 41)]
    drawn.table(dataset / "train_captions.csv", ("ID", "Caption"), rows)
    roco.index(dataset, tmp_path / "index")
    prompt = roco.answer_prompt(tmp_path / "index", "rings?", roco.AnswerOptions(n=40))
    assert len(prompt.text) <= 24_000 and 10 < len(prompt.sources) < 40
    assert prompt.notes[1] == f"left out: {40 - len(prompt.sources)} hits, for which the prompt has no room"


# --- evaluation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["drawn_test_000001", "drawn_valid_000003", "drawn_train_000005"])
def test_an_evaluation_has_sources_of_train_only_and_none_of_the_article(path: Path, id: str) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    rows = {row["id"]: row for row in pq.read_table(path / "figures.parquet").to_pylist()}
    right = {
        name for name, row in rows.items()
        if row["split"] == "train" and row["article_key"] != rows[id]["article_key"] and name != id
    }  # fmt: skip
    prompt = roco.answer_prompt(path, "What number?", roco.AnswerOptions(like=id, n=24, evaluation=True))
    assert {hit.id for hit in prompt.sources} == right
    assert prompt.notes[1:] == (
        "evaluation: sources from train only", "excluded: the article of the image",
        "image: compared by EfficientNet-Lite0",
    )  # fmt: skip
    every = roco.answer_prompt(path, "What number?", roco.AnswerOptions(like=id, n=24))
    assert {hit.split for hit in every.sources} == {"train", "valid", "test"}


def test_an_evaluation_of_words_has_sources_of_train_only_and_keeps_other_filters(path: Path) -> None:
    pytest.importorskip("duckdb", reason="pip install '.[select]'")
    filters = roco.SelectOptions(where="caption LIKE 'rings%'", split="train")
    prompt = roco.answer_prompt(path, "number", roco.AnswerOptions(n=24, evaluation=True, filters=filters))
    assert {(hit.split, hit.caption.split()[0]) for hit in prompt.sources} == {("train", "rings")}
    assert prompt.notes[-1] == "evaluation: sources from train only"


def test_a_file_of_an_unknown_article_is_stated_and_that_of_a_known_one_excluded(
    path: Path, dataset: Path, tmp_path: Path
) -> None:
    known = drawn.image_file(dataset, "drawn_test_000001")
    options = roco.AnswerOptions(image=known, not_same_article=True, n=24)
    prompt = roco.answer_prompt(path, "What is it?", options)
    assert prompt.notes[1] == "excluded: the article of the image"
    assert "drawn_test_000001" not in {hit.id for hit in prompt.sources}
    Image.fromarray(drawn.picture("rings", [99])).save(tmp_path / "new.png")
    options = roco.AnswerOptions(image=tmp_path / "new.png", not_same_article=True, n=24)
    assert roco.answer_prompt(path, "What is it?", options).notes[1] == (
        "not excluded: the article of the image, which is unknown; --not-article PMCID excludes it"
    )


@pytest.mark.parametrize("split", ["test", "valid", "Test"])
def test_an_evaluation_refuses_other_splits(path: Path, split: str) -> None:
    options = roco.AnswerOptions(evaluation=True, filters=roco.SelectOptions(split=("train", split)))
    with pytest.raises(UsageError, match="takes sources from train only"):
        roco.answer_prompt(path, "number", options)
