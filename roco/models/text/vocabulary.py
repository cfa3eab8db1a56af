"""A concept vocabulary: which names stand for which UMLS concept."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, NoReturn

from roco.base import labels as vocab
from roco.base.errors import DataError, nearest
from roco.base.ids import is_cui

SHIPPED = Path(__file__).parents[1] / "weights" / "vocabulary.csv"
COLUMNS = ("cui", "name", "tui", "kind", "label", "synonyms")
KINDS = (*vocab.KINDS, "concept")

# A vocabulary may come from a stranger. The whole of UMLS has some 15 million names, all MeSH names are 168,166.
MOST_BYTES = 1_000_000_000
MOST_NAMES = 20_000_000
LONGEST_NAME = 200  # characters
LONGEST_FIELD = 100_000  # characters; all synonyms of one concept

_TUI = re.compile(r"T\d{3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Concept(NamedTuple):
    """One UMLS concept with its semantic type, and all names under which it is looked for."""

    cui: str
    name: str
    tui: str | None
    kind: str  # modality, region, direction or concept
    label: str | None  # of the kind's label set; null for a concept
    names: tuple[str, ...]  # preferred name first


@dataclass(frozen=True)
class Vocabulary:
    """Concepts in the order of their file; where two share a name, the first has it."""

    concepts: tuple[Concept, ...]

    @cached_property
    def by_cui(self) -> Mapping[str, Concept]:
        return {concept.cui: concept for concept in self.concepts}


def load(path: Path | None = None) -> Vocabulary:
    """Reads a vocabulary; None is the shipped one.

    A CSV file in UTF-8 with the columns cui, name, tui (may be empty), kind (modality, region, direction, concept),
    label (empty for a concept), synonyms (separated by `|`). A name of up to four capitals (CT, PET) is looked for
    exactly as written, all others in any case. Raises DataError that names file and line.
    """
    path = path or SHIPPED
    if not path.is_file():
        raise DataError(f"there is no vocabulary {path}", "check the path; leave the option out for the shipped one")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB", "keep the rows that you need")
    concepts: dict[str, Concept] = {}
    names = 0
    for line, row in _rows(path):
        concept = _concept(path, line, row)
        if concept.cui in concepts:
            _bad(path, line, f"{concept.cui} stands there twice", "join both rows, with all synonyms in one")
        names += len(concept.names)
        if names > MOST_NAMES:
            _bad(path, line, f"more than {MOST_NAMES:,} names", "keep the rows that you need")
        concepts[concept.cui] = concept
    if not concepts:
        raise DataError(f"{path} holds no concept", "write a row for each concept below the header")
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
                    hint = "put double quotes around a cell that holds a comma"
                    _bad(path, reader.line_num, f"{len(cells)} cells where there are {len(header)} columns", hint)
                yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
        except UnicodeDecodeError as err:
            raise DataError(f"{path} is not UTF-8", "save it as UTF-8") from err
        except csv.Error as err:
            _bad(path, reader.line_num, str(err), "mend the quotes of this line, or split a cell that is too long")


def _check_header(path: Path, header: list[str]) -> None:
    for column in COLUMNS:
        if column not in header:
            _bad(path, 1, f"the column '{column}' is missing", f"the first line must be: {','.join(COLUMNS)}")
        if header.count(column) > 1:
            _bad(path, 1, f"the column '{column}' stands there twice", "keep one of them")


def _concept(path: Path, line: int, row: Mapping[str, str]) -> Concept:
    cui, tui, kind, label = row["cui"], row["tui"], row["kind"], row["label"]
    if not is_cui(cui):
        _bad(path, line, f"{cui[:40]!r} is no CUI", "a CUI is C and seven digits: C0040405")
    if tui and not _TUI.fullmatch(tui):
        _bad(path, line, f"{tui[:40]!r} is no semantic type", "a semantic type is T and three digits: T060, or nothing")
    if kind not in KINDS:
        _bad(path, line, f"unknown kind {kind[:40]!r}", nearest(kind[:40], KINDS))
    if kind == "concept" and label:
        _bad(path, line, f"a concept has no label, here is {label[:40]!r}", "leave the cell empty")
    if kind != "concept" and label not in vocab.KINDS[kind]:
        _bad(path, line, f"unknown label {label[:40]!r} for a {kind}", nearest(label[:40], vocab.KINDS[kind]))
    return Concept(cui, row["name"], tui or None, kind, label or None, _names(path, line, row))


def _names(path: Path, line: int, row: Mapping[str, str]) -> tuple[str, ...]:
    if not row["name"]:
        _bad(path, line, f"{row['cui']} has no name", "write its preferred name into the column 'name'")
    if len(row["synonyms"]) > LONGEST_FIELD:
        _bad(path, line, f"synonyms of more than {LONGEST_FIELD:,} characters", "keep those that are in use")
    synonyms = (synonym.strip() for synonym in row["synonyms"].split("|"))
    names = tuple(dict.fromkeys((row["name"], *(synonym for synonym in synonyms if synonym))))
    for name in names:
        if len(name) > LONGEST_NAME:
            hint = f"at most {LONGEST_NAME} characters; synonyms are separated by '|'"
            _bad(path, line, f"the name {name[:40]!r}… is too long", hint)
        if _CONTROL.search(name):
            _bad(path, line, f"the name {name[:40]!r} holds a control character", "remove it")
        if not any(char.isalnum() for char in name):
            _bad(path, line, f"the name {name!r} has no letter", "remove it")
    return names


def _bad(path: Path, line: int, what: str, hint: str) -> NoReturn:
    raise DataError(f"{path}, line {line}: {what}", hint)
