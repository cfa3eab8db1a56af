"""The one pass over a part: articles are read once, images decoded once, measures taken where they lack.

Order of writing: measures, pack, decisions. A part is done when its decisions are there, so a kill at any moment
costs the part in flight and nothing else.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import StageFailed
from roco.base.files import digest, write_table
from roco.base.schema import ARTICLES
from roco.core import measures as kept
from roco.core.funnel import reconcile
from roco.core.layout import Layout
from roco.core.pack import PackWriter
from roco.core.pipeline import Pipeline, Step
from roco.core.rows import align, alive, apply, blank, call, checked, concat, gone, lacking, tally, view
from roco.core.source import origin
from roco.core.stage import Extraction, put
from roco.core.store import PACKAGES_AT_ONCE, Opened, article_row

BYTES_AT_ONCE = 192 << 20  # bounds the image bytes in memory

Beat = Callable[[str, str], None]
"""Called with what is worked on and by which stage, so that a crash can be laid to it."""


@dataclass(frozen=True)
class Job:
    """One part to be passed.

    articles: rows of parts.parquet, position by position; crashed: what made a worker die, as (figure or place, stage).
    """

    part: str
    articles: Sequence[Mapping[str, Any]]
    one_by_one: bool = False
    crashed: Mapping[str, str] = field(default_factory=dict)


def expected_input(pipeline: Pipeline, part: str, set_aside: Sequence[str]) -> str:
    """Digest of all that decides the rows of a part; its decisions are done when their footer says the same.

    set_aside: the part's articles that the source lists no more, in order.
    """
    return digest([pipeline.rows_digest, part, list(set_aside)])


class PartPass:
    """One pass of the row stages over one part."""

    def __init__(self, pipeline: Pipeline, layout: Layout, job: Job, beat: Beat) -> None:
        self.pipeline, self.layout, self.job, self.beat = pipeline, layout, job, beat
        self.opened = Opened(pipeline.source)
        self.stored: dict[str, pa.Table | None] = {}
        self.fresh: dict[str, list[pa.Table]] = defaultdict(list)
        self.seals: dict[str, Any] = {}
        self.covered: dict[str, dict[str, int]] = {}
        self.owner: dict[str, str] = {}
        self.left: list[pa.Table] = []
        self.pack = PackWriter(layout.pack(job.part))
        self.memory: dict[str, dict[str, Any]] = defaultdict(dict)
        self.measured: dict[str, int] = defaultdict(int)
        self.seconds: dict[str, float] = defaultdict(float)
        self._use(pipeline.row_steps)

    def _use(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.flow: dict[str, dict[str, Any]] = {
            s.name: {"stage": s.name, "kind": s.kind, "in": 0, "kept": 0, "dropped": {}} for s in steps
        }

    # --- the pass -------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Passes the part and writes it down; returns what a manifest keeps of it."""
        started = time.perf_counter()
        self._load()
        survivors = []
        try:
            for chunk in self._chunks():
                rows = self._figures(chunk)
                survivors.append(self._walk(rows, 1))
                self.memory.clear()
                self.opened.close()
            rows = concat([*survivors, *self.left]) if survivors or self.left else None
            result = self._commit(rows)
        finally:
            self.opened.close()
            self.pack.abandon()
        result["seconds"] = {k: round(v, 4) for k, v in sorted(self.seconds.items())}
        result["seconds"]["all"] = round(time.perf_counter() - started, 4)
        return result

    def _chunks(self) -> list[Sequence[Mapping[str, Any]]]:
        articles = self.job.articles
        unread = any(a["current"] and a["place"] not in self.covered for a in articles)
        size = 1 if self.job.one_by_one else PACKAGES_AT_ONCE if unread else max(1, len(articles))
        return [articles[i : i + size] for i in range(0, len(articles), size)]

    def _figures(self, chunk: Sequence[Mapping[str, Any]]) -> pa.Table:
        """The rows of some articles: stored ones, and new ones for the articles that were never read."""
        step = self.steps[0]
        tables = []
        stored = self.stored[step.name]
        if stored is not None:
            places = pa.array([a["place"] for a in chunk], pa.string())
            tables.append(stored.filter(pc.is_in(stored["archive"], value_set=places)))
        unread = [a for a in chunk if a["current"] and a["place"] not in self.covered]
        if unread:
            new = self._extract(step, unread)
            self.fresh[step.name].append(new)
            tables.append(new.select(self._wanted(step)))
        rows = (
            concat(tables)
            if tables
            else blank(pa.table({"figure_id": pa.array([], pa.string())}), step.contract.columns)
        )
        rows = self._without_superseded(rows, chunk)
        return self._settle(step, rows, rows)

    def _without_superseded(self, rows: pa.Table, chunk: Sequence[Mapping[str, Any]]) -> pa.Table:
        old = {a["place"]: a["digest"] for a in chunk if not a["current"]}
        if not old:
            return rows
        here = pc.is_in(rows["archive"], value_set=pa.array(list(old), pa.string()))
        set_aside = rows.filter(here)
        detail = pa.array(
            [f"an article as it was ({old[p][:8]})" for p in set_aside["archive"].to_pylist()], pa.string()
        )
        set_aside = put(
            put(set_aside, "drop", pa.array(["superseded"] * len(set_aside), pa.string())),
            "drop_detail",
            detail,
        )
        self._leave("source", set_aside)
        return rows.filter(pc.invert(here))

    def _walk(self, rows: pa.Table, at: int) -> pa.Table:
        """Takes rows through the steps from `at` on and returns those still in at the end."""
        for i in range(at, len(self.steps)):
            step = self.steps[i]
            if not step.is_measure:
                rows = self._decide(step, rows)
                continue
            new = lacking(rows, self.stored[step.name])
            if len(new) > 1 and self._heavy(step) and self._too_much(new):
                half = len(rows) // 2
                return concat([self._walk(rows.slice(0, half), i), self._walk(rows.slice(half), i)])
            rows = self._measure(step, rows, new)
        self._keep_bytes(rows)
        return rows

    def _too_much(self, rows: pa.Table) -> bool:
        return len(rows["archive"].unique()) > PACKAGES_AT_ONCE or self.opened.size(rows) > BYTES_AT_ONCE

    def _heavy(self, step: Step) -> bool:
        return any(c == "bytes" or c in self.lenders for c in step.contract.reads)

    # --- stages ---------------------------------------------------------------------------------------------------

    def _extract(self, step: Step, articles: Sequence[Mapping[str, Any]]) -> pa.Table:
        readable = []
        for article in articles:
            if self.job.crashed.get(article["place"]) == step.name:
                readable.append(article_row(article, origin(self.pipeline.source, article["place"]), "reader crashed"))
                continue
            self.beat(article["place"], step.name)
            with self._clock("read"):
                readable += self.opened.articles(article)
        batch = pa.Table.from_pylist(readable, schema=ARTICLES)
        with self._clock(step.name):
            out = call(step, f"part {self.job.part}", batch)
            if not isinstance(out, Extraction):
                raise StageFailed(f"stage '{step.name}' returned a {type(out).__name__}, not an Extraction")
            table = checked(step, batch, out.figures).replace_schema_metadata(None)
        strange = pc.invert(pc.is_in(table["archive"], value_set=batch["place"].combine_chunks()))
        if pc.any(strange).as_py():
            raise StageFailed(
                f"stage '{step.name}' made rows of an archive it was not given", "set `archive` to `place`"
            )
        for article in articles:
            self.covered[article["place"]] = dict(out.counts.get(article["place"], {}))
        self.measured[step.name] += len(articles)
        return self._with_own_ids(table)

    def _with_own_ids(self, table: pa.Table) -> pa.Table:
        """Tells apart figures of the same id in two packages: the same article may lie in both."""
        ids = table["figure_id"].to_pylist()
        places = table["archive"].to_pylist()
        for i, (figure, place) in enumerate(zip(ids, places, strict=True)):
            if self.owner.setdefault(figure, place) != place:
                ids[i] = f"{figure}~{digest(place)[:6]}"
                self.owner[ids[i]] = place
        return put(table, "figure_id", pa.array(ids, pa.string()))

    def _measure(self, step: Step, rows: pa.Table, new: pa.Table) -> pa.Table:
        tables = []
        stored = self.stored[step.name]
        if stored is not None:
            tables.append(stored)
        if len(new):
            taken = self._take(step, new)
            self.fresh[step.name].append(taken)
            self.measured[step.name] += len(taken)
            tables.append(taken.select(self._wanted(step)))
        if not tables:  # no row came this far, and later steps still look for the columns
            tables.append(blank(rows, step.contract.columns).select(self._wanted(step)))
        values = align(rows["figure_id"], concat(tables))
        for name in values.column_names:
            if name != "figure_id":
                rows = put(rows, name, values[name])
        return self._settle(step, rows, values)

    def _take(self, step: Step, rows: pa.Table) -> pa.Table:
        """Measures rows; what a crash was laid to is not tried again, what cannot be read gets its reason."""
        if self.job.one_by_one and len(rows) > 1:
            return concat([self._take(step, rows.slice(i, 1)) for i in range(len(rows))])
        if self.job.one_by_one:
            figure = rows["figure_id"][0].as_py()
            if self.job.crashed.get(figure) == step.name:
                out = blank(rows, step.contract.columns)
                out = put(out, "drop", pa.array(["unreadable"]))
                return put(out, "drop_detail", pa.array(["decoder crashed"]))
            self.beat(figure, step.name)
        else:
            self.beat(self.job.part, step.name)
        for column in step.contract.reads:
            if column == "bytes" or column in self.lenders:
                rows = put(rows, column, self._in_memory(column, rows))
        if "bytes" in step.contract.reads:
            for name, values in self._unread(rows).items():
                rows = put(rows, name, values)
        batch = view(step, rows)
        with self._clock(step.name):
            lend = [frozenset(step.contract.lends)] if step.contract.lends else []
            out = call(step, f"part {self.job.part}", batch, *lend)
            table = checked(step, batch, out)
        for column in lent_by(step):
            self.memory[column].update(zip(batch["figure_id"].to_pylist(), out[column].to_pylist(), strict=True))
        return table

    def _decide(self, step: Step, rows: pa.Table) -> pa.Table:
        self.beat(self.job.part, step.name)
        with self._clock(step.name):
            out = apply(step, f"part {self.job.part}", view(step, rows))
        for name in out.column_names:
            if name != "figure_id":
                rows = put(rows, name, out[name])
        return self._settle(step, rows, rows)

    # --- bytes in memory ------------------------------------------------------------------------------------------

    @cached_property
    def lenders(self) -> dict[str, Step]:
        return {c: s for s in self.steps if s.is_measure for c in s.contract.lends}

    def _in_memory(self, column: str, rows: pa.Table) -> pa.Array:
        held = self.memory[column]
        missing = rows.filter(pa.array([f not in held for f in rows["figure_id"].to_pylist()], pa.bool_()))
        if len(missing):
            if column == "bytes":
                with self._clock("read"):
                    held.update(self.opened.images(missing))
            else:
                self._take(self.lenders[column], missing)
        kind = pa.large_binary() if column == "bytes" else lent_by(self.lenders[column])[column]
        with self._clock("read"):
            return pa.array([held.get(f) for f in rows["figure_id"].to_pylist()], kind)

    def _unread(self, rows: pa.Table) -> dict[str, pa.Array]:
        why = [self.opened.why.get(f) for f in rows["figure_id"].to_pylist()]
        return {
            "drop": pa.array([w and w[0] for w in why], pa.string()),
            "drop_detail": pa.array([w and w[1] for w in why], pa.string()),
        }

    def _keep_bytes(self, rows: pa.Table) -> None:
        with self._clock("pack"):
            for figure in rows["figure_id"].to_pylist():
                if self.memory["bytes"].get(figure) is not None:
                    self.pack.add(figure, self.memory["bytes"][figure], self.memory["thumbnail"].get(figure))
        self.memory.clear()

    # --- bookkeeping ----------------------------------------------------------------------------------------------

    def _settle(self, step: Step, rows: pa.Table, decided: pa.Table) -> pa.Table:
        """Counts what a step did, puts aside what it dropped and returns the rest."""
        flow = self.flow[step.name]
        flow["in"] += len(rows)
        for reason, n in tally(decided).items():
            flow["dropped"][reason] = flow["dropped"].get(reason, 0) + n
        self._leave(step.name, gone(rows))
        rest = alive(rows)
        flow["kept"] += len(rest)
        return rest

    def _leave(self, stage: str, rows: pa.Table) -> None:
        if len(rows):
            columns = [c for c in self._decided_columns() if c in rows.column_names]
            rows = rows.select(["figure_id", "archive", "drop", "drop_detail", *columns])
            self.left.append(put(rows, "stage", pa.array([stage] * len(rows), pa.string())))

    def _decided_columns(self) -> list[str]:
        return list(dict.fromkeys(c for s in self.steps if not s.is_measure for c in s.writes))

    def _wanted(self, step: Step) -> list[str]:
        """The columns of a measure that some later step or the engine reads."""
        used = {c for s in self.steps for c, owner in s.reads_from.items() if owner == step.name}
        if step is self.steps[0]:
            used |= {"archive", "file"}
        return ["figure_id", "drop", "drop_detail", *sorted(used & set(step.writes))]

    def _load(self) -> None:
        """Reads what earlier runs measured; a damaged file counts as none."""
        for step in self.steps:
            if step.is_measure:
                found = kept.load(self.layout.measure(step, self.job.part), self._wanted(step))
                table, meta = found or (None, dict[str, Any]())
                self.stored[step.name] = table
                self.seals[step.name] = meta.get("content")
                if step is self.steps[0] and table is not None:
                    self.covered = meta["articles"]
                    self.owner = dict(zip(table["figure_id"].to_pylist(), table["archive"].to_pylist(), strict=True))

    def _commit(self, rows: pa.Table | None) -> dict[str, Any]:
        with self._clock("write"):
            for step in self.steps:
                self._keep(step)
        with self._clock("pack"):
            self.pack.commit()
        with self._clock("write"):
            table = self._ordered(rows)
            meta = self._meta(table)
            write_table(self.layout.rows(self.pipeline, self.job.part), table, meta)
        return {**meta, "part": self.job.part, "measured": dict(self.measured)}

    def _keep(self, step: Step) -> None:
        """Writes what was measured now beside what was there."""
        path = self.layout.measure(step, self.job.part)
        if step.is_measure and not self.fresh[step.name] and self.stored[step.name] is None:
            # No figure came this far: an empty file says so, and a missing one is always damage.
            none = pa.table({"figure_id": pa.array([], pa.string())})
            self.fresh[step.name].append(blank(none, step.contract.columns))
        if self.fresh[step.name]:
            more = {"articles": self.covered} if step is self.steps[0] else {}
            old = self.stored[step.name] is not None
            self.seals[step.name] = kept.add(path, step, self.fresh[step.name], old, **more)

    def _ordered(self, rows: pa.Table | None) -> pa.Table:
        names = ["figure_id", "archive", "stage", "drop", "drop_detail", *self._decided_columns()]
        if rows is None:
            rows = pa.table({"figure_id": pa.array([], pa.string())})
        types = {c: kind for s in self.steps if not s.is_measure for c, kind in s.contract.columns.items()}
        for name in names:
            if name not in rows.column_names:
                rows = put(rows, name, pa.nulls(len(rows), types.get(name, pa.string())))
        rows = rows.select(names)
        return rows.take(pc.sort_indices(rows, [("figure_id", "ascending")]))

    def _meta(self, table: pa.Table) -> dict[str, Any]:
        reconcile(list(self.flow.values()), self.job.part)
        current = [a["place"] for a in self.job.articles if a["current"]]
        set_aside = [a["article"] for a in self.job.articles if not a["current"]]
        counts: dict[str, int] = defaultdict(int)
        for place in current:
            for name, n in self.covered.get(place, {}).items():
                counts[name] += n
        return {
            "input": expected_input(self.pipeline, self.job.part, set_aside),
            "funnel": list(self.flow.values()),
            "counts": dict(sorted(counts.items())),
            "content": digest([self.seals, self.flow, counts, set_aside, kept.table_digest(table)]),
        }

    def _clock(self, name: str) -> _Clock:
        return _Clock(self.seconds, name)


def lent_by(step: Step) -> Mapping[str, pa.DataType]:
    """The in-memory columns that a step lends to later ones."""
    return step.contract.lends


class _Clock:
    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.name] += time.perf_counter() - self.started
