"""Recognises kinds of text that may identify a person: dates, ages, dates of birth, numbers, names, institutions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from roco.base.patterns import later

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|juin|okt|dez|ene|abr|ago|dic)[a-zé]{0,6}"
_YEAR = r"(?:19|20)\d\d"
_DAY, _MONTH_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"

_DATE = (
    rf"(?<![\d./-])(?:{_DAY}([/-]){_MONTH_NUMBER}\1|{_MONTH_NUMBER}([/-]){_DAY}\2)(?:{_YEAR}|\d\d)(?!\d)",
    rf"(?<![\d.])(?:{_DAY}\.{_MONTH_NUMBER}\.{_YEAR}|\d\d\.(?:0[1-9]|1[0-2])\.\d\d)(?![\d.])",
    rf"(?<!\d){_YEAR}([./-]){_MONTH_NUMBER}\1{_DAY}(?!\d)",
    rf"(?<!\d){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
    rf"(?<!\d){_DAY}[ .-]{{0,2}}{_MONTH}[ .,-]{{0,2}}(?:{_YEAR}|\d\d)(?!\d)",
    rf"\b{_MONTH}[ .-]{{0,2}}{_DAY}[ ,.]{{1,2}}{_YEAR}(?!\d)",
)
_AGE = (
    r"\bage\W{0,3}\d{1,3}\b(?!\s*(?:[-–]|to)\s*\d)",
    r"\b0\d\dy\b",
    r"\b\d{1,3}[\s-]?(?:y|yrs?|yo|y/o|years?)[ ,/-]{0,2}(?:old|m|f|male|female)\b",
    r"\b[mf]\s?[/,]\s?\d{2,3}\s?(?:y|yrs?|yo)\b",
)
_BIRTH = (r"\bd\.?o\.?b\b\.?", r"\b(?:date of birth|birth ?date|birthday)\b", r"\b(?:born|geb\.?|né[e]? le)\W{0,2}\d")
# Single patterns of several words are joined first, so that each item of the tuples below is one pattern.
_NUMBERED = (
    r"mrn|p(?:a)?t(?:ient)?\W{0,2}(?:id|no|nr)|acc(?:ession)?\W{0,2}(?:no|nr|num(?:ber)?)|pid"
    r"|(?:case|exam|study|hospital|hosp|chart)\W{0,2}(?:no|nr|id|number)"
)
_HOUSE = r"hosp(?:ital)?|med(?:ical)?\W{0,2}c(?:en)?te?r|clinic|infirmary|klinikum|imaging\W{0,2}cent(?:er|re)|medical"

_ID = (
    rf"\b(?:{_NUMBERED})\b\W{{0,3}}[a-z]{{0,4}}\W?\d{{2,}}",
    r"\b(?:mrn|patient\W{0,2}id|accession)\b",
    r"\bid\W{1,3}[a-z]{0,3}\d{3,}",
    r"(?<![\w.,/-])(?!\d*000$)\d{7,12}(?![\w.,/])",
    r"(?<!\d)\d\d-\d\d-\d\d-\d{4,}",
)
_NAME = (
    r"\b(?:(?:patient|pat|pt|last|first|family|sur)\W{0,2})?name\s?:",
    r"\b(?:patient(?:'s)? name|patient\s?:)",
    r"\b[a-z]{2,}\^[a-z]",
    r"\b(?:mrs?|ms|dr|prof)\.?\s[a-z]{3,}",
)
_PLACE = (
    rf"\b[^\W\d_]{{3,}}\W{{1,3}}(?:{_HOUSE})\b\W*$",
    r"\b(?:hôpital|hospital|klinikum|ospedale|clínica|clinique)\b\W{0,2}(?:of|de|da|di|san|st|santa)\b",
)

KINDS: dict[str, tuple[str, ...]] = {
    "date": _DATE,
    "age": _AGE,
    "birth": _BIRTH,
    "id": _ID,
    "name": _NAME,
    "place": _PLACE,
}
"""Kind -> the regular expressions of which one matches a line of such text; they ignore case."""

_COMPILED = {kind: [later(one, re.I) for one in patterns] for kind, patterns in KINDS.items()}


def kinds(lines: Iterable[str]) -> list[str]:
    """Returns the kinds of identifying text in the lines of an image, in the order of `KINDS`; never the text."""
    texts = list(lines)
    return [kind for kind, patterns in _COMPILED.items() if any(one.search(text) for one in patterns for text in texts)]
