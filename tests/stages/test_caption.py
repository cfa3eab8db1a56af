"""Captions that say something."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.stages.caption import Caption, says_nothing


def decided(rows: list[tuple[str | None, str | None]], stage: Caption | None = None) -> list[str | None]:
    blank = pa.nulls(len(rows), pa.string())
    batch = pa.table(
        {
            "figure_id": [str(i) for i in range(len(rows))],
            "caption": pa.array([c for c, _ in rows], pa.string()),
            "caption_raw": pa.array([r for _, r in rows], pa.string()),
            "drop": blank,
            "drop_detail": blank,
        }
    )
    out = (stage or Caption())(batch)
    assert [d is None for d in out["drop"].to_pylist()] == [d is None for d in out["drop_detail"].to_pylist()]
    assert set(out["drop"].to_pylist()) <= {None, "caption"}
    details: list[str | None] = out["drop_detail"].to_pylist()
    return details


def test_captions_that_say_nothing_leave_with_the_reason() -> None:
    rows = [("CT of the chest.", "CT of the chest."), (None, None), (None, "https://doi.org/10.1000/182")]
    assert decided(rows) == [None, "empty", "address only"]


@pytest.mark.parametrize(
    ("caption", "why"),
    [
        ("Figure 1", "label only"),
        ("Fig. 2a.", "label only"),
        ("Figures 2 and 3", "label only"),
        ("Supplementary Figure S1", "label only"),
        ("(A)", "label only"),
        ("IV", "label only"),
        ("xxx", "filler"),
        ("XXXX.", "filler"),
        ("No caption", "filler"),
        ("12.5", "no letters"),
        ("—", "no letters"),
        ("$\\alpha = \\frac{1}{2}$", "LaTeX only"),
        ("\\begin{eq}a\\end{eq}", "LaTeX only"),
        ("CT", None),
        ("MRI", None),
        ("T1", None),
        ("Hydrometra.", None),
        ("Figure 1: CT", None),
        ("A mass of $3$ cm", None),
        ("胸部X線", None),
    ],
)
def test_a_word_that_says_something_is_enough(caption: str, why: str | None) -> None:
    assert says_nothing(caption, caption) == why


def test_a_least_number_of_words_is_an_option() -> None:
    assert decided([("CT scan", "CT scan"), ("CT of chest", "")], Caption(min_words=3)) == ["2 words", None]


@given(st.text(max_size=2000))
def test_any_text_is_decided(text: str) -> None:
    says_nothing(text, text)
