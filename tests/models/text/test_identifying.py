"""Which text in an image may identify a person."""

from __future__ import annotations

import pytest

from roco.models.text.identifying import KINDS, kinds


@pytest.mark.parametrize(
    ("line", "found"),
    [
        *((text, "date") for text in ("5/25/2011", "24-MAY-02", "2019-03-12", "12.03.2019", "20190312", "12 Mar 2019")),
        *((text, "date") for text in ("12MAR2019", "March 12, 2019", "05/25/11 14:02")),
        *((text, "age") for text in ("Age: 45", "045Y", "45 y M", "M / 45Y", "63-year-old")),
        *((text, "birth") for text in ("DOB 01/1950", "D.O.B.", "Date of birth")),
        *((text, "id") for text in ("MRN 00123", "Patient ID: X12", "ID: A4711", "Acc No 991", "12345678")),
        *((text, "name") for text in ("Name: X", "Patient Name", "DOE^JANE", "Dr. Miller", "PATIENT: X")),
        *(
            (text, "place")
            for text in ("BAPTIST MED CTR", "St. Mary Hospital", "*WESTWAY MEDICAL*", "Hospital de Sant Pau")
        ),
    ],
)
def test_text_that_may_identify_a_person_is_recognised(line: str, found: str) -> None:
    assert found in kinds(["CT", line])


@pytest.mark.parametrize(
    "line",
    [
        *("AP SUPINE PORTABLE", "120 kV 250 mA", "TIS<0.4 MI=0.8 AO=100%", "3/3/4", "Gn 60", "11:24:20", "1.5 T"),
        *(
            "Jan 2000",
            "2004 2008",
            "5 years",
            "Age 40-50",
            "1000000",
            "0.123456789",
            "Sum of 12,000,000",
            "version 1.2.34",
        ),
        *("medical imaging", "name", "Hospital mortality", "64.5 ms", "W 2029 L 2827", "IM#2", "born preterm", "Drug"),
    ],
)
def test_text_of_scanners_and_charts_identifies_nobody(line: str) -> None:
    assert kinds([line]) == []


def test_kinds_are_given_once_in_a_fixed_order() -> None:
    assert kinds(["Name: X", "1/2/2019", "MRN 4711", "3/2/2019"]) == ["date", "id", "name"]
    assert set(kinds(["Name: X", "1/2/2019"])) <= set(KINDS)
