"""Captions: languages, lengths and readability."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.evaluate.report.by_split import UNKNOWN, by_split, modalities
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Histogram
from roco.evaluate.report.quantiles import distributions
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.sections.sizes import caption_words

BIN, LAST = 5, 150  # words; longer captions are in the last bin
_SILENT_E = r"[aeiouy][b-df-hj-np-tv-xz]+e\b"
_WITHOUT_VOWEL = r"\b[b-df-hj-np-tv-xz]+\b"


def languages(inputs: Inputs) -> Content:
    """Images by language of their caption, as fastText identified it. Captions in other languages than English are
    kept where the identification was too uncertain to drop them."""
    values = [language or UNKNOWN for language in inputs.values("language")]
    counted = by_split(inputs, "caption-languages", "Images by language of the caption", "language", values)
    return Content(tables=(counted.table,), plots=(counted.plot,))


def caption_length(inputs: Inputs) -> Content:
    """Words of each caption, separated by white space, by modality of the image."""
    words = caption_words(inputs.column("caption")).astype(np.float64)
    if not len(words):
        raise NotAvailable("the dataset has no images")
    groups = modalities(inputs)
    counted = distributions("caption-length", "Words of a caption by modality", "words of a caption", words, groups)
    edges = [float(edge) for edge in range(0, LAST + BIN + 1, BIN)]
    shown = np.minimum(words, LAST)
    splits = np.array(inputs.values("split"), dtype=object)
    series = {}
    for split in inputs.splits:
        counts, _ = np.histogram(shown[splits == split], bins=edges)
        series[split] = [100 * float(number) / max(int((splits == split).sum()), 1) for number in counts]
    plot = Histogram(
        name="caption-length-splits",
        title="Words of a caption by split",
        alt=f"Histograms of the words of a caption by split; longer ones than {LAST} words are in the last bin.",
        edges=edges,
        series=series,
        axis=f"words of a caption (last bin: {LAST} and more)",
        counted="% of the images",
    )
    empty = int((words == 0).sum())
    notes = (f"{empty:,} images have an empty caption.",) if empty else ()
    return Content(tables=(counted.table,), plots=(counted.plot, plot), notes=notes)


def readability(inputs: Inputs) -> Content:
    """Flesch reading ease of each caption: 206.835 - 1.015 * words per sentence - 84.6 * syllables per word; 60 to 70
    is plain English, below 30 is for graduates. Words are runs of letters, sentences end with . ! or ? before white
    space or at the end, syllables are groups of vowels without a silent final e, at least one a word."""
    scores = reading_ease(inputs.column("caption"))
    if not np.isfinite(scores).any():
        raise NotAvailable("no caption has a word")
    counted = distributions(
        "readability", "Flesch reading ease by modality", "Flesch reading ease", scores, modalities(inputs)
    )
    finite = scores[np.isfinite(scores)]
    bands = (("below 30 (graduate)", -np.inf, 30), ("30 to 60", 30, 60), ("60 and more (plain English)", 60, np.inf))
    rows: list[tuple[Cell, ...]] = []
    for name, low, high in bands:
        number = int(((finite >= low) & (finite < high)).sum())
        rows.append((name, number, number / len(finite)))
    table = ReportTable("Captions by reading ease", ("Flesch reading ease", "images", "share"), rows)
    note = "Captions are short, and often no sentences: single values are rough, and the index is made for English."
    return Content(tables=(counted.table, table), plots=(counted.plot,), notes=(note,))


def reading_ease(captions: pa.ChunkedArray) -> NDArray[np.float64]:
    """Returns the Flesch reading ease of each caption; NaN for one without words."""
    text = pc.utf8_normalize(pc.utf8_trim_whitespace(pc.fill_null(captions, "")), form="NFKD")
    text = pc.utf8_lower(pc.replace_substring_regex(text, r"\p{M}+", ""))

    def count(pattern: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = pc.count_substring_regex(text, pattern).to_numpy().astype(np.float64)
        return found

    words = count("[a-z]+")
    sentences = count(r"[.!?]+\s") + 1  # the last one ends with the caption
    syllables = count("[aeiouy]+") - count(_SILENT_E) + count(_WITHOUT_VOWEL)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores: NDArray[np.float64] = 206.835 - 1.015 * words / sentences - 84.6 * syllables / words
    return np.where(words > 0, scores, np.nan)
