"""The commands on a release: verify, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError, nearest
from roco.cli.output import count, print_json, print_problems

if TYPE_CHECKING:
    from roco.evaluate.checks.check import Finding
    from roco.release.read import Release

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def verify(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release.", show_default=False)],
    retracted: Annotated[
        list[Path] | None,
        typer.Option(metavar="LIST", help="Papers that must not be in it: a CSV file, or one id per line."),
    ] = None,
    license: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A licence to allow; by default those of the recipe, else CC-BY and CC-BY-NC."
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Also check leakage, duplicates, labels, captions, images and rights."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Checks that a release is complete and consistent. Checks files, images, ids, splits, licences and the funnel.

    Example: roco verify demo/run/release --retracted retracted.csv
    """
    from roco.base.licenses import LICENSES
    from roco.cli.progress import ProgressBar, shown
    from roco.cli.release_tables import as_data, print_findings
    from roco.release.read import Release

    for name in license or ():
        if name not in LICENSES:
            raise UsageError(f"unknown licence '{name}' (--license)", nearest(name, LICENSES))
    opened = Release.open(release)
    progress = ProgressBar(at_once=False)
    with shown(progress):
        problems = opened.verify(license, retracted or (), progress)
    found = _strict(opened) if strict else []
    listed = [problem._asdict() for problem in problems]
    if as_json:
        print_json({"problems": listed, "checks": [as_data(one) for one in found]} if strict else listed)
    else:
        images = count("image", len(opened)) if not problems else ""
        print_problems(release, [f"{problem.where}: {problem.what}" for problem in problems], images)
        if strict:
            print_findings(found)
    if problems or any(one.verdict == "failed" for one in found):
        raise SystemExit(1)


def _strict(release: Release) -> list[Finding]:
    from roco.evaluate.checks.all import findings
    from roco.evaluate.report.inputs import Inputs
    from roco.release.pubmed import read_pubmed

    return list(findings(Inputs(release=release, pubmed=read_pubmed(release.path))))


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A release.", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A later release.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Compares two releases. Prints images added and removed, with reasons, changed labels and moved splits.

    Example: roco diff releases/2026 releases/2027
    """
    from roco.cli.release_tables import print_difference
    from roco.release.diff import diff as difference_of

    difference = difference_of(old, new)
    if not as_json:
        print_difference(difference)
        return
    lists = {name: [row._asdict() for row in rows] for name, rows in difference._asdict().items() if name != "images"}
    print_json({"images": difference.images, **lists})
