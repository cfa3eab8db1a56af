"""The funnel: rows in, kept and dropped by reason at each stage. The run stops if it does not add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from roco.base.errors import DataError


@dataclass
class Flow:
    """What passed one stage: rows in, rows kept, and rows dropped by reason."""

    stage: str
    kind: str
    rows_in: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def add(self, rows_in: int, kept: int, dropped: Mapping[str, int]) -> None:
        self.rows_in += rows_in
        self.kept += kept
        total = Counter(self.dropped)
        total.update(dropped)
        self.dropped = dict(sorted(total.items()))

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Flow:
        return cls(value["stage"], value["kind"], value["in"], value["kept"], dict(value["dropped"]))

    def to_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "kind": self.kind,
            "in": self.rows_in,
            "kept": self.kept,
            "dropped": dict(sorted(self.dropped.items())),
        }


def total(flows: Iterable[Iterable[Flow]]) -> list[Flow]:
    """Adds up the funnels of parts, stage by stage."""
    stages: dict[str, Flow] = {}
    for part in flows:
        for flow in part:
            stages.setdefault(flow.stage, Flow(flow.stage, flow.kind)).add(flow.rows_in, flow.kept, flow.dropped)
    reconcile(list(stages.values()), "all parts")
    return list(stages.values())


def reconcile(flows: Sequence[Flow], where: str) -> None:
    """Raises DataError unless rows in = kept + dropped at each stage, and equal the rows that the previous one kept."""
    previous: int | None = None
    for flow in flows:
        dropped = sum(flow.dropped.values())
        if flow.rows_in != flow.kept + dropped or (previous is not None and flow.rows_in != previous):
            counts = f"{flow.rows_in} in, {flow.kept} kept, {dropped} dropped, {previous} kept by the previous stage"
            raise DataError(
                f"the funnel of {where} does not add up at '{flow.stage}': {counts}",
                "this is an error in roco: please report it with the log of the run",
            )
        previous = flow.kept
