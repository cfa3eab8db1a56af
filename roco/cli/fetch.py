"""`roco fetch`: plan, run, update, verify; `pubmed` is in `fetch_pubmed.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError, nearest
from roco.cli.app import App
from roco.cli.fetch_pubmed import pubmed
from roco.cli.output import print_json, print_next, print_problems, safe

if TYPE_CHECKING:
    from roco.sources.fetch.download import DownloadResult

app = App(
    no_args_is_help=True,
    help="Downloads articles from PMC's S3 bucket, and what MEDLINE states of them; resumes, updates and verifies.\n\n"
    "Example: roco fetch plan articles --ids PMC10009416 --contact you@example.org, then roco fetch run articles",
)

FolderArg = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the articles.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Connections = Annotated[
    int | None, typer.Option(metavar="N", help="Number of connections, 1 to 64.", show_default="16")
]
Snapshot = Annotated[
    str | None, typer.Option(metavar="DATE", help="Use the inventory of this day.", show_default="newest")
]


@app.command()
def plan(
    folder: FolderArg,
    ids: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|FILE", help="PMCIDs, or a file with one per line.", show_default="all of open access"),
    ] = None,
    license: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Allowed licence.", show_default="CC-BY and CC-BY-NC")
    ] = None,
    first_year: Annotated[int | None, typer.Option("--from", metavar="YEAR", help="First year of publication.")] = None,
    last_year: Annotated[int | None, typer.Option("--to", metavar="YEAR", help="Last year of publication.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Article type, such as case-report.")
    ] = None,
    retracted: Annotated[bool, typer.Option("--retracted", help="Include retracted articles.")] = False,
    manuscripts: Annotated[bool, typer.Option("--manuscripts", help="Include author manuscripts.")] = False,
    packs: Annotated[bool, typer.Option("--packs", help="Store a thousand articles per file.")] = False,
    snapshot: Snapshot = None,
    contact: Annotated[
        str | None,
        typer.Option(
            metavar="MAIL",
            envvar="ROCO_CONTACT",
            help="Your mail address, sent in the User-Agent; ROCO_CONTACT sets it as well.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another bucket with the layout of PMC's.", show_default="PMC's bucket"),
    ] = None,
    connections: Connections = None,
    as_json: Json = False,
) -> None:
    """Reports articles, files, bytes and time before downloading; downloads metadata only.

    Example: roco fetch plan articles --ids PMC10009416 --contact you@example.org
    """
    from roco.base.licenses import LICENSES
    from roco.cli.fetch_tables import DownloadProgress, show_plan
    from roco.cli.progress import resumable
    from roco.sources.fetch import commands
    from roco.sources.fetch.plan import Options
    from roco.sources.fetch.selection import Selection

    for name in license or ():
        if name not in LICENSES:
            raise UsageError(f"unknown licence '{name}' (--license)", nearest(name, LICENSES))
    if contact is None:
        raise UsageError(
            "missing mail address: PMC asks users to identify themselves",
            "add --contact you@example.org, or set ROCO_CONTACT",
        )
    if ids and snapshot:
        raise UsageError("--ids and --snapshot exclude each other", "--ids always reads the current versions")
    selection = Selection(
        retracted=retracted,
        manuscripts=manuscripts,
        first_year=first_year,
        last_year=last_year,
        types=tuple(types or ()),
        **({"licenses": tuple(license)} if license else {}),
    )
    options = Options(
        endpoint=endpoint or commands.ENDPOINT,
        contact=contact,
        selection=selection,
        ids=commands.parse_ids(ids) if ids else None,
        packs=packs,
        connections=16 if connections is None else connections,
    )
    progress = DownloadProgress()
    with resumable(progress):
        new = commands.plan(folder, options, date=snapshot, progress=progress)
    if as_json:
        print_json(new.as_mapping())
    else:
        show_plan(new)
    recipe = _write_recipe(folder, few=bool(ids))
    # Ids that are not in the bucket are the user's to correct; an unusable snapshot is not.
    problems = new.summary.notes if ids else ()
    _finish(problems, *(("roco fetch run", folder) if new.summary.to_download else ("roco run", recipe)))


@app.command()
def run(folder: FolderArg, connections: Connections = None, as_json: Json = False) -> None:
    """Downloads the planned articles that are missing: the XML first, then the images of their figures.

    Example: roco fetch run articles
    """
    from roco.cli.fetch_tables import DownloadProgress, result_as_mapping, show_result
    from roco.cli.progress import resumable
    from roco.sources.fetch import commands

    progress = DownloadProgress()
    with resumable(progress):
        start = time.monotonic()
        result = commands.run(folder, connections=connections, progress=progress)
    if as_json:
        print_json(result_as_mapping(result))
    else:
        show_result(result, time.monotonic() - start)
    _finish_download(result, folder)


@app.command()
def update(
    folder: FolderArg,
    snapshot: Snapshot = None,
    dry: Annotated[bool, typer.Option("--dry", help="Report the changes without applying them.")] = False,
    allow_removals: Annotated[
        bool,
        typer.Option("--allow-removals", help="Remove articles even if more than 1 % are missing in the snapshot."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Downloads articles that are new, changed, retracted or relicensed, and removes those no longer in the bucket.

    Example: roco fetch update articles
    """
    from roco.cli.fetch_tables import DownloadProgress, result_as_mapping, show_changes, show_result
    from roco.cli.progress import resumable
    from roco.sources.fetch import commands

    progress = DownloadProgress()
    with resumable(progress):
        start = time.monotonic()
        changes, result = commands.update(
            folder, date=snapshot, dry=dry, allow_removals=allow_removals, progress=progress
        )
    if as_json:
        download = None if result is None else result_as_mapping(result)
        print_json({**changes.as_mapping(), "download": download})
    else:
        show_changes(changes)
        if result is not None:
            show_result(result, time.monotonic() - start)
    if result is None:
        _finish((), "roco fetch update", folder)
    else:
        _finish_download(result, folder)


