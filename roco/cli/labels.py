"""The commands under `roco labels`: export, import, the history of an image, undo, and the check of a label log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from roco.base.errors import DataError
from roco.cli.agree import LogArg
from roco.cli.app import App
from roco.cli.output import count, print_json, print_next, safe, shown_path
from roco.cli.run import Json

if TYPE_CHECKING:
    from roco.curate.tasks import Task

app = App(
    no_args_is_help=True,
    help="Exports, imports and checks the labels of people.\n\nExample: roco labels export labels.db labels.csv",
)

Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="TASK", help="This task only; repeat it for several. A name, or a .toml file."),
]
Rounds = Annotated[
    list[str] | None, typer.Option("--round", metavar="ROUND", help="This round only; repeat it for several.")
]
MOST_SHOWN = 100
"""Rows that a list has on the screen."""
What = Literal["current", "resolved", "events"]


@app.command("export")
def export(
    log: LogArg,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".csv, .parquet, or .json for Label Studio.", show_default=False)
    ],
    what: Annotated[
        What,
        typer.Option(help="The newest label of each annotator, one label for each image, or all events (an audit)."),
    ] = "current",
    task: Tasks = None,
    round: Rounds = None,
) -> None:
    """Writes labels to a file: CSV, Parquet or Label Studio JSON, by the suffix of its name.

    Example: roco labels export labels.db labels.parquet --what resolved
    """
    from roco.curate.exchange import write_events
    from roco.curate.log import Log
    from roco.curate.resolve import resolved_events, rounds_of

    with Log.open(log, write=False) as opened:
        rounds = rounds_of(opened, round) if round else None
        names = [_name(one) for one in task] if task else None
        if what == "events":
            events = [one for one in opened.events() if rounds is None or one.round in rounds]
        elif what == "current":
            events = opened.current(rounds=rounds)
        else:
            events = resolved_events(opened.standing("label", rounds=rounds_of(opened, round or ())))
        if names is not None:
            events = [event for event in events if event.task in names]
    write_events(events, file)
    print(safe(f"wrote {shown_path(file)}: {count('event' if what == 'events' else 'label', len(events))}"))


@app.command("import")
def import_labels(
    log: LogArg,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A CSV, Parquet or Label Studio JSON file; or the folder of a dataset with manual concepts.",
            show_default=False,
        ),
    ],
    round: Annotated[str, typer.Option(metavar="ROUND", help="The round of the labels; it is opened if it is new.")],
    annotator: Annotated[
        str | None, typer.Option(metavar="NAME", help="The annotator of labels that name none.")
    ] = None,
    task: Tasks = None,
    blind: Annotated[bool, typer.Option("--blind", help="Open the round as blind.")] = False,
) -> None:
    """Imports the labels of a file or dataset into a label log. Importing the same file again adds nothing.

    Example: roco labels import labels.db /data/rocov2 --round rocov2 --annotator rocov2

    Of a dataset such as ROCOv2, the manual concepts become labels: modality, and region and direction of X-rays.
    """
    from roco.curate.events import rater_name
    from roco.curate.exchange import read_labels
    from roco.curate.importing import add_checked, checked_labels, of_manual_concepts
    from roco.curate.log import Log

    tasks = _tasks(task)
    if source.is_dir() or source.name.endswith("_concepts_manual.csv"):
        labels = list(of_manual_concepts(_of_dataset(source), str(source)))
        annotator = annotator or (source if source.is_dir() else source.parent).resolve().name
    else:
        labels = read_labels(source)
    # Everything is checked before the log is opened, so that a failed import leaves no new log and no new round.
    only = next(iter(tasks)) if task and len(task) == 1 else None
    ready = checked_labels(labels, tasks, annotator=annotator, task=only)
    by = rater_name("import" if annotator is None else annotator, "annotator")
    if not log.exists():
        rater_name(round, "round")
    with Log.open(log, tasks) as opened:
        opened.open_round(round, annotator=by, blind=blind or _is_blind(opened.rounds(), round))
        n = add_checked(opened, ready, round=round)
    print(safe(f"{shown_path(log)}: {count('new label', n)}, {len(labels) - n:,} already there"))
    print_next("roco agree", shown_path(log))


@app.command()
def history(
    log: LogArg,
    image: Annotated[str, typer.Argument(metavar="IMAGE_KEY", help="The image_key of an image.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Prints every event of an image: labels, notes, flags and undos, with annotator, time and round.

    Example: roco labels history labels.db PMC99000003-dabcbd
    """
    from roco.cli.tables import console, print_table, table
    from roco.curate.log import Log

    with Log.open(log, write=False) as opened:
        events = opened.history(image)
    if not events:
        raise DataError(f"no events of {safe(image)} ({log})", "give its image_key, as in figures.parquet")
    if as_json:
        print_json([event._asdict() for event in events])
        return
    columns = ("id", "time", "round", "annotator", "kind", "task", "concept", "label", "origin", "note", "revoked")
    used = [name for name in columns if any(getattr(event, name) not in ("", None) for event in events)]
    rows = [{name: getattr(event, name) or "" for name in used} for event in events]
    print_table(console(), table(rows, {name: name for name in used}))


