"""Fills a simulated run with parts that need not be computed: copies of others, with the names of other articles.

Their files are written as a worker writes them, with footers and seals, but without syncing them to the disk; measures
that no table stage reads are hard links to those of the copied part.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.files import digest
from roco.base.sealed_tables import read_table, write_table
from roco.core import parts as parts_of_run
from roco.core.folder import RunFolder
from roco.core.job import input_digest
from roco.core.parts import PART_SIZE, Parts
from roco.core.run import Run
from roco.core.stage import put
from roco.recipes.load import load_recipe

READ = ("extract", "image")
"""The measures that table stages read."""

WORKERS = 2


def fill(recipe: Path) -> int:
    """Writes all parts of full size that are missing; returns how many."""
    run = opened(recipe)
    parts = parts_of_run.read(run.files.parts)
    full = [name for name in parts.names if parts.spans[name][1] == PART_SIZE]
    present = {path.stem for path in run.files.row_decisions_folder.glob("*.parquet")}
    computed = [name for name in full if name in present]
    missing = [name for name in full if name not in present]
    with ProcessPoolExecutor(WORKERS, initializer=_start, initargs=(recipe,)) as pool:
        for _ in pool.map(
            _copy, ((computed[at % len(computed)], name) for at, name in enumerate(missing)), chunksize=50
        ):
            pass
    return len(missing)


def opened(recipe: Path) -> Run:
    """Opens a simulated run."""
    from benchmarks.simulated import register

    register()
    return load_recipe(recipe).open()


_FILES: RunFolder
_PARTS: Parts


def _start(recipe: Path) -> None:
    global _FILES, _PARTS  # of this worker process
    _FILES = opened(recipe).files
    _PARTS = parts_of_run.read(_FILES.parts)
    os.fsync = lambda fd: None


def _copy(names: tuple[str, str]) -> None:
    """Writes the files of a part: those of another one, with its articles instead."""
    one, other = names
    old, new = (_PARTS.table.slice(*_PARTS.spans[name]) for name in names)
    articles = Renamed(old, new)
    table, meta = read_table(_FILES.row_decisions(one))
    kept = table.filter(pc.is_null(table["drop"]))["figure_id"].combine_chunks()
    for step in _FILES.pipeline.row_steps:
        if not step.is_measure:
            continue
        source, target = (_FILES.measure_file(step, name) for name in names)
        if step.name in READ:
            measured, footer = read_table(source)
            write_table(target, articles.of_measure(measured, kept), articles.of_footer(footer, other))
        else:
            target.unlink(missing_ok=True)
            os.link(source, target)
    record = {**meta, "input": input_digest(_FILES.pipeline.rows_digest, other, []), "content": digest(["copy", other])}
    write_table(_FILES.row_decisions(other), articles.of_table(table), record)


class Renamed:
    """Replaces the articles of a part by those of another one, in the columns that name them."""

    def __init__(self, old: pa.Table, new: pa.Table) -> None:
        self.before, self.place_before = (old[name].combine_chunks() for name in ("article", "place"))
        self.after, self.place_after = (new[name].combine_chunks() for name in ("article", "place"))

    def _articles(self, values: Any) -> pa.ChunkedArray:
        """Returns texts that begin with an article of ten characters, beginning with the other one."""
        at = pc.index_in(pc.utf8_slice_codeunits(values, 0, 10), value_set=self.before)
        return pc.binary_join_element_wise(self.after.take(_whole(at)), pc.utf8_slice_codeunits(values, 10), "")

    def of_table(self, table: pa.Table) -> pa.Table:
        for name in ("figure_id", "article_key", "image_key"):
            if name in table.column_names:
                table = put(table, name, self._articles(table[name]))
        if "archive" in table.column_names:
            at = pc.index_in(table["archive"], value_set=self.place_before)
            table = put(table, "archive", self.place_after.take(_whole(at)))
        return table

    def of_measure(self, table: pa.Table, kept: pa.Array) -> pa.Table:
        """Returns a renamed measure; the hashes of figures that are kept are made of their own names."""
        is_kept = np.asarray(pc.is_in(table["figure_id"], value_set=kept))
        table = self.of_table(table)
        if "sha256" in table.column_names:
            from benchmarks.simulated import Image

            rows = np.flatnonzero(is_kept)
            names = table["figure_id"].take(pa.array(rows)).to_pylist()
            article = [name.split("/")[0] for name in names]
            places = dict(zip(self.after.to_pylist(), self.place_after.to_pylist(), strict=True))
            batch = pa.table(
                {
                    "figure_id": names, "article_key": pa.array(article, pa.string()),
                    "archive": pa.array([places[one] for one in article], pa.string()),
                    "file": pa.array([f"fig-{name.split('/')[1][1:]}.jpg" for name in names], pa.string()),
                }
            )  # fmt: skip
            image = Image()(batch)
            for column in ("sha256", "image_key", "phash", "phash_fine"):
                values = table[column].to_pylist()
                for row, value in zip(rows.tolist(), image[column].to_pylist(), strict=True):
                    values[row] = value
                table = put(table, column, pa.array(values, pa.string()))
        return table

    def of_footer(self, meta: Mapping[str, Any], part: str) -> dict[str, Any]:
        meta = {**meta, "content": digest(["copy", part, meta["stage"]])}
        if "articles" in meta:
            places = dict(zip(self.place_before.to_pylist(), self.place_after.to_pylist(), strict=True))
            meta["articles"] = {places[place]: counts for place, counts in meta["articles"].items()}
        return meta


def _whole(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


if __name__ == "__main__":
    print(fill(Path(sys.argv[1])))
