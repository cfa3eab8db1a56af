"""Reports the state of a run: the funnel, the parts done, the out-of-date stages. Reads little but the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roco.base.errors import CorruptFile
from roco.base.sealed_tables import read_meta
from roco.core import manifest as manifests
from roco.core import parts
from roco.core.folder import RunFolder
from roco.core.funnel import Flow
from roco.core.job import PartRecord
from roco.core.records import Records
from roco.core.step import Step


def status(folder: RunFolder) -> dict[str, Any]:
    """Returns the state of the run and of each stage, for the current recipe.

    state: `not started`, `incomplete`, `stale` (the recipe has changed since the last run) or `complete`.
    """
    saved = manifests.load(folder.manifest)
    source = saved.get("source") or parts.read(folder.parts).summary
    records, with_records, parts_done = _records(folder, saved)
    of_parts, counts = records.totals(with_records)
    done = len(parts_done)
    stages = _stages(folder, saved)
    flows = [*of_parts, *map(Flow.of_json, saved.get("table", []))]
    by_stage = {flow.stage: flow.to_json() for flow in flows}
    for stage in stages:
        flow = by_stage.get(stage["stage"])
        if flow is not None:
            stage.update({name: flow[name] for name in ("in", "kept", "dropped")})
    names = {step.name for step in folder.pipeline.steps}
    return {
        "folder": str(folder.root),
        "state": _state(source, done, stages, saved),
        "source": dict(source),
        "parts_done": done,
        "articles_done": _articles(folder, records, parts_done, source),
        "counts": counts,
        "stages": stages,
        "removed_stages": [step["name"] for step in saved.get("steps", []) if step["name"] not in names],
        "release": str(folder.release) if folder.release.exists() else None,
    }


def _articles(folder: RunFolder, records: Records, done: Sequence[str], source: Mapping[str, int]) -> int:
    """Returns the number of articles in the parts that are done, superseded ones included."""
    if len(done) >= source.get("parts", 0):
        return source.get("articles", 0) + source.get("superseded", 0)
    known = [records.get(part) for part in done]
    articles = [one.articles for one in known if one is not None and one.articles is not None]
    if len(articles) == len(done):
        return sum(articles)
    spans = parts.read(folder.parts).spans
    return sum(spans[part][1] for part in done if part in spans)


def _records(folder: RunFolder, saved: Mapping[str, Any]) -> tuple[Records, list[str], list[str]]:
    """Returns the records, the parts to add up, and the parts that are done; new ones are read from their footers.

    If the row stages have changed, the parts to add up are those of the last run, and the others those that are done
    with the new stages.
    """
    rows_digest = folder.pipeline.rows_digest
    before = saved.get("rows_digest", rows_digest)
    records = manifests.records_of(folder, before, saved)
    stamps = manifests.stamps(folder.row_decisions_folder)
    if before != rows_digest:
        return records, list(records.names), [file.removesuffix(".parquet") for file in stamps]
    names = []
    for file, stamp in stamps.items():
        part = file.removesuffix(".parquet")
        known = records.get(part)
        if known is None or known.stamp != stamp:
            try:
                record = PartRecord.of_json(read_meta(folder.row_decisions(part)))
            except (CorruptFile, FileNotFoundError):
                continue
            records.put(part, record, stamp, None)
        names.append(part)
    return records, names, names


def _stages(folder: RunFolder, saved: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns each step with its state and, if it is out of date, the cause."""
    previous = {step["name"]: step for step in saved.get("steps", [])}
    complete = bool(saved.get("complete"))
    stages, changed = [], ""
    for step in folder.pipeline.steps:
        why = _why_stale(step, previous, changed)
        if why and not changed and (not step.is_measure or step.name not in previous):
            changed = step.name
        if why:
            state = "stale" if step.name in previous else "new"
        else:
            state = "done" if complete else "incomplete"
        stages.append({"stage": step.name, "kind": step.kind, "state": state, "why": why})
    return stages


def _why_stale(step: Step, previous: Mapping[str, Any], changed: str) -> str:
    """Returns why the stored results of a step are out of date; empty if they are not."""
    before = previous.get(step.name)
    if before is None:
        return "not in the last run" if previous else ""
    if before["digest"] != step.digest:
        return _difference(step, before)
    if changed and not step.is_measure:
        return f"comes after '{changed}', which changed"
    return ""


def _difference(step: Step, before: Mapping[str, Any]) -> str:
    now = step.describe()
    changes = []
    for name in {**before["options"], **now["options"]}:
        old, new = before["options"].get(name), now["options"].get(name)
        if old != new:
            changes.append(f"{name}: {old!r} → {new!r}")
    if before["version"] != now["version"]:
        changes.append(f"version: {before['version']} → {now['version']}")
    if before.get("ensures", []) != now["ensures"]:
        changes.append("what it guarantees")
    if before["use"] != now["use"]:
        changes.append(f"class: {before['use']} → {now['use']}")
    return "; ".join(changes) or "a file it uses, or a measure it reads, changed"


def _state(source: Mapping[str, int], done: int, stages: Sequence[Mapping[str, Any]], saved: Mapping[str, Any]) -> str:
    if not source.get("parts"):
        return "not started"
    if any(stage["why"] for stage in stages):
        return "stale"
    return "complete" if saved.get("complete") and done >= source["parts"] else "incomplete"
