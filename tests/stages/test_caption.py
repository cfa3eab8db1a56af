"""Captions with and without a description."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import RecipeError
from roco.core.stage import put
from roco.models.text.no_description import no_description
from roco.stages.caption import Caption
from tests.waits import cpu_limit

Row = tuple[str | None, str | None, str | None]

LICENCE = (
    "This is an open-access article distributed under the terms of the Creative Commons Attribution License. "
    "All use is permitted if the original work is properly cited."
)


def decided(rows: list[Row], stage: Caption | None = None) -> list[str | None]:
    blank = pa.nulls(len(rows), pa.string())
    columns = {
        name: pa.array([row[i] for row in rows], pa.string())
        for i, name in enumerate(("caption", "caption_raw", "label"))
    }
    batch = pa.table({"figure_id": [str(i) for i in range(len(rows))], **columns, "drop": blank, "drop_detail": blank})
    out = (stage or Caption())(batch)
    assert [d is None for d in out["drop"].to_pylist()] == [d is None for d in out["drop_detail"].to_pylist()]
    assert set(out["drop"].to_pylist()) <= {None, "caption"}
    details: list[str | None] = out["drop_detail"].to_pylist()
    return details


def test_captions_without_a_description_are_dropped_with_a_detail() -> None:
    rows: list[Row] = [
        ("CT of the chest.", "CT of the chest.", "Figure 1"),
        (None, None, None),
        (None, "https://doi.org/10.1000/182", "Figure 2"),
        ("", "Contact: a@b.org", "Figure 3"),
        ("Sidebar 3.", "Sidebar 3.", "Sidebar 3"),
    ]
    assert decided(rows) == [None, "empty", "URL only", "URL only", "copy of the label"]


@pytest.mark.parametrize(
    ("why", "captions"),
    [
        (
            "label only",
            ["Figure 1", "Fig. 2a.", "Figures 2 and 3", "Supplementary Figure S1", "(A)", "IV", "Figure 1 (continued)"],
        ),
        (
            "label only",
            ["Figura 2.", "Abb. 3", "Рис. 1", "図1", "Şekil 4", "Table 1", "Abbildungen 2 und 3", "Vidéo 1"],
        ),
        ("filler", ["xxx", "XXXX.", "No caption", "See text", "See text for details.", "Insert caption here", "TBD"]),
        ("filler", ["Click here for additional data file.", "Voir texte", "Image not available", "Lorem ipsum"]),
        ("no letters", ["12.5", "—", "...", "(1)", "*"]),
        ("LaTeX only", ["$\\alpha = \\frac{1}{2}$", "\\begin{eq}a\\end{eq}", "$x^2$"]),
        (
            "LaTeX only",
            ["\\includegraphics[width=0.5\\textwidth]{fig1}", "\\sqrt[3]{x}", "\\hspace*{2cm}\\frac{\\text{a}}{b}"],
        ),
        ("no letters", ["[formula].", "[symbol] = [formula]", "[link]"]),
        (None, ["A [formula] map", "\\alpha [arrow]", "Uptake \\(x\\) in bone"]),
        ("file name only", ["fig1.jpg", "IMG_2034.JPG", "journal.0042.g001.tif", "(PDF)", "(3.2 MB, PDF)"]),
        ("licence statement only", [LICENCE, "© 2014 The Authors.", "Reprinted with permission from the publisher."]),
        ("URL only", ["https://example.org/figure/1"]),
        (None, ["CT", "MRI.", "T1", "US", "Pneumothorax", "Hydrometra.", "Hip", "Preop", "Patient 2", "胸部X線"]),
        (
            None,
            ["Figure 1: CT", "A mass of $3$ cm", "Legend: mass", "Video fluoroscopy", "XX karyotype", "IV contrast"],
        ),
        (None, ["Copyright-free radiograph.", "Images of the chest", "See arrow", "PDF of the joint distribution"]),
        (None, ["© 2014 The Authors. Chest radiograph with a nodule.", "Licensed bone bank, CT of a graft"]),
    ],
)
def test_one_meaningful_word_is_a_description(why: str | None, captions: list[str]) -> None:
    assert {c: no_description(c, c) for c in captions} == dict.fromkeys(captions, why)


def test_a_label_without_a_number_is_a_description() -> None:
    assert no_description("Chest CT", "Chest CT", "Chest CT") is None


def test_min_words_is_the_smallest_number_of_words_that_is_kept() -> None:
    rows: list[Row] = [("CT scan", "CT scan", None), ("CT of chest", "", None)]
    assert decided(rows, Caption(min_words=3)) == ["2 words", None]


DETAILS = {
    *("empty", "URL only", "no letters", "label only", "filler", "file name only", "copy of the label", "LaTeX only"),
    "licence statement only",
}
WORDS = ("Figure", "2", "See text", "CT", "$x$", "www.a.org", "(", "fig1.jpg", "© 2014", "mass", "\n", "a.")


@given(st.text(max_size=2000) | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), st.text(max_size=50))
def test_any_caption_is_kept_or_dropped_with_a_known_detail(text: str, label: str) -> None:
    detail = no_description(text, text, label)
    assert detail is None or detail in DETAILS
    # A caption that describes the image still does so when white space is added around it.
    assert no_description(f"  {text}\n", f"  {text}\n", label) == detail
    if detail is None:
        assert any(character.isalnum() and not character.isdecimal() for character in text)


@pytest.mark.parametrize("piece", ["a.", "a ", "see ", "(c) ", "cc by. ", "$ ", "\\(", "1 mb "])
def test_a_hostile_caption_is_decided_in_bounded_time(piece: str) -> None:
    with cpu_limit():
        no_description(piece * 50_000, piece * 50_000, piece * 100)


def test_a_caption_of_more_than_max_characters_is_dropped() -> None:
    captions = ["CT " * 20_000, "CT " * 700]
    batch = pa.table({"figure_id": ["a", "b"], "caption": captions, "caption_raw": captions, "label": ["", ""]})
    batch = put(put(batch, "drop", pa.nulls(2, pa.string())), "drop_detail", pa.nulls(2, pa.string()))
    out = Caption()(batch)
    assert out["drop_detail"].to_pylist() == ["60000 characters", None]
    with pytest.raises(RecipeError):
        Caption(max_characters=0)


def test_a_caption_of_exactly_max_characters_is_kept() -> None:
    rows: list[Row] = [("CT scan", "CT scan", None), ("CT scan.", "CT scan.", None)]
    assert decided(rows, Caption(max_characters=7)) == [None, "8 characters"]
