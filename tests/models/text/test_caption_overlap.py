"""What an image contains of its caption."""

from __future__ import annotations

import pytest

from roco.models.text.caption_overlap import overlap

CAPTION = "Axial CT of the chest shows a large pleural effusion on the left side."


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("AXIAL CT OF THE CHEST 120 kV", 5),  # whatever the case
        ("shows a large pleural\neffusion on the left", 8),  # across lines
        ("showsalargepleural effusion", 5),  # OCR loses spaces
        ("pleural effusion", 2),
        ("chest effusion of the left CT", 0),  # in another order: only short sequences
        ("", 0),
    ],
)
def test_the_longest_sequence_of_words_is_found_without_regard_to_spaces(text: str, run: int) -> None:
    assert overlap(CAPTION, text).run == run


def test_a_sequence_of_few_letters_does_not_count() -> None:
    assert overlap("Panels a b c d e of the same patient", "a b c d e").run == 0


def test_the_share_is_that_of_distinct_words_of_three_letters_or_more() -> None:
    # axial, the, chest, shows, large, pleural, effusion, left, side
    found = overlap(CAPTION, "left pleural effusion: CT of the thorax")
    assert (found.shared, round(found.share, 3)) == (4, 0.444)


def test_a_caption_without_words_has_no_share() -> None:
    assert overlap("?", "text") == (0, 0, 0.0)
