"""`roco agree`: how well annotators agree, as in Table 7 of the paper."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json

if TYPE_CHECKING:
    from roco.curate.raters import Compared
    from roco.evaluate.rater_agreement import TaskAgreement

LogArg = Annotated[Path, typer.Argument(metavar="LOG", help="A label log.", show_default=False)]


def agree(
    log: LogArg,
    first: Annotated[
        str | None, typer.Option("--first", metavar="RATER", help="An annotator, a round, or ROUND:ANNOTATOR.")
    ] = None,
    second: Annotated[str | None, typer.Option("--second", metavar="RATER", help="The other rater.")] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK", help="Compare in this task only; repeat it for several. A name, or a .toml file."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write tables, JSON, and confusion matrices as PNG and SVG.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compares two raters: kappa with sd and interval as in Table 7, per label, alpha, AC1, confusion matrices.

    Example: roco agree labels.db --first curated --second radiologist --out agreement

    Of a round, the resolved labels are compared. By default the two annotators with the most images in common.
    """
    from roco.evaluate import rater_agreement
    from roco.evaluate.report import render

    found = agreement_in(log, first, second, task or ())
    if as_json:
        print_json([result.as_mapping() for result in found])
    else:
        print("\n\n".join(render.text(table) for table in rater_agreement.tables(found)))
    if out:
        rater_agreement.write(found, out)
        print(safe(f"wrote {shown_path(out)}"), file=sys.stderr)
    else:
        print_next("add --out DIR for tables, JSON and the confusion matrices as PNG and SVG")


def agreement_in(
    log: Path, first: str | None, second: str | None, tasks: Sequence[str] = (), *, required: bool = True
) -> list[TaskAgreement]:
    """Returns the agreement of two raters of a log in each task, by default in all shipped ones that it has.

    first, second: by default the two annotators with the most images in common. required: raises DataError if no two
    raters labelled an image in common, else returns nothing. A task without two raters is reported unless it was named.
    """
    from roco.curate import task_files
    from roco.curate.log import Log
    from roco.curate.raters import RaterLabels

    if (first is None) != (second is None):
        raise UsageError("one rater", "give both --first and --second, or neither")
    if first is not None and first == second:
        raise UsageError(f"--first and --second are the same rater: {excerpt(first)}", "name two raters")
    found = []
    with Log.open(log, write=False) as opened:
        labels = RaterLabels.of(opened)
    for name, one in {one.name: one for one in map(task_files.load, tasks or task_files.shipped())}.items():
        if name not in labels.tasks and not tasks:
            continue
        try:
            pair = (first, second) if first and second else labels.most_in_common(name)
            if pair is None:
                hint = "name two raters: --first and --second"
                raise DataError(f"no two annotators labelled an image in common in '{name}' ({log})", hint)
            found.append(compare(labels.compared(one, *pair)))
        except DataError as err:
            if tasks:
                raise
            print(safe(f"{name}: {err.message}"), file=sys.stderr)
    if required and not found:
        raise DataError(f"no two raters labelled an image in common ({log})", "name them: --first and --second")
    return found


def compare(compared: Compared) -> TaskAgreement:
    """Computes the agreement of two raters, for the command and for the page of `roco curate`."""
    from roco.evaluate import rater_agreement

    pair = rater_agreement.Pair(
        task=compared.task,
        first=compared.first,
        second=compared.second,
        names=compared.names,
        order=compared.order,
        raters=compared.raters,
        weights=compared.sample.weights,
        strata=compared.sample.strata,
    )
    return rater_agreement.rater_agreement(pair)


def for_page(compared: Compared) -> dict[str, Any]:
    """Returns the numbers of `roco agree --json` and the tables of `roco agree`, which the page shows as they are."""
    from roco.evaluate import rater_agreement

    found = compare(compared)
    weighted = rater_agreement.weighted_table([found])
    return {
        **found.as_mapping(),
        "table_7": rater_agreement.table_7([found])._asdict(),
        "weighted_table": weighted._asdict() if weighted else None,
        "label_table": rater_agreement.label_table(found)._asdict(),
    }
