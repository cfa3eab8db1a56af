"""Finds addresses in text: URLs, DOIs, e-mail addresses and ORCID iDs, also where a blank or a line break splits them.

`address_removal.py` removes them from captions.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from roco.base.patterns import later

# Domains that end addresses without a scheme; words such as `in`, `it` and `be`, which are domains too, are missing.
_DOMAINS = r"(?:com|org|net|edu|gov|info|io|eu|uk|jp|cn|fr|nl|ch|br|au|kr|de|ca|ru)"
_SHORT_DOMAINS = r"(?:ac|at|be|co|dk|es|fi|gl|in|it|ly|me|no|pl|se|us)"  # only before a path: "bit.ly/x"

_START = later(
    rf"""
    (?P<url>\b(?:https?|s?ftp)\s?:\s?[/\\]\s?[/\\]\s?|\bhttps?//|\b[a-z][a-z0-9]{{1,7}}://|\bwww\s?\.\s?(?=[a-z0-9-]+\s?\.)|\b(?:dx\.)?doi\.org/\s?)
  | (?P<mail>(?:\bmailto:\s?)?(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[a-z]{{2,}})
  | (?P<doi>(?<![\w/.])10\.\d{{4,9}}\s?/\s?(?=[^\s<>]))
  | (?P<orcid>(?<![\w-])\d{{4}}-\d{{4}}-\d{{4}}-\d{{3}}[\dx](?![\w-]))
  | (?P<path>(?<![\w.@/-])(?:[a-z0-9-]+\.)+(?:{_DOMAINS}|(?-i:{_SHORT_DOMAINS}))/[^\s<>"])
  | (?P<domain>(?<![\w.@/-])(?-i:(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io))\b(?![\w-]|\.\w))
    """,
    re.I | re.X,
)
# Nothing else is searched in a text without one of these, which is nearly every caption.
_HINT = re.compile(rf"//|/ /|\\\\|www\s?\.|@|10\.\d{{4}}|\d-\d{{4}}-\d{{3}}|\.{_DOMAINS}\b|\.{_SHORT_DOMAINS}/", re.I)

_BODY = re.compile(r"[^\s<>\"“”„«»，。、；（）]*")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_END_OF_SENTENCE = ".,;:!?'’…"
# "example.org.The": the full stop ends the address if what is before it can be its end.
_GLUED_SENTENCE = re.compile(rf"(?:\.{_DOMAINS}|\.(?:html?|php|pdf|jpe?g|png|aspx?)|/|\d)(\.[A-Z][a-z]*)$")
_DOI_LABEL = re.compile(r"\bdoi\W*$", re.I)

# The parts of an address that a blank or a line break splits.
_ENDS_OPEN = re.compile(r"(?://|www\.|[?=&%#_~+])$", re.I)
_ENDS_IN_PATH = re.compile(r"[/-]$")
_PATH = re.compile(r"(?!(?:e\.g|i\.e)\b)[a-z0-9]\S*?[./_=?%-]\w|[a-z]*\d")
_GOES_ON = re.compile(r"[/~#](?=[a-z0-9])|[?&%]\w")
_HOST = re.compile(r"(?:\w+:/*)?[\w.\s-]+")
_DOMAIN = re.compile(rf"(?:[a-z0-9-]+\.)*{_DOMAINS}(?![\w-])")
_DOI_PART = re.compile(r"(?=\S*\d)\S*[./-]\S|\d")
_REST_IN_BRACKETS = re.compile(
    r"(?:(?<=/)\s[\w%.-]+|\s(?:[\w%.,-]+\s){0,4}[\w%-]+\.(?:html?|php|pdf|aspx?|jpe?g|png|gif|zip))(?=[)\]])", re.I
)
_MOST_PARTS = 8

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY_OR_YEAR = r"\d{1,4}(?:st|nd|rd|th)?"
_DATE_PART = rf"(?:{_MONTH}(?:\.(?=\s?\d))?|{_DAY_OR_YEAR}(?:\.(?=\s?(?:\d|{_MONTH})))?)\b"
ACCESS_NOTE = later(
    rf"""
    [,;.]{{0,2}}\s*([(\[])?\s*
    (?:last\s|date\s)?\s*(?:accessed|retrieved|viewed|visited|cited|checked|consulted|downloaded|access|date\sof\saccess)
    (?:\s(?:on|in|at|date))*\s*:?\s*
    {_DATE_PART}(?:[\s,/-]*{_DATE_PART})*
    (?(1)\s*[)\]])
    """,
    re.I | re.X,
)
_BETWEEN = re.compile(r"[\s,;|/]*(?:(?:and|or|&)\s)?\s*(?:(?:also\s)?(?:at|on|from|via|in)\s)?\s*", re.I)


class Address(NamedTuple):
    """The span of one address, or of several in a row, with the notes of when they were accessed.

    weak: the bare name of a domain, such as `biorender.com`, which may be the name of a thing.
    """

    start: int
    end: int
    weak: bool


def addresses_in(text: str) -> list[Address]:
    """Returns the addresses in a text in order; addresses that follow each other are one."""
    if not _HINT.search(text):
        return []
    found: list[Address] = []
    at = 0
    while start := _START.search(text, at):
        end = _end(text, start)
        at = end if end else start.end()
        if not end:
            continue
        note = ACCESS_NOTE.match(text, end)
        if note:
            at = end = note.end()
        address = Address(start.start(), end, start.lastgroup == "domain")
        if found and _BETWEEN.fullmatch(text, found[-1].end, address.start):
            before = found.pop()
            address = Address(before.start, end, before.weak and address.weak)
        found.append(address)
    return found


def _end(text: str, start: re.Match[str]) -> int | None:
    """Returns the end of the address that begins there; None if it is none."""
    if start.lastgroup in ("mail", "orcid", "domain"):
        return start.end()
    is_doi = start.lastgroup == "doi"
    end = start.end()
    for _ in range(_MOST_PARTS):
        token_end = _BODY.match(text, end).end()  # type: ignore[union-attr] # it matches the empty string too
        end = _end_before_foreign_bracket(text, start.start(), token_end)
        following = _BODY.match(text, end + 1)
        if end < token_end or text[end : end + 1] != " " or not following or not following[0]:
            break
        if not _is_split(text[start.start() : end], following[0], is_doi):
            break
        end += 1
    if text[start.start() - 1 : start.start()] in ("(", "["):
        rest = _REST_IN_BRACKETS.match(text, end)
        if rest:
            return rest.end()
    address = text[start.start() : end]
    glued = _GLUED_SENTENCE.search(address)
    if glued and re.match(r"\s[a-z]", text[end : end + 2]):
        address = address[: glued.start(1)]
    address = address.rstrip(_END_OF_SENTENCE)
    if is_doi and not (re.search("[a-z]", address, re.I) or _DOI_LABEL.search(text[: start.start()])):
        return None
    if start.start() + len(address) < start.end():
        # Nothing follows the scheme: "http://".
        return start.end() if start.lastgroup == "url" else None
    return start.start() + len(address)


def _end_before_foreign_bracket(text: str, start: int, end: int) -> int:
    """Returns the position of the first closing bracket that the address does not open, else its end."""
    open_brackets: list[str] = []
    for at in range(start, end):
        character = text[at]
        if character in "([{":
            open_brackets.append(character)
        elif character in _BRACKETS and (not open_brackets or open_brackets.pop() != _BRACKETS[character]):
            return at
    return end


def _is_split(address: str, following: str, is_doi: bool) -> bool:
    """Returns whether an address goes on after a blank; following: the characters up to the next blank."""
    if following in ("=", "&", "+"):
        return "?" in address
    if _ENDS_OPEN.search(address):
        return following[0].isalnum()
    if _ENDS_IN_PATH.search(address) and _PATH.match(following):
        return True
    if _GOES_ON.match(following):
        return following[0] == "/" or "/" in address.partition("//")[2]
    if _HOST.fullmatch(address):
        # "www.example. org", "www.example .org"
        domain = following if address.endswith(".") else following[1:] if following[0] == "." else ""
        return bool(domain and _DOMAIN.match(domain))
    return is_doi and address.endswith((".", "/", "-")) and bool(_DOI_PART.match(following))
