"""The funnel: rows in, kept and dropped by reason at each stage. It adds up, or the run stops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roco.base.errors import DataError


def total(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums the funnels and counts of parts."""
    stages: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = defaultdict(int)
    for record in records:
        for name, n in record["counts"].items():
            counts[name] += n
        for step in record["funnel"]:
            add_up(stages.setdefault(step["stage"], blank_stage(step["stage"], step["kind"])), step)
    reconcile(list(stages.values()), "all parts")
    return {"counts": dict(sorted(counts.items())), "stages": list(stages.values())}


def blank_stage(name: str, kind: str) -> dict[str, Any]:
    return {"stage": name, "kind": kind, "in": 0, "kept": 0, "dropped": {}}


def add_up(into: dict[str, Any], step: Mapping[str, Any]) -> None:
    into["in"] += step["in"]
    into["kept"] += step["kept"]
    for reason, n in step["dropped"].items():
        into["dropped"][reason] = into["dropped"].get(reason, 0) + n
    into["dropped"] = dict(sorted(into["dropped"].items()))


def reconcile(flow: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raises DataError unless rows in = kept + dropped at each stage and each stage gets what the one before kept."""
    before = None
    for step in flow:
        dropped = sum(step["dropped"].values())
        if step["in"] != step["kept"] + dropped or (before is not None and step["in"] != before):
            raise DataError(
                f"the funnel of {where} does not add up at '{step['stage']}': "
                f"in {step['in']}, kept {step['kept']}, dropped {dropped}, kept before it {before}",
                "this is an error of roco: please report it with the log of the run",
            )
        before = step["kept"]
