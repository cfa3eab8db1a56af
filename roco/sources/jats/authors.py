"""Reads the authors of an article: names with their suffix, and collaborations.

Called by `article.parse`; meta is the <article-meta> element, None if the article has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.meta import LANG
from roco.sources.jats.text import text_of
from roco.sources.jats.tree import child, children, name_of

# Editors and reviewers are not authors, and the members of a collaboration (collab-list) are named apart from it.
_NOT_AUTHORS = re.compile("editor|collab|reviewer", re.I)
# What may be inside the <collab> of a group author and is not part of its name.
_NOT_NAME_OF_GROUP = ("contrib-group", "xref", "fn", "address", "aff", "email", "ext-link")
# What follows a name: <suffix> also contains degrees ("Jr, MD, PhD"), which are not part of the name.
_GENERATIONS = r"(?:[js]n?r|(?-i:I{2,3}|IV|VI{1,3})|2nd|3rd|4th)"
_SUFFIXES = re.compile(
    rf"(?:{_GENERATIONS}|(?-i:[IV])|j[uú]nior|senior|s[eê]nior|filho|neto|sobrinho|segundo|hijo|nieto|fils|p[eè]re)\.?",
    re.I,
)
# The same within <surname>, "Smith, Jr."; there words such as Filho are left alone, because they may be the surname.
_SURNAME_WITH_SUFFIX = re.compile(rf"(?P<surname>.*[^\s,])(?:\s*,\s*|\s+)(?P<suffix>{_GENERATIONS}\.?)", re.I)


def authors_of(meta: etree._Element | None) -> Iterator[str]:
    """Yields the authors in order, as `Surname, Given` or `Surname, Given, Jr`; other contributors are skipped."""
    for group in children(meta, "contrib-group"):
        if _NOT_AUTHORS.search(group.get("content-type") or ""):
            continue
        for contributor in children(group, "contrib", "collab"):
            role = contributor.get("contrib-type", "author").lower()
            if name_of(contributor) == "contrib" and role not in ("author", "person"):
                continue
            name = _author_name(contributor)
            if name:
                yield name


def _author_name(contributor: etree._Element) -> str:
    """Returns the name of one <contrib> or <collab>: the first element in it that is a name."""
    if name_of(contributor) == "collab":
        return _group_name(contributor)
    for element in contributor:
        if name_of(element) == "name-alternatives":
            element = _western_name(element)
        kind = name_of(element)
        if kind in ("name", "string-name"):
            return _personal_name(element) or fold(text_of(element))
        if kind == "collab":
            return _group_name(element)
        if kind == "collab-alternatives":
            return _group_name(child(element, "collab"))
        if kind == "anonymous":
            return "Anonymous"
    return ""


def _personal_name(name: etree._Element) -> str:
    """Returns a name as `Surname, Given, Suffix` without the parts that it lacks; empty if none is marked up."""
    surname = fold(text_of(child(name, "surname")))
    given = fold(text_of(child(name, "given-names")))
    suffix = _suffix(name)
    written_together = _SURNAME_WITH_SUFFIX.fullmatch(surname)
    if written_together and not suffix:
        surname, suffix = written_together["surname"], written_together["suffix"]
    if not surname and not given:
        return ""
    return ", ".join(part for part in (surname, given, suffix) if part)


def _suffix(name: etree._Element) -> str:
    """Returns the suffix of a name as written, such as "Jr" or "III"; academic degrees are not suffixes."""
    for element in children(name, "suffix"):
        for word in text_of(element).replace(",", " ").split():
            if _SUFFIXES.fullmatch(word):
                return word
    return ""


def _western_name(alternatives: etree._Element) -> etree._Element:
    """Returns the name in Latin letters of several spellings, else the first; the element itself if it has no name."""
    names = children(alternatives, "name", "string-name", "collab")
    for name in names:
        if name.get("name-style") == "western" or (name.get(LANG) or "").startswith("en"):
            return name
    return names[0] if names else alternatives


def _group_name(collab: etree._Element | None) -> str:
    """Returns the name of a collaboration without the list of its members; else the institution."""
    if collab is None:
        return ""
    pieces = [collab.text or ""]
    for part in collab:
        if name_of(part) not in _NOT_NAME_OF_GROUP:
            pieces.append(text_of(part))
        pieces.append(part.tail or "")
    name = fold(" ".join(pieces)).strip(" ,;")
    return name or fold(text_of(child(collab, "institution")))
