"""Compares the names in a credit with the authors of the article."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from roco.models.text.credits.tables import words


class _Author(NamedTuple):
    """surname: its words without particles and suffix; given: the given names, normalised."""

    surname: tuple[str, ...]
    given: tuple[str, ...]
    initials: frozenset[str]


class _Word(NamedTuple):
    """One word of a credit; ends: whether a comma or another border follows it."""

    written: str
    normal: str
    ends: bool


def names_author(credit: str, authors: Sequence[str]) -> bool:
    """Returns whether a credit names one of the authors, by surname or initials.

    authors: `Surname, Given` or `Surname, Given, Jr`, as in the column. Accents, particles ("van der"), suffixes and
    the order of the names make no difference. A surname with another given name or initial is another person.
    """
    written = _words(credit)
    return any(_is_named(author, written) or _has_initials(author, credit) for author in map(_author, authors))


def _author(name: str) -> _Author:
    surname, _, rest = name.partition(",")
    given = [word.normal for word in _words(rest) if word.normal not in _SUFFIXES]
    family = [word.normal for word in _words(surname) if word.normal not in _SUFFIXES]
    while len(family) > 1 and family[0] in _PARTICLES:
        family.pop(0)
    first_letters = "".join(word[0] for word in given)
    # The initials of "García López, Juan" are JG or JGL.
    ends = {"".join(word[0] for word in family[:count]) for count in range(1, len(family) + 1)}
    return _Author(tuple(family), tuple(given), frozenset(first_letters + end for end in ends if first_letters))


def _is_named(author: _Author, written: Sequence[_Word]) -> bool:
    for start, end in _places(author.surname, written):
        if _is_same_person(author, _given_names(written, start, end)):
            return True
    # One of two surnames is enough together with the given name: "Juan García" for "García López, Juan".
    if len(author.surname) > 1 and author.given:
        for part in author.surname:
            for start, end in _places((part,), written):
                names = _given_names(written, start, end)
                if names and _is_same_person(author, names):
                    return True
    return False


def _places(surname: Sequence[str], written: Sequence[_Word]) -> Iterator[tuple[int, int]]:
    """Yields start and end of a surname among words."""
    size = len(surname)
    for start in range(len(written) - size + 1 if size else 0):
        found = written[start : start + size]
        if tuple(word.normal for word in found) != tuple(surname):
            continue
        # "An" and "He" are surnames, "an" and "he" are not.
        if size > 1 or not found[0].written[0].islower():
            yield start, start + size


def _given_names(written: Sequence[_Word], start: int, end: int) -> list[str]:
    """Returns the given names or initials beside a surname: before it ("Eva M. Other"), else after it ("Other EM")."""
    names: list[str] = []
    place = start - 1
    while place >= 0 and written[place].normal in _PARTICLES:
        place -= 1
    while place >= 0 and len(names) < 3 and _may_be_given_name(written[place]):
        names.insert(0, written[place].normal)
        place -= 1
    if names or written[end - 1].ends or end == len(written):
        return names
    after = written[end]
    if len(after.written) <= 3 and after.written.isupper() and after.normal not in _SUFFIXES:
        return [after.normal]
    return []


def _may_be_given_name(word: _Word) -> bool:
    return word.written[0].isupper() and not word.ends and word.normal not in _LEADING


def _is_same_person(author: _Author, names: Sequence[str]) -> bool:
    if not names or not author.given:
        return True
    # One given name in common is enough: middle names are often left out. An initial stands for a name.
    for name in names:
        for given in author.given:
            if name == given or (min(len(name), len(given)) == 1 and name[0] == given[0]):
                return True
    # "EM" are the initials of Eva Maria.
    first_letters = "".join(given[0] for given in author.given)
    return any(len(name) <= 3 and first_letters.startswith(name) for name in names)


def _has_initials(author: _Author, credit: str) -> bool:
    for match in _INITIALS.finditer(credit):
        letters = "".join(letter for letter in match[0].casefold() if letter.isalpha())
        if letters in author.initials:
            return True
    return False


def _words(text: str) -> list[_Word]:
    found = []
    for match in _WORD.finditer(text):
        normal = _normalised(match[0])
        if normal:
            # A full stop ends a name unless it abbreviates: "E. Other", "Jr.".
            after = text[match.end() : match.end() + 1]
            ends = after in _BORDERS or (after == "." and len(match[0]) > 3)
            found.append(_Word(match[0], normal, bool(after) and ends))
    return found


def _normalised(word: str) -> str:
    """Returns a word in lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_BORDERS = ",;:()[]/&"
_INITIALS = re.compile(
    # "E.M.", but not the begin of "E. M. Other"; "by EM"
    r"(?<![\w.])(?:[A-Z]\.[ -]?){1,3}[A-Z](?:\.|$)(?! ?[A-Z][a-z])"
    r"|(?:(?<=by )|(?<=of )|(?<=: ))[A-Z]{2,4}(?=[\s.,;)]|$)"
)
_SUFFIXES = words("jr sr junior senior filho neto sobrinho ii iii iv 2nd 3rd md phd msc bsc dds dmd frcr mbbs")
_PARTICLES = words("al bin da das de del della den der di do dos du el la las le los ten ter van vom von zu")
_LEADING = words(
    """
    dr drs prof professor pr mr mrs ms sir dra doctor doctora doutor doutora md by courtesy copyright photo photos
    photograph photographs photographer photography image images picture pictures figure figures illustration
    illustrations drawing drawings artwork credit credits source sources fonte fuente quelle foto fotos the and of from
    artist illustrator
    """
)
"""Words with a capital letter that stand before a name and are no part of it."""
