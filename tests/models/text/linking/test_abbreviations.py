"""Tests of abbreviations that a caption defines itself."""

from __future__ import annotations

import pytest

from roco.models.text.linking import abbreviations
from roco.models.text.linking.abbreviations import defined
from tests.models.text.linking.test_names import names
from tests.models.text.linking.vocabularies import pairs

HEART = ("left ventricle", "left atrium", "aorta|Ao", "thrombus")


@pytest.mark.parametrize(
    "text",
    [
        "The left ventricle (LV) with a thrombus in the LV",
        "LV (left ventricle); LV",
        "LV, left ventricle. LV",
        "LV = left ventricle, LV",
        "A mass in the LV. LV: left ventricle; LA: left atrium",
        "LV indicates left ventricle; LV",
        "LV and LV; LV left, LA (LV, left ventricle; LA, left atrium)",
    ],
)
def test_a_short_form_has_the_concept_of_its_long_form_everywhere(text: str) -> None:
    found = [name for written, name in pairs(text, *HEART) if written == "LV"]
    assert found == ["left ventricle"] * text.count("LV")


def test_the_plural_of_a_short_form_is_linked() -> None:
    found = pairs("lymph nodes (LNs), two LNs", "lymph node")
    assert found == [("lymph nodes", "lymph node"), ("LNs", "lymph node"), ("LNs", "lymph node")]


def test_the_caption_overrules_the_vocabulary() -> None:
    names = ("renal cell carcinoma", "red cell count|RCC", "kidney")
    assert pairs("renal cell carcinoma (RCC). RCC of the kidney", *names)[1:] == [
        *(("RCC", "renal cell carcinoma"), ("RCC", "renal cell carcinoma"), ("kidney", "kidney")),
    ]


def test_a_short_form_with_an_unknown_long_form_is_not_linked() -> None:
    names = ("computed tomography|CT", "red cell count|RCC")
    assert pairs("clear cell chondroma (CCC), CCC", "cholangiocarcinoma|CCC") == []
    assert pairs("reticular cyst complex (RCC) in RCC", *names) == []
    assert pairs("Rats (n = 9) with connective tissue (CT). CT was thick", *names) == []


def test_a_long_form_that_contains_the_concept_confirms_the_short_form() -> None:
    names = ("magnetic resonance|MRV", "vein")
    assert ("MRV", "magnetic resonance") in pairs("Magnetic resonance venogram (MRV)", *names)
    assert ("MRV", "magnetic resonance") not in pairs("mean recorded value (MRV)", *names)


def test_a_name_may_go_on_after_a_short_form() -> None:
    names = ("left ventricle", "left ventricle aneurysm")
    assert ("LV aneurysm", "left ventricle aneurysm") in pairs("left ventricle (LV): LV aneurysm", *names)


def test_a_part_of_a_long_form_is_not_linked_at_the_short_form() -> None:
    assert pairs("LVOT, left ventricular outflow tract; LVOT", "tract", "ventricular") == [
        *(("ventricular", "ventricular"), ("tract", "tract")),
    ]


def test_side_and_article_before_a_long_form_do_not_matter() -> None:
    assert ("RICA", "internal carotid artery") in pairs(
        "right internal carotid artery (RICA)", "internal carotid artery"
    )


def test_only_so_many_abbreviations_are_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abbreviations, "MOST_DEFINED", 3)
    text = " ".join(f"left ventricle (L{letter}V)" for letter in "ABCDEFGH") + " left ventricle (LV)"
    assert len(list(abbreviations._candidates(text))) == 3
    assert defined(text, names("left ventricle")) == []
