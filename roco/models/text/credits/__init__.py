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
from roco.models.text.credits.bare_names import is_bare_name
from roco.models.text.credits.contexts import (
    has_tool_as_subject,
    is_any_object,
    is_figure_of_this_article,
    is_gift_of_material,
    is_licence_of_tool,
    is_of_patients,
    is_panel_letter,
)
from roco.models.text.credits.kinds import KINDS, Kind
from roco.models.text.credits.own_work import FROM_PATIENT, OWN, OWN_MATERIAL
from roco.models.text.credits.things import names_thing


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


def credit_by_name(line: str, authors: Sequence[str]) -> Credit | None:
    """Returns the credit of a credit line that is only the name of somebody else."""
    if not is_bare_name(line) or OWN.search(line) or names_author(line, authors):
        return None
    return Credit("credit", " ".join(line.split()))


def _is_no_credit(kind: str, text: str, match: re.Match[str], words: str, authors: Sequence[str]) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    credited_to = _object(after)
    if kind == "permission":
        if "licen" in match[0].lower() and is_licence_of_tool(before):
            return True
        return is_of_patients(before, match[0], credited_to or words)
    if kind == "copied":
        # A reprint from the authors' earlier work counts: its publisher holds the rights.
        if OWN_MATERIAL.match(credited_to) or FROM_PATIENT.match(credited_to) or is_figure_of_this_article(after):
            return True
        if _PRINTED.match(match[0]):
            return False  # only works are printed
        return names_thing(credited_to) or is_any_object(credited_to) or has_tool_as_subject(before)
    if kind == "copyright" and is_panel_letter(text, match):
        return True
    if kind in ("courtesy", "credit", "source") and names_thing(credited_to):
        return True
    if kind == "credit" and _KINDLY.match(match[0]) and is_gift_of_material(before):
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


def _object(after: str) -> str:
    """Returns who or what is credited: the words up to a comma or the end of the clause, with a citation after them."""
    phrase = _PHRASE.match(after)
    return phrase[0].strip() if phrase else ""


_LONGEST = 20_000
"""Characters of a text that are searched; captions are a hundred times shorter."""
_STOP = re.compile(r"[;)\n]|(?<=\w\w\w)(?<!Prof)(?<![Rr]efs)(?<!\b[Rr]ef)\.(?=\s|$)")
_PHRASE = re.compile(r"[^.,;:()\[\]\n]{0,90}(?:\.\d[^.,;:()\[\]\n]{0,60})?(?:\s*[\[(]\s*\d[\d\s,–-]{0,12}[\])])?")
_KINDLY = re.compile(r"(?:kind|generous|gracious)ly\b", re.I)
_PRINTED = re.compile(r"re-?p(?:rinted|ublished)", re.I)
