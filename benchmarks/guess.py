"""`python -m benchmarks.guess MATERIAL`: the stage `guess` on composed packages, by caption, by pixels and by both.

MATERIAL is a folder of training.material with the features of training.features. For each half of its images (folds
even and odd) a head `modality` is fitted on the one half, and packages are composed of the images of the other half.
Counted are the single radiology figures of truth.csv with a modality of the paper, whether or not a run keeps them.
The captions are real, but were chosen for an image by a word of its modality, which is not always what they show.

--counts prints the counts of roco/models/text/modality_likelihood.toml instead.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks import caption_rules as labelled
from benchmarks import modality
from benchmarks.corpora import SHARED
from benchmarks.rights import captions, wilson
from roco.baselines.fit import fit
from roco.baselines.save import save
from roco.models.images.backbone import Backbone
from roco.models.text.likelihood import MODALITIES, NONE
from roco.recipes.load import load_recipe
from roco.stages.guess import combined
from training.features import labels
from training.heads import TASKS, examples

LABEL_OF = {"XA": "DRAN", "CT": "DRCT", "MR": "DRMR", "PT": "DRPE", "US": "DRUS", "X-ray": "DRXR", "MG": "DRXR"}
HALVES = ("even", "odd")
ANOTHER_HALF = {"even": 1, "odd": 0}


class Guessed(NamedTuple):
    """One single radiology figure: its modality, what caption and pixels say, and the guess."""

    origin: str
    truth: str
    caption: str | None
    pixels: dict[str, float]
    row: dict[str, Any]

    @property
    def seen(self) -> str | None:
        return max(self.pixels, key=lambda label: self.pixels[label]) if self.pixels else None


def head_of_half(material: Path, fold: int, path: Path) -> None:
    """Fits the head `modality` on the images of even (0) or odd (1) folds, without drawn ones, which have no fold."""
    rows = examples(material, "modality")
    fold_of = {row["path"]: row["fold"] for row in labels(material)}
    mine = np.array([fold_of[id] != "" and int(fold_of[id]) % 2 == fold for id in rows.ids])
    rows, task, backbone = rows.take(mine), TASKS["modality"], Backbone.load()
    fitted = fit(rows, task.classes, task.parts, "source")
    card = {"name": backbone.name, "sha256": backbone.sha256}
    save(path, "modality", task.classes, fitted, rows, backbone=card)


def guesses(half: str, head: Path, seed: int, articles: int) -> Iterator[Guessed]:
    """Composes packages of one half of the images, and returns the guesses for their single radiology figures."""
    with TemporaryDirectory() as folder:
        tool, out = SHARED / "tools" / "compose_packages.py", Path(folder) / "composed"
        options = ["--images", half, "--seed", str(seed), "--articles", str(articles), "--layout", "package"]
        subprocess.run([sys.executable, tool, out, *options], check=True, stdout=subprocess.DEVNULL)
        recipe = Path(folder) / "guess.toml"
        recipe.write_text(
            f'[run]\nfolder = "{folder}/run"\n[source]\nkind = "package"\npath = "{out}/package"\n'
            f'[[stage]]\nuse = "image"\n[[stage]]\nuse = "guess"\nhead = "{head}"\n',
            encoding="utf-8",
        )
        loaded = load_recipe(recipe)
        loaded.run(workers=0)
        found = loaded.open().figures(["article_key", "file", "modality_scores", *_COLUMNS]).to_pylist()
        by_file = {(row["article_key"], row["file"]): row for row in found}
        with (out / "truth.csv").open(encoding="utf-8", newline="") as fh:
            truth = [row for row in csv.DictReader(fh) if row["kind"] == "radiology" and row["modality"] in LABEL_OF]
        for row in truth:
            guess = by_file[row["pmcid"], row["file"]]
            said = labelled.caption_rules.modality(row["caption"], labelled.words(row["caption"])).label
            yield Guessed(row["origin"], LABEL_OF[row["modality"]], said, guess["modality_scores"] or {}, guess)


_COLUMNS = ("modality_guess", "modality_p", "modality_guess_from", "modality_disagrees")


def table(rows: Sequence[Guessed]) -> Iterator[str]:
    """Returns the lines of the table: right by caption, by pixels and by both, for each modality and for all."""
    yield "| modality | figures | caption alone | pixels alone | both |\n|---|---|---|---|---|"
    groups = [("all", rows), *((label, [row for row in rows if row.truth == label]) for label in MODALITIES)]
    for name, some in groups:
        if some:
            ways = [
                [row.caption == row.truth for row in some],
                [row.seen == row.truth for row in some],
                [row.row["modality_guess"] == row.truth for row in some],
            ]
            yield f"| {name} | {len(some)} | " + " | ".join(wilson(sum(way), len(some)) for way in ways) + " |"


def reliability(rows: Sequence[Guessed]) -> Iterator[str]:
    """Returns how often guesses of about the same probability are right."""
    yield "| probability | figures | right |\n|---|---|---|"
    edges = (0.0, 0.5, 0.8, 0.95, 0.99, 1.001)
    for low, high in itertools.pairwise(edges):
        some = [row for row in rows if low <= row.row["modality_p"] < high]
        if some:
            hits = sum(row.row["modality_guess"] == row.truth for row in some)
            yield f"| {low:.2f} to {min(high, 1):.2f} | {len(some)} | {wilson(hits, len(some))} |"


def assumptions(rows: Sequence[Guessed]) -> Iterator[str]:
    """Returns how often the guess is right with other shares of captions that name another modality than the image."""
    yield "| captions that name another modality | right |\n|---|---|"
    for share in (0.002, 0.01, 0.02, 0.05, 0.1):
        hits = sum(combined(row.caption, row.pixels, another_image=share)[0] == row.truth for row in rows)
        yield f"| {100 * share:.1f} % | {wilson(hits, len(rows))} |"


def on_new_sources(material: Path, rows: Sequence[Guessed]) -> Iterator[Guessed]:
    """Returns the real images of the material, with scores of a head that never saw their source.

    Each gets the caption of a composed figure of its modality. The scores are those of `training.heads`.
    """
    held_out, real = np.load(material / "modality.held_out.npz"), examples(material, "modality")
    assert tuple(held_out["ids"].tolist()) == real.ids, "run training.heads again: the material has changed"
    classes, rng = TASKS["modality"].classes, np.random.default_rng(1)
    captions_of = {label: [row.caption for row in rows if row.truth == label] for label in classes}
    for place, (id, label, derived) in enumerate(zip(real.ids, real.labels, real.derived, strict=True)):
        scores = held_out["source"][place]
        if derived or np.isnan(scores).any():
            continue
        truth = classes[label]
        said = captions_of[truth][rng.integers(len(captions_of[truth]))]
        pixels = dict(zip(classes, scores.tolist(), strict=True))
        guess, probability, *_ = combined(said, pixels)
        yield Guessed(id, truth, said, pixels, {"modality_guess": guess, "modality_p": probability})


def counts() -> None:
    """Prints the counts of the likelihood: labels and readings of the captions that were used."""
    texts = {caption.id: caption for caption in captions()}
    rows = []
    for path, column, half in ((modality.LABELS, "label", None), (labelled.LABELS, "modality", "dev")):
        with path.open(encoding="utf-8", newline="") as fh:
            rows += [(row["roco_id"], row[column]) for row in csv.DictReader(fh) if half in (None, row.get("half"))]
    read: dict[str, Counter[str]] = defaultdict(Counter)
    for id, label in rows:
        read[label][reading(texts[id].text)] += 1
    for label in MODALITIES:
        print(label, dict(read[label]))
    with modality.LABELS.open(encoding="utf-8", newline="") as fh:
        drawn = [row["roco_id"] for row in csv.DictReader(fh) if row["label"] != "foreign"]
    radiology = Counter(reading(texts[id].text) for id in drawn if texts[id].kind == "radiology")
    print("radiology", dict(radiology))
    print("other", dict(Counter(reading(caption.text) for caption in texts.values() if caption.kind != "radiology")))


def reading(text: str) -> str:
    return labelled.caption_rules.modality(text, labelled.words(text)).label or NONE


def main(material: Path, seeds: Sequence[int], articles: int) -> None:
    rows: dict[int, list[Guessed]] = {seed: [] for seed in seeds}
    with TemporaryDirectory() as folder:
        for half in HALVES:
            head = Path(folder) / f"{half}.npz"
            head_of_half(material, ANOTHER_HALF[half], head)
            for seed in seeds:
                rows[seed] += guesses(half, head, seed, articles)
    for seed in seeds:
        print(f"\nseed {seed}\n")
        print("\n".join(table(rows[seed])))
    every = [row for some in rows.values() for row in some]
    print(f"\nall seeds ({len({row.origin for row in every})} images, each with a caption for each seed)\n")
    print("\n".join([*table(every), "", *reliability(every), "", *assumptions(every)]))
    disagree = [row for row in every if row.row["modality_disagrees"]]
    caption, seen = (sum(getattr(row, way) != row.truth for row in disagree) for way in ("caption", "seen"))
    print(f"\ndisagreements: {len(disagree)}; the caption is wrong in {caption}, the pixels in {seen}\n")
    new = list(on_new_sources(material, every))
    print("\n".join(["images of sources that the head never saw\n", *table(new), "", *reliability(new), ""]))
    print("\n".join(assumptions(new)))
    for row in every:
        if row.row["modality_guess"] != row.truth:
            print("wrong:", row.origin, row.truth, row.caption, row.row["modality_guess"], row.pixels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument("--counts", action="store_true")
    given = parser.parse_args()
    if given.counts:
        counts()
    else:
        main(given.material, given.seeds, given.articles)
