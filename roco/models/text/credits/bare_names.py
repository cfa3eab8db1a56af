"""Credit lines that are only a name: "Jane Doe", "Doe J, 2019", "Example Museum, London"."""

from __future__ import annotations

import re

from roco.base.patterns import later
from roco.models.text.credits.holders import AGENCIES, HOLDER, PUBLISHERS
from roco.models.text.credits.parts import CAPITAL, FULL_NAME, NAME, PICTURE, TITLE
from roco.models.text.credits.things import names_thing

_BEGIN = rf"(?:{PICTURE}\s*:?\s+)?(?:by\s+)?"
_INITIALS = rf"(?:{CAPITAL}\.?[\s-]?){{1,3}}"
_YEAR = r"[,;]?\s*\(?(?:19|20)\d\d\)?"
_PERSON = (
    rf"(?:{TITLE}\.?\s+(?:{FULL_NAME}|{NAME})|{NAME},?\s+{_INITIALS}|{_INITIALS}\s*{NAME}"
    rf"|{NAME}\s+et\s+al\.?|{FULL_NAME})"
)
_NAMES = later(rf"{_BEGIN}{_PERSON}(?:(?:,|;|\s+(?:and|&))\s+{_PERSON}){{0,5}}(?:{_YEAR})?", re.I)
_AGENCY = later(rf"{_BEGIN}(?:Getty|{AGENCIES}|{PUBLISHERS})(?:{_YEAR})?", re.I)
_HOLDER = later(rf"{_BEGIN}(?:the\s+)?{NAME}(?:\s+{NAME}){{1,4}}(?:,\s+{NAME}){{0,2}}(?:{_YEAR})?", re.I)
# Two words with capitals may also be a note on the picture.
_NO_PERSON = re.compile(
    r"\b(?:normal|control|case|patient|group|panel|figure|view|before|after|left|right|bar|arrows?)\b", re.I
)


def is_bare_name(line: str) -> bool:
    """Returns whether a credit line is nothing but the name of persons, an agency, a publisher or an institution."""
    name = " ".join(line.split()).strip(" .;,[]()")
    if not name or names_thing(name) or _NO_PERSON.search(name):
        return False
    if _NAMES.fullmatch(name) or _AGENCY.fullmatch(name):
        return True
    return bool(_HOLDER.fullmatch(name) and HOLDER.search(name))
