"""The command `roco fetch pubmed`: publication types and MeSH headings of the articles of a release."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.output import count, print_json, print_next, safe, shown_path

if TYPE_CHECKING:
    from roco.sources.fetch.pubmed.command import Result

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def pubmed(
    release: Annotated[
        Path, typer.Argument(metavar="RELEASE", help="The folder of a release, or of a run.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file to write.", show_default="RELEASE.pubmed.parquet"),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact",
            "--email",
            metavar="MAIL",
            envvar="ROCO_CONTACT",
            help="Your mail address, sent with each request; ROCO_CONTACT sets it as well.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar=["ROCO_NCBI_KEY", "NCBI_API_KEY"],
            help="Your API key of NCBI, for 10 requests per second instead of 3. Better set ROCO_NCBI_KEY or "
            "NCBI_API_KEY: other users of the machine can see options.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Read MEDLINE's baseline and update files in this folder; no requests."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Request again what was fetched before this day, such as 2026-11-30."),
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Another server.", show_default="NCBI's E-utilities")
    ] = None,
    converter: Annotated[
        str | None, typer.Option(metavar="URL", help="Another converter of ids.", show_default="PMC's ID converter")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetches publication types and MeSH headings of the articles of a release, into a file beside its folder.

    Example: roco fetch pubmed demo/run --contact you@example.org

    The release itself is not changed. The same command resumes after an interruption, and requests only what is new.
    """
    from roco.cli.progress import ProgressBar, resumable
    from roco.sources.fetch.pubmed import command
    from roco.sources.fetch.pubmed.eutils import CONVERTER, ENDPOINT, Addresses

    if baseline is not None and (since or endpoint or converter):
        option = "--since" if since else "--endpoint" if endpoint else "--converter"
        raise UsageError(f"--baseline and {option} exclude each other", "--baseline sends no requests")
    addresses = Addresses((endpoint or ENDPOINT).rstrip("/"), converter or CONVERTER)
    progress = ProgressBar()
    with resumable(progress):
        result = command.pubmed(
            release, out, contact=contact, key=key, addresses=addresses, since=since, baseline=baseline,
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(result.as_mapping())
    else:
        _show(result)
    _finish(result)


def _show(result: Result) -> None:
    from roco.release.pubmed import REASONS

    print(safe(f"{shown_path(result.path)}: {count('article', result.articles)}"))
    print(f"  {result.found:>9,}  with a record, {result.indexed:,} of them with MeSH headings")
    for reason, number in result.reasons.items():
        print(f"  {number:>9,}  {REASONS[reason]}")
    if result.untyped:
        print(f"  {result.untyped:>9,}  with a record without publication types")


def _finish(result: Result) -> None:
    from roco.release.pubmed import sidecar_path

    for note in result.notes:
        print(safe(f"warning: {note}"), file=sys.stderr)
    for problem in result.problems:
        print(safe(f"error: {problem}"), file=sys.stderr)
    if result.problems:
        print("  repeat the command later: it requests only these records", file=sys.stderr)
        raise SystemExit(1)
    if result.path.resolve() == sidecar_path(result.release):
        print_next("roco select", result.release, "--where", "mesh IS NOT NULL", "--count")
