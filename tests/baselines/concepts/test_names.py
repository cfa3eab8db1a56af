"""Names of concepts as evidence."""

from __future__ import annotations

import numpy as np
import pytest

from roco.baselines.concepts.counts import count
from roco.baselines.concepts.learn import learn
from roco.baselines.concepts.names import name_pairs, written_forms
from roco.baselines.concepts.rows import FOLDS, Row, Rows
from roco.models.text.learned.linker import LearnedLinker
from roco.models.text.learned.ngrams import Splitter, hashes
from roco.models.text.linking.linker import Described
from tests.learned import CT, LIVER, examples

SPLEEN = "C0037993"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Pleural effusion disorder", "Pleural effusion"),
        ("Structure of liver", "liver"),
        ("Bone structure of cranium", "cranium"),
        ("Entire femur", "femur"),
        ("Cyst (morphologic abnormality)", "Cyst"),
        ("Constriction, Pathologic", "Pathologic Constriction"),
    ],
)
def test_generic_words_of_terminologies_are_left_out(name: str, form: str) -> None:
    assert {name, form} <= written_forms(name)


def test_short_words_and_long_names_are_no_forms_but_abbreviations_are() -> None:
    assert written_forms("of") == written_forms("a " * 60) == set()
    assert written_forms("CT") == {"CT"}


def test_names_are_hashed_as_the_words_of_captions() -> None:
    code, cui = name_pairs({SPLEEN: ("Spleens", "a b c d e f g", "--")}, [CT, SPLEEN])
    assert code.tolist() == [int(hashes(Splitter().split(["spleen"]))[1, 0])]
    assert cui.tolist() == [1]


def test_a_name_counts_as_one_more_caption() -> None:
    plain = count(Rows.of(examples())).lexicon(range(FOLDS))[0]
    named = count(Rows.of(examples(), names={LIVER: ("liver", "hepar"), SPLEEN: ("spleen",)})).lexicon(range(FOLDS))[0]
    liver, hepar = (hashes(Splitter().split([word]))[1, 0] for word in ("liver", "hepar"))
    assert named.n[named.find(np.array([liver]))] == plain.n[plain.find(np.array([liver]))] + 1
    assert named.n[named.find(np.array([hepar]))] == 1
    assert named.concepts == plain.concepts + 1
    assert named.named.sum() == 3


def test_names_of_the_rows_learned_from_do_not_change_their_number_on_the_card() -> None:
    card = learn(examples(120), names={LIVER: ("liver",)}).card
    assert card.per_concept[LIVER]["rows"] == sum(LIVER in row.cuis for row in examples(120))
    assert card.per_concept[LIVER]["forms"][0]["n"] == sum("liver" in row.caption for row in examples(120))
    assert card.concepts == len({cui for row in examples(120) for cui in row.cuis})


def test_a_concept_of_no_caption_is_linked_by_its_name_if_names_agree_with_labels() -> None:
    organs = {f"C{number:07}": f"organ{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(1, 60)}
    rows = [
        Row(f"r{number}", f"a{number}", f"CT of the {name} shows nothing", (CT, cui)[: 1 if number % 9 == 0 else 2])
        for number, (cui, name) in enumerate(organs.items())
    ]
    names = {cui: (name,) for cui, name in organs.items()}
    model = learn([*rows, *(row._replace(id=f"x{row.id}") for row in rows[:20])], names={**names, SPLEEN: ("spleen",)})
    linker = LearnedLinker(model.judge, model.cuis, model.card)
    (mentions,) = linker.link(["CT of the spleen shows nothing"])
    assert {mention.cui: mention.text for mention in mentions}[SPLEEN] == "spleen"
    assert linker.describe(SPLEEN) == Described("spleen")


def test_invalid_cuis_of_names_are_ignored() -> None:
    assert "x" not in Rows.of(examples(60), names={"x": ("liver",)}).cuis
