"""Parts: groups of articles that are processed together. Parts are append-only and named after their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest
from roco.base.progress import NullProgress, Progress
from roco.base.schema import LISTING
from roco.base.sealed_tables import read_table, write_table
from roco.base.table_digest import table_digest
from roco.core.articles import Articles
from roco.core.source import Source, listing_of

PART_SIZE = 200
"""Articles of a part, at most."""

SMALL_PART = 12
"""Articles of the first and of the last parts, at least."""

SCHEMA = pa.schema([("part", pa.string()), *LISTING, ("current", pa.bool_())])


@dataclass(frozen=True)
class Parts:
    """All articles ever listed, part by part; `current` marks those that the source still lists with this digest.

    listing: the digest of the listing that the parts agree with; empty if it is not known.
    """

    table: pa.Table
    listing: str = ""

    @cached_property
    def spans(self) -> Mapping[str, tuple[int, int]]:
        """Returns first row and number of rows of each part, in the order in which the parts were created."""
        if not len(self.table):
            return {}
        runs = pc.run_end_encode(self.table["part"].combine_chunks())
        ends = runs.run_ends.to_pylist()
        starts = [0, *ends[:-1]]
        return {name: (i, j - i) for name, i, j in zip(runs.values.to_pylist(), starts, ends, strict=True)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.spans)

    @property
    def listed(self) -> pa.Table | None:
        """Returns the packages that the source listed last; None if there are none yet."""
        if not len(self.table):
            return None
        is_listed = self.table["current"]
        # Of millions of packages, no copy is made if all of them are still listed.
        table = self.table if pc.all(is_listed).as_py() else self.table.filter(is_listed)
        return table.select(LISTING.names)

    @cached_property
    def unlisted(self) -> Mapping[str, list[str]]:
        """Returns, by part, the places of the packages that the source no longer lists with this digest."""
        old = self.table.filter(pc.invert(self.table["current"]))
        by_part: dict[str, list[str]] = {}
        for part, place in zip(old["part"].to_pylist(), old["place"].to_pylist(), strict=True):
            by_part.setdefault(part, []).append(place)
        return by_part

    def articles(self, part: str) -> Articles:
        """Returns the articles of one part."""
        return Articles(self.table.slice(*self.spans[part]))

    @property
    def summary(self) -> Mapping[str, int]:
        current = pc.sum(self.table["current"]).as_py() or 0
        return {"articles": current, "superseded": len(self.table) - current, "parts": len(self.names)}


def read(path: Path) -> Parts:
    """Reads the parts of a run; none if it has not started."""
    if not path.exists():
        return Parts(pa.Table.from_batches([], SCHEMA))
    try:
        table, meta = read_table(path)
        return Parts(table, str(meta.get("listing", "")))
    except CorruptFile as err:
        raise DataError(
            f"corrupt file: {path}",
            "delete it and run again: unchanged parts are recognised by their measures, which are kept",
        ) from err


Recover = Callable[[pa.Table], pa.Table]
"""Returns the parts of a listing that were measured before; called if there is no file of parts."""


def plan(
    path: Path,
    source: Source,
    part_size: int = PART_SIZE,
    recover: Recover | None = None,
    progress: Progress | None = None,
) -> Parts:
    """Lists the source and appends parts for new and changed articles; existing parts do not change."""
    before = read(path)
    listing = listing_of(source, before.listed, progress or NullProgress())
    of_listing = listing_digest(listing)
    if of_listing == before.listing:
        return before  # without comparing millions of packages one by one
    existing = recover(listing) if recover and not path.exists() else before.table
    after = updated(existing, listing, part_size)
    if path.exists() or not after.equals(before.table):
        write_table(path, after, {"articles": len(listing), "listing": of_listing})
    return Parts(after, of_listing)


def listing_digest(listing: pa.Table) -> str:
    """Returns the SHA-256 of a listing: of all its columns, in the order of its rows."""
    return table_digest(listing.select(LISTING.names))


def updated(table: pa.Table, listing: pa.Table, part_size: int) -> pa.Table:
    """Returns the table of parts with new and changed articles of the listing appended."""
    at = _same(table, listing)
    current = pc.is_valid(at)
    is_new = np.ones(len(listing), bool)
    is_new[np.asarray(pc.drop_null(at))] = False
    fresh = listing.filter(pa.array(is_new))
    # A package whose content did not change keeps its part and gets the new stamp.
    columns = {name: pc.coalesce(listing[name].take(at), table[name]) for name in ("stamp", "facts")}
    table = pa.table({**{n: table[n] for n in SCHEMA.names}, **columns, "current": current}, schema=SCHEMA)
    return pa.concat_tables([table, *_new_parts(fresh, part_size)]).combine_chunks()


def _same(table: pa.Table, listing: pa.Table) -> pa.Array:
    """Returns, for each row of the parts, the row of the listing with the same package; null if there is none."""
    articles = _whole(listing["article"])
    if pc.count_distinct(articles).as_py() < len(articles):
        return pc.index_in(keys(table), value_set=keys(listing))
    # Of millions of packages, the names of the articles are the smallest part of what is compared.
    at = pc.index_in(_whole(table["article"]), value_set=articles)
    for name in ("digest", "place"):
        is_same = pc.fill_null(pc.equal(_whole(table[name]), _whole(listing[name]).take(at)), False)
        at = pc.if_else(is_same, at, pa.scalar(None, pa.int32()))
    return at


def _new_parts(fresh: pa.Table, part_size: int) -> Iterator[pa.Table]:
    start = 0
    for size in sizes(len(fresh), part_size):
        yield part_table(fresh.slice(start, size))
        start += size


def part_table(rows: pa.Table) -> pa.Table:
    """Returns a part that consists of these rows of a listing."""
    name = pa.array([part_name(rows)] * len(rows), pa.string())
    current = pa.array([True] * len(rows))
    return pa.table({"part": name, **{n: rows[n] for n in LISTING.names}, "current": current}, schema=SCHEMA)


def part_name(rows: pa.Table) -> str:
    """Returns the name of the part that consists of these rows: the digest of its articles, in order."""
    return digest([rows[name].to_pylist() for name in ("article", "digest", "place")])[:16]


def sizes(articles: int, most: int = PART_SIZE) -> Iterator[int]:
    """Yields the sizes of the parts of some new articles: each of the first is twice the previous one, the last shrink.

    Small first parts are committed, and cannot be lost any more, after a few seconds; with small last parts all workers
    finish at about the same time. The sizes depend on the number of articles alone, never on workers or time.
    """
    remaining, limit = articles, SMALL_PART
    while remaining:
        share = max(SMALL_PART, remaining // 3)
        if SMALL_PART < remaining < 2 * SMALL_PART:
            share = (remaining + 1) // 2  # two halves, instead of a last part of one or two articles
        size = min(limit, share, most, remaining)
        yield size
        remaining -= size
        limit *= 2


def keys(table: pa.Table) -> pa.Array:
    """Returns article, digest and place as one string: a moved package is read again, as its rows contain its place."""
    joined = pc.binary_join_element_wise(table["article"], table["digest"], table["place"], "\n")
    return _whole(joined)


def _whole(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
