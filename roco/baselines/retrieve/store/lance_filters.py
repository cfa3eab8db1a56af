"""The rows of the store `lance` that a restriction admits: as SQL for LanceDB where it can say it, else as a mask."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.baselines.retrieve.concept_query import AllOf, AnyOf, Concept, Condition, Not
from roco.baselines.retrieve.store.lance_table import OWN, ROW, STRANGER, reading
from roco.baselines.retrieve.store.store import Restriction
from roco.release.read import Release
from roco.release.select import selection
from roco.release.select.flags import SelectOptions, conditions, literal
from roco.release.select.values import checked, concepts

_REMEMBERED = 16
"""Filters whose rows are kept in memory, a byte a row."""

_TEXTS = ("modality", "region", "direction", "license", "split", "language")


@dataclass(frozen=True)
class Admitted:
    """The rows that may be hits. sql: a condition of LanceDB, None for all rows. mask: further ones, by row."""

    sql: str | None = None
    mask: NDArray[np.bool_] | None = None


class RowsOfTable(Release):
    """The columns of the release in a table of LanceDB, for the filters of `roco select`; reads only those named."""

    def __init__(self, path: Path, table: Any) -> None:
        super().__init__(path, published=False)
        self._lance = table
        self._names = [name for name in table.schema.names if not name.startswith(OWN) and name not in STRANGER]

    @property
    def columns(self) -> list[str]:
        return list(self._names)

    def table(self, split: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        names = self._names if columns is None else list(columns)
        with reading(self.path):
            query = self._lance.search().select([*names, ROW])
            found = (query if split is None else query.where(f"split = {literal(split)}")).to_arrow()
        # LanceDB does not promise an order.
        order = found[ROW].to_numpy()
        if len(order) and (np.diff(order) < 0).any():
            found = found.take(pa.array(np.argsort(order)))
        return found.select(names)


class Filters:
    """What restrictions admit. release: the columns of the table."""

    def __init__(self, release: RowsOfTable, kinds: pa.Schema) -> None:
        self._release = release
        self._kinds = kinds
        self._of_filters = lru_cache(_REMEMBERED)(self._read)

    def admitted(self, restriction: Restriction) -> Admitted:
        """Returns the rows that a restriction admits; raises UsageError for invalid filters, as `roco select`."""
        filters = restriction.filters
        found = Admitted() if filters is None or not filters.stated() else self._of_filters(filters)
        every = [] if found.sql is None else [found.sql]
        if restriction.concepts is not None:
            every.append(_holds(restriction.concepts.condition))
        for column, values in (("article_key", restriction.not_articles), ("id", restriction.not_ids)):
            if values:
                every.append(f"{column} NOT IN ({', '.join(literal(value) for value in sorted(values))})")
        return replace(found, sql=" AND ".join(f"({one})" for one in every) if every else None)

    def _read(self, filters: SelectOptions) -> Admitted:
        flags = checked(self._release, filters)
        if self._is_simple(flags):
            cuis = concepts(self._release, flags.concept, None)
            every = list(conditions(replace(flags, concept=()), None))
            every += [] if cuis is None else [_one_of(cuis)]
            return Admitted(" AND ".join(every))
        # A condition of DuckDB means what DuckDB makes of it: it is evaluated there, over the columns that it names.
        _, _, chosen = selection.mask(self._release, flags)
        return Admitted(mask=np.asarray(pc.fill_null(chosen, False)).astype(bool))

    def _is_simple(self, flags: SelectOptions) -> bool:
        """Returns whether LanceDB gives the same rows: for values of columns of the usual types."""
        if flags.where is not None or flags.one_per_article or flags.sample is not None:
            return False
        kinds = {name: pa.string() for name in _TEXTS if getattr(flags, name)}
        kinds |= {"license": pa.string()} if flags.commercial else {}
        kinds |= {"year": pa.int32()} if flags.year else {}
        kinds |= {"concepts": pa.list_(pa.string())} if flags.concept else {}
        return all(name in self._kinds.names and self._kinds.field(name).type == kind for name, kind in kinds.items())


def _one_of(cuis: Collection[str]) -> str:
    return f"array_has_any(concepts, [{', '.join(literal(cui) for cui in sorted(cuis))}])" if cuis else "false"


def _holds(condition: Condition) -> str:
    """Returns the SQL of a condition over concepts; an image without concepts has none of them."""
    if isinstance(condition, Concept):
        return f"(concepts IS NOT NULL AND array_has(concepts, {literal(condition.cui)}))"
    if isinstance(condition, Not):
        return f"(NOT {_holds(condition.of)})"
    return f"({(' AND ' if isinstance(condition, AllOf) else ' OR ').join(_parts(condition))})"


def _parts(condition: AllOf | AnyOf) -> Iterator[str]:
    for one in condition.of:
        yield _holds(one)
