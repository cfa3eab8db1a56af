"""Finds the parts of a run whose `parts.parquet` was deleted, so that what was measured is not measured again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile
from roco.base.sealed_tables import read_meta
from roco.core.parts import SCHEMA, part_name, part_table


def recovered(listing: pa.Table, measures: Path) -> pa.Table:
    """Returns the parts that were measured and whose articles are all listed, unchanged; in the order of the listing.

    The footer of an extraction names the packages of its part, and the name of the part is the digest of its articles.
    """
    found = []
    places = listing["place"].combine_chunks()
    for name, of_part in _packages(measures):
        at = pc.drop_null(pc.index_in(pa.array(of_part, pa.string()), value_set=places))
        at = at.take(pc.sort_indices(at))
        rows = listing.take(at)
        if len(rows) and part_name(rows) == name:
            found.append((at[0].as_py(), part_table(rows)))
    tables = [table for _, table in sorted(found, key=lambda one: one[0])]
    return pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks()


def _packages(measures: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields the name of each measured part with the places of its packages; of several extractions, the first."""
    known = set()
    for folder in sorted(measures.glob("*")):
        for path in sorted(folder.glob("[!.]*.parquet")):
            try:
                meta = read_meta(path)
            except CorruptFile:
                continue
            if "articles" not in meta:
                break  # a measure of figures
            if path.stem not in known:
                known.add(path.stem)
                yield path.stem, list(meta["articles"])
