"""The vocabulary that is shipped with roco."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from roco.models.text import semantic_types
from roco.models.text.vocabulary.table import load
from training.vocabulary.names import key

TERMS = Path(semantic_types.__file__).with_name("rules") / "terms.csv"
TABLES = (
    # Table 5
    "C0444611 C0027651 C0205207 C0018787 C0023884 C0012359 C1266909 C0006104 C0032227 C0028259",
    # Tables S6 to S12
    "C0002978 C0226032 C0038257 C1261287 C1261316 C0034052 C1947917 C0085590 C0001168 C0002940",
    "C0032743 C1699633 C0034606 C0027651 C0040405 C0024204 C0028259 C0036525 C0023884 C2939419",
    "C0040405 C0817096 C0000726 C0030797 C0444611 C0027651 C0023884 C0205207 C0028259 C0225317",
    "C0024485 C0006104 C0027651 C0013604 C0444611 C0037925 C0205207 C0030797 C0152295 C0018787",
    "C0032743 C0024204 C0025066 C0023884 C0027651 C1266909 C0037993 C0006826 C0036525 C0030797",
    "C0041618 C0225897 C0225883 C0225860 C0018827 C0205207 C0225844 C0003483 C0018792 C0031039",
    "C1306645 C1999039 C0817096 C1996865 C0037303 C0023216 C0205129 C0000726 C0030797 C1140618",
)
VOCABULARY = load()


def test_it_has_more_than_1500_concepts() -> None:
    assert len(VOCABULARY.concepts) >= 3500


def test_it_contains_all_concepts_of_the_tables_of_the_paper() -> None:
    printed = {cui for table in TABLES for cui in table.split()}
    assert len(printed) == 54
    assert printed <= VOCABULARY.by_cui.keys()


def test_it_contains_all_concepts_by_which_modality_region_and_direction_are_read() -> None:
    with TERMS.open(encoding="utf-8", newline="") as fh:
        assert {row["cui"] for row in csv.DictReader(fh)} <= VOCABULARY.by_cui.keys()


def test_every_concept_has_a_source_a_license_and_a_type_that_may_be_in_a_release() -> None:
    kept = semantic_types.kept()
    for concept in VOCABULARY.concepts:
        assert concept.source and concept.license, concept
        assert concept.source.count("|") == concept.license.count("|"), concept
        assert concept.tuis and set(concept.tuis) <= kept, concept


def test_a_name_belongs_to_one_concept() -> None:
    owners = defaultdict(list)
    for concept in VOCABULARY.concepts:
        for name in {key(name) for name in concept.names}:
            owners[name].append(concept.cui)
    assert not {name: cuis for name, cuis in owners.items() if len(cuis) > 1}


def test_a_further_concept_of_a_name_leaves_the_name_to_the_first() -> None:
    assert VOCABULARY.by_cui["C0412555"].names == ("ultrasound (C0412555)",)
    assert "ultrasound" in VOCABULARY.by_cui["C0041618"].names


def test_everyday_words_with_another_meaning_are_no_names() -> None:
    names = {key(name) for concept in VOCABULARY.concepts for name in concept.names}
    for word in (
        "arrow",
        "right",
        "left",
        "position",
        "image",
        "treatment",
        "patient",
        "all",
        "ms",
        "figure",
        "normal",
    ):
        assert word not in names
