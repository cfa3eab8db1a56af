"""Reads several sources as one, such as new articles together with a previous dataset.

`recipes/load.py` makes a `Several` of the `[[source]]` entries of a recipe.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RejectedInput
from roco.base.ids import PMCID
from roco.base.json_text import parse_json
from roco.base.progress import NullProgress, Progress
from roco.core.source import Package, Source, Wanted, expect, listing_of
from roco.core.spec import from_spec, to_spec
from roco.sources.listing import Row, as_listing

_PMCID = re.compile(PMCID)


@dataclass(frozen=True, kw_only=True)
class Several:
    """The packages of several sources: every place begins with the number of its source, `1/PMC123.tar.gz`.

    The numbers of more than ten sources have two digits, so that places are sorted like their sources. Every article
    begins with the number, too, except those of the first source. The PMCID stays in the facts, so that images of one
    article stay in one split. If two sources of articles contain the same article, the first package counts; a dataset
    keeps its images beside a package, and the stage `dedup` drops the duplicates.

    sources: as `core.spec.to_spec` writes them.
    """

    sources: tuple[Mapping[str, Any], ...]
    kind: ClassVar[str] = "several"

    @classmethod
    def of(cls, *sources: Source) -> Several:
        return cls(sources=tuple(to_spec(source) for source in sources))

    @cached_property
    def each(self) -> tuple[Source, ...]:
        return tuple(from_spec(spec) for spec in self.sources)

    @property
    def path(self) -> Path | str:
        return self.each[0].path

    @property
    def spec(self) -> Mapping[str, Any]:
        sources = [{"kind": source.kind, "path": _root(source)} for source in self.each]
        return {"kind": self.kind, "sources": sources}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Returns the rows of all sources."""
        return self.listing_with_progress(known, NullProgress())

    def listing_with_progress(self, known: pa.Table | None, progress: Progress) -> pa.Table:
        """Returns the same as `listing`; sources over a network report their progress."""
        rows: list[Row] = []
        for number, source in enumerate(self.each):
            prefix = self._prefix(number)
            previous = None if known is None else _rows_of_source(known, prefix, is_first=number == 0)
            for row in listing_of(source, previous, progress).to_pylist():
                rows.append(_numbered(Row(**row), prefix, is_first=number == 0))
        return as_listing(rows)

    def origin(self, place: str) -> str:
        """Returns the kind of the source of a package."""
        source, _ = self._source_of(place)
        return source.kind

    def expect(self, files: Sequence[Wanted]) -> None:
        """Announces what is read next to each source; files of no source are ignored."""
        by_source: list[list[Wanted]] = [[] for _ in self.each]
        for wanted in files:
            with contextlib.suppress(RejectedInput):
                number, place = self._number_and_place(wanted.place)
                by_source[number].append(Wanted(place, wanted.file))
        for source, of_source in zip(self.each, by_source, strict=True):
            expect(source, of_source)

    def open(self, place: str) -> Package:
        source, place_in_source = self._source_of(place)
        return source.open(place_in_source)

    def _prefix(self, number: int) -> str:
        """Returns the beginning of the places of one source."""
        digits = len(str(len(self.each) - 1))
        return f"{number:0{digits}d}/"

    def _source_of(self, place: str) -> tuple[Source, str]:
        number, place_in_source = self._number_and_place(place)
        return self.each[number], place_in_source

    def _number_and_place(self, place: str) -> tuple[int, str]:
        number, _, place_in_source = place.partition("/")
        is_number = number.isascii() and number.isdigit()
        if not is_number or int(number) >= len(self.each):
            raise RejectedInput("the package belongs to no source of the recipe")
        return int(number), place_in_source


def _numbered(row: Row, prefix: str, *, is_first: bool) -> Row:
    """Returns a row of one source with the number of the source in its place, and in its article but for the first."""
    place = f"{prefix}{row.place}"
    if is_first:
        return row._replace(place=place)
    facts = parse_json(row.facts) if row.facts else {}
    facts_json = row.facts
    # The numbered article is not a PMCID any more, so the PMCID moves to the facts.
    if "pmcid" not in facts and _PMCID.fullmatch(row.article):
        facts_json = json.dumps(facts | {"pmcid": row.article}, sort_keys=True, ensure_ascii=False)
    return row._replace(article=f"{prefix}{row.article}", place=place, facts=facts_json)


def _rows_of_source(known: pa.Table, prefix: str, *, is_first: bool) -> pa.Table:
    """Returns the rows of one source in a listing of all, with its own articles and places."""
    rows = known.filter(pc.starts_with(known["place"], prefix))
    for name in ("place",) if is_first else ("article", "place"):
        bare = pc.utf8_slice_codeunits(rows[name], len(prefix))
        rows = rows.set_column(rows.schema.get_field_index(name), name, bare)
    return rows


def _root(source: Source) -> str:
    return source.path if isinstance(source.path, str) else str(source.path.absolute())
