"""The command `roco train concepts`."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import CacheOpt, FinalOpt, OutArg, SetOpt, SkipOpt, changes, complete_preset, warn

if TYPE_CHECKING:
    from roco.baselines.training.folder import Model


def concepts(
    release: Annotated[
        Path,
        typer.Argument(
            metavar="RELEASE",
            help="A release, the published ROCOv2 or an export; or, with tasks of --labels only, a folder of images.",
            show_default=False,
        ),
    ],
    out: OutArg,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="A shipped preset, or a TOML file.", autocompletion=complete_preset("concepts")
        ),
    ] = "roco-b0",
    settings: SetOpt = None,
    tasks: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="concepts, modality, region, direction, tasks of --labels; as --set tasks=A,B.",
            show_default=False,
        ),
    ] = "",
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights of the backbone in safetensors: of timm, or of an own model."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download the weights of the backbone if they are not on this machine.")
    ] = False,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=FILE",
            help="Labels of a further task: a CSV file with label, and path (or id of an image); optionally group.",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With --labels by path: the folder of the images, besides the release."),
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Search on valid: three optimisers with five learning rates each.")
    ] = False,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Train the preset, and once more without each of its switches.")
    ] = False,
    final: FinalOpt = False,
    cache: CacheOpt = None,
    skip_unreadable: SkipOpt = False,
    as_json: Json = False,
) -> None:
    """Trains a network for the concepts of images, and for modality, region, direction and tasks of your own.

    Example: roco train concepts demo/run/release demo/concepts --set weights=scratch --set epochs=2

    The presets paper-b0 and paper-v2s have the settings of the ROCOv2 paper; roco-b0 and roco-v2s change five of them;
    filters trains the filters of a recipe from labels. After an interruption the same command goes on, to the same
    weights.
    """
    from roco.baselines.vision.train import train_concepts
    from roco.cli.progress import ProgressBar, resumable

    changed = changes(settings)
    changed |= {name: value for name, value in (("tasks", tasks), ("weights", str(weights or ""))) if value}
    # Of the processes that accelerate starts, the first one reports.
    silent = os.environ.get("RANK", "0") != "0"
    progress = ProgressBar()
    with nullcontext() if silent else resumable(progress):
        model = train_concepts(
            release, out, preset=preset, changes=changed, grid=grid, final=final, ablations=ablations,
            labels=labels or (), images=images, cache=cache, download=download, skip_unreadable=skip_unreadable,
            progress=None if silent else progress, warn=lambda text: warn([text]),
        )  # fmt: skip
    if silent:
        return
    _print(model, as_json)
    if "concepts" in model.values["tasks"]:
        print_next("roco predict", shown_path(out), shown_path(release))


def _print(model: Model, as_json: bool) -> None:
    from roco.cli.tables import console, print_table, table

    valid = model.values["valid"]
    if as_json:
        print_json({"path": str(model.path), "threshold": model.values["threshold"], **valid})
        return
    tasks = ", ".join(f"{task} ({len(names):,})" for task, names in model.values["tasks"].items())
    print(safe(f"wrote {shown_path(model.path)}: {model.values['backbone']} for {tasks}"))
    rows = [{"score": name, "value": f"{value:.4f}"} for name, value in valid["scores"].items()]
    floors = valid.get("floors") or {}
    rows += [{"score": f"f1 of {name} floor", "value": f"{floor['f1']:.4f}"} for name, floor in floors.items()]
    if rows:
        print_table(console(), table(rows, {"score": "on valid", "value": "value"}))
