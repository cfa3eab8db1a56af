"""What a chaos run did, as JSON and as a table."""

from __future__ import annotations

import sysconfig
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.process import ROOT


@dataclass
class Report:
    """Counts of a chaos run.

    struck, missed: disturbances by name; a missed one came too late, because the run had ended. phases: what runs were
    writing when they were disturbed. differences: one entry for each iteration that broke a promise.
    """

    seed: int
    iterations: int = 0
    commands: int = 0
    seconds: float = 0.0
    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    executors: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "minutes": round(self.seconds / 60, 1),
            "iterations": self.iterations,
            "commands": self.commands,
            "disturbances": self.struck.total(),
            "by_kind": dict(sorted(self.struck.items())),
            "missed": dict(sorted(self.missed.items())),
            "phases": dict(self.phases.most_common()),
            "variants": dict(sorted(self.variants.items())),
            "executors": dict(sorted(self.executors.items())),
            "skipped": self.skipped,
            "differences": self.differences,
        }

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Report:
        names = {"struck": "by_kind", "missed": "missed", "phases": "phases"}
        names |= {"variants": "variants", "executors": "executors"}
        counts = {name: Counter[str](value[key]) for name, key in names.items()}
        lists = {name: list(value[name]) for name in ("skipped", "differences")}
        return cls(value["seed"], value["iterations"], value["commands"], 60 * value["minutes"], **counts, **lists)


def without_paths(text: str, scene: Path) -> str:
    """Returns what a command printed without the folders of this machine: a report is kept beside the documentation."""
    of_python = {sysconfig.get_path(name) for name in ("stdlib", "purelib")}
    folders = {str(scene): "SCENE", **dict.fromkeys(of_python, "python"), str(ROOT): "roco"}
    for folder, name in folders.items():
        text = text.replace(folder, name)
    return text


def table(report: dict[str, Any]) -> str:
    """Returns the counts of a report as text."""
    totals = (
        f"{report['minutes']} minutes, {report['iterations']} iterations, {report['commands']} commands, "
        f"{report['disturbances']} disturbances, {len(report['differences'])} differences (seed {report['seed']})"
    )
    lines = [
        totals,
        *_counts("disturbance", report["by_kind"]),
        *_counts("the run was writing", report["phases"]),
        *_counts("variant", report["variants"]),
        *_counts("workers", report["executors"]),
    ]
    return "\n".join([*lines, *(f"skipped: {reason}" for reason in report["skipped"])])


def _counts(title: str, counts: dict[str, int]) -> list[str]:
    width = max(map(len, [title, *counts]))
    return ["", f"{title:<{width}}  times", *(f"{name:<{width}}  {n:>5}" for name, n in counts.items())]
