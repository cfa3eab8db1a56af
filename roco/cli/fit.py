"""`roco fit`: trains a head on labels and reports how good it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
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
        typer.Option(metavar="FILE", help="A CSV file: label and figure_id (or path); optionally group and source."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="RECIPE", help="Use the stored measurements of this recipe's run; labels by figure_id."),
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
    source is. A recipe uses it by its path: head = "modality.npz".
    """
    from roco.baselines.fit import fit as fit_head
    from roco.baselines.parts import recipes
    from roco.baselines.report import plot
    from roco.baselines.save import save
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
    network = Backbone.load(_backbone_of(run, backbone))
    joined = _joined(task, labels, run, images, release, network, _known(task, classes), classes is not None)
    fitted = fit_head(joined.examples, joined.classes, recipes(network.sections), by, joined.left_out)
    card = save(
        file, task, joined.classes, fitted, joined.examples, by=by,
        backbone={"name": network.name, "sha256": network.sha256},
        trained_on={"made_by": "roco fit", "images": len(joined.examples), "left_out": dict(joined.left_out)},
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


def _joined(
    task: str,
    labels: Path | None,
    run: Path | None,
    images: Path | None,
    release: Path | None,
    network: Any,
    known: Sequence[str],
    has_classes: bool,
) -> Any:
    """Returns the labelled examples from wherever the options say."""
    from roco.baselines.labelled import from_table, read_image, read_labels

    if release is not None:
        if labels is not None:
            raise UsageError("--labels with --release", "omit --labels: the labels are the column TASK of the release")
        return _of_release(task, release, network, known if has_classes else ())
    if labels is None:
        raise UsageError(
            "missing option --labels", "write --labels FILE.csv, with the columns label and figure_id or path"
        )
    if run is not None:
        from roco.recipes.load import load_recipe

        given = read_labels(labels, "figure_id", known)
        columns = ("article_key", "origin", "embedding", "layout")
        with closing(load_recipe(run).open()) as opened:
            table = opened.figures(columns)
        return from_table(given, table, ("embedding", "layout"), _classes(given))
    assert images is not None
    if not images.is_dir():
        raise UsageError(f"no such folder: {shown_path(images)}", "check the path of --images")
    given = read_labels(labels, "path", known)
    return _measured(given, [partial(read_image, images / label.key) for label in given], network)


def _of_release(task: str, folder: Path, network: Any, known: Sequence[str]) -> Any:
    from roco.baselines.fit import LEAST
    from roco.baselines.labelled import Label, check_classes, common
    from roco.release.read import Release

    release = Release.open(folder)
    if task not in release.columns:
        raise DataError(f"the release has no column '{task}'", "name the column that has the labels, such as modality")
    group = "article_key" if "article_key" in release.columns else "id"
    rows = release.table(columns=list(dict.fromkeys(["id", task, group]))).to_pylist()
    given = [Label(0, row["id"], str(row[task]), row[group] or row["id"], "") for row in rows if row[task]]
    given, rare = common(given, LEAST)
    if len(_classes(given)) < 2:
        raise DataError(
            f"the column '{task}' of the release has fewer than two labels of {LEAST} images",
            "a head needs two classes",
        )
    check_classes(_classes(given), f"(column '{task}' of the release)", known)
    reads = [lambda id=label.key: release.image(id) for label in given]
    joined = _measured(given, reads, network)
    return joined._replace(left_out={**joined.left_out, **rare})


def _measured(labels: Any, reads: Any, network: Any) -> Any:
    """Measures labelled images, and shows how far it is."""
    from roco.baselines.labelled import from_images
    from roco.cli.progress import ProgressBar, shown

    bar = ProgressBar(at_once=False)
    with shown(bar):
        bar.start("images measured", len(labels))
        return from_images(labels, reads, _classes(labels), network, bar.advance)


def _known(task: str, classes: str | None) -> tuple[str, ...]:
    """Returns the classes that labels may have: those of --classes, or of the shipped head of that name; () for all."""
    from roco.models.heads import head

    if classes is not None:
        names = tuple(name.strip() for name in classes.split(",") if name.strip())
        if len(set(names)) < 2:
            raise UsageError(f"--classes {classes!r} names fewer than two classes", "write --classes A,B")
        return names
    return head.Head.load(task).card.classes if task in head.shipped() else ()


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


def _classes(labels: Any) -> tuple[str, ...]:
    return tuple(sorted({label.label for label in labels}))
