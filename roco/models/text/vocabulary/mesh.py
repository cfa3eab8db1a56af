"""Reads the descriptors of MeSH: headings, entry terms, and a semantic type by tree. MeSH itself has no CUIs."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.ids import is_cui
from roco.base.progress import NullProgress, Progress
from roco.models.text import semantic_types
from roco.models.text.vocabulary.mesh_records import Descriptor, of_ascii, of_table
from roco.models.text.vocabulary.mesh_xml import of_xml
from roco.models.text.vocabulary.names import usable
from roco.models.text.vocabulary.records import Read, Term

TYPES = Path(__file__).with_name("mesh_types.csv")
SOURCE, LICENSE = "MeSH", "public domain (NLM)"

_ID = re.compile(r"D[0-9]{6,9}")
_FORMATS = {".xml": of_xml, ".bin": of_ascii, ".asc": of_ascii, ".tsv": of_table}


def read(path: Path, scopes: tuple[str, ...] = ("exact",), progress: Progress | None = None) -> Read:
    """Reads descriptors from desc*.xml or d*.bin of NLM, or from a .tsv of id, name, synonyms and trees.

    scopes: of the entry terms that are taken: exact are those of the preferred concept of a descriptor. A .tsv has
    exact ones only. Permuted terms ("Houses, Slaughter") are left out. Raises DataError with the line.
    """
    (progress or NullProgress()).start(f"reading {path.name}", None)
    left_out = Counter[str]()
    terms = []
    n = 0
    for descriptor in _descriptors(path):
        n += 1
        if not _ID.fullmatch(descriptor.id):
            raise DataError(
                f"{path}: invalid descriptor id {descriptor.id[:40]!r}", "an id is D and six or nine digits"
            )
        term = _term(descriptor, scopes, left_out)
        if term is not None:
            terms.append(term)
    return Read("mesh", {path.name: file_digest(path)}, {"scopes": scopes}, n, left_out, terms)


def _descriptors(path: Path) -> Iterator[Descriptor]:
    plain = path.with_suffix("") if path.suffix.lower() in (".gz", ".zst") else path
    suffix = plain.suffix.lower()
    if suffix not in _FORMATS:
        raise DataError(f"{path} is not a file of MeSH", f"its name must end in {', '.join(_FORMATS)}, or also in .gz")
    return _FORMATS[suffix](path)


def _term(descriptor: Descriptor, scopes: Sequence[str], left_out: Counter[str]) -> Term | None:
    given = [descriptor.name]
    for name, scope in descriptor.entries:
        if scope in scopes:
            given.append(name)
        else:
            left_out[f"{scope} synonym"] += 1
    names = usable(given, left_out)
    straight = _without_permuted(names)
    left_out["permuted synonym"] += len(names) - len(straight)
    if not straight:
        left_out["term without a usable name"] += 1
        return None
    known = semantic_types.load() if descriptor.tuis else {}
    tuis = tuple(sorted(tui for tui in set(descriptor.tuis) if tui in known)) or type_of(descriptor.trees)
    cuis = tuple(filter(is_cui, descriptor.cuis))
    return Term(f"MESH:{descriptor.id}", straight[0], straight[1:], cuis, (), tuis, SOURCE, LICENSE)


def _without_permuted(names: Sequence[str]) -> tuple[str, ...]:
    """Returns names without those that repeat another one in inverted order, such as "Houses, Slaughter"."""
    folded = {name.casefold() for name in names}
    kept = list(names[:1])
    for name in names[1:]:
        parts = name.casefold().split(", ")
        if len(parts) == 1 or " ".join(reversed(parts)) not in folded:
            kept.append(name)
    return tuple(kept)


@cache
def _trees() -> tuple[tuple[str, str], ...]:
    with TYPES.open(encoding="utf-8", newline="") as fh:
        return tuple((row["tree"], row["tui"]) for row in csv.DictReader(fh))


def type_of(trees: Sequence[str]) -> tuple[str, ...]:
    """Returns the semantic type of the first row of the table to whose tree one of the tree numbers belongs."""
    for prefix, tui in _trees():
        if any(tree == prefix or tree.startswith(prefix + ("." if len(prefix) > 1 else "")) for tree in trees):
            return (tui,)
    return ()
