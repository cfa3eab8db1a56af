"""Tests of how the rules choose among the concepts that a caption mentions."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.models.text.concepts.choose import Candidate, Chooser, decided, frequent, modalities, protected
from roco.models.text.concepts.rules import load

CT, PET, PET_CT, AP, CHEST, SAGITTAL = "C0040405", "C0032743", "C1699633", "C1999039", "C0817096", "C0205129"
LIVER, CYST, NUCLEAR = "C0023884", "C0010709", "C0034606"


def chooser(folder: Path | None = None, text: str = "") -> Chooser:
    if folder is None:
        return Chooser(load())
    path = folder / "rules.toml"
    path.write_text('base = "shipped"\n' + text, encoding="utf-8")
    return Chooser(load(path))


def test_concepts_come_in_the_order_of_the_caption_each_once() -> None:
    found = [Candidate(LIVER, "liver", "T023"), Candidate(CYST, "cyst", "T190"), Candidate(LIVER, "hepatic", "T023")]
    assert chooser().automatic(found, "DRCT") == [LIVER, CYST]


def test_a_negated_finding_is_no_concept_unless_the_rules_keep_it(tmp_path: Path) -> None:
    found = [Candidate(CYST, "cyst", "T190", negated=True)]
    assert chooser().automatic(found, "DRCT") == []
    assert chooser().rule(found[0], "DRCT") == "negated"
    assert chooser(tmp_path, 'negated = "keep"\n').automatic(found, "DRCT") == [CYST]


def test_an_uncertain_finding_is_a_concept_unless_the_rules_drop_it(tmp_path: Path) -> None:
    found = [Candidate(CYST, "cyst", "T190", uncertain=True)]
    assert chooser().automatic(found, "DRCT") == [CYST]
    assert chooser(tmp_path, 'uncertain = "drop"\n').automatic(found, "DRCT") == []


def test_a_finding_that_is_negated_once_and_affirmed_once_is_a_concept() -> None:
    found = [Candidate(CYST, "cyst", "T190", negated=True), Candidate(CYST, "cysts", "T190")]
    assert chooser().automatic(found, "DRCT") == [CYST]


def test_a_suggestion_is_a_concept_unless_the_rules_drop_it(tmp_path: Path) -> None:
    found = [Candidate(LIVER, suggested=True)]
    assert chooser().automatic(found, "DRCT") == [LIVER]
    assert chooser(tmp_path, 'suggested = "drop"\n').automatic(found, "DRCT") == []


@pytest.mark.parametrize(("modality", "used"), [("DRCT", False), ("DRXR", False), ("DRCO", True), (None, True)])
def test_an_automatic_modality_is_used_where_none_is_decided_or_several_are_combined(
    modality: str | None, used: bool
) -> None:
    found = [Candidate(PET, "PET"), Candidate("C0013516", "echocardiogram", "T060"), Candidate(NUCLEAR, "scintigraphy")]
    assert chooser().automatic(found, modality) == ([PET, "C0013516", NUCLEAR] if used else [])


def test_regions_are_used_and_directions_are_not(tmp_path: Path) -> None:
    found = [Candidate(CHEST, "chest", "T029"), Candidate(SAGITTAL, "sagittal", "T082")]
    assert chooser().automatic(found, "DRMR") == [CHEST]
    own = '[automatic]\nregion = "never"\ndirection = "always"\n'
    assert chooser(tmp_path, own).automatic(found, "DRMR") == [SAGITTAL]


def test_a_concept_of_several_types_is_kept_if_one_of_them_is() -> None:
    assert chooser().automatic([Candidate("C0000001", "x", "T079|T047")], "DRCT") == ["C0000001"]
    assert chooser().rule(Candidate("C0000001", "x", "T079|T081"), "DRCT") == "type T079"


def test_a_concept_without_types_is_kept_unless_the_rules_drop_it(tmp_path: Path) -> None:
    strict = chooser(tmp_path, 'untyped = "drop"\n')
    assert chooser().automatic([Candidate(CYST, "cyst")], "DRCT") == [CYST]
    assert strict.rule(Candidate(CYST, "cyst"), "DRCT") == "no semantic type"
    assert strict.automatic([Candidate(CHEST, "chest")], "DRCT") == [CHEST]  # of a label set


def test_a_remap_of_words_leaves_other_words_alone() -> None:
    assert chooser().automatic([Candidate("C0994894", "Patchy")], "DRCT") == ["C0205413"]
    assert chooser().automatic([Candidate("C0994894", "patch of nicotine")], "DRCT") == ["C0994894"]


def test_a_remapped_concept_is_not_judged_by_the_type_it_had() -> None:
    assert chooser().automatic([Candidate("C0994894", "patchy", "T122")], "DRCT") == ["C0205413"]
    assert chooser().automatic([Candidate("C0475358", "tumor", "T185")], "DRCT") == ["C0027651"]


def test_mentions_of_older_releases_are_read_without_the_newer_fields() -> None:
    assert Candidate.of({"cui": CYST, "start": 0, "end": 4, "text": "cyst"}) == Candidate(CYST, "cyst")


def test_decided_labels_come_in_the_order_of_the_paper() -> None:
    assert decided("DRXR", "chest", "coronal_ap") == ["C1306645", CHEST, AP]
    assert decided("DRCO", None, None) == []
    assert decided(None, None, None) == []


def test_a_concept_is_frequent_if_more_images_than_the_number_have_it() -> None:
    images = [[LIVER, LIVER], [LIVER, CYST], [CYST], [CYST]]
    assert frequent(images, 2) == {CYST}
    assert frequent(images, 0) == {CYST, LIVER}


def test_decided_and_manual_concepts_are_protected_from_the_cutoff() -> None:
    row = {"concepts_manual": [CYST], "modality": "DRXR", "region": "chest", "direction": None}
    assert protected(row, modalities()) == {CYST, NUCLEAR, "C1306645", CHEST}
    combined = {"concepts_manual": None, "modality": "DRCO", "region": None, "direction": None}
    assert {PET_CT, PET, CT} <= protected(combined, modalities())
