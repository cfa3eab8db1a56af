"""`python -m benchmarks.threshold 3`: a changed threshold over a million rows, for parts of two sizes.

The rows are copies of the measurements of one real part. Each run changes the threshold of the last stage again, so
that its decisions, and no measurement, are to be made.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.corpora import BENCH, PMC_ARTICLES, PMC_IMAGES, composed
from benchmarks.listed import Listed
from benchmarks.runs import recipe
from roco.base.sealed_tables import read_table, write_table
from roco.core.folder import RunFolder
from roco.core.parts import Parts
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.recipes.load import load_recipe

ROWS = 1_000_000
STAGE = "language"


@dataclass(frozen=True)
class Part:
    """What was measured in one part: its listing, and the table and footer of each measure."""

    listing: pa.Table
    measures: dict[str, tuple[pa.Table, dict[str, object]]]

    @property
    def rows(self) -> int:
        return len(self.measures["extract"][0])

    def with_rows(self, n: int) -> Part:
        """Returns a part of the same articles with at least so many rows: the first ones are there twice."""
        missing = max(0, n - self.rows)
        more = self.measures["extract"][0]["figure_id"].slice(0, missing).combine_chunks()
        grown = {}
        for name, (table, meta) in self.measures.items():
            again = table.filter(pc.is_in(table["figure_id"], value_set=more))
            grown[name] = (pa.concat_tables([table, _renamed(again, "figure_id", "again.")]), meta)
        return Part(self.listing, grown)


def threshold(repeats: int) -> list[str]:
    """Returns the section: parts as they are, and parts with as many figures for an article as all of PMC has."""
    source = composed(2000)
    real = _measured(source)
    per_article = PMC_IMAGES / PMC_ARTICLES
    lines = [
        "",
        f"## A changed threshold over {ROWS:,} rows",
        "",
        f"Parts of {len(real.listing)} articles, two workers; the changed stage is the last of four.",
        "`python -m benchmarks.threshold 3` runs only this section.",
        "",
        "| figures per article | parts | rows | seconds | each run | CPU seconds |",
        "|--:|--:|--:|--:|---|--:|",
    ]
    for part in (real, real.with_rows(round(len(real.listing) * per_article))):
        n_parts, n_rows, runs = _redecided(source, part, repeats)
        seconds = [one for one, _ in runs]
        lines.append(
            f"| {part.rows / len(part.listing):.1f} | {n_parts:,} | {n_rows:,} | {statistics.median(seconds):.1f} "
            f"| {', '.join(f'{one:.1f}' for one in seconds)} | {statistics.median(cpu for _, cpu in runs):.1f} |"
        )
    return [*lines, "", "Target: 8 seconds."]


def _folder() -> Path:
    return BENCH / "million"


def _pipeline(source: Path) -> Pipeline:
    return load_recipe(recipe(source, _folder())).pipeline.until(STAGE)


def _measured(source: Path) -> Part:
    """Runs the recipe over the articles of a source; returns the largest part."""
    shutil.rmtree(_folder(), ignore_errors=True)
    pipeline = _pipeline(source)
    Run(pipeline, _folder()).do(workers=2)
    layout = RunFolder(_folder(), pipeline)
    table, _ = read_table(layout.parts)
    spans = Parts(table).spans
    name = max(spans, key=lambda name: spans[name][1])
    steps = [step for step in pipeline.row_steps if step.is_measure]
    measures = {step.name: read_table(layout.measure_file(step, name)) for step in steps}
    return Part(table.filter(pc.equal(table["part"], name)), measures)


def _redecided(source: Path, part: Part, repeats: int) -> tuple[int, int, list[tuple[float, float]]]:
    """Returns the number of parts and of rows, and the seconds and CPU seconds of each run with another threshold."""
    shutil.rmtree(_folder(), ignore_errors=True)
    pipeline = _pipeline(source)
    n_parts = -(-ROWS // part.rows)
    _write(RunFolder(_folder(), pipeline), pipeline, part, n_parts)
    stages = [step.stage for step in pipeline.steps]
    listed = Listed(path=source)
    Run(Pipeline(listed, stages, pipeline.catalogue), _folder()).do(workers=2)
    language = pipeline.step(STAGE).stage
    results = []
    for i in range(repeats):
        changed = [replace(stage, at_least=0.5 + i / 100) if stage is language else stage for stage in stages]
        started, cpu = time.perf_counter(), _cpu()
        outcome = Run(Pipeline(listed, changed, pipeline.catalogue), _folder()).do(workers=2)
        results.append((time.perf_counter() - started, _cpu() - cpu))
        assert not outcome.measured, outcome.measured
        rows = outcome.funnel["stages"][0]["in"]
    shutil.rmtree(_folder())
    return n_parts, rows, results


def _write(layout: RunFolder, pipeline: Pipeline, part: Part, n_parts: int) -> None:
    """Writes copies of a part under new names: its measures, and its listing."""
    listing = []
    for i in range(n_parts):
        name, mark = f"{i:016x}", f"{i:x}."
        for step_name, (table, meta) in part.measures.items():
            table = _renamed(table, "figure_id", mark)
            if step_name == "extract":
                table = _renamed(table, "archive", mark)
                meta = {**meta, "articles": {mark + k: v for k, v in meta["articles"].items()}}  # type: ignore[attr-defined]
            write_table(layout.measure_file(pipeline.step(step_name), name), table, meta, durable=False)
        rows = _renamed(_renamed(part.listing, "article", mark), "place", mark)
        listing.append(rows.set_column(0, "part", pa.array([name] * len(rows))))
    write_table(layout.parts, pa.concat_tables(listing), {})


def _renamed(table: pa.Table, column: str, mark: str) -> pa.Table:
    at = table.column_names.index(column)
    return table.set_column(at, column, pc.binary_join_element_wise(mark, table[column], ""))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    print("\n".join(threshold(int(sys.argv[1]) if len(sys.argv) > 1 else 3)))
