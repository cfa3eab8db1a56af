"""Applying a learned linker, and its file."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.models.text.learned import card as learned_card
from roco.models.text.learned import file as learned_file
from roco.models.text.learned import judge
from roco.models.text.learned import linker as module
from roco.models.text.learned.linker import LearnedLinker
from roco.models.text.learned.manual import Manual
from roco.models.text.linking.linker import Described, Describes, Linker, Suggests
from tests.learned import (
    CT,
    CYST,
    EFFUSION,
    LEFT_LUNG,
    LIVER,
    LUNG,
    PA,
    XRAY,
    examples,
    learned,
    learned_with_manual,
    with_manual,
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    learned().save(tmp_path / "model.npz")
    return tmp_path / "model.npz"


@pytest.fixture
def linker(path: Path) -> LearnedLinker:
    return LearnedLinker.load(path)


def concepts(linker: LearnedLinker, text: str) -> set[str]:
    return {mention.cui for mention in linker.link([text])[0]}


def test_concepts_are_linked_at_the_words_that_stand_for_them(linker: LearnedLinker) -> None:
    text = "CT of the liver shows a cyst."
    places = {mention.cui: (mention.text, text[mention.start : mention.end]) for mention in linker.link([text])[0]}
    assert set(places) == {CT, LIVER, CYST}
    assert places[LIVER] == ("liver", "liver")
    assert places[CT] == ("CT", "CT")


def test_a_longer_name_replaces_the_name_within_it(linker: LearnedLinker) -> None:
    plain, longer = (concepts(linker, f"CT of the {name} shows nothing, 7.") for name in ("lung", "left lung"))
    assert LUNG in plain
    assert LEFT_LUNG not in plain
    assert LEFT_LUNG in longer
    assert LUNG not in longer


def test_negated_findings_are_linked_as_they_were_labelled(linker: LearnedLinker) -> None:
    assert EFFUSION in concepts(linker, "Image of the lung shows no pleural effusion, 7.")


def test_plurals_and_case_do_not_matter(linker: LearnedLinker) -> None:
    assert EFFUSION in concepts(linker, "image of the patient shows PLEURAL EFFUSION, 12.")


def test_every_occurrence_of_the_words_that_decided_is_a_mention(linker: LearnedLinker) -> None:
    text = "CT of the liver shows a cyst, CT of the livers shows no cyst."
    (mentions,) = linker.link([text])
    assert [mention.text for mention in mentions if mention.cui == LIVER] == ["liver", "livers"]
    assert [mention.text for mention in mentions if mention.cui == CT] == ["CT", "CT"]
    assert [mention.start for mention in mentions] == sorted(mention.start for mention in mentions)
    assert len({(mention.start, mention.end, mention.cui) for mention in mentions}) == len(mentions)
    assert all(text[mention.start : mention.end] == mention.text for mention in mentions)
    assert all(linker.card.threshold <= mention.score <= 1 for mention in mentions)


def test_it_is_a_linker(linker: LearnedLinker) -> None:
    assert isinstance(linker, Linker)
    assert {mention.linker for mention in linker.link(["CT of the liver"])[0]} == {linker.name} == {"learned"}


def test_the_division_into_batches_does_not_change_mentions(
    linker: LearnedLinker, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [row.caption for row in examples(60)]
    together = linker.link(texts)
    assert together == [linker.link([text])[0] for text in texts]
    monkeypatch.setattr(module, "MOST_CHARACTERS", 200)
    assert linker.link(texts) == together


@pytest.mark.parametrize("text", ["", " ", "!?", "\x00", "unknown words only", "\ud800", "ﬁ" * 50, "a\u0301" * 50])
def test_odd_captions_are_linked_without_an_error(linker: LearnedLinker, text: str) -> None:
    (mentions,) = linker.link([text])
    assert all(text[mention.start : mention.end] == mention.text for mention in mentions)


def test_no_captions_give_no_mentions(linker: LearnedLinker) -> None:
    assert linker.link([]) == []


@pytest.mark.parametrize("text", ["CT of the left lung shows a cyst. " * 3000, "x-" * 50_000, "lung " * 20_000])
def test_a_caption_of_100000_characters_has_no_more_candidates_than_different_ngrams(
    linker: LearnedLinker, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    real = judge.candidates

    def counted(*args: object) -> object:
        found = real(*args)  # type: ignore[arg-type]
        judged.append(len(found.row))
        return found

    monkeypatch.setattr(judge, "candidates", counted)
    linker.link([text])
    assert sum(judged) <= len(linker.cuis)


def test_equal_models_have_equal_bytes(path: Path, tmp_path: Path) -> None:
    learned().save(tmp_path / "again.npz")
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert path.with_suffix(".json").read_bytes() == (tmp_path / "again.json").read_bytes()


def test_a_stored_model_judges_as_the_one_that_was_learned(linker: LearnedLinker) -> None:
    model = learned()
    direct = LearnedLinker(model.judge, model.cuis, model.card)
    texts = [row.caption for row in examples(40)]
    assert direct.link(texts) == linker.link(texts)


def test_the_file_contains_no_pickle_and_no_caption(path: Path) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "iuf" for name in arrays.files)


def test_a_model_that_is_not_the_one_of_its_card_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="SHA-256"):
        LearnedLinker.load(path)


def test_a_missing_model_or_card_is_an_error_with_its_path(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing learned linker"):
        LearnedLinker.load(tmp_path / "other.npz")
    path.with_suffix(".json").unlink()
    with pytest.raises(DataError, match="missing card"):
        LearnedLinker.load(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 5000, '{"sha256": 1}', json.dumps({"sha256": "x" * 64, "threshold": 2})]
)
def test_an_invalid_card_is_refused(path: Path, text: str) -> None:
    path.with_suffix(".json").write_text(text)
    with pytest.raises(DataError, match="invalid card"):
        LearnedLinker.load(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rows", float("inf")),
        ("threshold", float("nan")),
        ("manual", 1),
        ("threshold", True),
        ("threshold", 1.01),
        ("threshold", "0.5"),
        ("rows", True),
        ("articles", -1),
        ("concepts", 1.5),
        ("held_out", {"all": 1}),
        ("per_concept", [1]),
        ("per_concept", {CT: {"rows": "7"}}),
    ],
)
def test_a_card_with_other_values_is_refused(path: Path, key: str, value: object) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {key: value}))
    with pytest.raises(DataError, match="invalid card"):
        LearnedLinker.load(path)


def test_a_value_of_a_card_that_is_no_number_is_named(path: Path) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"threshold": True}))
    with pytest.raises(DataError, match=r"invalid card .* \(threshold is true, no number from 0 to 1\)"):
        LearnedLinker.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card["per_concept"].pop(CT), f"it lacks the concept {CT}"),
        (lambda card: card["per_concept"].update(C9999999={"rows": 1}), "it lists the concept C9999999"),
        (lambda card: card["per_concept"][CT].update(rows=1), f"it gives {CT} 1 rows instead of "),
        (lambda card: card.update(rows=card["rows"] + 1), "it states .* rows instead of "),
        (lambda card: card.update(concepts=1), "it states 1 concepts instead of "),
        (lambda card: card.update(articles=0), "it states 0 articles"),
        (lambda card: card.update(manual=[CT]), "it lists other manual concepts"),
    ],
)
def test_a_card_with_counts_of_another_model_is_refused(
    path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    card = json.loads(path.with_suffix(".json").read_text())
    change(card)
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(DataError, match=f"does not fit its model: {message}"):
        LearnedLinker.load(path)


# --- manual concepts ----------------------------------------------------------------------------------------------


@pytest.fixture
def manual_path(tmp_path: Path) -> Path:
    learned_with_manual().save(tmp_path / "manual.npz")
    return tmp_path / "manual.npz"


@pytest.fixture
def manual(manual_path: Path) -> LearnedLinker:
    return LearnedLinker.load(manual_path)


def test_a_manual_concept_that_words_name_is_a_mention(manual: LearnedLinker) -> None:
    ((mentions, suggestions),) = manual.link_and_suggest(["CT of the liver shows a cyst."])
    assert {mention.cui: mention.text for mention in mentions}[CT] == "CT"
    assert not {suggestion.cui for suggestion in suggestions} & {CT, XRAY}


def test_a_manual_concept_that_no_words_name_is_suggested(manual: LearnedLinker) -> None:
    ((mentions, suggestions),) = manual.link_and_suggest(["Of the liver."])
    assert {mention.cui for mention in mentions} == {LIVER}
    assert {suggestion.cui: suggestion.linker for suggestion in suggestions}[XRAY] == "learned"
    assert all(0 < suggestion.score <= 1 for suggestion in suggestions)
    assert isinstance(manual, Suggests)


@pytest.mark.parametrize(
    ("rows", "name", "is_mention"), [(2, "fluid", False), (2, "Pleural Effusion", True), (3, "fluid", True)]
)
def test_a_rare_concept_may_be_suggested_only_unless_its_name_is_written(
    rows: int, name: str, is_mention: bool
) -> None:
    model = learned()
    concept = {**model.card.per_concept[EFFUSION], "rows": rows, "name": name}
    card = dataclasses.replace(model.card, per_concept={**model.card.per_concept, EFFUSION: concept})
    text = "Image of the lung shows pleural effusion, 7."
    default, careful = (LearnedLinker(model.judge, model.cuis, card, rare=rare) for rare in (True, False))
    ((mentions, suggestions),) = careful.link_and_suggest([text])
    assert EFFUSION in concepts(default, text)
    assert (EFFUSION in {one.cui for one in mentions}) == is_mention
    assert [one.cui for one in suggestions] == ([] if is_mention else [EFFUSION])
    assert LUNG in {one.cui for one in mentions}


def test_link_returns_the_mentions_alone(manual: LearnedLinker) -> None:
    texts = [row.caption for row in with_manual(50)]
    both = manual.link_and_suggest(texts)
    assert manual.link(texts) == [mentions for mentions, _ in both]
    assert any(suggestions for _, suggestions in both)
    for mentions, suggestions in both:
        assert not {mention.cui for mention in mentions} & {suggestion.cui for suggestion in suggestions}


def test_directions_are_suggested_on_request_only(manual_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_directions, without = (LearnedLinker.load(manual_path, directions=flag) for flag in (True, False))
    monkeypatch.setattr(Manual, "choose", lambda self, p: np.ones(p.shape, bool))
    ((_, some),), ((_, fewer),) = (linker.link_and_suggest(["Unknown words."]) for linker in (with_directions, without))
    assert {suggestion.cui for suggestion in some} - {suggestion.cui for suggestion in fewer} == {PA}


def test_batches_do_not_change_suggestions(manual: LearnedLinker, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [row.caption for row in with_manual(60)] + ["", "?"]
    together = manual.link_and_suggest(texts)
    assert together == [manual.link_and_suggest([text])[0] for text in texts]
    monkeypatch.setattr(module, "MOST_CHARACTERS", 200)
    assert manual.link_and_suggest(texts) == together


def test_a_linker_describes_the_concepts_whose_names_its_dataset_has(manual: LearnedLinker) -> None:
    assert isinstance(manual, Describes)
    assert manual.describe(CT) == Described("X-Ray Computed Tomography")
    assert manual.describe(XRAY) is None
    assert manual.describe("C0000001") is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("manual", lambda values: values[::-1].copy()),
        ("manual", lambda values: values + 1000),
        ("manual", lambda values: np.arange(41, dtype=np.int32)),
        ("manual_none", lambda values: values * np.nan),
        ("words_gram", lambda values: values[::-1].copy()),
        ("words_gram", lambda values: values[1:]),
        ("words_idf", lambda values: values * 0),
        ("words_idf", lambda values: values * np.float32("inf")),
        ("words_weights", lambda values: values.T.copy()),
        ("words_weights", lambda values: values * np.float32("nan")),
        ("words_bias", lambda values: values[1:]),
        ("manual_trees_base", lambda values: values[1:]),
        ("manual_trees_feature", lambda values: np.where(values >= 0, 10_000, values)),
    ],
)
def test_a_model_with_impossible_manual_concepts_is_refused(manual_path: Path, name: str, change: object) -> None:
    with np.load(manual_path, allow_pickle=False) as arrays:
        values = arrays[name]
    changed(manual_path, name, change(values))  # type: ignore[operator]
    with pytest.raises(DataError, match="is not a learned linker"):
        LearnedLinker.load(manual_path)


# --- hostile files ------------------------------------------------------------------------------------------------


def changed(path: Path, name: str, values: np.ndarray | None) -> None:  # type: ignore[type-arg]
    """Replaces an array of a model, or removes it, and corrects the digest of the card."""
    with np.load(path, allow_pickle=False) as arrays:
        content = {key: arrays[key] for key in arrays.files}
    content.pop(name)
    if values is not None:
        content[name] = values
    np.savez(path, **content)
    card = learned_card.read(path.with_suffix(".json"))
    learned_file.save_card(path, dataclasses.replace(card, sha256=file_digest(path)))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("gram", lambda values: values[::-1].copy()),
        ("gram", lambda values: values.astype(np.int64)),
        ("first", lambda values: values + 1),
        ("first", lambda values: values[:-1]),
        ("cui", lambda values: values + 1000),
        ("cui", lambda values: values - 1),
        ("together", lambda values: values * 0),
        ("together", lambda values: values + 10_000),
        ("named", lambda values: values + 2),
        ("named", lambda values: values[1:]),
        ("best", lambda values: values + np.float32(2)),
        ("best", lambda values: values * np.float32("nan")),
        ("cuis", lambda values: values + 10_000_000),
        ("scale", lambda values: values * 0),
        ("weights", lambda values: values[1:]),
        ("bias", lambda values: values * np.inf),
        ("rows", lambda values: values * 0),
        ("format", lambda values: values + 1),
        ("trees_left", lambda values: values + 10_000),
        ("mean", lambda values: None),
    ],
)
def test_a_model_with_impossible_arrays_is_refused(path: Path, name: str, change: object) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        values = arrays[name]
    changed(path, name, change(values))  # type: ignore[operator]
    with pytest.raises(DataError, match="is not a learned linker"):
        LearnedLinker.load(path)


def test_a_model_that_is_too_large_when_decompressed_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    assert path.stat().st_size < size
    monkeypatch.setattr(learned_file, "MOST_BYTES", size - 1)
    with pytest.raises(DataError, match="larger than"):
        LearnedLinker.load(path)


def test_a_model_is_saved_as_npz_only(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"NAME\.npz"):
        learned().save(tmp_path / "model.pkl")


def test_linking_needs_neither_scikit_learn_nor_scipy(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from roco.models.text.learned.linker import LearnedLinker; "
        f"assert LearnedLinker.load(Path({str(path)!r})).link(['CT of the liver shows a cyst, 7.'])[0]; "
        "assert not {'sklearn', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
