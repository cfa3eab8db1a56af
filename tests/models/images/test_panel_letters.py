"""Panel letters among the lines that were read in an image."""

from __future__ import annotations

import pytest

from roco.models.images.panel_letters import panel_letters
from roco.models.images.text_in_image import Line


def line(text: str, left: float, top: float, confidence: float = 0.95) -> Line:
    return Line(text, confidence, left, top, left + 0.03, top + 0.03, 0.0009)


GRID = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)]


@pytest.mark.parametrize("form", ["{}", "({})", "{}.", "{})", "({}) Axial view", "{}. Axial view", "{}) axial"])
def test_letters_in_order_are_panel_letters_however_they_are_written(form: str) -> None:
    lines = [line(form.format(letter), *place) for letter, place in zip("abcd", GRID, strict=True)]
    assert panel_letters(lines) == "ABCD"


def test_a_letter_by_itself_marks_a_side_and_no_panel() -> None:
    assert panel_letters([line("A", 0.5, 0.0), line("P", 0.5, 0.9), line("R", 0.0, 0.5), line("L", 0.9, 0.5)]) == ""


def test_letters_that_run_backwards_are_axes_and_no_panels() -> None:
    assert panel_letters([line("b", 0.0, 0.4), line("a", 0.4, 0.9)]) == ""


def test_a_letter_of_low_confidence_ends_the_sequence() -> None:
    lines = [line("A", 0.0, 0.0), line("B", 0.5, 0.0), line("C", 0.0, 0.5, confidence=0.6)]
    assert panel_letters(lines) == "AB"


def test_words_that_begin_with_a_letter_are_no_panels() -> None:
    assert panel_letters([line("A large mass", 0, 0), line("B mode", 0.5, 0), line("C. elegans", 0, 0.5)]) == ""


def test_capital_and_small_letters_are_not_mixed() -> None:
    assert panel_letters([line("A", 0.0, 0.0), line("b", 0.5, 0.0)]) == ""
