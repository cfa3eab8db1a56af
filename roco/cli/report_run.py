"""What `roco report` reads besides a release: articles and cost of a run, and the precision of concepts by labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from roco.evaluate.report.rows import PrecisionRow

TASK = "visible"
"""The task in which people judge automatic concepts."""


def read_articles(run: Path) -> pa.Table | None:
    """Returns every article that a run read, with journal, year and licence; None if nothing has been extracted.

    Measures of earlier versions of `extract` may lie beside those of today: of each part the newest file is read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from roco.base.readers import UNREADABLE
    from roco.core import parts
    from roco.evaluate.report.inputs import ARTICLES

    newest: dict[str, Path] = {}
    for file in sorted(run.glob("measures/extract-*/*.parquet"), key=lambda file: file.stat().st_mtime_ns):
        newest[file.stem] = file
    files = [newest[name] for name in parts.read(run / "parts.parquet").names if name in newest]
    if not files:
        return None
    try:
        tables = [pq.read_table(file, columns=list(ARTICLES), partitioning=None) for file in files]
    except UNREADABLE:
        return None  # `roco status` reports corrupt parts; the report has the other sections
    rows = pa.concat_tables(tables)
    rows = rows.filter(pc.is_valid(rows["article_key"]))
    others = [name for name in ARTICLES if name != "article_key"]
    found = rows.group_by("article_key", use_threads=False).aggregate([(name, "first") for name in others])
    names: Mapping[str, str] = {f"{name}_first": name for name in others}
    return found.rename_columns([names.get(name, name) for name in found.column_names]).select(list(ARTICLES))


def read_precision(log: Path) -> list[PrecisionRow]:
    """Returns the precision of automatic concepts by semantic type and in total; none without a sample in the log.

    Of several samples the one that was drawn last counts.
    """
    from roco.curate import task_files
    from roco.curate.log import Log
    from roco.curate.precision import concept_precision
    from roco.evaluate.report.rows import PrecisionRow

    task = task_files.load(TASK)
    with Log.open(log, {task.name: task}, write=False) as opened:
        rounds = [event.round for event in opened.standing("sample", task.name)]
        if not rounds:
            return []
        found = concept_precision(opened, task, rounds[-1])
    rows = []
    for one in (*found.strata, found.total):
        counts = (one.stratum, one.size, one.drawn, one.yes, one.no, one.unsure)
        rows.append(PrecisionRow(*counts, *(one.precision or (None, None, None))))
    return rows
