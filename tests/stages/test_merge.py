from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.schema import types
from roco.core.stage import put
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import load
from roco.stages.merge import Merge

LINKER = TermMatcher(load())
CT, MR, US, XR, PET, PET_CT = "C0040405", "C0024485", "C0041618", "C1306645", "C0032743", "C1699633"
AN, CHEST, BREAST, AP, PA, SAGITTAL = "C0002978", "C0817096", "C0006141", "C1999039", "C1996865", "C0205129"


def batch(*captions: str | None) -> pa.Table:
    """Captions with their terms; the same names stand for what `mentions` finds in them."""
    nothing = pa.nulls(len(captions), pa.string())
    found = [None if c is None else [m._asdict() for m in LINKER.link(c)] for c in captions]
    mentions = types("mentions", "suggested", "terms")
    return pa.table(
        {
            "figure_id": pa.array([str(i) for i in range(len(captions))]),
            "drop": nothing,
            "drop_detail": nothing,
            "caption": pa.array(captions, pa.string()),
            "terms": pa.array(found, mentions["terms"]),
            "mentions": pa.array(found, mentions["mentions"]),
            "suggested": pa.array([[] for _ in captions], mentions["suggested"]),
        }
    )


def decide(caption: str) -> dict[str, Any]:
    row: dict[str, Any] = Merge()(batch(caption)).to_pylist()[0]
    return row


@pytest.mark.parametrize(
    ("caption", "modality"),
    [
        ("Axial CT of the abdomen", "DRCT"),
        ("T2-weighted image of the knee", "DRMR"),
        ("Transthoracic echocardiogram", "DRUS"),
        ("Colour Doppler of the portal vein", "DRUS"),
        ("Orthopantomogram before treatment", "DRXR"),
        ("FDG PET scan", "DRPE"),
        ("PET/CT of the whole body", "DRCO"),
        ("PET-MRI of the brain", "DRCO"),
        ("SPECT/CT of the foot", "DRCO"),
        ("CT/PET of the chest", "DRCO"),
        ("MRI-PET of the brain", "DRCO"),
        ("CT and SPECT of the foot", "DRCO"),
        ("Positron emission tomography (PET)/computed tomography (CT)", "DRCO"),
        ("PET and MR images", "DRCO"),
        ("PET was negative. Weeks later a CT was taken", "DRPE"),
        ("Bone scintigraphy", None),
        ("CT angiography of the neck", "DRCT"),
        ("Coronary CT angiogram", "DRCT"),
        ("Angiographic CT scan", "DRCT"),
        ("Magnetic resonance angiography", "DRMR"),
        ("Angiography by MRI", "DRMR"),
        ("Coronary angiography", "DRAN"),
        ("Aortogram", "DRAN"),
        ("Venogram. Later CT was normal", "DRAN"),
        ("Left renal arteriograms", "DRAN"),
        ("MR arthrogram", "DRMR"),
        ("Arthrogram of the hip", "DRXR"),
        ("Mammography", "DRXR"),
        ("Fluoroscopic image during coronary angiography", "DRAN"),
        ("Fluoroscopic image", "DRXR"),
        ("Ultrasound; the CT followed", "DRUS"),
        ("A normal left coronary artery", None),
        ("Computed angiography of the kidney", "DRCT"),
        ("Axial T2 of the brain", "DRMR"),
        ("Percutaneous cholangiography", "DRXR"),
        ("X-ray diffraction of the powder", None),
        ("Micro-CT of a fossil skull", None),
        ("Micro-CT of the femur of a mouse", "DRCT"),
    ],
)
def test_the_modality_follows_the_words_of_the_caption(caption: str, modality: str | None) -> None:
    assert decide(caption)["modality"] == modality


@pytest.mark.parametrize(
    ("caption", "region"),
    [
        ("Chest X-ray", "chest"),
        ("X-ray of the right knee", "lower_extremity"),
        ("Radiograph of the pelvis with femoral head", "pelvis"),
        ("Mammogram of the chest wall", "breast"),
        ("Panoramic radiograph", "cranium"),
        ("Retrograde cholangiogram", "abdomen"),
        ("X-ray of the lumbar spine", "spine"),
        ("Radiograph of both hands", "upper_extremity"),
        ("Radiograph; on the other hand nothing", None),
        ("Chest CT", None),
        ("Voiding cystourethrogram (VCUG)", "abdomen"),
        ("Chest radiograph of a dog", None),
    ],
)
def test_the_region_is_determined_for_xrays_only(caption: str, region: str | None) -> None:
    assert decide(caption)["region"] == region


