"""The script and the tables that make the shipped vocabulary."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from roco.models.text import semantic_types
from roco.models.text.vocabulary.obo import read
from roco.models.text.vocabulary.records import Term
from roco.models.text.vocabulary.table import SHIPPED, load, save
from training.vocabulary.behavior import Behavior, behavior, of_concept
from training.vocabulary.build import BY_HAND, SHIPPED_SOURCES, UNCONFIRMED, ontology_types, rows, vocabulary
from training.vocabulary.coverage import Labelled, frequent, types_of
from training.vocabulary.coverage import read as read_captions
from training.vocabulary.names import is_safe, key
from training.vocabulary.ontologies import ONTOLOGIES, names_of

CUI = re.compile(r"C\d{7}")


def test_tables_checked_by_hand_are_well_formed() -> None:
    seen = {}
    for table in (*BY_HAND, "alternates"):
        for row in rows(table):
            assert CUI.fullmatch(row.cui), row
            assert seen.setdefault(row.cui, table) == table, row
            assert row.tui in semantic_types.kept(), row
            assert row.source in (*SHIPPED_SOURCES, UNCONFIRMED), row
            assert all(name == name.strip() and name for name in (row.name, *row.synonyms)), row
            assert len({key(name) for name in (row.name, *row.synonyms)}) > 0


def test_no_concept_is_both_written_by_hand_and_taken_from_ontologies() -> None:
    by_hand = {row.cui for table in (*BY_HAND, "alternates") for row in rows(table)}
    assert not by_hand & ontology_types().keys()
    assert set(ontology_types().values()) <= semantic_types.kept()


def test_unconfirmed_concepts_are_not_shipped() -> None:
    made = vocabulary({ontology: {} for ontology in ONTOLOGIES})
    unconfirmed = {row.cui for table in BY_HAND for row in rows(table) if row.source == UNCONFIRMED}
    assert not unconfirmed & made.by_cui.keys()


def test_a_name_that_is_taken_is_left_out_of_later_concepts() -> None:
    cui = next(iter(ontology_types()))
    made = vocabulary({"doid": {cui: ["heart", "odd growth"]}, "mondo": {cui: ["odd growths"]}, "hpo": {}})
    concept = made.by_cui[cui]
    assert concept.names == ("odd growth",)
    assert (concept.source, concept.license) == ("DOID|Mondo", "CC0 1.0|CC BY 4.0")


@pytest.mark.parametrize(
    "name", ["ALL", "RCC", "mass", "Neoplasm of lung, NOS", "cataract 32", "Renal cyst (disease)", ""]
)
def test_abbreviations_and_entries_of_classifications_are_not_safe(name: str) -> None:
    assert not is_safe(name)


@pytest.mark.parametrize("name", ["thymolipoma", "renal cell carcinoma", "Ewing sarcoma", "Wilms' tumor"])
def test_names_of_diseases_are_safe(name: str) -> None:
    assert is_safe(name)


def test_a_term_that_refers_to_two_concepts_names_none() -> None:
    terms = [Term("X:1", "one", ("first",), ("C0000001",)), Term("X:2", "two", (), ("C0000001", "C0000002"))]
    assert names_of(terms) == {"C0000001": ["one", "first"]}


@pytest.mark.shared
@pytest.mark.slow
def test_the_script_makes_the_shipped_file_again(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "terminology" / "obo"
    files = {"doid": "doid.json.gz", "mondo": "mondo.json.gz", "hpo": "hp.obo.gz"}
    made = vocabulary({ontology: names_of(read(folder / file).terms) for ontology, file in files.items()})
    save(made, tmp_path / "vocabulary.csv")
    assert (tmp_path / "vocabulary.csv").read_bytes() == SHIPPED.read_bytes()


def test_every_table_has_the_same_columns() -> None:
    folder = Path(vocabulary.__code__.co_filename).parent
    for table in (*BY_HAND, "alternates"):
        with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as fh:
            assert next(csv.reader(fh)) == ["cui", "name", "synonyms", "tui", "source", "note"]


def test_types_of_captions_are_shared_out_among_their_concepts() -> None:
    lung, cyst = "C0024109", "C0010709"
    captions = [
        Labelled(frozenset({lung}), frozenset({"T023"})),
        Labelled(frozenset({lung, cyst}), frozenset({"T023", "T047"})),
    ]
    assert types_of(captions) == {lung: {"T023"}, cyst: {"T047"}}


@pytest.mark.shared
@pytest.mark.slow
def test_the_shipped_vocabulary_has_four_fifths_of_the_frequent_concepts_of_roco(shared: Path) -> None:
    wanted = frequent(read_captions(sorted((shared / "data" / "captions").glob("roco_v1_open_*.jsonl.gz"))))
    known = load().by_cui
    assert len(wanted) > 500
    assert sum(cui in known for cui in wanted) >= 0.8 * len(wanted)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lung benign neoplasm", Behavior.BENIGN),
        ("cancer of the femur", Behavior.MALIGNANT),
        ("malignant tumour of bone", Behavior.MALIGNANT),
        ("tumor of the lung", Behavior.ANY),
        ("Ear tumour", Behavior.ANY),
        # Kinds of tumors: their behavior is no matter of the adjective.
        ("benign giant cell tumor", None),
        ("Wilms tumor", None),
        ("Krukenberg neoplasm", None),
        ("malignant melanoma", None),
        ("pleural effusion", None),
    ],
)
def test_the_name_of_a_tumor_states_how_it_behaves(name: str, expected: Behavior | None) -> None:
    assert behavior(name) == expected


@pytest.mark.parametrize(
    ("cui", "names", "expected"),
    [
        ("C0024121", [["lung benign neoplasm", "tumor of the lung"]], Behavior.ANY),
        ("C0347215", [["nasal cavity benign neoplasm"], ["benign tumor of nose", "nose tumor"]], Behavior.BENIGN),
        ("C0153466", [["peritoneum cancer", "peritoneal neoplasm"]], Behavior.MALIGNANT),
        ("C0015807", [["femoral cancer", "femoral neoplasm"]], Behavior.ANY),  # one of the first CUIs: a MeSH heading
        ("C0376527", [["skull base cancer"], ["skull base neoplasm"]], Behavior.ANY),
        ("C0153466", [["peritoneum cancer", "cancer of peritoneum"]], None),
        ("C0007129", [["Merkel cell carcinoma", "cancer of skin", "skin tumor"]], None),
    ],
)
def test_a_concept_whose_names_state_several_behaviors_has_one(
    cui: str, names: list[list[str]], expected: Behavior | None
) -> None:
    assert of_concept(cui, names) == expected


def test_no_shipped_concept_of_an_ontology_mixes_the_names_of_a_benign_a_malignant_and_any_tumor() -> None:
    mixed = {}
    for concept in load().concepts:
        stated = {found for name in concept.names if (found := behavior(name))}
        if len(stated) > 1 and behavior(concept.name):
            mixed[concept.cui] = concept.names
    assert not mixed


def test_a_name_of_another_behavior_is_left_to_the_concept_of_this_behavior() -> None:
    doid = {"C0018671": ["head and neck cancer", "head and neck neoplasm"]}
    mondo = {"C0278996": ["head and neck cancer"]}
    made = vocabulary({"doid": doid, "mondo": mondo, "hpo": {}})
    assert made.by_cui["C0018671"].names == ("head and neck neoplasm",)
    assert made.by_cui["C0278996"].names == ("head and neck cancer",)


def test_a_name_that_several_ontologies_give_costs_no_other_name() -> None:
    cui = next(iter(ontology_types()))
    made = vocabulary({"doid": {cui: ["odd growth", "odd mass"]}, "mondo": {cui: ["odd growths"]}, "hpo": {}})
    assert made.by_cui[cui].names == ("odd growth", "odd mass")
