"""The command `roco train captions`."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import MissingExtra
from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import FinalOpt, OutArg, ReleaseArg, SetOpt, SkipOpt, changes, complete_preset, warn

if TYPE_CHECKING:
    from roco.baselines.training.trained import Trained


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
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as err:
        raise MissingExtra(err.name or "torch", "train") from err
    from roco.baselines.captioner.options import CaptionOptions
    from roco.baselines.captioner.train import Settings, train_captions
    from roco.baselines.training import presets
    from roco.cli.progress import ProgressBar, resumable

    chosen = presets.load(preset, "captions", CaptionOptions)
    options = presets.resolve(CaptionOptions, chosen, changes(settings))
    given = Settings(
        final=final, download=download, ignore_memory=ignore_memory, skip_unreadable=skip_unreadable, cache=cache
    )
    # Of the processes that accelerate starts, one speaks.
    silent = os.environ.get("RANK", "0") != "0"
    progress = ProgressBar()
    with nullcontext() if silent else resumable(progress):
        trained = train_captions(
            release, out, options, chosen, given,
            report=_ignore if silent else _report, progress=None if silent else progress,
        )  # fmt: skip
    if silent:
        return
    warn(f"image '{id}' is unreadable: skipped" for id in trained.unreadable)
    if as_json:
        print_json(trained.manifest() | {"path": str(out)})
    else:
        _print(trained, out)
    print_next("roco predict", shown_path(out), shown_path(release))


def _ignore(line: str) -> None:
    pass


def _report(line: str) -> None:
    print(safe(line), file=sys.stderr)


def _print(trained: Trained, out: Path) -> None:
    scores = ", ".join(f"{name} {value:.4f}" for name, value in trained.scores.items())
    valid = f"; on valid: {scores}" if scores else ""
    print(safe(f"wrote {shown_path(out)}: {trained.step:,} steps, weights of step {trained.best_step:,}{valid}"))