@app.command()
def undo(
    log: LogArg,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The batch of an event.", show_default=False)],
    annotator: Annotated[str, typer.Option(metavar="NAME", help="Who takes it back.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
) -> None:
    """Takes back all labels, notes and flags of a batch, of any annotator; the labels before them count again.

    Example: roco labels undo labels.db 5f0c2a9d --annotator lead --note "wrong folder"
    """
    from roco.curate.log import Log

    with Log.open(log, create=False) as opened:
        done = opened.undo(batch, annotator=annotator, note=note, of_anyone=True)
    print(f"took back {count('event', len(done.ids))}")


@app.command()
def outdated(
    log: LogArg,
    task: Tasks = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all of them: .csv, .parquet or .json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Lists the labels that were made under another version of their guideline and have not been given again since.

    Example: roco labels outdated labels.db --task modality --out outdated.csv

    Version and time are those of the label. On the pages of roco curate, Show: outdated has one's own.
    """
    from roco.cli.tables import console, print_table, table
    from roco.curate.exchange import write_events
    from roco.curate.log import Log

    tasks = _tasks(task)
    with Log.open(log, tasks, write=False) as opened:
        found = {name: opened.outdated(name) for name in tasks}
    events = [event for name in found for event in found[name]]
    if out:
        write_events(events, out)
    if as_json:
        print_json([event._asdict() for event in events])
        return
    shown = events[:MOST_SHOWN]
    columns = ("task", "image_key", "concept", "round", "annotator", "label", "origin", "guideline", "time")
    used = [name for name in columns if any(getattr(event, name) for event in shown)]
    if shown:
        rows = [{name: getattr(event, name) for name in used} for event in shown]
        print_table(console(), table(rows, {name: name for name in used}))
    for name, old in found.items():
        if old:
            version = tasks[name].version
            print(f"{count('label', len(old))} of '{name}' made under another version of its guideline, not {version}")
    if not events:
        print("OK: all labels were made under the present guidelines")
    if out:
        print(safe(f"wrote {shown_path(out)}: {count('label', len(events))}"))
    elif len(events) > len(shown):
        print_next(f"the first {len(shown)} are shown; --out FILE writes all")


@app.command()
def check(log: LogArg) -> None:
    """Checks a label log: structure, seal of each event, backup, and labels made under an older guideline.

    Example: roco labels check labels.db
    """
    from roco.curate.log import Log
    from roco.curate.resolve import resolve

    tasks = _tasks(None)
    with Log.open(log, tasks, create=False) as opened:
        found = resolve(opened)
        n = sum(1 for _ in opened.events())
        outdated = {name: len(opened.outdated(name)) for name in tasks}
    print(safe(f"OK: {count('event', n)}, {count('label', len(found.resolved))} resolved, all checks passed ({log})"))
    if found.disputes:
        print(f"{count('image', len(found.disputes))} on which annotators disagree")
    for name, old in outdated.items():
        if old:
            print(
                f"{count('label', old)} of '{name}' made under another version of its guideline: roco labels outdated"
            )


@app.command()
def precision(
    log: LogArg,
    task: Annotated[str, typer.Option("--task", metavar="TASK", help="A task about concepts.")] = "visible",
    round: Annotated[
        str, typer.Option("--round", metavar="ROUND", help="The round of the sample, if there are several.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Estimates the precision of automatic concepts, by semantic type and in total, from the labels of a sample.

    Example: roco labels precision labels.db

    Of the answers, `yes` is right and `no` is wrong; unsure ones are counted apart. `roco curate --task visible
    --sample 200 --stratify type` draws the sample.
    """
    from roco.cli.precision_table import print_precision
    from roco.curate import task_files
    from roco.curate.log import Log
    from roco.curate.precision import concept_precision

    one = task_files.load(task)
    with Log.open(log, {one.name: one}, write=False) as opened:
        found = concept_precision(opened, one, round)
    if as_json:
        print_json({"round": found.round, "strata": [row.as_mapping() for row in (*found.strata, found.total)]})
    else:
        print_precision(found)


def _tasks(named: list[str] | None) -> dict[str, Task]:
    from roco.curate import task_files

    own = [one for one in named or () if one.endswith(".toml")]
    shipped = [one for one in named or () if one not in own] if named else []
    return task_files.load_all([*own, *shipped]) if named else task_files.load_all(task_files.shipped())


def _name(task: str) -> str:
    from roco.curate import task_files

    return task_files.load(task).name


def _is_blind(rounds: Mapping[str, object], name: str) -> bool:
    return bool(getattr(rounds.get(name), "blind", False))


def _of_dataset(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields image_key and manual concepts of the images of a dataset, or of one of its tables of manual concepts."""
    from roco.release.read import Release

    split = None if source.is_dir() else source.name.removesuffix("_concepts_manual.csv")
    with Release.open(source if source.is_dir() else source.parent) as release:
        has_keys = "image_key" in release.columns
        names = ["id", "article_key", "concepts_manual", *(["image_key"] if has_keys else [])]
        for row in release.table(split, names).to_pylist():
            key = row["image_key"] if has_keys else None
            if not key:
                key = f"{row['article_key']}-{hashlib.sha256(release.image(row['id'])).hexdigest()}"
            yield key, list(row["concepts_manual"] or ())
