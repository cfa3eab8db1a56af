"""`roco agree`: how well annotators agree, as in Table 7 of the paper."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from roco.base.errors import DataError, UsageError
from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json

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
    from roco.curate import task_files
    from roco.curate.log import Log
    from roco.curate.raters import all_raters, labels_of, most_in_common, sample_of
    from roco.evaluate import rater_agreement
    from roco.evaluate.report import render

    if (first is None) != (second is None):
        raise UsageError("one rater", "give both --first and --second, or neither")
    found = []
    with Log.open(log, write=False) as opened:
        used = {event.task for event in opened.current()}
        tasks = {one.name: one for one in map(task_files.load, task or task_files.shipped())}
        for name, one in tasks.items():
            if name not in used and not task:
                continue
            pair = (first, second) if first and second else None
            try:
                a, b = pair or most_in_common(opened, name)
                sample = sample_of(opened, name)
                labels = rater_agreement.Pair(
                    task=name,
                    first=labels_of(opened, name, a),
                    second=labels_of(opened, name, b),
                    names=(a, b),
                    order=one.names,
                    raters=all_raters(opened, name),
                    weights=sample.weights,
                    strata=sample.strata,
                )
                found.append(rater_agreement.rater_agreement(labels))
            except DataError as err:
                if task:
                    raise
                print(safe(f"{name}: {err.message}"), file=sys.stderr)
    if not found:
        raise DataError(f"no two raters labelled an image in common ({log})", "name them: --first and --second")
    if as_json:
        print_json([result.as_mapping() for result in found])
    else:
        weighted = rater_agreement.weighted_table(found)
        tables = [rater_agreement.table_7(found), *([weighted] if weighted else [])]
        for result in found:
            tables += [rater_agreement.label_table(result), rater_agreement.matrix_table(result)]
        print("\n\n".join(render.text(table) for table in tables))
    if out:
        rater_agreement.write(found, out)
        print(safe(f"wrote {shown_path(out)}"), file=sys.stderr)
    else:
        print_next("add --out DIR for tables, JSON and the confusion matrices as PNG and SVG")
