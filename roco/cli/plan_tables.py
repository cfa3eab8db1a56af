"""What `roco plan` prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from roco.cli.fetch_tables import size
from roco.cli.grid import Grid
from roco.cli.output import count
from roco.cli.tables import clean, console, print_line, print_table
from roco.core.cost import Calibration, Corpus, Machines, Plan, StageCost


def print_plan(plan: Plan, calibration: Calibration, corpus: Corpus, machines: Machines, notes: Sequence[str]) -> None:
    """Prints the plan: what was measured, core-hours by stage, then what the machines need."""
    out = console()
    sample = f"{count('article', calibration.articles)}, {count('figure', calibration.figures)}"
    asked = f"{count('article', corpus.articles)} and {count('image', round(corpus.figures))}"
    lines = [
        f"for {asked}, in {count('part', plan.parts)}",
        f"measured on {sample} in {calibration.seconds:.0f} s on this machine",
        *(f"note: {note}" for note in notes),
    ]
    for line in lines:
        print_line(out, clean(line))
    out.print()
    print_table(out, _stages(plan))
    out.print()
    for line in _needs(plan, calibration, machines):
        print_line(out, clean(line))


def _stages(plan: Plan) -> Grid:
    rows = [_row(stage, plan.hours) for stage in plan.stages]
    rows.append(["all", "", "", _hours(plan.hours), "100 %"])
    header = ["stage", "articles or figures", "ms each", "core-hours", "share"]
    return Grid(header, rows, frozenset({1, 2, 3, 4}))


def _row(stage: StageCost, total: float) -> list[str]:
    if stage.seconds is None:
        return [stage.stage, "", "not measured", "", ""]
    share = 100 * stage.hours / total if total else 0.0
    n = f"{round(stage.n):,} {stage.units}"
    return [stage.stage, n, f"{1000 * stage.seconds:.3f}", _hours(stage.hours), f"{share:.0f} %"]


def _needs(plan: Plan, calibration: Calibration, machines: Machines) -> list[str]:
    hours = f"core-hours: {_hours(plan.hours)}"
    if plan.low is not None and plan.high is not None:
        hours += f" ({_hours(plan.low)} to {_hours(plan.high)}, the spread of the sample)"
    missing = [stage.stage for stage in plan.stages if stage.seconds is None]
    lines = [f"{hours}; {_hours(plan.hours_without_filters)} if every figure reached every stage"]
    if missing:
        lines.append(f"not included, because no figure of the sample reached them: {', '.join(missing)}")
    reads = f"reads: {size(plan.n_bytes)}"
    if calibration.is_remote:
        reads += f" in {count('request', round(plan.n_requests))}, besides the listing"
    lines.append(reads)
    disk = ", ".join(f"{kind} {size(n)}" for kind, n in plan.disk.items())
    lines.append(f"disk of the run folder: {size(sum(plan.disk.values()))} ({disk} at most)")
    lines.append(f"memory: {size(plan.worker_bytes)} for each worker, {size(plan.driver_bytes)} for the driver")
    limits = {name: hours for name, hours in plan.hours_by_limit.items() if hours}
    details = ", ".join(f"{name} {_hours(hours)}" for name, hours in limits.items())
    bought = f"{count('machine', machines.machines)} of {count('core', machines.cores)}"
    lines.append(f"time on {bought}: at least {_hours(plan.elapsed_hours)} hours ({details})")
    lines.append(f"price: ${plan.total_price:,.2f} at ${machines.price:g} for a core and an hour")
    lines.append("The stages after the first one over the whole table, and the release, are not included.")
    return lines


def _hours(hours: float) -> str:
    """Returns hours with three significant digits, at most four decimals: 1,230 · 12.3 · 0.0123."""
    if hours >= 100:
        return f"{hours:,.0f}"
    return f"{hours:.1f}" if hours >= 10 else f"{hours:.2f}" if hours >= 0.1 else f"{hours:.4f}"


def facts(
    plan: Plan, calibration: Calibration, corpus: Corpus, machines: Machines, notes: Sequence[str]
) -> dict[str, Any]:
    """Returns the plan as JSON values; hours, seconds and bytes are not rounded."""
    sample = {
        "articles": calibration.articles,
        "figures": calibration.figures,
        "groups": len(calibration.groups),
        "seconds": calibration.seconds,
        "notes": list(notes),
    }
    return {
        "sample": sample,
        "corpus": {"articles": corpus.articles, "images": corpus.figures},
        "machines": dataclasses.asdict(machines),
        **dataclasses.asdict(plan),
        "elapsed_hours": plan.elapsed_hours,
        "limit": plan.limit,
    }
