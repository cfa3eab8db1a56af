"""The table of a vocabulary: UMLS concepts with all names by which captions may refer to them, as a CSV file."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple, NoReturn, cast

from roco.base.errors import DataError
from roco.base.files import whole
from roco.base.ids import is_cui
from roco.base.named_columns import named_columns
from roco.base.packed import lines
from roco.base.text import escaped
from roco.models.text import semantic_types
from roco.models.text.vocabulary import card_digest

SHIPPED = Path(__file__).parents[2] / "weights" / "vocabulary.csv"
COLUMNS = ("cui", "name", "synonyms", "tui", "source", "license")
OTHER_HEADERS = {
    "synonym": "synonyms", "tuis": "tui", "semantic_type": "tui", "semantic_types": "tui", "licence": "license",
    "sources": "source", "licenses": "license", "licences": "license",
}  # fmt: skip
"""Header that is accepted as well -> column."""

SEPARATOR = "|"
"""Stands between synonyms, semantic types, sources and licenses."""

# Limits for vocabularies from outside. UMLS has some 15 million names, MeSH has 168,166.
MOST_BYTES = 2_000_000_000
MOST_NAMES = 20_000_000
LONGEST_NAME = 200  # characters
LONGEST_CELL = 100_000  # characters, as of all synonyms of one concept

_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_PLAIN_NAME = r"[A-Za-z0-9](?:[ -{}~]{0,198}[!-{}~])?"
_PLAIN_NAMES = re.compile(rf"{_PLAIN_NAME}(?:\|{_PLAIN_NAME})*")
"""Matches cells without anything to correct in them, such as most are: one check for all names of a concept."""


class Concept(NamedTuple):
    """One UMLS concept: CUI, preferred name, synonyms, semantic types (TUIs), sources and their licenses."""

    cui: str
    name: str
    synonyms: tuple[str, ...] = ()
    tuis: tuple[str, ...] = ()
    source: str = ""
    license: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred name, then the synonyms."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class Vocabulary:
    """Concepts in the order of their file; several may share a name."""

    concepts: tuple[Concept, ...]

    @cached_property
    def by_cui(self) -> Mapping[str, Concept]:
        return {concept.cui: concept for concept in self.concepts}


def load(path: Path | None = None) -> Vocabulary:
    """Reads a vocabulary; None means the one that is shipped with roco.

    The file is a CSV in UTF-8, also compressed (.csv.gz), with the columns cui, name, synonyms, tui, source and
    license, of which all but the first two may be empty. Several synonyms, semantic types, sources and licenses are
    separated by `|`. A card beside it must describe this file. Raises DataError with file and line.
    """
    path = path or SHIPPED
    if not path.exists():
        raise DataError(
            f"vocabulary {path} does not exist", "check the path, or omit the option to use the shipped vocabulary"
        )
    card_digest.check(path)
    concepts: dict[str, Concept] = {}
    types = _SemanticTypes(path)
    names = 0
    for line, cells in named_columns(path, lines(path, MOST_BYTES), COLUMNS, other_names=OTHER_HEADERS):
        concept = _concept(path, line, cells, types)
        if concept.cui in concepts:
            _raise(path, line, f"duplicate CUI {concept.cui}", "merge both rows into one, with all synonyms")
        names += 1 + len(concept.synonyms)
        if names > MOST_NAMES:
            _raise(path, line, f"more than {MOST_NAMES:,} names", "keep only the rows that you need")
        concepts[concept.cui] = concept
    if not concepts:
        raise DataError(f"{path} contains no concepts", "add one row for each concept below the header")
    return Vocabulary(tuple(concepts.values()))


def save(vocabulary: Vocabulary, path: Path) -> None:
    """Writes a vocabulary as a CSV file, compressed if the name ends in .gz; equal bytes for equal vocabularies.

    Raises DataError for a name, source or license that `load` would refuse or change.
    """
    write(vocabulary.concepts, path)


def write(concepts: Iterable[Concept], path: Path) -> None:
    """Writes concepts as `save` does, one by one."""
    with whole(path) as part, contextlib.ExitStack() as stack:
        raw: IO[bytes] = stack.enter_context(part.open("wb"))
        if path.suffix == ".gz":
            # Without a file name and a time, so that equal vocabularies are equal files.
            raw = stack.enter_context(cast(IO[bytes], gzip.GzipFile("", "wb", 6, raw, mtime=0)))
        text = stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", newline=""))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, concepts))


def _cells(concept: Concept) -> tuple[str, ...]:
    synonyms = SEPARATOR.join(concept.synonyms)
    names = SEPARATOR.join(concept.names)
    if names.count(SEPARATOR) != len(concept.synonyms) or not _PLAIN_NAMES.fullmatch(names):
        for name in concept.names:
            complaint = "contains '|'" if SEPARATOR in name else complaint_about(name)
            if complaint:
                raise DataError(f"{concept.cui}: name '{escaped(name[:40])}' {complaint}", "correct or remove the name")
    for column, value in (("source", concept.source), ("license", concept.license)):
        complaint = complaint_about_credit(value)
        if complaint:
            raise DataError(f"{concept.cui}: {column} '{escaped(value[:40])}' {complaint}", "correct or remove it")
    tuis = SEPARATOR.join(concept.tuis)
    return concept.cui, concept.name, synonyms, tuis, concept.source, concept.license


def complaint_about(name: str) -> str:
    """Returns why a vocabulary cannot contain a name, to follow the name in a sentence; empty if it can."""
    if len(name) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} characters"
    if _has_controls(name):
        return "contains a control character"
    return "" if _LETTER_OR_DIGIT.search(name) else "has no letters or digits"


def complaint_about_credit(text: str) -> str:
    """Returns why a vocabulary cannot contain a source or license, to follow it in a sentence; empty if it can."""
    if text != text.strip():
        return "begins or ends with a space"
    return "contains a control character" if _has_controls(text) else ""


def _concept(path: Path, line: int, cells: Sequence[str], types: _SemanticTypes) -> Concept:
    cui, name, synonyms, tui, source, license = map(str.strip, cells)
    if not is_cui(cui):
        _raise(path, line, f"invalid CUI {cui[:40]!r}", "a CUI is C and seven digits: C0040405")
    if not name:
        _raise(path, line, f"{cui} has no name", "add its preferred name in the column 'name'")
    if len(synonyms) > LONGEST_CELL:
        _raise(path, line, f"synonyms longer than {LONGEST_CELL:,} characters in total", "remove the rare ones")
    if _has_controls(source) or _has_controls(license):
        _raise(path, line, "control character in the source or license", "remove it")
    if SEPARATOR in name:
        hint = "write further names in the column 'synonyms'"
        _raise(path, line, f"'|' in the preferred name '{escaped(name[:40])}'", hint)
    names = _names(path, line, f"{name}{SEPARATOR}{synonyms}" if synonyms else name)
    return Concept(cui, names[0], names[1:], types.of(tui, line), source, license)


def _names(path: Path, line: int, cell: str) -> tuple[str, ...]:
    """Returns the names in a cell, each once; raises DataError for one that a vocabulary cannot contain."""
    names = cell.split(SEPARATOR)
    if not _PLAIN_NAMES.fullmatch(cell):
        names = [name for name in map(str.strip, names) if name]
        for name in names:
            complaint = complaint_about(name)
            if complaint:
                hint = f"correct or remove it; a name has at most {LONGEST_NAME} characters, '|' separates synonyms"
                _raise(path, line, f"name '{escaped(name[:40])}' {complaint}", hint)
    return tuple(dict.fromkeys(names))


class _SemanticTypes:
    """Reads cells of semantic types, each different cell once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, tuple[str, ...]] = {"": ()}

    def of(self, cell: str, line: int) -> tuple[str, ...]:
        """Returns the TUIs that a cell lists, by TUI or by name; raises DataError for an unknown one."""
        tuis = self.known.get(cell)
        if tuis is None:
            names = [name for name in map(str.strip, cell[:LONGEST_CELL].split(SEPARATOR)) if name]
            where = f"{self.path}, line {line}"
            tuis = tuple(dict.fromkeys(tui for name in names for tui in semantic_types.tuis([name], where)))
            self.known[cell] = tuis
        return tuis


def _has_controls(text: str) -> bool:
    return not (text.isascii() and text.isprintable()) and escaped(text) != text


def _raise(path: Path, line: int, message: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {message}", hint)
