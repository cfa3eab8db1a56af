"""How a run stands: the funnel, what is done, what is stale and why. Reads the manifest and little else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import CorruptFile
from roco.base.files import read_meta
from roco.core import manifest as manifests
from roco.core import parts
from roco.core.funnel import total
from roco.core.layout import Layout
from roco.core.pipeline import Pipeline, Step


def status(pipeline: Pipeline, folder: Path) -> dict[str, Any]:
    """What is done and what is not, stage by stage, as the recipe stands now.

    state: `not started`, `incomplete`, `stale` (the recipe changed since) or `complete`.
    """
    layout = Layout(folder)
    saved = manifests.load(layout.manifest)
    source = saved.get("source") or parts.read(layout.parts).summary
    same = saved.get("rows_digest", pipeline.rows_digest) == pipeline.rows_digest
    records = dict(saved.get("parts", {}))
    done = _done(pipeline, layout, records, same)
    stages = _stages(pipeline, saved)
    found = total(records.values())
    flow = {s["stage"]: s for s in [*found["stages"], *saved.get("table", [])]}
    for stage in stages:
        stage.update({k: flow[stage["stage"]][k] for k in ("in", "kept", "dropped") if stage["stage"] in flow})
    return {
        "folder": str(folder),
        "state": _state(source, done, stages, saved),
        "source": dict(source),
        "parts_done": done,
        "counts": found["counts"],
        "stages": stages,
        "removed_stages": _removed(pipeline, saved),
        "release": str(layout.release) if layout.release.exists() else None,
    }


def _done(pipeline: Pipeline, layout: Layout, records: dict[str, Any], same: bool) -> int:
    """Parts that are done; those that the manifest does not know yet are added to the records."""
    sizes = manifests.sizes(layout.rows_folder(pipeline))
    if not same:
        return len(sizes)
    for name, size in sizes.items():
        part = name.removesuffix(".parquet")
        if records.get(part, {}).get("size") != size:
            try:
                records[part] = {**read_meta(layout.rows(pipeline, part)), "size": size}
            except (CorruptFile, FileNotFoundError):
                records.pop(part, None)
    for part in [p for p in records if f"{p}.parquet" not in sizes]:
        del records[part]
    return len(records)


def _stages(pipeline: Pipeline, saved: Mapping[str, Any]) -> list[dict[str, Any]]:
    before = {s["name"]: s for s in saved.get("steps", [])}
    complete = bool(saved.get("complete"))
    found, changed = [], ""
    for step in pipeline.steps:
        why = _why(step, before, changed)
        if why and not step.is_measure and not changed:
            changed = step.name
        if why and step.is_measure and step.name not in before:
            changed = changed or step.name
        state = "stale" if why and step.name in before else "new" if why else "done" if complete else "incomplete"
        found.append({"stage": step.name, "kind": step.kind, "state": state, "why": why})
    return found


def _why(step: Step, before: Mapping[str, Any], changed: str) -> str:
    """Why what is stored of a step does not stand for it any more; empty where it does."""
    was = before.get(step.name)
    if was is None:
        return "not in the last run" if before else ""
    if was["digest"] != step.digest:
        return _difference(step, was)
    if changed and not step.is_measure:
        return f"comes after '{changed}', which changed"
    return ""


def _difference(step: Step, was: Mapping[str, Any]) -> str:
    now = step.describe()
    options = {**was["options"], **now["options"]}
    said = [
        f"{name}: {was['options'].get(name)!r} → {now['options'].get(name)!r}"
        for name in options
        if was["options"].get(name) != now["options"].get(name)
    ]
    if was["version"] != now["version"]:
        said.append(f"version: {was['version']} → {now['version']}")
    if was["use"] != now["use"]:
        said.append(f"class: {was['use']} → {now['use']}")
    return "; ".join(said) or "a file it uses, or a measure it reads, changed"


def _removed(pipeline: Pipeline, saved: Mapping[str, Any]) -> list[str]:
    names = {s.name for s in pipeline.steps}
    return [s["name"] for s in saved.get("steps", []) if s["name"] not in names]


def _state(source: Mapping[str, int], done: int, stages: Sequence[Mapping[str, Any]], saved: Mapping[str, Any]) -> str:
    if not source.get("parts"):
        return "not started"
    if any(s["why"] for s in stages):
        return "stale"
    return "complete" if saved.get("complete") and done >= source["parts"] else "incomplete"
