"""What `roco audit` prints: the strata of a sample, and what its labels say about the filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roco.cli.output import count
from roco.cli.tables import clean, console, print_table, table
from roco.curate.audit import Audit, Sample, StratumResult
from roco.curate.estimates import Estimate
from roco.curate.strata import DROPPED, KEPT

if TYPE_CHECKING:
    from rich.console import Console


def print_sample(sample: Sample) -> None:
    """Prints what a stage kept and dropped, and how many figures of each stratum were drawn."""
    out = console()
    _print_judged(out, sample.stage, sample.strata)
    if sample.score is None:
        out.print("[dim]the stage reads no score, so its strata are decision and reason[/dim]")
    if sample.without_image:
        out.print(f"{count('image', sample.without_image)} cannot be read; the contact sheet shows why")
    out.print()
    headers = {"stratum": "stratum", "figures": "figures", "drawn": "drawn"}
    print_table(out, table(strata(sample.strata), headers))


def print_audit(audit: Audit) -> None:
    """Prints the estimates with their intervals, and the labels by stratum."""
    out = console()
    _print_judged(out, audit.stage, audit.strata)
    drawn = sum(one.drawn for one in audit.strata)
    labelled = sum(one.labelled for one in audit.strata)
    unsure = sum(one.unsure for one in audit.strata)
    counted = f"{labelled:,} of {count('figure', drawn)} in the file labelled keep or drop, {unsure:,} unsure"
    out.print(f"{counted}, {drawn - labelled - unsure:,} without a label")
    out.print()
    rows = [
        {"measure": "precision", **_shown(audit.precision, 4), "meaning": "of the kept figures are wanted"},
        {"measure": "recall", **_shown(audit.recall, 4), "meaning": "of the wanted figures are kept"},
        {"measure": "lost", **_shown(audit.lost, 0), "meaning": "wanted figures are dropped"},
    ]
    headers = {"measure": "", "estimate": "estimate", "interval": "95% interval", "meaning": ""}
    print_table(out, table(rows, headers))
    out.print()
    headers = {"stratum": "stratum", "figures": "figures", "labelled": "labelled", "keep": "keep", "drop": "drop"}
    print_table(out, table(strata(audit.strata), headers))
    if audit.unlabelled or audit.widest:
        out.print()
    for one in audit.unlabelled:
        out.print(f"[dim]no labels: {clean(one.stratum.name)}; the interval of its share is 0 to 1[/dim]")
    if audit.widest is not None:
        widest = clean(audit.widest.stratum.name)
        out.print(f"[dim]more labels would narrow the intervals most in: {widest}[/dim]")


def strata(results: Sequence[StratumResult]) -> list[dict[str, Any]]:
    """Returns the strata as rows of a table, for people or as JSON."""
    return [
        {
            "stratum": one.stratum.name,
            "decision": one.stratum.decision,
            "reason": one.stratum.reason,
            "band": one.stratum.band,
            "figures": one.stratum.size,
            "drawn": one.drawn,
            "labelled": one.labelled,
            "keep": one.wanted,
            "drop": one.labelled - one.wanted,
            "unsure": one.unsure,
        }
        for one in results
    ]


def sample_facts(sample: Sample) -> dict[str, Any]:
    """Returns a sample as JSON."""
    facts = {"stage": sample.stage, "score": sample.score, "seed": sample.seed, "strata": strata(sample.strata)}
    return {**facts, "sheet": str(sample.sheet), "labels": str(sample.labels), "without_image": sample.without_image}


def audit_facts(audit: Audit) -> dict[str, Any]:
    """Returns the estimates as JSON; null where there is none."""
    estimates = {"precision": audit.precision, "recall": audit.recall, "lost": audit.lost}
    numbers = {name: None if one is None else one._asdict() for name, one in estimates.items()}
    return {"stage": audit.stage, "score": audit.score, **numbers, "strata": strata(audit.strata)}


def _print_judged(out: Console, stage: str, results: Sequence[StratumResult]) -> None:
    sizes = {KEPT: 0, DROPPED: 0}
    for one in results:
        sizes[one.stratum.decision] += one.stratum.size
    figures = count("figure", sum(sizes.values()))
    out.print(f"[bold]{clean(stage)}[/bold] kept {sizes[KEPT]:,} and dropped {sizes[DROPPED]:,} of {figures}")
    if not sizes[DROPPED]:
        out.print("[dim]nothing was dropped in this run, so the recall of the stage is 1[/dim]")
    if not sizes[KEPT]:
        out.print("[dim]nothing was kept in this run, so the stage has no precision[/dim]")


def _shown(estimate: Estimate | None, digits: int) -> dict[str, str]:
    if estimate is None:
        return {"estimate": "-", "interval": "not estimated"}
    value, low, high = (f"{number:,.{digits}f}" for number in estimate)
    return {"estimate": value, "interval": f"{low} to {high}"}
