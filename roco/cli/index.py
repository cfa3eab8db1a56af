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
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|NAME",
            help="An ONNX file with a card, a folder of `roco train clip` or open_clip, or a name of open_clip or timm "
            "with --weights. Default: the shipped backbone.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The weights of a network by name, in safetensors.")
    ] = None,
    text_encoder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A sentence encoder, for dense search in captions.")
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(metavar="INDEX", help="The index of an earlier release, whose embeddings are reused."),
    ] = None,
    store: Annotated[
        str, typer.Option(metavar="NAME", help="files, or lance for large collections (extra search).")
    ] = "files",
    as_json: Json = False,
) -> None:
    """Writes an index of a release for searches by words, images and concepts.

    Example: roco index demo/run/release demo/index

    After an interruption the same command goes on.
    """
    from roco.baselines.retrieve.build import index as write
    from roco.cli.progress import ProgressBar, resumable

    progress = ProgressBar()
    with resumable(progress):
        done = write(
            release, out, encoder=encoder, weights=weights, text_encoder=text_encoder, previous=previous,
            store=store, progress=progress,
        )  # fmt: skip
    warn_of_images(done.unreadable, "unreadable: found by words and concepts only")
    warn_of_images(done.missing, "without an image file: found by words and concepts only")
    if as_json:
        named = {"missing": list(done.missing), "unreadable": list(done.unreadable), "reused": done.reused}
        print_json({"path": str(out)} | done.counts() | named)
    else:
        of_previous = f" ({done.reused:,} of the previous index)" if previous is not None else ""
        what = f"{count('image', done.images)}, {done.embedded:,} with an embedding{of_previous}"
        of_captions = f", {count('caption', done.captions)} with one" if text_encoder is not None else ""
        print(safe(f"wrote {shown_path(out)}: {what}{of_captions}"))
    print_next("roco search", shown_path(out), "fracture")
