"""The command `roco train captions`."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import FinalOpt, OutArg, ReleaseArg, SetOpt, SkipOpt, changes, complete_preset, warn

if TYPE_CHECKING:
    from roco.baselines.training.folder import Model


def captions(
    release: ReleaseArg,
    out: OutArg,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="A shipped preset (paper, small, tiny), or a TOML file.",
            autocompletion=complete_preset("captions"),
        ),
    ] = "small",
    settings: SetOpt = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download encoder and decoder if they are not on this machine.")
    ] = False,
    ignore_memory: Annotated[
        bool, typer.Option("--ignore-memory", help="Train even if the memory does not suffice by the estimate.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Store loaded images there, for later epochs and trainings.")
    ] = None,
    final: FinalOpt = False,
    skip_unreadable: SkipOpt = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Trains an image encoder with a language decoder that writes captions.

    Example: roco train captions demo/run/release demo/captions --preset tiny

    Encoder and decoder are names on the Hugging Face hub, folders, or from scratch: --set decoder=FOLDER. The weights
    are those of the epoch with the highest ROUGE-1 on valid. After an interruption the same command goes on.
    """
    from roco.baselines.captioner.train import train_captions
    from roco.cli.progress import ProgressBar, resumable

    # Of the processes that accelerate starts, the first one reports.
    silent = os.environ.get("RANK", "0") != "0"
    progress = ProgressBar()
    with nullcontext() if silent else resumable(progress):
        model = train_captions(
            release, out, preset=preset, changes=changes(settings), final=final, download=download,
            ignore_memory=ignore_memory, cache=cache, skip_unreadable=skip_unreadable,
            progress=None if silent else progress, warn=_ignore if silent else lambda text: warn([text]),
            inform=_ignore if silent else _inform,
        )  # fmt: skip
    if not silent:
        _print(model, as_json)
        print_next("roco predict", shown_path(out), shown_path(release))


def _ignore(text: str) -> None:
    pass


def _inform(text: str) -> None:
    print(safe(text), file=sys.stderr)


def _print(model: Model, as_json: bool) -> None:
    manifest = model.manifest
    if as_json:
        entry = {"steps": manifest["steps"], "best_step": manifest["best_step"], "scores": manifest["scores"]}
        print_json({"path": str(model.path), **entry, "generation": model.values["generation"]})
        return
    warn(f"image '{id}' is unreadable: skipped" for id in manifest["unreadable_images"])
    scores, valid = manifest["scores"], ""
    if scores:
        valid = f"; on valid: ROUGE-1 {scores['rouge1']:.4f}, {scores['ended']:.0%} of the captions end by themselves"
    unit = "step" if manifest["steps"] == 1 else "steps"
    steps = f"{manifest['steps']:,} {unit}, weights of step {manifest['best_step']:,}"
    print(safe(f"wrote {shown_path(model.path)}: {steps}{valid}"))
