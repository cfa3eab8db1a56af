"""Reads concept vocabularies: UMLS concepts with all names by which captions may refer to them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, NoReturn

from roco.base import labels
from roco.base.errors import DataError, nearest
from roco.base.ids import is_cui
from roco.base.text import escaped

SHIPPED = Path(__file__).parents[1] / "rules" / "terms.csv"
COLUMNS = ("cui", "name", "tui", "kind", "label", "synonyms")
KINDS = (*labels.KINDS, "concept")

# Limits for vocabularies from outside. UMLS has some 15 million names, MeSH has 168,166.
MOST_BYTES = 1_000_000_000
MOST_NAMES = 20_000_000
LONGEST_NAME = 200  # characters
LONGEST_SYNONYMS = 100_000  # characters of all synonyms of one concept

_TUI = re.compile(r"T\d{3}")


class Concept(NamedTuple):
    """One UMLS concept: CUI, preferred name, semantic type, and all names that are searched for in captions."""

    cui: str
    name: str
    tui: str | None
    kind: str  # modality, region, direction or concept
    label: str | None  # from the label set of the kind; None for the kind `concept`
    names: tuple[str, ...]  # preferred name first


@dataclass(frozen=True)
class Vocabulary:
    """Concepts in the order of their file; a name that two concepts share belongs to the first."""

    concepts: tuple[Concept, ...]

    @cached_property
    def by_cui(self) -> Mapping[str, Concept]:
        return {concept.cui: concept for concept in self.concepts}


def load(path: Path | None = None) -> Vocabulary:
    """Reads a vocabulary; None means the one that is shipped with roco.

    The file is a CSV in UTF-8 with the columns cui, name, tui (may be empty), kind (modality, region, direction,
    concept), label (empty for a concept) and synonyms (separated by `|`). A name of up to four capitals (CT, PET) is
    matched case-sensitively, all others in any case. Raises DataError with file and line.
    """
    path = path or SHIPPED
    if not path.is_file():
        raise DataError(
            f"vocabulary {path} does not exist", "check the path, or omit the option to use the shipped vocabulary"
        )
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB", "keep only the rows that you need")
    concepts: dict[str, Concept] = {}
    names = 0
    for line, row in _rows(path):
        concept = _concept(path, line, row)
        if concept.cui in concepts:
            _raise(path, line, f"duplicate CUI {concept.cui}", "merge both rows into one, with all synonyms")
        names += len(concept.names)
        if names > MOST_NAMES:
            _raise(path, line, f"more than {MOST_NAMES:,} names", "keep only the rows that you need")
        concepts[concept.cui] = concept
    if not concepts:
        raise DataError(f"{path} contains no concepts", "add one row for each concept below the header")
    return Vocabulary(tuple(concepts.values()))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as fh:
        reader = csv.reader(fh, strict=True)
        try:
            header = [cell.strip().lower() for cell in next(reader, [])]
            _check_header(path, header)
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    hint = "put double quotes around cells that contain a comma"
                    _raise(path, reader.line_num, f"{len(cells)} cells, but {len(header)} columns", hint)
                yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
        except UnicodeDecodeError as err:
            raise DataError(f"{path} is not UTF-8", "save it as UTF-8") from err
        except csv.Error as err:
            _raise(
                path, reader.line_num, str(err), "correct the quotes in this line, or shorten a cell that is too long"
            )


def _check_header(path: Path, header: list[str]) -> None:
    for column in COLUMNS:
        if column not in header:
            _raise(path, 1, f"missing column '{column}'", f"the first line must be: {','.join(COLUMNS)}")
        if header.count(column) > 1:
            _raise(path, 1, f"duplicate column '{column}'", "remove one of them")


def _concept(path: Path, line: int, row: Mapping[str, str]) -> Concept:
    cui, tui, kind, label = row["cui"], row["tui"], row["kind"], row["label"]
    if not is_cui(cui):
        _raise(path, line, f"invalid CUI {cui[:40]!r}", "a CUI is C and seven digits: C0040405")
    if tui and not _TUI.fullmatch(tui):
        _raise(
            path,
            line,
            f"invalid semantic type {tui[:40]!r}",
            "write T and three digits, such as T060, or leave the cell empty",
        )
    if kind not in KINDS:
        _raise(path, line, f"unknown kind {kind[:40]!r}", nearest(kind[:40], KINDS))
    if kind == "concept" and label:
        _raise(path, line, f"label {label[:40]!r} for the kind 'concept'", "leave the cell empty")
    if kind != "concept" and label not in labels.KINDS[kind]:
        _raise(
            path, line, f"unknown label {label[:40]!r} for the kind '{kind}'", nearest(label[:40], labels.KINDS[kind])
        )
    return Concept(cui, row["name"], tui or None, kind, label or None, _names(path, line, row))


def _names(path: Path, line: int, row: Mapping[str, str]) -> tuple[str, ...]:
    if not row["name"]:
        _raise(path, line, f"{row['cui']} has no name", "add its preferred name in the column 'name'")
    if len(row["synonyms"]) > LONGEST_SYNONYMS:
        _raise(path, line, f"synonyms longer than {LONGEST_SYNONYMS:,} characters in total", "remove the rare ones")
    synonyms = (synonym.strip() for synonym in row["synonyms"].split("|"))
    names = tuple(dict.fromkeys((row["name"], *(synonym for synonym in synonyms if synonym))))
    for name in names:
        if len(name) > LONGEST_NAME:
            hint = f"use at most {LONGEST_NAME} characters, and separate synonyms by '|'"
            _raise(path, line, f"name longer than {LONGEST_NAME} characters: {name[:40]!r}…", hint)
        if escaped(name) != name:
            _raise(path, line, f"control character in the name {name[:40]!r}", "remove it")
        if not any(char.isalnum() for char in name):
            _raise(path, line, f"name without letters or digits: {name!r}", "remove it")
    return names


def _raise(path: Path, line: int, message: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {message}", hint)
