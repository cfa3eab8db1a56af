"""What `roco labels precision` prints: the precision of concepts by stratum and in total."""

from __future__ import annotations

from roco.cli.grid import Grid
from roco.cli.output import count
from roco.cli.tables import clean, console, print_table
from roco.curate.precision import ConceptPrecision, StratumPrecision

HEADERS = ("", "concepts", "drawn", "yes", "no", "unsure", "open", "precision", "95% interval")


def print_precision(found: ConceptPrecision) -> None:
    """Prints one row for each stratum and one for all, in which each stratum counts by its concepts."""
    out = console()
    total = found.total
    labelled = total.drawn - total.open
    drawn = f"{labelled:,} of {count('concept', total.drawn)} in the sample of round '{clean(found.round)}' labelled"
    out.print(f"{drawn}, {total.unsure:,} unsure", soft_wrap=True)
    out.print()
    rows = [_cells(row) for row in (*found.strata, total)]
    print_table(out, Grid(HEADERS, rows, frozenset(range(1, len(HEADERS) - 1))))


def _cells(row: StratumPrecision) -> list[str]:
    counts = (row.size, row.drawn, row.yes, row.no, row.unsure, row.open)
    shown = [row.stratum, *(f"{number:,}" for number in counts)]
    if row.precision is None:
        return [*shown, "", ""]
    one = row.precision
    return [*shown, f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}"]
