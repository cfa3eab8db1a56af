"""How words cite figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.jats.citations import cited_in, number_of, worded_numbers
from roco.sources.jats.figures import figures_of
from roco.sources.jats.tree import read_xml


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("As in Fig. 2B.", ["2"]),
        ("FIGURES 1, 3a and 5", ["1", "3", "5"]),
        ("figs 2-4", ["2", "(3)", "4"]),
        ("Figures S1 to S3", ["S1", "(S2)", "S3"]),
        ("Fig. 3a–c and d", ["3"]),
        ("Abb. 7", ["7"]),
        ("see figure 1 o nódulo", ["1"]),
        ("Fig. 8, 1st column", ["8"]),
        ("Fig. 2 of [7]", []),
        ("configuration 4, Afig 2, prefig 3", []),
        ("Figure 1—figure supplement 2", []),
        ("Fig. 12345", []),
        ("Figs 1–900", ["1", "900"]),
    ],
)
def test_cited_numbers_include_those_within_a_range(text: str, numbers: list[str]) -> None:
    found = [f"({c.number})" if c.between else c.number for _, cited in cited_in(text) for c in cited]
    assert sorted(found) == sorted(numbers)


@pytest.mark.parametrize(
    ("label", "number"),
    [("Figure 3.", "3"), ("FIG. S2 |", "S2"), ("Figura 1", "1"), ("Figure 1—figure supplement 1", None), ("", None)],
)
def test_a_label_with_further_words_has_no_number(label: str, number: str | None) -> None:
    assert number_of(label) == number


@pytest.mark.parametrize(
    ("xml", "numbers"),
    [
        ("<p>see Fig. 2 and fig. <b>3</b></p>", {"2", "3"}),
        ("<p><xref>Fig. 2</xref>, <xref><bold>Fig.</bold> 3</xref></p><label>Figure 4</label>", set()),
        ("<p>Fig.&#160;S5, FIGURE 6, Abb. 7</p>", {"S5", "6", "7"}),
    ],
)
def test_numbers_in_links_and_labels_are_not_citations_in_plain_words(xml: str, numbers: set[str]) -> None:
    assert worded_numbers(xml.encode()) == numbers
    assert worded_numbers(xml.encode("utf-16")) is None


@pytest.mark.shared
def test_the_fast_search_misses_no_citation_in_plain_words(shared: Path) -> None:
    for path in sorted((shared / "data" / "articles").rglob("*.*ml"))[::3]:
        if path.is_file():
            xml = path.read_bytes()
            tree = read_xml(xml)[0]
            assert list(figures_of(tree, worded_numbers(xml))) == list(figures_of(tree)), path.name


@given(st.text(alphabet="FigsABab. 0123456789-–,and()S\u00a0to", max_size=40))
def test_any_text_gives_offsets_within_it(text: str) -> None:
    for said, cited in cited_in(text):
        assert said in text
        assert all(0 <= c.start < c.end <= len(text) for c in cited)
