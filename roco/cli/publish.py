"""The commands under `roco publish`: an export or a release at Zenodo, an export at the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.app import App
from roco.cli.output import count, print_json, print_next, safe

if TYPE_CHECKING:
    from roco.release.hubs.package import Package

app = App(
    no_args_is_help=True,
    help="Sends an export to Zenodo or to the Hugging Face Hub: as a draft first, public only with --publish.\n\n"
    "Example: roco publish zenodo demo/webdataset --dry",
)

Publish = Annotated[bool, typer.Option("--publish", help="Make it public; without this option it stays a draft.")]
Dry = Annotated[bool, typer.Option("--dry", help="Verify the files and print what would be sent; sends nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def zenodo(
    export: Annotated[
        Path,
        typer.Argument(metavar="EXPORT", help="The folder of an export or of a release.", show_default=False),
    ],
    publish: Publish = False,
    new_version_of: Annotated[
        str | None, typer.Option(metavar="ID", help="The id of the published record that this is a new version of.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Another InvenioRDM, or the sandbox.", show_default="https://zenodo.org"),
    ] = None,
    dry: Dry = False,
    as_json: Json = False,
) -> None:
    """Deposits an export or a release at Zenodo with a reserved DOI. The DOI is written into the texts that are sent.

    Example: roco publish zenodo demo/webdataset --endpoint https://sandbox.zenodo.org

    A release also gets a croissant.json, which describes the files at the addresses of the record.

    The token is read from ROCO_ZENODO_TOKEN or ZENODO_TOKEN. The same command continues an upload that was interrupted;
    complete files are not sent again. A published record cannot be changed, only followed by a new version.
    """
    from roco.cli.progress import ProgressBar, resumable
    from roco.release.hubs.package import RELEASE
    from roco.release.hubs.zenodo import ZENODO, publish_zenodo
    from roco.release.hubs.zenodo_limits import check_for_zenodo

    progress = ProgressBar(at_once=not dry)
    with resumable(progress):
        if dry:
            package = check_for_zenodo(export, progress)
            _print_plan(package, as_json, "croissant.json is added" if package.format == RELEASE else "")
            return
        done = publish_zenodo(
            export, publish=publish, new_version_of=new_version_of, endpoint=endpoint or ZENODO, progress=progress
        )
    if as_json:
        print_json(done._asdict())
        return
    sent = f"{count('file', done.files)} sent, {done.bytes / 1e6:,.1f} MB"
    print(safe(f"{'published' if done.published else 'draft'} {done.url}: DOI {done.doi}, {sent}"))
    if not done.published:
        print_next("look at the draft, then publish it: the same command with --publish")


@app.command()
def hf(
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="The folder of an export.", show_default=False)],
    repo: Annotated[str, typer.Option(metavar="NAMESPACE/NAME", help="The dataset; it is created if it is new.")],
    branch: Annotated[
        str | None, typer.Option(metavar="NAME", help="The branch to send to.", show_default="release-VERSION")
    ] = None,
    publish: Publish = False,
    private: Annotated[bool, typer.Option("--private", help="Create a new dataset as a private one.")] = False,
    doi: Annotated[
        str | None, typer.Option(metavar="DOI", help="Write this DOI, such as that of Zenodo, into the texts.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="HF_ENDPOINT", help="Another hub; HF_ENDPOINT sets it as well.",
            show_default="https://huggingface.co",
        ),
    ] = None,
    dry: Dry = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Sends an export to a branch at the Hugging Face Hub. With --publish, main becomes the export in one commit.

    Example: roco publish hf demo/hf --repo group/dataset

    The token is read from HF_TOKEN. The same command continues an upload that was interrupted; files that are there
    with the same SHA-256 are not sent again. Other files of the dataset stay.
    """
    from roco.cli.progress import ProgressBar, resumable
    from roco.release.hubs.huggingface import HUB, check_for_hub, publish_hub

    progress = ProgressBar(at_once=not dry)
    with resumable(progress):
        if dry:
            _print_plan(check_for_hub(export, progress), as_json)
            return
        done = publish_hub(
            export, repo, branch=branch, publish=publish, private=private, doi=doi, endpoint=endpoint or HUB,
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(done._asdict())
        return
    sent = f"{count('file', done.files)} sent, {done.bytes / 1e6:,.1f} MB"
    print(safe(f"{'published' if done.published else 'draft'} {done.url}: {sent}"))
    if not done.published:
        print_next("look at the branch, then publish it: the same command with --publish")


def _print_plan(package: Package, as_json: bool, note: str = "") -> None:
    """Prints what would be sent; note: what else the upload would do."""
    licenses = {" ".join((license.name, license.url)).strip(): n for license, n in sorted(package.licenses.items())}
    if as_json:
        files = {file.name: {"bytes": file.size, "sha256": file.sha256} for file in package.files}
        about = {"title": package.title, "version": package.version, "format": package.format, "licenses": licenses}
        print_json({**about, "files": files})
        return
    print(safe(f"{package.title}, version {package.version}, {package.format}"))
    for name, n in licenses.items():
        print(safe(f"  {count('image', n)}  {name}"))
    for file in package.files:
        print(safe(f"  {file.size:>14,}  {file.name}"))
    would = f"{count('file', len(package.files))}, {package.size / 1e6:,.1f} MB would be sent"
    print("; ".join(filter(None, [would, note, "nothing was sent"])))
