"""Several sources read as one: new articles together with an earlier dataset."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RejectedInput
from roco.base.ids import PMCID
from roco.core.source import Package, Source
from roco.core.spec import from_spec, to_spec
from roco.sources.folder import Row, as_listing

_PMCID = re.compile(PMCID)


@dataclass(frozen=True, kw_only=True)
class Several:
    """The packages of all sources; places begin with the number of their source, as do articles but the first's.

    An article that two sources have keeps its key, so that its images stay in one split. Of two sources of articles
    the first package stands for it; beside a package an earlier dataset keeps its images, and those that are the same
    are left to `dedup`.
    """

    sources: tuple[Mapping[str, Any], ...]  # as `to_spec` gives them
    kind: ClassVar[str] = "several"

    @classmethod
    def of(cls, *sources: Source) -> Several:
        return cls(sources=tuple(to_spec(source) for source in sources))

    @cached_property
    def each(self) -> tuple[Source, ...]:
        return tuple(from_spec(spec) for spec in self.sources)

    @property
    def path(self) -> Path:
        return self.each[0].path

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "sources": [{"kind": s.kind, "path": str(s.path.absolute())} for s in self.each]}

    def listing(self, known: pa.Table | None) -> pa.Table:
        rows: list[Row] = []
        for i, source in enumerate(self.each):
            mine = None if known is None else _of(known, i)
            rows += (_row(Row(**row), i) for row in source.listing(mine).to_pylist())
        return as_listing(rows)

    def origin(self, place: str) -> str:
        return self._at(place)[0].kind

    def open(self, place: str) -> Package:
        source, rest = self._at(place)
        return source.open(rest)

    def _at(self, place: str) -> tuple[Source, str]:
        number, _, rest = place.partition("/")
        if not number.isascii() or not number.isdigit() or int(number) >= len(self.each):
            raise RejectedInput("the package is of no source of the recipe")
        return self.each[int(number)], rest


def _row(row: Row, i: int) -> Row:
    """A row as one of several: the PMCID that the name of its package tells moves to the facts."""
    facts = json.loads(row.facts) if row.facts else {}
    told = row.facts
    if i and "pmcid" not in facts and _PMCID.fullmatch(row.article):
        told = json.dumps(facts | {"pmcid": row.article}, sort_keys=True, ensure_ascii=False)
    article = f"{i}/{row.article}" if i else row.article
    return Row(article, row.digest, f"{i}/{row.place}", row.stamp, told)


def _of(known: pa.Table, i: int) -> pa.Table:
    """What is known of one source, in its own names."""
    mine = known.filter(pc.starts_with(known["place"], f"{i}/"))
    for name in ("article", "place") if i else ("place",):
        bare = pc.utf8_slice_codeunits(mine[name], len(f"{i}/"))
        mine = mine.set_column(mine.schema.get_field_index(name), name, bare)
    return mine
