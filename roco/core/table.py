"""The stages that need the whole table, those behind them, and what is published in the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest, file_digest, read_table, sync_folder, write_table
from roco.core import pack
from roco.core.contract import Reason
from roco.core.figures import Figures, by_part
from roco.core.funnel import reconcile
from roco.core.layout import Layout
from roco.core.manifest import Manifest
from roco.core.parts import Parts
from roco.core.pipeline import Pipeline, Step
from roco.core.provenance import resolved
from roco.core.rows import align, apply, lacking, view
from roco.core.stage import Publication, put
from roco.core.store import Opened

Measure = Callable[[Sequence[Mapping[str, Any]]], None]
"""Does the measuring jobs it is given, part by part."""


class TablePass:
    """Everything behind the row pass; it is what a stage that publishes gets to see (`stage.Finished`)."""

    def __init__(self, pipeline: Pipeline, layout: Layout, parts: Parts, manifest: Manifest) -> None:
        self.pipeline, self.layout, self.parts, self.manifest = pipeline, layout, parts, manifest
        self.flow: list[dict[str, Any]] = []

    @cached_property
    def figures(self) -> Figures:
        return Figures(self.pipeline, self.layout, self.parts)

    @cached_property
    def input(self) -> str:
        """Digest of all that the row pass found."""
        contents = [self.manifest.parts[name]["content"] for name in self.parts.names]
        return digest([self.pipeline.rows_digest, contents])

    def run(self, measure: Measure) -> Path | None:
        """Decides what is not decided and publishes what is not published; returns the folder that is published."""
        steps = self.pipeline.table_steps
        if not any(s.is_measure for s in steps) and self._is_published(self._state(steps)):
            self.manifest.table = self.manifest.published["flow"]
            return self.layout.release
        state = self.input
        for step in steps:
            state = digest([state, step.digest])
            if step.is_measure:
                state = digest([state, self._measure(step, measure)])
            else:
                self._decide(step, state)
        self.manifest.table = self.flow
        if not steps or not isinstance(steps[-1].stage, Publication):
            return None
        return self.layout.release if self._is_published(state) else self._publish(steps[-1], state)

    def _state(self, steps: Sequence[Step]) -> str:
        """The state after steps none of which measures: it is known without a row being read."""
        state = self.input
        for step in steps:
            state = digest([state, step.digest])
        return state

    # --- deciding -------------------------------------------------------------------------------------------------

    def _decide(self, step: Step, state: str) -> None:
        path = self.layout.table(self.pipeline, step)
        decided = None
        try:
            table, meta = read_table(path)
            decided = table if meta["input"] == state else None
        except (FileNotFoundError, CorruptFile):
            pass
        rows = self.figures.now
        if "superseded" not in step.contract.reasons:
            _check_unique(rows)
        if decided is None:
            batch = view(step, self.figures.gather(rows, [c for c in step.reads if c != "figure_id"]))
            more = [self._dropped(step.contract.dropped)] if step.contract.dropped else []
            decided = apply(step, "the table", batch, *more)
            if "superseded" in step.contract.reasons:
                decided = put(decided, "archive", rows["archive"])  # figure_id alone may name figures of two packages
            write_table(path, decided, {"input": state, "stage": step.name, "digest": step.digest})
        self._count(step, len(rows), self.figures.take(step, decided))

    def _dropped(self, columns: Sequence[str]) -> pa.Table:
        """The figures that left whose first named column holds something: of millions the few that matter."""
        rows = self.figures.gather(self.figures.gone(), columns[:1])
        held = pc.is_valid(rows[columns[0]])
        if pa.types.is_list(rows[columns[0]].type):
            held = pc.and_(held, pc.fill_null(pc.greater(pc.list_value_length(rows[columns[0]]), 0), False))
        return self.figures.gather(rows.filter(held), columns).select(["figure_id", *columns])

    def _measure(self, step: Step, measure: Measure) -> str:
        rows = self.figures.now
        jobs = []
        for part, some in by_part(rows):
            new = lacking(some, self._stored(step, part))
            if len(new):
                jobs.append({"part": part, "measure": step.name, "figures": new["figure_id"].to_pylist()})
        measure(jobs)
        found = [self._verdict(step, part, some) for part, some in by_part(rows)]
        verdict = align(rows["figure_id"], pa.concat_tables(found)) if found else rows
        if not found:
            self.figures.own(step)
        self._count(step, len(rows), self.figures.take(step, verdict) if found else {})
        return digest([step.digest, verdict.to_pydict() if found else []])

    def _stored(self, step: Step, part: str) -> pa.Table | None:
        path = self.layout.measure(step, part)
        try:
            return read_table(path, ["figure_id", "drop", "drop_detail"])[0]
        except FileNotFoundError:
            return None
        except CorruptFile:
            path.unlink(missing_ok=True)
            return None

    def _verdict(self, step: Step, part: str, rows: pa.Table) -> pa.Table:
        stored = self._stored(step, part)
        if stored is None or len(lacking(rows, stored)):
            raise CorruptFile(
                f"measures of '{step.name}' for part {part} are not there",
                "run again",
                str(self.layout.measure(step, part)),
            )
        return align(rows["figure_id"], stored)

    def _count(self, step: Step, n: int, dropped: Mapping[str, int]) -> None:
        entry = {
            "stage": step.name,
            "kind": step.kind,
            "in": n,
            "kept": len(self.figures.now),
            "dropped": dict(dropped),
        }
        self.flow.append(entry)
        reconcile([entry], f"stage '{step.name}'")

    # --- publishing -----------------------------------------------------------------------------------------------

    def _is_published(self, state: str) -> bool:
        record, seal = self.manifest.published, _seal(self.layout.release)
        return seal is not None and record.get("input") == state and record.get("seal") == seal

    def _publish(self, step: Step, state: str) -> Path:
        assert isinstance(step.stage, Publication)
        target = self.layout.release
        fresh = target.with_name(f".{target.name}.part")
        old = target.with_name(f".{target.name}.old")
        if old.exists() and not target.exists():
            old.rename(target)  # a run was killed between the two names
        for path in (fresh, old):
            shutil.rmtree(path, ignore_errors=True)
        step.stage.publish(self, fresh)
        self._check_published()
        for path in sorted(fresh.rglob("*")):
            if path.is_file():
                with path.open("rb") as fh:
                    os.fsync(fh.fileno())
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
        self.manifest.published = {"input": state, "seal": _seal(target), "flow": self.flow}
        return target

    def _check_published(self) -> None:
        flow = [*self.funnel["stages"]]
        left = sum(sum(s["dropped"].values()) for s in flow)
        if left != len(self.figures.gone()) or (flow and flow[-1]["kept"] != len(self.figures.now)):
            raise DataError(
                "the funnel does not add up with the figures of the release",
                "please report this error of roco",
            )

    # --- what a stage that publishes sees -------------------------------------------------------------------------

    @property
    def funnel(self) -> dict[str, Any]:
        """The funnel of the present input; superseded articles are no part of it, so history does not show."""
        return self.manifest.funnel(self.parts, self.flow)

    @property
    def recipe(self) -> dict[str, Any]:
        return resolved(self.pipeline)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.figures.owner)

    @property
    def reasons(self) -> Mapping[str, Reason]:
        return self.pipeline.reasons

    def kept(self, columns: Sequence[str]) -> pa.Table:
        return self.figures.gather(self.figures.now, columns).select(["figure_id", *columns])

    def removed(self, columns: Sequence[str]) -> pa.Table:
        rows = self.figures.gather(self.figures.gone(), columns)
        return rows.select(list(dict.fromkeys(["figure_id", "stage", "drop", "drop_detail", *columns])))

    def images(self, rows: pa.Table) -> Iterator[bytes]:
        opened = Opened(self.pipeline.source)
        parts = align(rows["figure_id"], self.figures.now)["part"].to_pylist()
        try:
            for part, row in zip(parts, rows.select(["figure_id", "archive", "file"]).to_pylist(), strict=True):
                data = pack.read(self.layout.pack(part), row["figure_id"])
                yield data if data is not None else _from_source(opened, row)
        finally:
            opened.close()


def _check_unique(rows: pa.Table) -> None:
    """Table stages align rows by figure_id, so it must be unique; two packages of one article break that."""
    ids = rows["figure_id"].combine_chunks()
    again = pc.equal(ids[1:], ids[:-1])  # rows are sorted by figure_id
    if pc.any(again).as_py():
        figure = ids[1:].filter(again)[0].as_py()
        message = f"two packages hold the same article: duplicate figure {figure}"
        raise DataError(message, "add the stage 'identity' before the first stage that needs the whole table")


def _seal(release: Path) -> str | None:
    """Digest of the checksums of a release and of size and time of each file they name; None where one is missing.

    Contents are not read again: that is for `roco verify`.
    """
    checksums = release / "checksums.sha256"
    try:
        names = [line.split(maxsplit=1)[1] for line in checksums.read_text(encoding="utf-8").splitlines()]
        stats = [(release / name).stat() for name in names]
        return digest([file_digest(checksums), [[s.st_size, s.st_mtime_ns] for s in stats]])
    except (OSError, ValueError, IndexError):
        return None


def _from_source(opened: Opened, row: Mapping[str, Any]) -> bytes:
    data = opened.images(pa.Table.from_pylist([dict(row)]))[row["figure_id"]]
    if data is None:
        raise DataError(
            f"the image of {row['figure_id']} cannot be read any more: {opened.why[row['figure_id']][1]}",
            f"bring back {row['archive']}, or let it leave: roco run … --retry unreadable",
        )
    return data
