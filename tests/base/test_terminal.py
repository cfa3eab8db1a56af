from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.terminal import excerpt, printable, printable_json, quoted


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[31mred\n", r"\x1b[31mred\n"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("Müller 東京", "Müller 東京"),
    ],
)
def test_only_unprintable_characters_are_escaped(text: str, escaped: str) -> None:
    assert printable(text) == escaped


def test_characters_to_keep_are_not_escaped() -> None:
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"


def test_an_excerpt_is_cut_with_an_ellipsis_and_escaped() -> None:
    assert excerpt("x" * 120) == "x" * 120
    assert excerpt("x" * 121) == "x" * 119 + "…"
    assert quoted("a\x07") == r"'a\x07'"


@given(st.text(st.characters(codec=None)))
def test_json_with_escapes_has_the_same_value_and_is_printable(text: str) -> None:
    written = printable_json(json.dumps([text], ensure_ascii=False))
    assert written.isprintable()
    assert json.loads(written) == json.loads(json.dumps([text]))
