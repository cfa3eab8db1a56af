"""`roco fetch`: plan, run, update, verify."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roco.base.errors import UsageError, nearest
from roco.cli.output import print_json, print_next, safe
from roco.cli.usage import Commands

if TYPE_CHECKING:
    from roco.cli.screen_fetch import Transfer
    from roco.sources.fetch.take import Taken

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Fetch articles from PMC's cloud bucket; resume, verify, update.\n\n"
    "Example: roco fetch plan articles --ids PMC10009416 --contact you@example.org, then roco fetch run articles",
)

FolderArg = Annotated[Path, typer.Argument(metavar="DIR", help="Where the articles go.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Connections = Annotated[int | None, typer.Option(metavar="N", help="Connections at once, 64 at most.")]
Snapshot = Annotated[str | None, typer.Option(metavar="DATE", help="The inventory of this day; the newest by default.")]


@app.command()
def plan(
    folder: FolderArg,
    ids: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|FILE", help="Only these: PMCIDs, or a file with one a line. All by default."),
    ] = None,
    license: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Licences that are wanted; CC-BY and CC-BY-NC by default.")
    ] = None,
    first_year: Annotated[int | None, typer.Option("--from", metavar="YEAR", help="Published then or later.")] = None,
    last_year: Annotated[int | None, typer.Option("--to", metavar="YEAR", help="Published then or earlier.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Types of article, such as case-report.")
    ] = None,
    retracted: Annotated[bool, typer.Option("--retracted", help="Retracted articles too.")] = False,
    manuscripts: Annotated[bool, typer.Option("--manuscripts", help="Authors' manuscripts too.")] = False,
    packs: Annotated[bool, typer.Option("--packs", help="Keep a thousand articles in one file.")] = False,
    snapshot: Snapshot = None,
    contact: Annotated[
        str | None,
        typer.Option(metavar="MAIL", envvar="ROCO_CONTACT", help="Your address, for the User-Agent of each request."),
    ] = None,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="A bucket of the same layout.")] = None,
    connections: Connections = None,
    as_json: Json = False,
) -> None:
    """Say what would be fetched: articles, files, bytes, time. Only metadata move.

    Example: roco fetch plan articles --ids PMC10009416 --contact you@example.org
    """
    from roco.base.licenses import LICENSES
    from roco.cli import screen_fetch
    from roco.sources.fetch import verbs
    from roco.sources.fetch.plan import Options
    from roco.sources.fetch.wants import Wants

    for name in license or ():
        if name not in LICENSES:
            raise UsageError(f"there is no licence '{name}'", nearest(name, LICENSES))
    if contact is None:
        raise UsageError("PMC asks who you are", "--contact you@example.org, or ROCO_CONTACT in the environment")
    if ids and snapshot:
        raise UsageError("--ids are asked for as they are now", "leave --snapshot out")
    wants = Wants(
        **({"licenses": tuple(license)} if license else {}), retracted=retracted, manuscripts=manuscripts,
        first_year=first_year, last_year=last_year, types=tuple(types or ()),
    )  # fmt: skip
    options = Options(
        endpoint=endpoint or verbs.ENDPOINT, contact=contact, wants=wants, packs=packs,
        ids=verbs.ids_of(ids) if ids else None, connections=16 if connections is None else connections,
    )  # fmt: skip
    with _telling(f"roco fetch plan {folder}") as progress:
        made = verbs.plan(folder, options, dated=snapshot, progress=progress)
    if as_json:
        _print_json(made.told)
    else:
        screen_fetch.show_plan(made)
    complaints = made.told["notes"] if ids else []
    recipe = _recipe(folder)
    _end(complaints, f"roco fetch run {folder}" if made.told["todo"] else f"roco run {recipe}")
    if complaints:
        raise SystemExit(1)


@app.command()
def run(folder: FolderArg, connections: Connections = None, as_json: Json = False) -> None:
    """Fetch what the plan says and is not there: XML first, then the images that figures refer to.

    Example: roco fetch run articles
    """
    from roco.sources.fetch import verbs

    with _telling(f"roco fetch run {folder}") as progress:
        began = time.monotonic()
        taken = verbs.run(folder, connections=connections, progress=progress)
    _show_taken(taken, time.monotonic() - began, folder, as_json)


@app.command()
def update(
    folder: FolderArg,
    snapshot: Snapshot = None,
    dry: Annotated[bool, typer.Option("--dry", help="Say what is new, changed or gone, and change nothing.")] = False,
    let_go: Annotated[bool, typer.Option("--let-go", help="Remove even many articles that are gone.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch what is new, changed, retracted or relicensed since; remove what is gone; touch nothing else.

    Example: roco fetch update articles
    """
    from roco.cli import screen_fetch
    from roco.sources.fetch import verbs

    with _telling(f"roco fetch update {folder}") as progress:
        began = time.monotonic()
        changes, taken = verbs.update(folder, dated=snapshot, dry=dry, let_go=let_go, progress=progress)
    if as_json:
        _print_json({**changes.as_mapping(), "taken": taken and screen_fetch.told(taken)})
    else:
        screen_fetch.show_changes(changes)
    if taken is None:
        _end([], f"roco fetch update {folder}")
        return
    _show_taken(taken, time.monotonic() - began, folder, as_json=False, quiet=as_json)


