"""The options of `roco curate` that draw a sample, and the table of its strata."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roco.base.errors import UsageError
from roco.cli.output import count, safe

if TYPE_CHECKING:
    from roco.curate.corpus import Corpus
    from roco.curate.log import Log
    from roco.curate.tasks import Task

SampleSize = Annotated[
    int | None,
    typer.Option("--sample", metavar="N", min=1, help="Draw a representative sample, and ask about it alone."),
]
Strata = Annotated[
    str,
    typer.Option(
        "--stratify",
        metavar="TASK|type",
        help="Strata of the sample: the labels of a task, or the semantic type of concepts.",
        show_default=False,
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Draw another sample; by default 1.")]
DrawOnly = Annotated[bool, typer.Option("--draw-only", help="Draw the sample and end, without a server.")]

TYPE = "type"
ROUND, ROUND_OF_SAMPLE = "curated", "sample"


def check_options(sample: int | None, stratify: str, seed: int | None, draw_only: bool) -> None:
    """Raises UsageError for an option of a sample without one."""
    given = {"--stratify": stratify, "--seed": seed is not None, "--draw-only": draw_only}
    for option, value in given.items():
        if value and sample is None:
            raise UsageError(f"option {option} without a sample", "add --sample N")


def task_of(stratify: str) -> str:
    """Returns the task of a sample for which none was named."""
    return {"": "modality", TYPE: "visible"}.get(stratify, stratify)


def strata_tasks(stratify: str) -> list[Task]:
    """Returns the shipped task whose labels are the strata, so that its guesses are read."""
    from roco.curate import task_files

    return [task_files.load(stratify)] if stratify in task_files.shipped() else []


def draw(
    log: Log, corpus: Corpus, tasks: dict[str, Task], n: int, stratify: str, seed: int | None, settings: dict[str, Any]
) -> None:
    """Draws the sample of a task, or continues one, and prints its strata; settings: round, annotator and blind."""
    from roco.cli.grid import Grid
    from roco.cli.tables import console, print_table
    from roco.curate import subset, task_files

    if len(tasks) > 1:
        raise UsageError("a sample of several tasks", f"draw a sample for each: --task {next(iter(tasks))} alone")
    (task,) = tasks.values()
    by = stratify or (TYPE if task.item else task.name)
    known = task_files.load_all(task_files.shipped()) | tasks
    wanted = subset.Draw(task=task, n=n, by=by, seed=1 if seed is None else seed, tasks=known)
    found = subset.draw_subset(log, corpus, wanted, **settings)
    total = sum(share.size for share in found.shares)
    when = "drawn" if found.is_new else "drawn before"
    print(safe(f"sample of '{task.name}' in round '{settings['round']}', {when}: {n:,} of {count(wanted.noun, total)}"))
    rows = [[one.stratum, f"{one.size:,}", f"{one.drawn:,}", f"{one.weight:.2f}"] for one in found.shares]
    print_table(console(), Grid([by, f"{wanted.noun}s", "drawn", "weight"], rows, frozenset({1, 2, 3})))
    sys.stdout.flush()


def warn_of_release(target: Path, tasks: dict[str, Task]) -> None:
    """Reports that a release does not have the images that people excluded."""
    drops = [label.name for one in tasks.values() if not one.item for label in one.labels if label.then == "drop"]
    if target.suffix != ".toml" and drops:
        names = " and ".join(drops)
        print(
            f"a release has no images that people labelled {names}: draw from its recipe to include them",
            file=sys.stderr,
        )