@pytest.mark.parametrize(
    ("caption", "direction"),
    [
        ("AP radiograph of the pelvis", "coronal_ap"),
        ("Posteroanterior chest X-ray", "coronal_pa"),
        ("Lateral chest radiograph", "sagittal"),
        ("X-ray, lateral view", "sagittal"),
        ("Axial view of the shoulder, radiograph", "transversal"),
        ("AP and lateral radiographs", None),
        ("Transverse plain radiograph", "transversal"),
        ("Sagittal radiograph of the knee", "sagittal"),
        ("Radiograph of a transverse fracture", None),
        ("Radiograph of the sagittal balance", None),
        ("Sagittal MRI", None),
        ("X-ray with an anteroposterior diameter of 4 cm", None),
        ("AP (a) and oblique views of the foot, radiograph", None),
        ("Portable chest radiograph", "coronal_ap"),
    ],
)
def test_the_direction_is_determined_for_xrays_of_one_view(caption: str, direction: str | None) -> None:
    assert decide(caption)["direction"] == direction


def test_concepts_are_in_the_order_of_the_paper_without_repeats() -> None:
    row = decide("Pleural effusion, nodule and pleural effusion in a PA chest radiograph")
    assert row["concepts"] == [XR, CHEST, PA, "C0032227", "C0028259"]
    assert row["concepts_auto"] == row["concepts"]
    assert row["concepts_manual"] == []


def test_a_region_word_is_an_ordinary_concept_outside_xrays() -> None:
    assert decide("Chest CT with a nodule")["concepts"] == [CT, CHEST, "C0028259"]


def test_other_modalities_are_kept_for_combined_images_only() -> None:
    assert decide("CT of the liver; MRI was normal")["concepts"] == [CT, "C0023884"]
    assert decide("PET/CT of the liver")["concepts"] == [PET_CT, "C0023884"]
    assert decide("PET-MRI")["concepts"] == [PET, MR]


def test_scintigraphy_is_a_concept_of_images_without_a_single_modality() -> None:
    assert mentioned("Bone scintigraphy")["concepts"] == ["C0034606"]
    assert mentioned("SPECT/CT of the foot")["concepts"][0] == "C0034606"
    assert mentioned("CT after bone scintigraphy")["concepts"] == [CT]


def test_directions_other_than_the_determined_one_are_not_concepts() -> None:
    assert decide("Sagittal MRI of the brain")["concepts"] == [MR, "C0006104"]
    assert decide("AP and lateral view X-ray of the chest")["concepts"] == [XR, CHEST]


def test_figures_without_concepts_are_dropped_only_if_concepts_are_required() -> None:
    table = batch("Nothing here", "CT", None)
    assert Merge()(table)["drop"].null_count == 3
    strict = Merge(require=True)(table)
    assert strict["drop"].to_pylist() == ["concepts", None, "concepts"]
    assert strict["drop_detail"].to_pylist()[0] == "the caption names no concept that the rules keep"


def test_a_figure_dropped_before_keeps_its_reason() -> None:
    table = put(batch("Nothing"), "drop", pa.array(["language"]))
    assert Merge(require=True)(table)["drop"].to_pylist() == ["language"]


def test_columns_have_the_declared_types() -> None:
    table = Merge()(batch("CT", None))
    assert all(table[name].type == kind for name, kind in Merge.writes.items())
    assert Merge(require=True)(batch()).num_rows == 0


@pytest.mark.shared
def test_captions_of_known_images_name_their_modality(composed: Path) -> None:
    known = {"CT": "DRCT", "MR": "DRMR", "US": "DRUS", "X-ray": "DRXR", "MG": "DRXR", "XA": "DRAN"}
    with (composed / "truth.csv").open(encoding="utf-8", newline="") as fh:
        rows = [row for row in csv.DictReader(fh) if row["kind"] == "radiology"]
    decided = Merge()(batch(*(row["caption"] for row in rows)))["modality"].to_pylist()
    agreed = [known[row["modality"]] == label for row, label in zip(rows, decided, strict=True)]
    assert sum(agreed) / len(agreed) > 0.95


# --- the rules for concepts -------------------------------------------------------------------------------------------


def mentioned(caption: str, *mentions: dict[str, Any], suggested: Any = (), **options: Any) -> dict[str, Any]:
    """What is decided for a caption with these mentions instead of its own."""
    table = batch(caption)
    for name, value in (("mentions", mentions), ("suggested", suggested)):
        table = put(table, name, pa.array([list(value)], types(name)[name]))
    row: dict[str, Any] = Merge(**options)(table).to_pylist()[0]
    return row


def mention(cui: str, text: str, tui: str = "T047", **marks: Any) -> dict[str, Any]:
    return {"cui": cui, "text": text, "tui": tui, "score": 1.0, **marks}


def test_negated_blocked_and_invisible_concepts_are_mentions_but_no_concepts() -> None:
    row = mentioned(
        "CT",
        mention("C0032227", "pleural effusion", negated=True),
        mention("C0376152", "arrow", "T073"),
        mention("C0037410", "talk", "T054"),
        mention("C0028259", "nodule", "T033"),
    )
    assert row["concepts"] == [CT, "C0028259"]


