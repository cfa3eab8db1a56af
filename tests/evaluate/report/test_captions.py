"""Captions: languages, lengths and readability, against numbers counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from roco.evaluate.report.sections import captions
from tests.evaluate.report.examples import release_inputs


def test_lengths_of_captions_have_quantiles_by_modality(tmp_path: Path) -> None:
    rows = {row[0]: row for row in captions.caption_length(release_inputs(tmp_path / "release")).tables[0].rows}
    # Words: 5 and 1 (CT), 4 and 3 (X-ray), 4 (MR), 4 (combined).
    assert rows["all"][1:4] == (6, 21 / 6, 1.0) and rows["all"][6] == 4.0
    assert rows["DRCT"][1:4] == (2, 3.0, 1.0) and rows["DRXR"][6] == 3.5 and rows["DRMR"][9] == 4.0


def test_languages_are_counted_by_split(tmp_path: Path) -> None:
    assert captions.languages(release_inputs(tmp_path / "release")).tables[0].rows[0] == ("en", 4, 1, 1, 6, 1.0)


@pytest.mark.parametrize(
    ("caption", "words", "sentences", "syllables"),
    [
        ("The cat sat.", 3, 1, 3),
        ("The cat sat. A dog ran!", 6, 2, 6),
        ("Abdominal image", 2, 1, 6),  # ab-do-mi-nal i-mage: the final e is silent
        ("CT", 1, 1, 1),  # no vowel: one syllable
        ("Élevée", 1, 1, 3),  # accents do not divide words
    ],
)
def test_reading_ease_is_that_of_flesch(caption: str, words: int, sentences: int, syllables: int) -> None:
    by_hand = 206.835 - 1.015 * words / sentences - 84.6 * syllables / words
    assert captions.reading_ease(pa.chunked_array([[caption]]))[0] == pytest.approx(by_hand)


def test_a_caption_without_words_has_no_reading_ease() -> None:
    assert np.isnan(captions.reading_ease(pa.chunked_array([["", "12 %", None]], pa.string()))).all()


def test_captions_are_counted_by_band_of_readability(tmp_path: Path) -> None:
    table = captions.readability(release_inputs(tmp_path / "release")).tables[1]
    assert sum(int(str(row[1])) for row in table.rows) == 6
