"""The command `roco select`: counts, shows or writes the images of a release that SQL or flags select."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roco.base.errors import UsageError
from roco.cli.complete import complete_label
from roco.cli.output import count, print_json, print_next, safe
from roco.cli.release import Json
from roco.cli.untrained import warn_of_emptied, warn_of_lost

if TYPE_CHECKING:
    from roco.release.select.selection import Selection

Values = list[str] | None


def _values(name: str, metavar: str, help: str, complete: str = "") -> Any:
    """Returns an option that can be repeated; complete: the label set of its values, if it is closed."""
    return typer.Option(name, metavar=metavar, help=help, autocompletion=complete_label(complete) if complete else None)


# The filters that `roco search` has, too.
ModalityOpt = Annotated[
    Values, _values("--modality", complete="modality", metavar="LABEL", help="DRCT, DRMR, DRXR and so on.")
]
RegionOpt = Annotated[Values, _values("--region", complete="region", metavar="LABEL", help="A body region of X-rays.")]
YearOpt = Annotated[Values, _values("--year", metavar="YEARS", help="2018, 2018-2022, 2018- or -2018.")]
LicenseOpt = Annotated[
    Values, _values("--license", complete="license", metavar="NAME", help="A licence, such as CC-BY.")
]
SplitOpt = Annotated[Values, _values("--split", complete="split", metavar="SPLIT", help="train, valid or test.")]


def select(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Argument(metavar="OUT", help="The folder to write; it must not exist.", show_default=False),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="SQL", help="A condition over the columns of figures.parquet, in the SQL of DuckDB."),
    ] = None,
    commercial: Annotated[bool, typer.Option("--commercial", help="Only licences that allow commercial use.")] = False,
    modality: ModalityOpt = None,
    region: RegionOpt = None,
    direction: Annotated[
        Values, _values("--direction", complete="direction", metavar="LABEL", help="A direction of X-rays.")
    ] = None,
    concept: Annotated[
        Values, _values("--concept", metavar="CUI", help="A concept of the image: a CUI, or its name.")
    ] = None,
    with_descendants: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also the concepts below those of --concept: a CSV file with columns child and parent."
        ),
    ] = None,
    year: YearOpt = None,
    license: LicenseOpt = None,
    split: SplitOpt = None,
    language: Annotated[
        Values, _values("--language", metavar="CODE", help="A language of captions, such as en.")
    ] = None,
    one_per_article: Annotated[
        bool, typer.Option("--one-per-article", help="Only the image with the first id of each article.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only N of the images; a later release gives the same ones."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="S", help="Another sample for each number; 0 by default.")] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove concepts from valid and test that train does not have.")
    ] = False,
    counted: Annotated[bool, typer.Option("--count", help="Print the numbers of images; write nothing.")] = False,
    shown: Annotated[bool, typer.Option("--show", help="Print the images; write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Writes some images of a release as a release. Values of one option are alternatives; all options must hold.

    Example: roco select demo/run/release ct --commercial --modality DRCT
    """
    from roco.release.read import Release
    from roco.release.select.flags import SelectOptions
    from roco.release.select.selection import choose

    if seed is not None and sample is None:
        raise UsageError("--seed without --sample", "give the number of images: --sample 1000")
    flags = SelectOptions(
        where=where, commercial=commercial, modality=tuple(modality or ()), region=tuple(region or ()),
        direction=tuple(direction or ()), concept=tuple(concept or ()), year=tuple(year or ()),
        license=tuple(license or ()), split=tuple(split or ()), language=tuple(language or ()),
        one_per_article=one_per_article, sample=sample, seed=seed or 0,
    )  # fmt: skip
    if (counted or shown) and (out is not None or prune):
        other = "OUT" if out is not None else "--prune"
        raise UsageError(
            f"{'--count' if counted else '--show'} with {other}", "it writes nothing: leave one of them out"
        )
    if not (counted or shown):
        _write(release, out, flags, with_descendants, prune, as_json)
        return
    with Release.open(release) as opened:
        _print(choose(opened, flags, with_descendants), counted, shown, as_json)


def _write(release: Path, out: Path | None, flags: Any, relations: Path | None, prune: bool, as_json: bool) -> None:
    from roco.cli.progress import ProgressBar
    from roco.cli.progress import shown as progress_shown
    from roco.release.select.subset import select as write

    if out is None:
        raise UsageError("missing OUT, the folder to write", "name it, or print the images: --count, --show")
    progress = ProgressBar(at_once=False)
    with progress_shown(progress):
        selection, written = write(release, out, flags, relations, prune, progress)
    _print_query(selection)
    if as_json:
        print_json(written)
    else:
        from roco.cli.select_tables import print_counts

        print_counts(selection.before, written["after"])
    _warn(selection, prune)
    print_next("roco verify", out)


def _print(selection: Selection, counted: bool, shown: bool, as_json: bool) -> None:
    from roco.cli.select_tables import print_counts, print_images, shown_rows

    _print_query(selection)
    if as_json:
        numbers = {"sql": selection.sql, "before": selection.before, "after": selection.after}
        lost = {"concepts_lost_by_train": selection.lost, "splits_emptied": selection.emptied}
        images = {"images": shown_rows(selection)} if shown else {}
        print_json({**numbers, **lost, **images})
    else:
        if shown:
            print_images(selection)
        if counted:
            print_counts(selection.before, selection.after)
    if counted:
        _warn(selection, prune=False)


def _print_query(selection: Selection) -> None:
    """Prints the query on stderr: stdout contains results only."""
    from roco.cli.logs import is_quiet

    if not is_quiet():
        print(safe(selection.sql), file=sys.stderr)


def _warn(selection: Selection, prune: bool) -> None:
    if selection.pubmed is not None and selection.pubmed["articles_without_record"]:
        number = count("article", selection.pubmed["articles_without_record"])
        print(f"warning: {number} without a record of MEDLINE: the columns are NULL there", file=sys.stderr)
        print("  roco fetch pubmed states the reasons", file=sys.stderr)
    warn_of_emptied(selection.emptied, "is selected")
    if not prune and selection.after["split"]["train"]:  # without train, pruning is not possible
        warn_of_lost(list(selection.names()))
