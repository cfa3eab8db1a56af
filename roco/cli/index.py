"""The command `roco index`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roco.cli.output import count, print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import ReleaseArg, warn_of_images


def index(
    release: ReleaseArg,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="The new folder of the index; OUT.indexing until it is complete.", show_default=False
        ),
    ],
    backbone: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An ONNX file with a card, instead of the shipped backbone.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Writes an index of a release for searches by words and by an image.

    Example: roco index demo/run/release demo/index

    After an interruption the same command goes on.
    """
    from roco.baselines.retrieve.build import index as write
    from roco.cli.progress import ProgressBar, resumable

    progress = ProgressBar()
    with resumable(progress):
        counts = write(release, out, backbone=backbone, progress=progress)
    warn_of_images(counts["unreadable"], "unreadable: found by words only")
    if as_json:
        print_json({"path": str(out)} | counts)
    else:
        what = f"{count('image', counts['images'])}, {counts['embedded']:,} with an embedding"
        print(safe(f"wrote {shown_path(out)}: {what}"))
    print_next("roco search", shown_path(out), "fracture")
