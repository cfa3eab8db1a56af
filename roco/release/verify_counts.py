"""Checks the records of how a release was made: dropped figures, funnel, tombstones, groups and leakage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.json_text import parse_json
from roco.base.licenses import DEFAULT_LICENSES, LICENSES
from roco.base.readers import UNREADABLE, csv_rows, parquet_rows, read_parquet, read_text
from roco.base.schema import SPLITS, types
from roco.base.tables import TOMBSTONE_COLUMNS
from roco.base.terminal import excerpt
from roco.release.format import DROPPED, DROPPED_COLUMNS, FIGURES
from roco.release.leakage import leakage
from roco.release.problems import Problem
from roco.release.relations import RELATION_COLUMNS
from roco.release.verify_figures import Figure

_GROUPS = ("duplicate_group", "similar_group")

DropCounts = Counter[tuple[str, str]]
"""Number of dropped figures by stage and reason."""


class FunnelStage(NamedTuple):
    """One stage of funnel.json: rows in, rows kept, rows dropped by reason."""

    name: str
    rows_in: int
    kept: int
    dropped: dict[str, int]


class DroppedTable:
    """removed.parquet: the number of dropped figures by stage and reason."""

    def __init__(self) -> None:
        self.counts: DropCounts = Counter()

    def read(self, path: Path, figures: Mapping[str, Figure]) -> Iterator[Problem]:
        """Reads the table and yields the problems of its rows."""
        for name in pq.read_schema(path).names:
            if name not in DROPPED_COLUMNS:
                yield Problem(
                    f"unexpected column '{excerpt(name)}' (no text of dropped figures may be here)", path.name
                )
        kept = {figure.figure_id for figure in figures.values()}
        for row in parquet_rows(path, {"stage": pa.string()} | types("figure_id", "drop")):
            where = f"{path.name}, {excerpt(row['figure_id'])}"
            self.counts[row["stage"] or "", row["drop"] or ""] += 1
            if not row["drop"]:
                yield Problem("dropped figure without a reason", where)
            # If two packages contain an article, one is kept; the other is superseded and has the same figure ids.
            if row["figure_id"] in kept and row["drop"] != "superseded":
                yield Problem(f"dropped figure is in {FIGURES}", where)


def check_funnel(path: Path, figures: Mapping[str, Figure], dropped: DropCounts) -> Iterator[Problem]:
    """Checks that the funnel adds up and agrees with figures.parquet and removed.parquet."""
    stages, release = read_funnel(path)
    counts: DropCounts = Counter()
    previous: int | None = None
    for stage in stages:
        where = f"{path.name}, {excerpt(stage.name)}"
        total = sum(stage.dropped.values())
        for reason, number in stage.dropped.items():
            counts[stage.name, reason] += number
        if stage.rows_in != stage.kept + total:
            yield Problem(f"{stage.rows_in} rows in, but {stage.kept} kept and {total} dropped", where)
        if previous is not None and stage.rows_in != previous:
            yield Problem(f"{stage.rows_in} rows in, but the previous stage kept {previous}", where)
        previous = stage.kept
    if (previous or 0) != len(figures):
        yield Problem(f"{previous or 0} rows kept, but {FIGURES} has {len(figures)}", path.name)
    for stage_name, reason in sorted(counts.keys() | dropped.keys()):
        number, in_table = counts[stage_name, reason], dropped[stage_name, reason]
        if number != in_table:
            what = f"{excerpt(reason)}: {number} dropped, but {DROPPED} has {in_table}"
            yield Problem(what, f"{path.name}, {excerpt(stage_name)}")
    sizes = Counter(figure.split for figure in figures.values())
    if release != {split: sizes[split] for split in SPLITS}:
        yield Problem(f"split sizes differ from {FIGURES}", path.name)


def recipe_licenses(path: Path) -> Collection[str]:
    """Returns the licences that the recipe of a release allows, as its funnel states them.

    Recipes without the stage `license` and releases of former versions of roco state none: then the default licences.
    An invalid funnel is reported by `check_funnel`.
    """
    try:
        stated = parse_json(read_text(path))["licenses"]
    except (*UNREADABLE, TypeError, KeyError):
        return DEFAULT_LICENSES
    return [name for name in LICENSES if name in stated] if isinstance(stated, list) else DEFAULT_LICENSES


def check_tombstones(path: Path, figures: Collection[str]) -> Iterator[Problem]:
    """Checks that no retired id is in use."""
    retired: set[str] = set()
    for line, cells, complaint in csv_rows(path, TOMBSTONE_COLUMNS):
        if cells is None:
            yield Problem(complaint, f"{path.name}, line {line}")
            continue
        id = cells[0]
        if id in figures:
            yield Problem(f"retired id is in {FIGURES}", f"{path.name}, {excerpt(id)}")
        elif id in retired:
            yield Problem("duplicate id", f"{path.name}, {excerpt(id)}")
        retired.add(id)


def check_groups(path: Path, figures: Path) -> Iterator[Problem]:
    """Checks that every image with a group is in duplicates.parquet."""
    listed = {row["figure_id"] or "" for row in parquet_rows(path, types("figure_id"))}
    columns = [name for name in _GROUPS if name in pq.read_schema(figures).names]
    for row in parquet_rows(figures, types("figure_id", *columns)):
        if any(row[name] for name in columns) and row["figure_id"] not in listed:
            yield Problem(f"missing image (it has a group in {FIGURES})", f"{path.name}, {excerpt(row['figure_id'])}")


def check_leakage(path: Path, figures: Path) -> Iterator[Problem]:
    """Checks the numbers of leakage.json."""
    columns = [name for name in RELATION_COLUMNS if name in pq.read_schema(figures).names]
    counted = leakage(read_parquet(figures, types("split", *columns)))
    recorded = parse_json(read_text(path))
    if recorded != counted:
        yield Problem(f"{excerpt(recorded)}, but {FIGURES} gives {excerpt(counted)}", path.name)


def read_funnel(path: Path) -> tuple[list[FunnelStage], Any]:
    """Returns the stages and the number of images by split; raises ValueError for an invalid funnel."""
    funnel = parse_json(read_text(path))
    try:
        stages = [
            FunnelStage(str(stage["stage"]), stage["in"], stage["kept"], dict(stage["dropped"]))
            for stage in funnel["stages"]
        ]
        for stage in stages:
            for count in (stage.rows_in, stage.kept, *stage.dropped.values()):
                if type(count) is not int:  # `true` is an int too
                    raise ValueError(f"invalid funnel: {excerpt(count)} is not a whole number")
        return stages, funnel["release"]
    except (TypeError, KeyError, AttributeError) as err:
        raise ValueError(f"invalid funnel: {type(err).__name__} {err}") from err
