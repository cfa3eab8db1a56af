from __future__ import annotations

import re

import pytest

from roco.base.ids import CUI, PMCID, clean_doi, clean_orcid, clean_pmcid, clean_pmid, is_cui


@pytest.mark.parametrize(
    ("text", "pmcid", "version"),
    [
        ("PMC123", "PMC123", None),
        ("pmc0123.2", "PMC123", 2),
        (" 123 ", "PMC123", None),
        ("PMC123.0", "PMC123", 0),
        ("PMC123456789012345", "PMC123456789012345", None),
    ],
)
def test_a_pmcid_is_normalised(text: str, pmcid: str, version: int | None) -> None:
    assert clean_pmcid(text) == (pmcid, version)
    assert re.fullmatch(PMCID, pmcid)


@pytest.mark.parametrize(
    "text", [None, "", "PMC", "PMC0", "000", "PMC12a", "PMC1.2.3", "PMC1234567890123456", "PMC\u0661"]
)
def test_text_that_is_not_a_pmcid_is_none(text: str | None) -> None:
    assert clean_pmcid(text) == (None, None)


@pytest.mark.parametrize(
    "text", ["10.1/X", "doi:10.1234/Ab.C", "https://doi.org/10.1234/AB.c", "info:doi/10.1234/aB.c"]
)
def test_a_doi_has_no_prefix_and_is_lower_case(text: str) -> None:
    assert clean_doi(text) == (None if text == "10.1/X" else "10.1234/ab.c")


@pytest.mark.parametrize(
    ("text", "pmid"),
    [
        ("PMID: 0012", "12"),
        ("9999999999", "9999999999"),
        ("10000000000", None),
        ("0", None),
        ("12a", None),
        ("\u0661", None),
        ("9" * 5000, None),
    ],
)
def test_a_pmid_has_up_to_ten_digits(text: str, pmid: str | None) -> None:
    assert clean_pmid(text) == pmid


def test_a_cui_is_a_capital_c_and_seven_digits() -> None:
    assert is_cui("C0040405") and re.fullmatch(CUI, "C0040405")
    for text in ("c0040405", "C004040", "C00404055", " C0040405", "C0040405\n", "C004040\u0661"):
        assert not is_cui(text)


@pytest.mark.parametrize(
    ("text", "orcid"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("https://orcid.org/0000-0002-1694-233X", "0000-0002-1694-233X"),
        ("http://www.orcid.org/0000-0002-1694-233x/", "0000-0002-1694-233X"),
        ("0000-0002-1825-0079", None),
        ("0000000218250097", None),
        ("\u0660000-0002-1825-0097", None),
    ],
)
def test_an_orcid_needs_its_form_and_its_check_digit(text: str, orcid: str | None) -> None:
    assert clean_orcid(text) == orcid
