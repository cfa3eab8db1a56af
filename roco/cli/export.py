"""The command `roco export`: a release in the formats of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roco.cli.output import count, print_json, safe, shown_path


def complete_format(incomplete: str) -> list[str]:
    from roco.release.export.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def export(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release.", show_default=False)],
    format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="hf (Parquet for the Hugging Face Hub), webdataset (tar shards), croissant (a description), llava, "
            "coco, openclip, labelstudio or fiftyone (image files with records).",
            autocompletion=complete_format,
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or one to continue.", show_default=False)],
    shard_mb: Annotated[
        int, typer.Option("--shard-mb", metavar="MB", min=1, help="Megabytes of images in one shard.")
    ] = 500,
    url: Annotated[
        str,
        typer.Option("--url", metavar="URL", help="Where the release is published, for croissant.", show_default=False),
    ] = "",
    image_url: Annotated[
        str,
        typer.Option(
            "--image-url",
            metavar="URL",
            help="Address of an image for labelstudio, with {path}; default: local files.",
            show_default=False,
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Writes a release in another format. Images keep their bytes, and every row its licence and attribution.

    Example: roco export demo/run/release hf demo/hf

    The same command continues an export that was interrupted. The same release and options give the same bytes.
    """
    from roco.cli.fetch_tables import size
    from roco.cli.progress import ProgressBar, resumable
    from roco.release.export.formats import export as write
    from roco.release.export.options import ExportOptions

    options = ExportOptions(shard_mb=shard_mb, url=url, image_url=image_url)
    progress = ProgressBar()
    with resumable(progress):
        done = write(release, format, out, options, progress)
    if as_json:
        print_json({name: file._asdict() for name, file in done.files.items()})
        return
    images = count("image", sum(file.n_images for file in done.files.values()))
    print(safe(f"wrote {shown_path(out)}: {count('file', done.n_files)} ({size(done.n_bytes)}) for {images}"))
