"""The command `roco train clip`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import (
    CacheOpt,
    FinalOpt,
    OutArg,
    ReleaseArg,
    SetOpt,
    SkipOpt,
    changes,
    complete_preset,
    warn,
)

if TYPE_CHECKING:
    from roco.baselines.training.folder import Model


def clip(
    release: ReleaseArg,
    out: OutArg,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="A shipped preset, or a TOML file.", autocompletion=complete_preset("clip")
        ),
    ] = "clip",
    settings: SetOpt = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Start from these weights of open_clip, in safetensors.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download what an architecture needs from a model hub.")
    ] = False,
    final: FinalOpt = False,
    cache: CacheOpt = None,
    skip_unreadable: SkipOpt = False,
    as_json: Json = False,
) -> None:
    """Trains two encoders, of images and of captions, to find the caption of an image among others.

    Example: roco train clip demo/run/release demo/clip --preset clip-tiny --set epochs=4

    The networks are those of open_clip, by name or as a JSON file: --set architecture=ViT-B-16. After an interruption
    the same command goes on, to the same weights. roco predict writes the vectors of a split.
    """
    from roco.baselines.contrastive.train import train_clip
    from roco.cli.progress import ProgressBar, resumable

    changed = changes(settings) | ({"weights": str(weights)} if weights is not None else {})
    progress = ProgressBar()
    with resumable(progress):
        model = train_clip(
            release, out, preset=preset, changes=changed, final=final, download=download, cache=cache,
            skip_unreadable=skip_unreadable, progress=progress, warn=lambda text: warn([text]),
        )  # fmt: skip
    if model.values:  # the first of several processes
        _print(model, as_json)
        print_next("roco predict", shown_path(out), shown_path(release))


def _print(model: Model, as_json: bool) -> None:
    from roco.baselines.contrastive.scores import NAMES
    from roco.cli.tables import console, print_table, table

    scores = model.manifest["scores"]
    if as_json:
        print_json({"path": str(model.path), "name": model.values["name"], "scores": scores})
        return
    print(
        safe(f"wrote {shown_path(model.path)}: {model.values['name']}, vectors of {model.values['dimensions']} numbers")
    )
    pool = int(scores.get("pool", 0))
    rows = [{"score": name, "value": f"{scores[name]:.4f}"} for name in NAMES if name in scores]
    if rows:
        print_table(console(), table(rows, {"score": f"on {pool:,} images of valid", "value": "value"}))
