"""What MedCAT returns becomes mentions: scores, negation by MetaCAT, CUIs of other ids. MedCAT itself is not needed."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from roco.base.errors import DataError
from roco.models.text.linking.cui_table import Target
from roco.models.text.linking.linker import Linker, Mention
from roco.models.text.linking.medcat import LONGEST, MedCat

CAPTION = "No mass in the lung"


class Pack:
    """Returns the same entities for every caption."""

    def __init__(self, *entities: dict[str, Any]) -> None:
        self.entities = dict(enumerate(entities))
        ids = {entity["cui"] for entity in entities}
        self.cdb = SimpleNamespace(cui2info={id: {"type_ids": {"T023", "81102976"}} for id in ids}, get_name=str.lower)

    def get_entities(self, caption: str) -> dict[str, Any]:
        if "Traceback" in caption:
            raise RuntimeError("inside MedCAT")
        return {"entities": self.entities}


def entity(**changes: Any) -> dict[str, Any]:
    return {"cui": "C0024109", "start": 15, "end": 19, "acc": 1, "meta_anns": {}} | changes


def link(*entities: dict[str, Any], **cuis: str) -> list[Mention]:
    return MedCat(Pack(*entities), {id: Target(cui) for id, cui in cuis.items()}).link([CAPTION])[0]


def test_an_entity_is_a_mention() -> None:
    assert link(entity()) == [Mention(15, 19, "lung", "C0024109", linker="medcat")]
    assert isinstance(MedCat(Pack(), {}), Linker)


@pytest.mark.parametrize(("accuracy", "score"), [(0.51239, 0.5124), (-0.2, 0.0), (1.0000001, 1.0), (float("nan"), 0.0)])
def test_the_similarity_of_the_context_is_the_score(accuracy: float, score: float) -> None:
    assert link(entity(acc=accuracy))[0].score == score


@pytest.mark.parametrize(
    ("task", "value", "negated", "uncertain"),
    [
        ("Negation", "Yes", True, False),
        ("Negation", "No", False, False),
        ("Presence", "False", True, False),
        ("Presence", "True", False, False),
        ("Presence", "Hypothetical (N/A)", False, True),
        ("Status", "Other", False, True),
        ("Status", "Affirmed", False, False),
        ("Certainty", "Suspected", False, True),
    ],
)
def test_metacat_decides_on_negation_and_certainty(task: str, value: str, negated: bool, uncertain: bool) -> None:
    annotations = {task: {"name": task, "value": value, "confidence": 0.9}}
    (mention,) = link(entity(meta_anns=annotations))
    assert (mention.negated, mention.uncertain) == (negated, uncertain)


MASS = entity(cui="C0027651", start=3, end=7)


def test_the_words_of_the_caption_decide_where_the_pack_has_no_model_for_it() -> None:
    mass, lung = link(MASS, entity())
    assert (mass.negated, lung.negated) == (True, False)
    annotations = {"Subject": {"value": "Patient"}}
    assert link(MASS | {"meta_anns": annotations})[0].negated
    assert not link(MASS | {"meta_anns": annotations | {"Negation": {"value": "No"}}})[0].negated


def test_ids_of_another_terminology_become_cuis() -> None:
    linker = MedCat(Pack(entity(cui="39607008"), entity(cui="1")), {"39607008": Target("C0024109", ("T029",))})
    assert [mention.cui for mention in linker.link([CAPTION])[0]] == ["C0024109"]
    assert linker.left_out == {"1": 1}
    assert linker.describe("C0024109") == ("39607008", ("T029",))
    assert linker.describe("C0000001") is None


def test_semantic_types_of_umls_are_those_of_the_form_t_and_three_digits() -> None:
    assert MedCat(Pack(entity()), {}).describe("C0024109") == ("c0024109", ("T023",))


def test_a_blank_caption_is_not_given_to_medcat() -> None:
    assert MedCat(Pack(entity()), {}).link(["", " \n"]) == [[], []]


class Reader(Pack):
    """Finds `lung` wherever a text that it is given has the word; records the lengths of the texts."""

    def __init__(self) -> None:
        super().__init__(entity())
        self.lengths: list[int] = []

    def get_entities(self, caption: str) -> dict[str, Any]:
        self.lengths.append(len(caption))
        found = [entity(start=match.start(), end=match.end()) for match in re.finditer("lung", caption)]
        return {"entities": dict(enumerate(found))}


@pytest.mark.parametrize("caption", ["lung mass " * 10_000, "lung" * 25_000, "x" * 1_999 + " lung", "\n lung\t" * 999])
def test_a_long_caption_is_given_to_medcat_in_parts(caption: str) -> None:
    pack = Reader()
    mentions = MedCat(pack, {}).link([caption])[0]
    assert {mention.text for mention in mentions} == {"lung"}
    assert [mention.start for mention in mentions] == [match.start() for match in re.finditer("lung", caption)]
    assert max(pack.lengths) <= LONGEST
    assert sum(pack.lengths) == len(caption)


def test_a_failure_of_medcat_is_reported_with_its_caption() -> None:
    with pytest.raises(DataError, match=r"'medcat' raised RuntimeError: inside MedCAT \(caption 2: 'Traceback'\)"):
        MedCat(Pack(), {}).link([CAPTION, "Traceback"])


@pytest.mark.parametrize(
    ("ids", "table", "message"),
    [
        ([], None, "model pack pack has no concepts"),
        (["39607008"], None, "links ids such as '39607008', which are not CUIs"),
        (["39607008"], Path("table.csv"), "table.csv has no CUI for any concept of model pack pack"),
    ],
)
def test_a_pack_without_cuis_is_rejected(ids: list[str], table: Path | None, message: str) -> None:
    linker = MedCat(Pack(*(entity(cui=id) for id in ids)), {})
    with pytest.raises(DataError, match=message):
        linker._check_ids(Path("pack"), table)


def test_a_pack_with_some_cuis_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        MedCat(Pack(entity(), entity(cui="39607008")), {})._check_ids(Path("pack"), None)
    assert [record.getMessage() for record in caplog.records] == [
        "the pack has no CUI for 1 of 2 concepts of the model pack, such as '39607008'; their mentions are left out"
    ]
