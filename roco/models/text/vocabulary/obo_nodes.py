"""Reads the terms of OBO ontologies from text files (.obo)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from roco.base.errors import DataError
from roco.base.packed import lines
from roco.base.text import escaped

MOST_BYTES = 1_000_000_000
"""Bytes of an ontology, decompressed: UBERON has 15 MB, Mondo 60 MB."""

_SYNONYM = re.compile(r'"((?:[^"\\]|\\.)*)"\s+([A-Z]+)\b\s*([^\s\[]*)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": " ", "W": " ", "t": " "}
_SCOPES = ("EXACT", "RELATED", "BROAD", "NARROW")

_VALUED = ("id", "name", "synonym", "xref", "is_a", "is_obsolete")
"""Tags that are read."""

_OTHER_RELATIONS = (
    *("MONDO:relatedTo", "MONDO:directSiblingOf", "MONDO:mondoIsNarrowerThanSource", "MONDO:mondoIsBroaderThanSource"),
    *(
        "MONDO:obsoleteEquivalent",
        "MONDO:obsoleteEquivalentObsolete",
        "MONDO:includedEntryInOMIM",
        "MONDO:entityListed",
    ),
)
"""Qualifiers by which Mondo marks cross-references to terms that are not equal."""


@dataclass
class Node:
    """A term of an ontology: names, synonyms with their scope, cross-references, and the terms that it is a kind of."""

    id: str = ""
    name: str = ""
    synonyms: list[tuple[str, str]] = field(default_factory=list)
    xrefs: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    is_obsolete: bool = False


def nodes(path: Path) -> Iterator[Node]:
    """Yields the terms of an OBO file. Raises DataError with the line of a term that cannot be read."""
    stanza, node, began = "", Node(), 0
    has_header = False
    for number, line in enumerate(lines(path, MOST_BYTES), 1):
        text = line.strip()
        if not text or text.startswith("!"):
            continue
        if text.startswith("[") and text.endswith("]"):
            yield from _finished(path, stanza, node, began)
            stanza, node, began = text, Node(), number
            continue
        tag, colon, value = text.partition(":")
        has_header = has_header or (tag == "format-version" and not stanza)
        if not has_header:
            raise DataError(f"{path}, line {number}: not an OBO file", "its first line must be 'format-version: …'")
        if not colon:
            message = f"{path}, line {number}: not a line 'tag: value': {text[:40]!r}"
            raise DataError(message, "the file may have been cut short: download it again")
        if not value.strip() and (not line.endswith("\n") or (stanza == "[Term]" and tag in _VALUED)):
            message = f"{path}, line {number}: '{escaped(tag[:40])}:' without a value"
            raise DataError(message, "the file may have been cut short: download it again")
        if stanza == "[Term]":
            _add(path, number, node, tag, value.strip())
    if not has_header:
        raise DataError(f"{path} is not an OBO file", "its first line must be 'format-version: …'")
    yield from _finished(path, stanza, node, began)


def _finished(path: Path, stanza: str, node: Node, began: int) -> Iterator[Node]:
    if stanza != "[Term]":
        return
    if not node.id or ":" not in node.id:
        raise DataError(
            f"{path}, line {began}: term without an id such as HP:0000001", "the file may have been cut short"
        )
    yield node


def _add(path: Path, number: int, node: Node, tag: str, value: str) -> None:
    if tag == "id":
        node.id = _word(value)
    elif tag == "name":
        node.name = _unescaped(value)
    elif tag == "synonym":
        match = _SYNONYM.match(value)
        if match is None or match[2] not in _SCOPES:
            hint = 'a synonym is "text" EXACT [], or RELATED, BROAD or NARROW; the file may have been cut short'
            raise DataError(f"{path}, line {number}: invalid synonym {value[:40]!r}", hint)
        if match[3] != "obsolete_synonym":
            node.synonyms.append((_unescaped(match[1]), match[2]))
    elif tag == "xref":
        qualifiers = _QUOTED.findall(value.partition("{")[2])
        if not any(qualifier[1:-1] in _OTHER_RELATIONS for qualifier in qualifiers):
            node.xrefs.append(_word(value))
    elif tag == "is_a":
        node.parents.append(_word(value))
    elif tag == "is_obsolete":
        node.is_obsolete = _word(value) == "true"


def _word(value: str) -> str:
    """Returns the id at the beginning of a value, without comment and qualifiers."""
    words = value.split(None, 1)
    return _unescaped(words[0]) if words else ""


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)
