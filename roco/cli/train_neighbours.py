"""The command `roco train neighbours`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import (
    FinalOpt,
    OutArg,
    ReleaseArg,
    SetOpt,
    SkipOpt,
    changes,
    complete_preset,
    warn,
    warn_of_images,
)

if TYPE_CHECKING:
    from roco.baselines.neighbours.trained import TrainedNeighbours


def neighbours(
    release: ReleaseArg,
    out: OutArg,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="A shipped preset, or a TOML file.", autocompletion=complete_preset("neighbours")
        ),
    ] = "neighbours",
    settings: SetOpt = None,
    backbone: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An ONNX file with a card, instead of the shipped backbone.")
    ] = None,
    final: FinalOpt = False,
    skip_unreadable: SkipOpt = False,
    as_json: Json = False,
) -> None:
    """Predicts by the most similar training images: concepts by vote, captions by copy. Nothing is trained.

    Example: roco train neighbours demo/run/release demo/neighbours --set k=5,10,20

    Images are compared by their embeddings. The number of neighbours, the weights of their votes and the threshold
    are those with the highest F1 on valid. After an interruption the same command goes on.
    """
    from roco.baselines.neighbours.train import train_neighbours
    from roco.cli.progress import ProgressBar, resumable

    progress = ProgressBar()
    with resumable(progress):
        trained = train_neighbours(
            release, out, preset=preset, changes=changes(settings), backbone=backbone, final=final,
            skip_unreadable=skip_unreadable, progress=progress,
        )  # fmt: skip
    warn(trained.data.problems())
    warn_of_images(trained.unreadable, "unreadable: skipped")
    if as_json:
        print_json(_json(trained))
    else:
        _print(trained)
    print_next("roco predict", shown_path(out), shown_path(release))


def _json(trained: TrainedNeighbours) -> dict[str, object]:
    return {
        "path": str(trained.path),
        "k": trained.k,
        "power": trained.power,
        "threshold": trained.threshold,
        "images": dict(trained.images),
        "scores": {name: score._asdict() for name, score in trained.scores.items()},
        "against": {name: None if one is None else one._asdict() for name, one in trained.against.items()},
    }


def _print(trained: TrainedNeighbours) -> None:
    from roco.baselines.neighbours.valid import MEANINGS, difference
    from roco.cli.tables import console, print_table, table

    images = ", ".join(f"{split} {n:,}" for split, n in trained.images.items())
    chosen = f"k {trained.k:,}, power {trained.power:g}, threshold {trained.threshold:g}"
    print(safe(f"wrote {shown_path(trained.path)}: {images} images; {chosen}"))
    rows = []
    for name, score in trained.scores.items():
        gain = difference(name, trained.against) if name in trained.against else ""
        rows.append(
            {
                "score": name,
                "value": str(score),
                "gain": gain,
                "meaning": MEANINGS[name].partition(";")[0].removeprefix("floor: "),
            }
        )
    if rows:
        columns = {"score": "on valid", "value": "value (95 %)", "gain": "f1 minus this (95 %)", "meaning": "meaning"}
        print_table(console(), table(rows, columns))
