"""The command `roco predict`: what a trained model predicts for a split, as a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roco.cli.output import count, print_json, print_next, safe, shown_path
from roco.cli.run import Json
from roco.cli.train_options import ReleaseArg, SkipOpt, changes, warn_of_images


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model of `roco train`, or an index.", show_default=False)
    ],
    release: ReleaseArg,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The CSV file to write (.npz of clip); by default MODEL_SPLIT.csv."),
    ] = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Split to predict: train, valid, test or all.")] = "test",
    task: Annotated[
        str,
        typer.Option(metavar="TASK", help="concepts, captions or classes, of a model of several.", show_default=False),
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Overrides a setting of the model, such as threshold=0.4."),
    ] = None,
    backbone: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The backbone of a model of neighbours, if it is not where it was."),
    ] = None,
    batch: Annotated[
        int, typer.Option(metavar="N", min=0, help="Images at once; 0 leaves it to the model.", show_default=False)
    ] = 0,
    workers: Annotated[int, typer.Option(metavar="N", min=0, help="Processes that decode images.")] = 2,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="cpu or cuda; by default a GPU if there is one.", show_default=False)
    ] = "",
    skip_unreadable: SkipOpt = False,
    as_json: Json = False,
) -> None:
    """Writes what a model predicts for a split as a submission that roco evaluate --check accepts.

    Example: roco predict demo/neighbours demo/run/release --split test --out demo/predictions.csv

    Every image of the split gets a row; one without an image file has an empty prediction. Beside the CSV file are
    the score of each concept (_scores.parquet) and a record of model, data and settings (.json). A model of
    roco train clip gives vectors of images and captions (.npz) for roco evaluate retrieval. An index of
    roco index copies the nearest image of train; --set k=10 lets ten vote, as in roco train neighbours.
    """
    from roco.baselines.predict import predict as write
    from roco.baselines.predictor import PredictOptions
    from roco.cli.progress import ProgressBar, shown

    options = PredictOptions(
        task=task, changes=changes(settings), backbone=backbone, batch=batch, workers=workers, device=device
    )
    progress = ProgressBar()
    with shown(progress):
        done = write(
            model, release, out, split=split, options=options, skip_unreadable=skip_unreadable, progress=progress
        )
    warn_of_images(done.without_image, "without a file: predictions are empty")
    warn_of_images(done.unreadable, "unreadable: predictions are empty")
    if as_json:
        print_json(
            {
                "path": str(done.path), "scores": str(done.scores) if done.scores else None,
                "record": str(done.record), "task": done.task, "rows": done.rows,
                "rows_without_image": list(done.without_image), "unreadable_images": list(done.unreadable),
            }
        )  # fmt: skip
    else:
        others = ", ".join(path.name for path in (done.scores, done.record) if path is not None)
        print(safe(f"wrote {shown_path(done.path)}: {done.task} of {count('image', done.rows)}; beside it {others}"))
    if done.task != "classes":
        print_next(
            f"roco evaluate {done.task}", shown_path(done.path), "--truth", shown_path(release), "--split", split
        )
