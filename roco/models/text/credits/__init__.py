"""Finds the words with which a caption or a credit line credits others than the authors.

`stages/rights.py` calls `first_credit` for the candidates of each kind of credit. A pattern finds words of credit; then
`_is_no_credit` looks at what they are about: a scanner that "provides" images, a needle "adapted from" another one, a
vessel as "source", the authors' own work and names, permissions of patients, and the letters of panels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from roco.models.text.credits.author_names import names_author
from roco.models.text.credits.holders import PUBLISHERS
from roco.models.text.credits.kinds import KINDS, Kind
from roco.models.text.credits.own_work import (
    FROM_PATIENT,
    OWN,
    OWN_MATERIAL,
    PATIENTS,
    PATIENTS_BEFORE,
    PATIENTS_OR_AUTHORITIES,
)
from roco.models.text.credits.parts import IMAGE
from roco.models.text.credits.things import MEASUREMENT, SOFTWARE, TOOL, names_thing


class Credit(NamedTuple):
    """A credit to others: its kind, and its clause as quoted."""

    kind: str
    words: str


def credited(text: str, authors: Sequence[str] = ()) -> Credit | None:
    """Returns the first credit to others in a text, None if there is none.

    authors: `Surname, Given` as in the column. A picture by one of them, or their own copyright notice, is not a credit
    to others; a reprint from their earlier work is, because its publisher holds the rights.
    """
    for kind in KINDS:
        credit = first_credit(kind, text, authors)
        if credit:
            return credit
    return None


def first_credit(kind: Kind, text: str, authors: Sequence[str]) -> Credit | None:
    """Returns the first credit of one kind to others."""
    text = text[:_LONGEST]
    for match in kind.pattern.finditer(text):
        words = _clause(text, match)
        if words and not _is_no_credit(kind.name, text, match, words, authors):
            return Credit(kind.name, words)
    return None


def _is_no_credit(kind: str, text: str, match: re.Match[str], words: str, authors: Sequence[str]) -> bool:
    object_ = _object(text, match)
    if kind == "permission":
        if "licen" in match[0].lower() and _has_tool_as_subject(text[: match.start()]):
            return True
        return _is_of_patients(text, match, object_ or words)
    if kind == "copied":
        # A reprint from the authors' earlier work counts: its publisher holds the rights.
        if OWN_MATERIAL.match(object_) or FROM_PATIENT.match(object_) or _THIS_FIGURE.match(text, match.end()):
            return True
        is_printed = _PRINTED.match(match[0])
        return not is_printed and (names_thing(object_) or _has_tool_as_subject(text[: match.start()]))
    if kind == "copyright" and _is_panel_letter(text, match):
        return True
    if kind in ("courtesy", "credit", "source") and names_thing(object_):
        return True
    return bool(OWN.search(words)) or names_author(words, authors)


# --- the words of a credit


def _clause(text: str, match: re.Match[str]) -> str:
    """Returns the credit and the rest of its clause, at most 120 characters more."""
    rest = text[match.end() : match.end() + 120]
    stop = _STOP.search(rest)
    if stop:
        rest = rest[: stop.start()]
    words = " ".join((match[0] + rest).strip(" .,:;[").split())
    if words.count("(") > words.count(")"):
        # The clause starts with the bracket, or ends before the bracket is closed.
        return words[1:].lstrip() if words.startswith("(") else f"{words})"
    return words


def _object(text: str, match: re.Match[str]) -> str:
    """Returns what follows the words of credit, up to a comma or the end of the clause, with a citation after it."""
    phrase = _PHRASE.match(text, match.end())
    return phrase[0].strip() if phrase else ""


# --- what is no credit


def _is_of_patients(text: str, match: re.Match[str], granted_by: str) -> bool:
    """Returns whether a permission is one of patients or an ethics committee: it concerns privacy, not the image."""
    before = text[max(0, match.start() - 25) : match.end()]
    # "from Acme, and consent was obtained", "from Acme and with consent": only the first is who gave the permission.
    holder = re.split(r"\s+and\s+", granted_by)[0]
    return bool(PATIENTS_OR_AUTHORITIES.search(holder) or PATIENTS_BEFORE.search(before) or PATIENTS.search(match[0]))


def _has_tool_as_subject(before: str) -> bool:
    """Returns whether the words before a verb of copying name a tool, a method or measurements instead of a picture.

    "The needle was", "with a technique", "Values". "Technique adapted from [3]" and "The figure of the needle was" are
    about pictures.
    """
    sentence = _SENTENCES.split(before[-160:])[-1]
    subject = _TOOL_SUBJECT.search(sentence)
    if not subject:
        return False
    return bool(subject["means"]) or not _PICTURE.search(sentence)


def _is_panel_letter(text: str, match: re.Match[str]) -> bool:
    """Returns whether "(C) 2015" is the third panel instead of a copyright notice."""
    if not match[0].lower().startswith("(c)"):
        return False
    if _UNIT.match(text, match.end()):
        return True
    # A publisher or a name up to the end of the sentence makes it a notice: "(A) CT. (C) 2015 Example Press."
    return bool(_OTHER_PANEL.search(text)) and not _NOTICE.match(text, match.end())


_LONGEST = 20_000
"""Characters of a text that are searched; captions are a hundred times shorter."""
_STOP = re.compile(r"[;)\n]|(?<=\w\w\w)(?<!Prof)(?<![Rr]efs)(?<!\b[Rr]ef)\.(?=\s|$)")
_PHRASE = re.compile(r"[^.,;:()\[\]\n]{0,90}(?:\.\d[^.,;:()\[\]\n]{0,60})?(?:\s*[\[(]\s*\d[\d\s,–-]{0,12}[\])])?")
_SENTENCES = re.compile(r"[.:;()\[\]]\s|[(\[]")
_THIS_FIGURE = re.compile(
    r"(?:the\s+)?(?:fig(?:ure)?s?\.?|panels?|tables?)\s*S?\d+[a-z]?\b(?!\s*(?:of|in|from|by)\b)(?!\s*[\[(])", re.I
)
"""A figure of the same article: "Modified from Figure 2."."""
_PRINTED = re.compile(r"re-?p(?:rinted|ublished)", re.I)
_PICTURE = re.compile(rf"\b{IMAGE}(?!\w)|\b(?:schem\w+|sketch\w*|graphs?|charts?|tables?|plots?)\b", re.I)
_BE = r"(?:is|are|was|were|(?:has|have|had)\s+been)(?:\s+\w+ly)?"
_TOOL_SUBJECT = re.compile(
    rf"(?P<means>\b(?:with|using|by|via)\s+(?:[\w-]+\s+){{0,4}}?{TOOL}\s+$)"
    rf"|\b(?:an?|the|this|our|their|of|in)\s+(?:[\w-]+\s+){{0,4}}?{TOOL}\s+$"
    rf"|\b(?:{TOOL}\s+(?:[\w-]+\s+){{0,6}}?|{MEASUREMENT}\s+){_BE}\s+$|\b{MEASUREMENT}\s+$"
    rf"|{SOFTWARE}[,\s]+$",
    re.I,
)
_NOTICE = re.compile(
    rf"[\s,]*(?:by\s+)?(?:{PUBLISHERS}|(?!(?:\w+\s+)?(?:CT|MRI?|US|PET)\b)(?-i:[A-Z][\w.&'-]*)"
    rf"(?:\s+(?-i:[A-Z&][\w.&'-]*)){{0,4}}\s*(?:[.;)]\s*|$)|(?:the\s+)?authors?\b|all\s+rights)",
    re.I,
)
_UNIT = re.compile(r"\s*(?:[ckm]?[gmlsV]\b|ms\b|mg|ml|Hz|kHz|Gy|HU\b|×|x\b|%|K\b)")
_OTHER_PANEL = re.compile(
    # (A), (A, B), (A–B), (A: left), (II), panel B, A), "A, axial; B, coronal"
    r"[(\[]\s*[abd-qs-zABD-QS-Z](?:\s*[-–,;:&/]|\s+(?:and|to)\b|\s*[)\]])|[(\[][IVX]{1,3}[)\]]"
    r"|\b[Pp]anels?\s+[a-hA-H]\b|(?<![\w(])[abAB]\)|(?:^|[.;]\s)[AB][,:]\s"
)
