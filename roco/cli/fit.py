"""`roco fit`: trains a head on labels and reports how good it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from roco.base.errors import DataError, UsageError
from roco.cli.output import print_json, safe, shown_path
from roco.cli.run import Json


def fit(
    task: Annotated[str, typer.Argument(metavar="TASK", help="Name of the head, which is part of its columns.")],
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A CSV file: label and path (or figure_id); optionally group and source."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RECIPE", help="Use the stored measurements of this recipe's run, and its label log."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --run: this label log, instead of that of the recipe."),
    ] = None,
    round: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With a label log: a round that counts; repeat it for several."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="HEAD", help="Start from this head; with a label log, from that of the recipe."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Measure the images of this folder; labels by path.")
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Use images and labels of a release: its column TASK."),
    ] = None,
    backbone: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An ONNX file with a card, instead of the shipped backbone.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Refuse labels other than these; by default those of a shipped head TASK."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the head to this file; by default TASK.npz.")
    ] = None,
    by: Annotated[
        Literal["group", "source"],
        typer.Option(metavar="UNIT", help="Hold out whole units: group (an article or patient) or source."),
    ] = "group",
    as_json: Json = False,
) -> None:
    """Trains a head from labels and writes its file, its card and a plot of its reliability.

    Example: roco fit modality --release demo/run/release

    The head is judged by cross-validation: no article or patient is both trained on and tested; with --by source, no
    source is. A recipe uses it by its path: head = "modality.npz". With --run and without --labels, the labels are
    those of the label log, and the head of the recipe is adapted to them; --from none fits a new one.
    """
    from roco.baselines import adapt
    from roco.baselines.fit import fit as fit_head
    from roco.baselines.parts import recipes
    from roco.baselines.report import plot
    from roco.baselines.save import save
    from roco.cli.fit_examples import Wanted, examples_of
    from roco.models.images.backbone import Backbone

    if not task.replace("_", "").isalnum():
        raise UsageError(f"invalid name of a head: {task!r}", "use letters, digits and '_'")
    file = out or Path(f"{task}.npz")
    if file.suffix != ".npz":
        raise UsageError(f"--out {shown_path(file)} does not end in .npz", f"write --out {file.stem}.npz")
    _check_writable(file.parent)
    existing = [path for path in (file, file.with_suffix(".json"), file.with_suffix(".svg")) if path.exists()]
    if existing:
        raise UsageError(f"{shown_path(existing[0])} already exists", "choose another file with --out")
    if sum(option is not None for option in (run, images, release)) != 1:
        raise UsageError("give one of --run, --images and --release", "one of them names the labelled images")
    if (log or round) and (run is None or labels is not None):
        raise UsageError("--log and --round name labels of a run", "use them with --run, without --labels")
    network = Backbone.load(_backbone_of(run, backbone))
    base = _base(task, start, run if labels is None else None, network)
    known = _known(task, classes, release)
    joined = examples_of(Wanted(task, labels, run, images, release, network, known, base, log, tuple(round or ())))
    if base is None:
        fitted = fit_head(joined.examples, joined.classes, recipes(network.sections), by, joined.left_out)
    else:
        fitted = adapt.adapt(base, joined.examples, joined.classes, by, joined.left_out)
    origin = {"made_by": "roco fit", "images": len(joined.examples), "left_out": dict(joined.left_out)}
    card = save(
        file, task, joined.classes, fitted, joined.examples, by=by,
        backbone={"name": network.name, "sha256": network.sha256},
        trained_on=origin | ({"from": {"task": base.card.task, "sha256": base.digest}} if base else {}),
    )  # fmt: skip
    numbers = card.measured[f"by {by}"]
    plot(numbers, task, file.with_suffix(".svg"))
    if as_json:
        print_json({"file": str(file), "classes": list(card.classes), **numbers, "left_out": dict(joined.left_out)})
    else:
        from roco.cli.fit_tables import print_fit

        print_fit(card.classes, numbers, joined.left_out)
    print(
        safe(f"wrote {shown_path(file)}, {file.with_suffix('.json').name} and {file.with_suffix('.svg').name}"),
        file=sys.stderr,
    )


def _check_writable(folder: Path) -> None:
    """Raises DataError if no file can be written into a folder that may not exist yet; fitting may take minutes."""
    existing = next(path for path in (folder, *folder.parents, Path()) if path.exists())
    if not existing.is_dir():
        raise DataError(f"{shown_path(existing)} is not a folder", "choose another file with --out")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise DataError(f"permission denied: cannot write to {shown_path(existing)}", "choose another file with --out")


def _base(task: str, start: str | None, run: Path | None, network: Any) -> Any:
    """Returns the head that is adapted; None for a new one. run: the recipe whose label log has the labels, if any."""
    from roco.models.heads.head import Head

    if start is None and run is not None:
        start = str(_head_of(task, run) or "none")
    if start is None or start == "none":
        return None
    head = Head.load(start)
    if head.card.backbone.get("sha256") != network.sha256:
        raise DataError(f"head '{start}' reads another backbone", "name its backbone, or fit a new head: --from none")
    return head


def _head_of(task: str, recipe: Path) -> Path | None:
    """Returns the head with which a recipe guesses a task; else the shipped head of that name, if there is one."""
    from roco.models.heads.head import Head, shipped
    from roco.recipes.load import load_recipe
    from roco.stages.guess import Guess

    heads = [step.stage.head for step in load_recipe(recipe).pipeline.steps if isinstance(step.stage, Guess)]
    of_task = [head for head in heads if Head.load(head).card.task == task]
    return of_task[-1] if of_task else Path(task) if task in shipped() else None


def _known(task: str, classes: str | None, release: Path | None) -> tuple[str, ...]:
    """Returns the classes that labels may have: those of --classes, or of the shipped head of that name; () for all.

    A release may have further classes: its labels were checked when it was made.
    """
    from roco.models.heads import head

    if classes is not None:
        names = tuple(name.strip() for name in classes.split(",") if name.strip())
        if len(set(names)) < 2:
            raise UsageError(f"--classes {classes!r} names fewer than two classes", "write --classes A,B")
        return names
    return head.Head.load(task).card.classes if task in head.shipped() and release is None else ()


def _backbone_of(run: Path | None, backbone: Path | None) -> Path | None:
    """Returns the backbone of the embeddings: that of the run, if one is given. Raises UsageError if it is another."""
    if run is None:
        return backbone
    from roco.models.images.backbone import Backbone
    from roco.recipes.load import load_recipe
    from roco.stages.embed import Embed

    stages = [step.stage for step in load_recipe(run).pipeline.steps]
    of_run = next((stage.backbone for stage in stages if isinstance(stage, Embed)), None)
    if backbone is not None and Backbone.load(backbone).sha256 != Backbone.load(of_run).sha256:
        raise UsageError("the run was embedded by another backbone", "omit --backbone: that of the recipe is used")
    return of_run
