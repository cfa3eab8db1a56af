"""Reads UMLS: the names of MRCONSO.RRF and the semantic types of MRSTY.RRF, out of core.

Names are kept in Arrow and their order in numpy, so that 15 million rows need little more memory than their text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.progress import NullProgress, Progress
from roco.base.text import escaped
from roco.models.text import semantic_types
from roco.models.text.vocabulary import rrf
from roco.models.text.vocabulary.records import KINDS, Read, Record
from roco.models.text.vocabulary.table import LONGEST_NAME, complaint_about, complaint_about_credit

WANTED = ("CUI", "LAT", "TS", "STT", "ISPREF", "SAB", "TTY", "STR", "SRL", "SUPPRESS")

TERM_TYPES = ("PN", "PT", "MH", "FN", "HT", "NM", "PEP", "ET", "SY")
"""Term types (TTY) in the order of preference as a preferred name: designated ones, entry terms, synonyms."""

SUPPRESSED, OBSOLETE = ("E", "Y"), ("O",)
"""Values of SUPPRESS: suppressed by editors or by their term type, and obsolete."""

_CUIS_AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """Which rows of MRCONSO.RRF are read.

    languages: values of LAT, the most preferred first. sources: values of SAB; None for all. term_types: values of TTY;
    None for all. suppressed, obsolete: whether atoms with SUPPRESS E or Y, and O, are read as well. types: TUIs of
    which a concept must have one; None for all.
    """

    languages: tuple[str, ...] = ("ENG",)
    sources: tuple[str, ...] | None = None
    term_types: tuple[str, ...] | None = None
    suppressed: bool = False
    obsolete: bool = False
    types: frozenset[str] | None = None


@dataclass(frozen=True)
class Umls:
    """Names of UMLS with their CUIs as numbers, in the order of the file; types in the order of CUIs."""

    names: pa.LargeStringArray
    cui: NDArray[np.int32]
    rank: NDArray[np.int16]
    sab: NDArray[np.int16]
    srl: NDArray[np.int16]
    sabs: tuple[str, ...]
    srls: tuple[str, ...]
    type_cui: NDArray[np.int32]
    tui: NDArray[np.int16]

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.cui.astype(np.int64) << 16 | self.rank, kind="stable")

    def records(self, only: Collection[str] | None = None) -> Iterator[Record]:
        """Yields one record for each CUI, in their order; only: CUIs to which they are restricted."""
        order = self._order
        if only is not None:
            order = order[np.isin(self.cui[order], np.array([int(cui[1:]) for cui in only], np.int32))]
        cui = self.cui[order]
        starts = np.flatnonzero(np.diff(cui, prepend=-1))
        ends = np.append(starts[1:], len(cui))
        for at in range(0, len(starts), _CUIS_AT_ONCE):
            begins, stops = starts[at : at + _CUIS_AT_ONCE], ends[at : at + _CUIS_AT_ONCE]
            yield from self._block(order, cui[begins], begins, stops)

    def _block(
        self, order: NDArray[np.int64], cuis: NDArray[np.int32], begins: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> Iterator[Record]:
        first = int(begins[0])
        rows = order[first : int(stops[-1])]
        names = self.names.take(pa.array(rows)).to_pylist()
        ranks, sab, srl = (values[rows].tolist() for values in (self.rank, self.sab, self.srl))
        credit_of = {
            (s, c): (f"UMLS:{self.sabs[s]}", _license(self.srls[c])) for s, c in set(zip(sab, srl, strict=True))
        }
        types_from = np.searchsorted(self.type_cui, cuis, "left").tolist()
        types_to = np.searchsorted(self.type_cui, cuis, "right").tolist()
        spans = zip(
            cuis.tolist(), (begins - first).tolist(), (stops - first).tolist(), types_from, types_to, strict=True
        )
        for cui, begin, stop, type_from, type_to in spans:
            # The order within the file decides nothing: equal ranks are sorted by name.
            ranked = sorted(zip(ranks[begin:stop], names[begin:stop], strict=True))
            distinct = tuple(dict.fromkeys([name for _, name in ranked]))
            credits = {credit_of[pair] for pair in zip(sab[begin:stop], srl[begin:stop], strict=True)}
            yield Record(
                f"C{cui:07d}", KINDS.index("umls"), "UMLS", "", distinct[0], distinct[1:],
                tuple([f"T{tui:03d}" for tui in self.tui[type_from:type_to].tolist()]),
                tuple(sorted(credits)),
            )  # fmt: skip


def read(folder: Path, options: Options | None = None, progress: Progress | None = None) -> Read:
    """Reads MRCONSO.RRF and MRSTY.RRF of a folder, plain or as .gz.

    Raises DataError with file and line for a row that is not one of UMLS, and UsageError for a language, source or term
    type that the file does not contain.
    """
    options, progress = options or Options(), progress or NullProgress()
    conso, sty = rrf.find(folder, "MRCONSO.RRF"), rrf.find(folder, "MRSTY.RRF")
    type_cui, tui = _types(sty, progress)
    kept = None
    if options.types is not None:
        kept = np.unique(type_cui[np.isin(tui, [int(each[1:]) for each in options.types])])
    atoms = _Atoms(conso, options, kept)
    for before, batch in rrf.batches(conso, rrf.MRCONSO, WANTED, progress):
        atoms.add(before, batch)
    progress.start(f"computing the SHA-256 of {conso.name}", None)
    files = {path.name: file_digest(path) for path in (conso, sty)}
    types = None if options.types is None else sorted(options.types)
    return Read(
        "umls", files, {**asdict(options), "types": types}, atoms.rows, atoms.left_out,
        records=atoms.sorted_by_cui(type_cui, tui),
    )  # fmt: skip


class _Atoms:
    """Collects the names of the rows that the options keep."""

    def __init__(self, path: Path, options: Options, kept: NDArray[np.int32] | None) -> None:
        self.path, self.options, self.kept = path, options, kept
        self.rows = 0
        self.left_out = Counter[str]()
        self.seen: dict[str, set[str]] = {"LAT": set(), "SAB": set(), "TTY": set()}
        self.names: list[pa.Array] = []
        self.numbers: list[tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]] = []
        self.sabs: dict[str, int] = {}
        self.srls: dict[str, int] = {}

    def add(self, before: int, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        check_cuis(self.path, before, batch.column("CUI"))
        for column, values in self.seen.items():
            values.update(batch.column(column).unique().to_pylist())
        for reason, keep in self._filters():
            n_before = batch.num_rows
            batch = batch.filter(keep(batch))
            self.left_out[reason] += n_before - batch.num_rows
        if batch.num_rows:
            self._store(batch)

    def _filters(self) -> Iterator[tuple[str, Callable[[pa.RecordBatch], pa.Array]]]:
        """Yields reasons for which rows are left out, each with the rule that keeps the others."""
        options = self.options
        flags = ["N", *(SUPPRESSED if options.suppressed else ()), *(OBSOLETE if options.obsolete else ())]
        yield "other language", lambda batch: _is_in(batch, "LAT", options.languages)
        if options.sources is not None:
            yield "other source (SAB)", lambda batch: _is_in(batch, "SAB", options.sources)
        yield "suppressed or obsolete", lambda batch: _is_in(batch, "SUPPRESS", flags)
        if options.term_types is not None:
            yield "other term type (TTY)", lambda batch: _is_in(batch, "TTY", options.term_types)
        if self.kept is not None:
            kept = self.kept
            yield "other semantic type", lambda batch: pa.array(np.isin(cui_numbers(batch), kept))
        yield "name too long", lambda batch: pc.less_equal(pc.utf8_length(batch.column("STR")), LONGEST_NAME)
        yield "name without letters or digits", lambda batch: _have_letters(batch.column("STR"))
        yield "control character in the name", lambda batch: _have_no_controls(batch.column("STR"))

    def _store(self, batch: pa.RecordBatch) -> None:
        codes = []
        for column, known in (("SAB", self.sabs), ("SRL", self.srls)):
            for value in batch.column(column).unique().to_pylist():
                if complaint := complaint_about_credit(value):
                    message = f"{self.path}: {column} '{escaped(value[:40])}' {complaint}"
                    raise DataError(message, "the file may be damaged: extract it from UMLS again")
                known.setdefault(value, len(known))
            codes.append(pc.index_in(batch.column(column), value_set=pa.array(known, pa.string())))
        self.names.append(pc.utf8_trim_whitespace(batch.column("STR")).cast(pa.large_string()))
        sab, srl = (np.asarray(code).astype(np.int16) for code in codes)
        self.numbers.append((cui_numbers(batch), _ranks(batch, self.options.languages), sab, srl))

    def sorted_by_cui(self, type_cui: NDArray[np.int32], tui: NDArray[np.int16]) -> Umls:
        """Returns what was collected; raises UsageError for an option that no row has, or if nothing is left."""
        for what, column, given in (
            ("language", "LAT", self.options.languages),
            ("source", "SAB", self.options.sources or ()),
            ("term type", "TTY", self.options.term_types or ()),
        ):
            for value in given:
                if value not in self.seen[column]:
                    raise UsageError(
                        f"no row of {self.path} has the {what} {value[:40]!r} ({column})",
                        nearest(value, self.seen[column]),
                    )
        if not self.numbers:
            reason, n = self.left_out.most_common(1)[0]
            raise DataError(f"{self.path}: no row is left ({reason}: {n:,})", "keep more of them by the options")
        names = pa.concat_arrays(self.names)
        self.names.clear()
        cui, rank, sab, srl = (np.concatenate(column) for column in zip(*self.numbers, strict=True))
        return Umls(names, cui, rank, sab, srl, tuple(self.sabs), tuple(self.srls), type_cui, tui)


def _license(category: str) -> str:
    """Returns the license of a source; category: its SRL, which may be empty."""
    return f"UMLS license, category {category}" if category else "UMLS license"


def _ranks(batch: pa.RecordBatch, languages: tuple[str, ...]) -> NDArray[np.int16]:
    """Returns how little each name is preferred, by language, TS, STT, ISPREF and TTY, in this order."""
    language = np.asarray(pc.index_in(batch.column("LAT"), value_set=pa.array(languages, pa.string())))
    term_type = pc.index_in(batch.column("TTY"), value_set=pa.array(TERM_TYPES, pa.string()))
    rank = np.minimum(language, 63).astype(np.int16) * 2
    for column, best in (("TS", "P"), ("STT", "PF"), ("ISPREF", "Y")):
        rank = (rank + ~np.asarray(pc.equal(batch.column(column), best))) * 2
    ranks: NDArray[np.int16] = rank * 8 + np.asarray(pc.fill_null(term_type, len(TERM_TYPES))).astype(np.int16)
    return ranks


def _is_in(batch: pa.RecordBatch, column: str, values: Collection[str] | None) -> pa.Array:
    return pc.is_in(batch.column(column), value_set=pa.array(list(values or ()), pa.string()))


def _have_letters(names: pa.Array) -> pa.Array:
    return pc.match_substring_regex(names, r"[\p{L}\p{N}]")


def _have_no_controls(names: pa.Array) -> pa.Array:
    """Returns which names have no invisible character; most are printable ASCII, the others are checked one by one."""
    plain = np.asarray(pc.match_substring_regex(names, r"^[ -~]*$")).copy()
    for at in np.flatnonzero(~plain).tolist():
        plain[at] = not complaint_about(names[at].as_py().strip())
    return pa.array(plain)


def cui_numbers(batch: pa.RecordBatch) -> NDArray[np.int32]:
    return np.asarray(pc.cast(pc.utf8_slice_codeunits(batch.column("CUI"), 1), pa.int32()))


def check_cuis(path: Path, before: int, cuis: pa.Array) -> None:
    """Raises DataError with the line of the first CUI that is not C and seven digits; before: rows before these."""
    valid = np.asarray(pc.match_substring_regex(cuis, "^C[0-9]{7}$"))
    if not valid.all():
        at = int(np.argmin(valid))
        line = rrf.line_of(path, before + at)
        raise DataError(f"{path}, line {line}: invalid CUI {cuis[at].as_py()[:40]!r}", "a CUI is C and seven digits")


def _types(path: Path, progress: Progress) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Returns the CUIs of MRSTY.RRF in their order, and a type of each, as numbers."""
    known = semantic_types.load()
    cuis, tuis = [], []
    for before, batch in rrf.batches(path, rrf.MRSTY, ("CUI", "TUI"), progress):
        check_cuis(path, before, batch.column("CUI"))
        column = batch.column("TUI")
        for tui in column.unique().to_pylist():
            if tui not in known:
                row = before + column.index(tui).as_py()
                message = f"{path}, line {rrf.line_of(path, row)}: unknown semantic type {tui[:40]!r}"
                raise DataError(message, nearest(tui[:40], known))
        cuis.append(cui_numbers(batch))
        tuis.append(np.asarray(pc.cast(pc.utf8_slice_codeunits(column, 1), pa.int16())))
    if not cuis:
        raise DataError(f"{path} is empty", "give the file that MetamorphoSys has written")
    pairs = np.unique(np.concatenate(cuis).astype(np.int64) * 1000 + np.concatenate(tuis))
    return (pairs // 1000).astype(np.int32), (pairs % 1000).astype(np.int16)
