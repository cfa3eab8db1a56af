"""`python -m benchmarks.loop`: guess, label 200 images, fit, guess again, and how often the guesses are right.

A head `modality` is fitted on half of the groups of data/radiology, mostly chests. Packages are composed of real
images and captions; a run filters them and guesses their modality with this head. Then an annotator, simulated by the
truth, labels up to 200 figures that the head has not seen, from 70 % of their groups: on the grid, the most doubtful
of each guessed class. `roco fit` adapts the head to them, and the run guesses again. Counted are the figures of the
other groups, over several divisions. --penalty compares strengths of the penalty in roco/baselines/adapt.py; --order
random labels in random order.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.corpora import SHARED
from benchmarks.guess import LABEL_OF
from benchmarks.rights import wilson
from roco.baselines import adapt
from roco.baselines.fit import fit
from roco.baselines.labelled import Label, from_images, read_image
from roco.baselines.parts import recipes
from roco.baselines.save import save
from roco.cli.fit_examples import Wanted, examples_of
from roco.curate import corpus
from roco.curate.board import Board, guess_columns
from roco.curate.events import Entry
from roco.curate.log import Log
from roco.curate.task_files import load_all
from roco.curate.view import Query, Viewer
from roco.models.heads.head import Head
from roco.models.images.backbone import Backbone
from roco.recipes.load import Recipe, load_recipe
from training import real

LABELS = 200
SHARE = 70  # % of the groups that are labelled
TASKS = load_all(["modality"])
KEEP = {"gate": "candidate", "compound": "single", "radiology": "radiology"}
FILTERS = "".join(
    f'[[stage]]\nuse = "filter"\nname = "{n}"\nhead = "{n}"\nkeep = "{keep}"\n' for n, keep in KEEP.items()
)


CLASSES = ("DRCT", "DRMR", "DRUS", "DRXR")
INTACT = ("radiology", "near duplicate", "foreign caption", "empty caption", "third-party rights")
"""Kinds of composed figures whose image is a single radiology image."""


def is_of_base(image: real.Real) -> bool:
    return int(image.record.fold) % 2 == 0


class Figure(NamedTuple):
    """A figure whose content is known; named: whether its caption names its modality."""

    key: str
    truth: str
    group: str


class Right(NamedTuple):
    """Which of the held-out figures are guessed right, by caption and pixels, and by the pixels alone."""

    guess: np.ndarray
    pixels: np.ndarray


def base_head(path: Path) -> Head:
    """Fits a head on the images of even folds of data/radiology."""
    images = [one for one in real.radiology(SHARED / "data") if one.record.modality in CLASSES and is_of_base(one)]
    labels = [Label(0, str(one.file), one.record.modality, one.record.group, one.record.source) for one in images]
    reads = [lambda file=one.file: read_image(file) for one in images]
    classes = tuple(sorted({label.label for label in labels}))
    backbone = Backbone.load()
    joined = from_images(labels, reads, classes, backbone)
    fitted = fit(joined.examples, classes, recipes(backbone.sections))
    card = {"name": backbone.name, "sha256": backbone.sha256}
    save(path, "modality", classes, fitted, joined.examples, by="group", backbone=card)
    return Head.load(path)


def composed(folder: Path, articles: int) -> None:
    tool = SHARED / "tools" / "compose_packages.py"
    options = ["--articles", str(articles), "--layout", "package"]
    subprocess.run([sys.executable, tool, folder / "composed", *options], check=True, stdout=subprocess.DEVNULL)


def recipe(folder: Path, name: str, head: Path) -> Recipe:
    """Runs a recipe until `guess`; recipes of one folder share the run, so that only the guess is made again."""
    path = folder / f"{name}.toml"
    path.write_text(
        f'[run]\nfolder = "{folder}/run"\n[source]\nkind = "package"\npath = "{folder}/composed/package"\n'
        f'[labels]\nlog = "{name}.db"\n[[stage]]\nuse = "image"\n{FILTERS}[[stage]]\nuse = "guess"\nhead = "{head}"\n',
        encoding="utf-8",
    )
    loaded = load_recipe(path)
    loaded.run(workers=0)
    return loaded


def known(folder: Path, loaded: Recipe) -> dict[str, Figure]:
    """Returns the figures of unseen radiology images that the filters keep, by image_key."""
    data = SHARED / "data"
    unseen = [*real.labelled(data), *(one for one in real.radiology(data) if not is_of_base(one))]
    groups = {str(one.file.relative_to(data)): one.record.group for one in unseen}
    with closing(loaded.open()) as run:
        rows = run.figures(["article_key", "file", "image_key", "drop"]).to_pylist()
    by_file = {(row["article_key"], row["file"]): row["image_key"] for row in rows if row["drop"] is None}
    found = {}
    with (folder / "composed" / "truth.csv").open(encoding="utf-8", newline="") as fh:
        for row in csv.DictReader(fh):
            truth, key = LABEL_OF.get(row["modality"], ""), by_file.get((row["pmcid"], row["file"]))
            if row["kind"] in INTACT and truth and row["origin"] in groups and key:
                found[key] = Figure(key, truth, groups[row["origin"]])
    return found


def is_labelled(figure: Figure, division: int) -> bool:
    digest = hashlib.sha256(f"{division} {figure.group}".encode()).hexdigest()
    return int(digest[:6], 16) % 100 < SHARE


def label(folder: Path, loaded: Recipe, figures: dict[str, Figure], division: int, order: str) -> int:
    """Labels as many figures of each guessed class, in the order of the grid, and returns how many."""
    guesses = Head.load(folder / "base.npz").card.classes
    with closing(loaded.open()) as run, Log.open(folder / f"labels-{division}.db", TASKS) as log:
        shown = corpus.of_run(run, guess_columns(TASKS.values()))
        log.open_round("curated", annotator="a1")
        viewer = Viewer(shown, TASKS, Board(log, shown, TASKS, "curated"), blind=False, double=0)
        queues = [
            [
                key
                for key in _in_order(viewer, shown, name, order)
                if key in figures and is_labelled(figures[key], division)
            ]
            for name in guesses
        ]
        chosen = [key for keys in itertools.zip_longest(*queues) for key in keys if key][:LABELS]
        entries = [Entry(task="modality", image_key=key, label=figures[key].truth) for key in chosen]
        log.add(entries, round="curated", annotator="a1")
    return len(entries)


def _in_order(viewer: Viewer, shown: corpus.Corpus, guess: str, order: str) -> Iterator[str]:
    """Yields the keys of the figures of a guessed class, page by page."""
    for page in range(len(shown) // 100 + 1):
        query = Query(task="modality", annotator="a1", guess=guess, order=order, size=100, page=page)  # type: ignore[arg-type]
        yield from (shown.keys[number] for number in viewer.page(query).numbers.tolist())


def right(loaded: Recipe, held_out: list[Figure]) -> Right:
    with closing(loaded.open()) as run:
        rows = run.figures(["image_key", "modality_guess", "modality_scores"]).to_pylist()
    by_key = {row["image_key"]: row for row in rows if row["image_key"]}
    guesses, pixels = [], []
    for figure in held_out:
        row = by_key[figure.key]
        scores = {name: p for name, p in (row["modality_scores"] or {}).items() if p is not None}
        guesses.append(row["modality_guess"] == figure.truth)
        pixels.append(bool(scores) and max(scores, key=lambda name: scores[name]) == figure.truth)
    return Right(np.array(guesses), np.array(pixels))


def rounds(folder: Path, articles: int, divisions: int, order: str) -> Iterator[tuple[list[Figure], Right, Right]]:
    """Yields the held-out figures of each division, and which were right before and after."""
    base = base_head(folder / "base.npz")
    composed(folder, articles)
    before = recipe(folder, "before", base.path)
    figures = known(folder, before)
    for division in range(divisions):
        n = label(folder, before, figures, division, order)
        backbone = Backbone.load()
        log = folder / f"labels-{division}.db"
        wanted = Wanted("modality", None, folder / "before.toml", None, None, backbone, base=base, log=log)
        joined = examples_of(wanted)
        fitted = adapt.adapt(base, joined.examples, joined.classes)
        head = folder / f"after-{division}.npz"
        save(head, "modality", joined.classes, fitted, joined.examples, by="group",
             backbone={"name": backbone.name, "sha256": backbone.sha256})  # fmt: skip
        held_out = [figure for figure in figures.values() if not is_labelled(figure, division)]
        was = right(before, held_out)
        yield held_out, was, right(recipe(folder, f"after-{division}", head), held_out)
        recipe(folder, "before", base.path)
        print(f"division {division}: {n} labels, {len(held_out)} held out", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=1200)
    parser.add_argument("--divisions", type=int, default=5)
    parser.add_argument("--order", choices=("doubt", "random"), default="doubt")
    parser.add_argument("--penalty", type=float, nargs="+", default=[adapt.PENALTY])
    options = parser.parse_args()
    print("| penalty | figures | held out | guess before | guess after | pixels before | pixels after |")
    print("|---|---|---|---|---|---|---|")
    for penalty in options.penalty:
        adapt.PENALTY = penalty
        with TemporaryDirectory() as folder:
            found = list(rounds(Path(folder), options.articles, options.divisions, options.order))
        truth = np.array([figure.truth for held_out, *_ in found for figure in held_out])
        before = Right(*(np.concatenate([getattr(was, name) for _, was, _ in found]) for name in Right._fields))
        after = Right(*(np.concatenate([getattr(now, name) for *_, now in found]) for name in Right._fields))
        for name in ("all", *sorted(set(truth.tolist()))):
            some = (truth == name) | (name == "all")
            cells = [wilson(int(values[some].sum()), int(some.sum()))
                     for values in (before.guess, after.guess, before.pixels, after.pixels)]  # fmt: skip
            print(f"| {penalty} | {name} | {some.sum()} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
