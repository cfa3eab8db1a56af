"""What the run took: core-hours and bytes, and an estimate of electricity and carbon dioxide."""

from __future__ import annotations

from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.render import Cell, ReportTable


def cost(inputs: Inputs) -> Content:
    """Core-hours of the run by stage: seconds of its worker processes, each of which uses one core, over everything
    that the log of the run folder records, so also what was measured again. Electricity is core-hours * watts of a
    core; carbon dioxide is electricity * grams of CO2 for a kWh. Both factors are options; training is not counted."""
    one = inputs.cost
    if one is None:
        raise NotAvailable("only a run folder records what a run took, and a release does not")
    total = sum(one.seconds.values())
    rows: list[tuple[Cell, ...]] = []
    for stage, seconds in one.seconds.items():
        rows.append((stage, seconds / 3600, seconds / total if total else None))
    images = inputs.size
    sums: list[tuple[Cell, ...]] = [
        ("core-hours", one.core_hours),
        ("core-seconds for an image of the release", total / images if images else None),
        (f"electricity, kWh ({one.watts:g} W for a core)", one.kwh),
        (f"carbon dioxide, g ({one.grams:g} g for a kWh)", one.co2),
        ("run folder without the release, MB", one.folder_bytes / 1e6),
    ]
    plot = Bars(
        name="cost",
        title="Core-hours by stage",
        alt=f"Bar chart of {one.core_hours:.3f} core-hours by stage: {', '.join(list(one.seconds)[:5])} take most.",
        labels=list(one.seconds),
        series={"core-hours": [seconds / 3600 for seconds in one.seconds.values()]},
        axis="core-hours",
    )
    return Content(
        tables=(
            ReportTable("Cost of the run", ("", "value"), sums),
            ReportTable("Core-hours by stage", ("stage", "core-hours", "share"), rows),
        ),
        plots=(plot,),
        notes=("Seconds are measured by the clock: on a machine that does other work they are too many.",),
    )