@app.command()
def verify(folder: FolderArg, as_json: Json = False) -> None:
    """Check every file against its receipt, without the network.

    Example: roco fetch verify articles
    """
    from roco.sources.fetch import verbs

    problems = verbs.verify(folder)
    if as_json:
        _print_json([problem._asdict() for problem in problems])
    else:
        for problem in problems:
            print(safe(f"{problem.where}: {problem.what}"))
        print(
            f"{folder}: {len(problems)} problem{'s' * (len(problems) > 1)}"
            if problems
            else f"{folder}: all is as it was fetched"
        )
    if problems:
        raise SystemExit(1)


@contextmanager
def _telling(command: str) -> Iterator[Transfer]:
    """Shows the progress of a block, and says how to go on where it was stopped."""
    from roco.cli.screen_fetch import Transfer

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Transfer()
    try:
        yield progress
    except KeyboardInterrupt:
        progress.close()
        print(f"stopped; what was done stays done: {command}  goes on from here", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        progress.close()


def _show_taken(taken: Taken, seconds: float, folder: Path, as_json: bool, quiet: bool = False) -> None:
    from roco.cli import screen_fetch

    if as_json:
        _print_json(screen_fetch.told(taken))
    elif not quiet:
        screen_fetch.show_taken(taken, seconds)
    again = f"roco fetch run {folder}" if taken.again else ""
    _end(taken.problems, again or f"roco run {_recipe(folder)}")
    if taken.problems:
        raise SystemExit(1)


RECIPE = """\
# Makes a release of the articles in {name}. What each stage does: roco stages

[run]
folder = "{name}-run"
base = "rocov2"

[source]
kind = "cloud"
path = "{name}"
"""


def _recipe(folder: Path) -> Path:
    """The recipe beside a folder of articles, written where there is none."""
    from roco.base.files import write_text

    whole = folder.resolve()
    path = whole.with_name(f"{whole.name}.toml")
    if not path.exists():
        name = whole.name.replace("\\", "\\\\").replace('"', '\\"')
        write_text(path, RECIPE.format(name=name))
    return path if folder.is_absolute() else folder.with_name(path.name) if folder.name else path


MOST_TOLD = 20


def _end(problems: list[str], following: str) -> None:
    for line in problems[:MOST_TOLD]:
        print(safe(f"error: {line}"), file=sys.stderr)
    if len(problems) > MOST_TOLD:
        print(f"and {len(problems) - MOST_TOLD:,} more", file=sys.stderr)
    print_next(following)


def _print_json(value: Any) -> None:
    print_json(json.loads(json.dumps(value)))
