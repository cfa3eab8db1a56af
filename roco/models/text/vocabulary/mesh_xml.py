"""Reads the descriptors of MeSH from NLM's XML (desc*.xml), one at a time and without entities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from roco.base.errors import DataError
from roco.base.packed import open_bytes
from roco.models.text.vocabulary.mesh_records import MOST_BYTES, RELATIONS, Descriptor

ROOT, RECORD = "DescriptorRecordSet", "DescriptorRecord"
DEEPEST = 50
LONGEST_TEXT = 10_000
MOST_ENTRIES = 10_000
_CHUNK = 1 << 18

_ID, _NAME = (RECORD, "DescriptorUI"), (RECORD, "DescriptorName", "String")
_TREE = (RECORD, "TreeNumberList", "TreeNumber")
_CONCEPT = (RECORD, "ConceptList", "Concept")
_CUI = (*_CONCEPT, "ConceptUMLSUI")
_TYPE = (*_CONCEPT, "SemanticTypeList", "SemanticType", "SemanticTypeUI")
_RELATION = (*_CONCEPT, "ConceptRelationList", "ConceptRelation")
_TERM = (*_CONCEPT, "TermList", "Term")
_TEXTS = (_ID, _NAME, _TREE, _CUI, _TYPE, (*_TERM, "String"))
"""Elements whose text is read, below the root."""


def of_xml(path: Path) -> Iterator[Descriptor]:
    """Yields the descriptors of an XML file. Raises DataError with the line for invalid XML, entities and limits."""
    reader = _Reader(path)
    n = 0
    with open_bytes(path, MOST_BYTES) as stream:
        while chunk := stream.read(_CHUNK):
            reader.feed(chunk)
            n += len(reader.finished)
            yield from reader.finished
            reader.finished.clear()
        reader.feed(b"", is_last=True)
    if not n:
        raise DataError(f"{path} contains no descriptors", "give desc*.xml or d*.bin of NLM")


class _Reader:
    """Collects finished descriptors from the events of the parser."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.finished: list[Descriptor] = []
        self.descriptor = Descriptor()
        self.place: list[str] = []
        self.text = ""
        self.is_preferred = self.is_permuted = False
        self.relation = "related"
        self.terms: list[str] = []  # of the current concept
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity

    def feed(self, data: bytes, is_last: bool = False) -> None:
        try:
            self.parser.Parse(data, is_last)
        except expat.ExpatError as err:
            message = f"{self.path}, line {err.lineno}: invalid XML ({expat.ErrorString(err.code)})"
            raise DataError(message, "the file may have been cut short: download it again") from err
        except (LookupError, ValueError) as err:  # an unknown encoding
            raise DataError(f"{self.path} has an unknown encoding", "save it as UTF-8") from err

    def _raise(self, message: str, hint: str) -> NoReturn:
        raise DataError(f"{self.path}, line {self.parser.CurrentLineNumber}: {message}", hint)

    def _entity(self, *declaration: Any) -> None:
        self._raise("the XML declares entities", "NLM's files have none: download it again")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.place and name != ROOT:
            self._raise(f"not descriptors of MeSH: its root is {name[:40]!r}", f"the root of desc*.xml is '{ROOT}'")
        self.place.append(name)
        self.text = ""
        if len(self.place) > DEEPEST:
            self._raise(f"elements nested deeper than {DEEPEST}", "NLM's files are not: download it again")
        below = tuple(self.place[1:])
        if below == (RECORD,):
            self.descriptor = Descriptor()
        elif below == _CONCEPT:
            self.is_preferred = attributes.get("PreferredConceptYN") == "Y"
            self.relation, self.terms = "related", []
        elif below == _RELATION:
            self.relation = RELATIONS.get(attributes.get("RelationName", ""), "related")
        elif below == _TERM:
            self.is_permuted = attributes.get("IsPermutedTermYN") == "Y"

    def _characters(self, text: str) -> None:
        if len(self.text) < LONGEST_TEXT:
            self.text += text[:LONGEST_TEXT]

    def _end(self, name: str) -> None:
        below = tuple(self.place[1:])
        self.place.pop()
        if below in _TEXTS:
            self._add(below, self.text.strip())
        elif below == _CONCEPT:
            scope = "exact" if self.is_preferred else self.relation
            self.descriptor.entries += [(term, scope) for term in self.terms]
        elif below == (RECORD,):
            if not self.descriptor.id or not self.descriptor.name:
                self._raise("descriptor without id or name", "give the descriptors (desc*.xml)")
            self.finished.append(self.descriptor)

    def _add(self, below: tuple[str, ...], text: str) -> None:
        if below == _ID:
            self.descriptor.id = text
        elif below == _NAME:
            self.descriptor.name = text
        elif below == _TREE:
            self.descriptor.trees.append(text)
        elif below == _CUI and self.is_preferred:
            self.descriptor.cuis.append(text)
        elif below == _TYPE and self.is_preferred:
            self.descriptor.tuis.append(text)
        elif below == (*_TERM, "String") and not self.is_permuted:
            self.terms.append(text)
        if len(self.terms) + len(self.descriptor.entries) + len(self.descriptor.trees) > MOST_ENTRIES:
            self._raise(f"descriptor with more than {MOST_ENTRIES:,} terms", "NLM's files have none: download it again")