def test_a_file_of_rules_decides_otherwise(tmp_path: Path) -> None:
    mine = tmp_path / "rules.toml"
    mine.write_text('base = "shipped"\nnegated = "keep"\n', encoding="utf-8")
    negated = mention("C0032227", "pleural effusion", negated=True)
    assert mentioned("CT", negated, rules=mine)["concepts"] == [CT, "C0032227"]
    assert Merge(rules=mine).digest({}) != Merge().digest({})


def test_suggestions_follow_the_mentions_the_most_probable_first() -> None:
    suggested = [{"cui": "C0023884", "score": 0.6, "linker": "learned"}, {"cui": CHEST, "score": 0.9, "linker": "x"}]
    row = mentioned("CT", mention("C0028259", "nodule"), suggested=suggested)
    assert row["concepts"] == [CT, "C0028259", CHEST, "C0023884"]


def test_keywords_are_the_words_of_the_concepts_that_are_kept() -> None:
    row = mentioned(
        "CT", mention("C0028259", "Lung  Nodules"), mention("C0376152", "arrow"), mention("C0028259", "lung nodules")
    )
    assert row["caption_keywords"] == ["lung nodules"]


def conflicts(caption: str, manual: list[str]) -> Any:
    return given(caption, manual)["concept_conflicts"]


def test_a_manual_label_that_the_caption_contradicts_is_a_conflict() -> None:
    assert conflicts("MRI of the knee", [CT]) == [{"kind": "modality", "manual": CT, "automatic": [MR]}]
    assert conflicts("CT of the knee", [CT]) == []
    assert conflicts("Image of the knee", [CT]) == []
    assert conflicts("PET/CT of the chest", [CT])[0]["automatic"] == ["DRCO"]


def test_region_and_direction_of_xrays_can_be_conflicts() -> None:
    assert conflicts("Chest radiograph", [XR, BREAST]) == [{"kind": "region", "manual": BREAST, "automatic": [CHEST]}]
    assert conflicts("PA radiograph", [XR, AP]) == [{"kind": "direction", "manual": AP, "automatic": [PA]}]
    assert conflicts("Radiograph of chest and breast", [XR, BREAST]) == []
    assert conflicts("Chest CT", [CT, BREAST]) == []


def test_without_manual_concepts_there_is_nothing_to_contradict() -> None:
    assert decide("Chest radiograph")["concept_conflicts"] is None


# --- concepts of a previous dataset -----------------------------------------------------------------------------------


def given(caption: str, manual: list[str], auto: list[str] | None = None, **options: Any) -> dict[str, Any]:
    table = batch(caption)
    for name, value in (("given_manual", manual), ("given_concepts", auto or [])):
        table = put(table, name, pa.array([value], types(name)[name]))
    row: dict[str, Any] = Merge(**options)(table).to_pylist()[0]
    return row


def test_manual_concepts_come_first_and_determine_the_modality() -> None:
    row = given("Chest X-ray with a nodule", [CT])
    assert (row["modality"], row["modality_from"]) == ("DRCT", "label")
    assert row["concepts_manual"] == [CT] and row["concepts"][0] == CT
    assert XR not in row["concepts"]


def test_a_manual_concept_that_the_caption_names_too_is_listed_once() -> None:
    row = given("CT of the chest", [CT])
    assert row["concepts_auto"] == [CT, CHEST]
    assert row["concepts"] == [CT, CHEST]


def test_manual_region_and_direction_take_precedence_over_the_caption() -> None:
    row = given("PA radiograph of the chest", [XR, BREAST, SAGITTAL])
    assert (row["region"], row["direction"]) == ("breast", "sagittal")
    assert row["concepts"][:3] == [XR, BREAST, SAGITTAL]


def test_the_caption_counts_if_there_is_no_manual_modality_or_several() -> None:
    for manual in ([], [CT, MR]):
        row = given("Chest X-ray", manual)
        assert (row["modality"], row["modality_from"]) == ("DRXR", "guess")


def test_the_order_of_labels_and_guesses_is_an_option() -> None:
    assert given("Chest X-ray", [CT], modality_from=("guess", "label"))["modality"] == "DRXR"
    row = given("Chest X-ray", [], modality_from=("label",))
    assert (row["modality"], row["modality_from"]) == (None, None)


def test_automatic_concepts_of_a_previous_dataset_are_used_with_given_all() -> None:
    assert given("Chest X-ray", [XR], [CHEST, PET], given="all")["concepts"] == [XR, CHEST, PET]
    assert PET not in given("Chest X-ray", [XR], [CHEST, PET])["concepts"]
    row = given("Chest X-ray", [CT], [PET], given="none")
    assert row["concepts_manual"] == [] and row["modality_from"] == "guess"
