"""What the stage `screen` flags and drops, by lines of text as OCR reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.models.images.text_in_image import Line, covered, to_value, words
from roco.stages.screen import CHECKS, Screen

CAPTION = "Axial CT of the chest shows a large pleural effusion."


def lines(*texts: str) -> list[Line]:
    return [Line(text, 0.95, 0.1, 0.1 * at, 0.3, 0.1 * at + 0.05, 0.01) for at, text in enumerate(texts)]


def screened(*images: Sequence[Line] | None, words_of: str | None = CAPTION, **options: Any) -> list[dict[str, Any]]:
    """None is an image of which OCR failed."""
    read = [image or [] for image in images]
    failed = [image is None for image in images]
    table = pa.table(
        {
            "figure_id": [str(at) for at in range(len(images))],
            "drop": pa.nulls(len(images), pa.string()),
            "drop_detail": pa.nulls(len(images), pa.string()),
            "caption": pa.array([words_of] * len(images), pa.string()),
            "text_read": ["failed" if one else "ocr" for one in failed],
            "text_share": pa.array([covered(one) for one in read], pa.float32(), mask=pa.array(failed).to_numpy(False)),
            "text_words": pa.array([sum(len(words(line.text)) for line in one) for one in read], pa.int32()),
            "text_lines": pa.array(
                [None if bad else to_value(one) for one, bad in zip(read, failed, strict=True)], pa.binary()
            ),
        }
    )
    return Screen(**options)(table).to_pylist()


@pytest.mark.parametrize(
    ("texts", "flags"),
    [
        ([], []),
        (["R", "L"], []),  # sides are no words
        (["AP SUPINE", "PORTABLE"], ["text"]),
        (["BAPTIST MED CTR"], ["identity", "text"]),
        (["axial ct of", "the chest"], ["caption", "text"]),
        (["A", "B"], ["panels"]),
    ],
)
def test_each_check_flags_what_it_looks_for(texts: list[str], flags: list[str]) -> None:
    assert screened(lines(*texts))[0]["screening"] == flags


def test_a_flag_drops_nothing_and_declares_no_reason() -> None:
    assert Screen().contract.reasons == {}
    assert screened(lines("Name: X", "1/2/2019"))[0]["drop"] is None


@pytest.mark.parametrize(
    ("check", "texts", "detail"),
    [
        ("identity", ["Name: Doe", "1/2/2019"], "date, name"),
        ("caption", ["axial CT of the chest shows"], "6 consecutive words, 57 % of all"),
        ("panels", ["A", "B", "C"], "panel letters A, B, C"),
        ("text", ["AP SUPINE 12 cm"], "4 words on 1.0 % of the area"),
        ("unread", None, "OCR failed"),
    ],
)
def test_a_check_that_drops_states_numbers_and_kinds_but_never_the_text(
    check: str, texts: list[str] | None, detail: str
) -> None:
    image = None if texts is None else lines(*texts)
    row = screened(image, [], **{check: "drop"})
    reason, _ = CHECKS[check]
    assert [(one["drop"], one["drop_detail"]) for one in row] == [(reason, detail), (None, None)]
    assert list(Screen(**{check: "drop"}).contract.reasons) == [reason]


def test_a_failed_ocr_flags_the_image_and_measures_nothing() -> None:
    row = screened(None)[0]
    assert (row["screening"], row["drop"], row["panel_letters"], row["caption_run"]) == (["unread"], None, None, None)


def test_half_of_a_short_caption_is_no_caption_in_the_image() -> None:
    assert "caption" not in screened(lines("chest CT"), words_of="Chest CT")[0]["screening"]


def test_an_image_without_a_caption_is_screened() -> None:
    assert screened(lines("some words here"), words_of=None)[0]["caption_overlap"] == 0


def test_letters_on_a_large_area_are_burned_in_text() -> None:
    row = screened([Line("DRAFT", 0.9, 0, 0, 1, 0.3, 0.3)])[0]
    assert row["screening"] == ["text"]


def test_the_gate_is_an_option_of_the_measure() -> None:
    assert Screen(gate=False).contract.needs == ("extract", ("ocr", {"gate": False}))


@pytest.mark.parametrize("option", ["text_words", "caption_words", "text_share", "caption_share"])
def test_a_threshold_that_everything_passes_is_refused(option: str) -> None:
    with pytest.raises(RecipeError, match=rf"{option} = 0 \(stage 'screen'\)"):
        Screen(**{option: 0})
