"""The command `roco retract`: writes the next release without images that are taken down."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roco.cli.output import count, print_json, print_next, safe
from roco.cli.release import Json
from roco.cli.untrained import warn_of_emptied, warn_of_lost

if TYPE_CHECKING:
    from roco.release.retract import Retraction

MOST_NAMED = 10
"""Images that a warning names."""


def retract(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release.", show_default=False)],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The next release; the folder must not exist.", show_default=False),
    ],
    ids: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Ids of images, or PMCIDs or DOIs of articles, one per line."),
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; published in tombstones.csv, so name nobody.")],
    date: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day of the takedown, such as 2026-11-30; today by default.")
    ] = None,
    version: Annotated[str | None, typer.Option(metavar="VERSION", help="The version of the next release.")] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove concepts from valid and test that train no longer has.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Takes images down. Writes the next release without them; their ids are never used again.

    Example: roco retract demo/run/release next --ids ids.txt --reason "consent withdrawn"
    """
    from roco.cli.progress import ProgressBar, shown
    from roco.release.retract import retract as write

    progress = ProgressBar(at_once=False)
    with shown(progress):
        retraction = write(release, out, ids, reason, date, version, prune, progress)
    if as_json:
        print_json(_as_json(retraction))
    else:
        for id in retraction.ids:
            print(safe(id))
    print(safe(f"{count('image', len(retraction.ids))} taken down; wrote {out}"), file=sys.stderr)
    _warn(retraction)
    print_next("roco diff", release, out)


def _as_json(retraction: Retraction) -> dict[str, Any]:
    lost = {cui: number for cui, _, number in retraction.lost}
    more = {"concepts_lost_by_train": lost, "pruned": retraction.pruned, "splits_emptied": retraction.emptied}
    return {"images": retraction.ids, "similar": retraction.similar, **more}


def _warn(retraction: Retraction) -> None:
    if retraction.similar:
        number, names = len(retraction.similar), ", ".join(retraction.similar[:MOST_NAMED])
        verbs = ("duplicates or resembles", "stays") if number == 1 else ("duplicate or resemble", "stay")
        more = " …" if number > MOST_NAMED else ""
        what = f"{count('image', number)} that {verbs[0]} one of them {verbs[1]}: {names}{more}"
        print(safe(f"warning: {what}"), file=sys.stderr)
        print("  take down what shows the same", file=sys.stderr)
    if retraction.pruned:
        number, names = len(retraction.pruned), ", ".join(retraction.pruned[:MOST_NAMED])
        more = " …" if number > MOST_NAMED else ""
        print(
            safe(f"warning: {count('image', number)} without any other concept dropped: {names}{more}"), file=sys.stderr
        )
    warn_of_emptied(retraction.emptied, "is left")
    if "train" not in retraction.emptied:  # without train, pruning is not possible
        warn_of_lost(retraction.lost)
