"""What a caption says about several panels."""

from __future__ import annotations

import pytest

from roco.models.text.panels import evidence, letters, sides, without_letters


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("(a) Axial CT; (b) coronal reformation.", "ab"),
        ("CT (A) shows a mass (arrow). (B) MRI of the same patient.", "AB"),
        ("A, Axial. B, Coronal.", "AB"),
        ("a) before b) after", ""),  # no end of a sentence before the second: an enumeration in running text
        ("a) Before. b) After.", "ab"),
        ("(a–d) Serial radiographs.", "abcd"),
        ("Before (A, B) and after (C, D) treatment.", "ABCD"),
        ("Axial (A), coronal (B) and sagittal (C) MRI.", "ABC"),
        ("Axial CT (MR) of the liver.", ""),
        ("Vitamin A: normal.", ""),
        ("Arrow (a) shows the lesion.", ""),
        ("(b) and (c) without a first.", ""),
        ("", ""),
    ],
)
def test_panel_letters_count_in_order_from_the_first(caption: str, expected: str) -> None:
    assert "".join(letters(caption)) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Left panel: CT. Right panel: MRI.", ("left", "right")),
        ("CT (top) and MRI (bottom).", ("top", "bottom")),
        ("The left lung and the right lung.", ()),
        ("Left panel of an earlier figure.", ()),
    ],
)
def test_sides_count_in_pairs_and_only_of_panels(caption: str, expected: tuple[str, ...]) -> None:
    assert sides(caption) == expected


def test_the_evidence_is_given_in_words() -> None:
    assert evidence("(a) CT. (b) MRI.") == "caption has panels a to b"
    assert evidence("Chest radiograph.") is None


def test_a_long_hostile_caption_is_read_only_to_its_limit() -> None:
    assert evidence("(" * 200_000 + "a) CT. (b) MRI.") is None


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("CT (A), US (b).", "CT    , US    ."),
        ("US (A-C) and CT (d, e)", "US       and CT       "),
        ("Ultrasound (US) of a cyst (arrow)", "Ultrasound (US) of a cyst (arrow)"),
    ],
)
def test_panel_letters_in_brackets_become_blanks_of_the_same_length(caption: str, expected: str) -> None:
    assert without_letters(caption) == expected