@app.command()
def verify(folder: FolderArg, as_json: Json = False) -> None:
    """Checks every file against its receipt, without the network.

    Example: roco fetch verify articles
    """
    from roco.cli.progress import ProgressBar, shown
    from roco.sources.fetch import commands

    progress = ProgressBar(at_once=False)
    with shown(progress):
        problems = commands.verify(folder, progress)
    if as_json:
        print_json([problem._asdict() for problem in problems])
    else:
        lines = [f"{problem.where}: {problem.what}" for problem in problems]
        print_problems(folder, lines, str(folder))
    if problems:
        raise SystemExit(1)


app.command()(pubmed)


def _finish_download(result: DownloadResult, folder: Path) -> None:
    if result.incomplete:
        _finish(result.problems, "roco fetch run", folder)
    else:
        _finish(result.problems, "roco run", _write_recipe(folder))


RECIPE = """\
# Builds a release from the articles in {name}. What each stage does: roco stages

[run]
folder = "{name}-run"
base = "rocov2"

[source]
kind = "cloud"
path = "{name}"
"""

FEW_ARTICLES = """
[[override]]                     # for a few articles: the paper's 10 images per concept would drop nearly all of them
stage = "cutoff"
more_than = 0
"""


def _write_recipe(folder: Path, few: bool = False) -> Path:
    """Returns the recipe beside a folder of articles; writes it if it does not exist.

    few: whether the user has named the articles, so that rare concepts are kept.
    """
    from roco.base.files import write_text

    absolute = folder.resolve()
    path = absolute.with_name(f"{absolute.name}.toml")
    if not path.exists():
        name = absolute.name.replace("\\", "\\\\").replace('"', '\\"')
        write_text(path, RECIPE.format(name=name) + (FEW_ARTICLES if few else ""))
    # Shown as the user named the folder; `.` has no name to replace.
    return folder.with_name(path.name) if folder.name and not folder.is_absolute() else path


MAX_PROBLEMS_SHOWN = 20


def _finish(problems: Sequence[str], command: str, path: Path) -> None:
    """Prints one line per problem and the next command with its path; exits with 1 if there are problems."""
    for line in problems[:MAX_PROBLEMS_SHOWN]:
        print(safe(f"error: {line}"), file=sys.stderr)
    if len(problems) > MAX_PROBLEMS_SHOWN:
        print(f"and {len(problems) - MAX_PROBLEMS_SHOWN:,} more", file=sys.stderr)
    print_next(command, path)
    if problems:
        raise SystemExit(1)
