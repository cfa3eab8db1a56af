"""Trains the filters on one half of the image groups, and judges them on packages composed of the other half.

    python -m training.halves MATERIAL --judged odd COMPOSED [COMPOSED ...]

MATERIAL has the features of training.features. COMPOSED are folders of composed packages in the layout of the cloud,
each with a table `truth.csv`, made of images of the half that is judged alone. Even folds of the material are the even
half; drawn images, which have no fold, are trained on. Heads are not written.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from roco.baselines import parts
from roco.baselines.fit import Fitted, combined, fit
from roco.baselines.report import recall_curves
from roco.models.heads.head import centred
from training.features import compute, labels
from training.heads import TASKS, examples
from training.together import share

KINDS = ("radiology", "figure", "compound", "compound (real)")
GATE_RECALL = 0.995


def composed(folders: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yields the file and kind of each image whose kind is one of KINDS."""
    for folder in folders:
        files = {path.name: path for path in (folder / "cloud").glob("*/*")}
        with (folder / "truth.csv").open(encoding="utf-8", newline="") as fh:
            for row in csv.DictReader(fh):
                if row["kind"] in KINDS and row["file"] in files:
                    yield files[row["file"]], row["kind"]


def probabilities(head: Fitted, numbers: dict[str, np.ndarray]) -> np.ndarray:
    logits = np.stack([centred(parts.logits(part, numbers)) for part in head.parts])
    return combined(logits, head.weights, head.bias)


def main(material: Path, judged: str, folders: list[Path]) -> None:
    fold_of = {row["path"]: row["fold"] for row in labels(material)}
    parity = {"even": 0, "odd": 1}[judged]
    heads, threshold = {}, 0.0
    for name in ("gate", "compound", "radiology"):
        rows = examples(material, name)
        other = np.array([not fold_of[id] or int(fold_of[id]) % 2 != parity for id in rows.ids])
        rows, task = rows.take(other), TASKS[name]
        fitted = fit(rows, task.classes, task.parts, "source")
        if name == "gate":
            curve = recall_curves(rows, fitted.held_out, task.classes)["candidate"]
            threshold = max(value for recall, value in curve if recall >= GATE_RECALL)
        heads[name] = fitted

    images = list(composed(folders))
    numbers = compute([file for file, _ in images])
    numbers["embedding"] = numbers["embedding"].astype(np.float32)
    kept = {
        "gate": probabilities(heads["gate"], numbers)[:, 1] >= threshold,
        "compound": probabilities(heads["compound"], numbers)[:, 0] >= 0.5,
        "radiology": probabilities(heads["radiology"], numbers)[:, 1] >= 0.5,
    }
    rows_of: dict[str, list[int]] = defaultdict(list)
    for place, (_, kind) in enumerate(images):
        if numbers["given"][place]:
            rows_of[kind].append(place)
    print(f"| kept, {judged} half | images | gate | compound | radiology | all three |")
    print("|---|---|---|---|---|---|")
    for kind in KINDS:
        some = rows_of[kind]
        counts = [int(flags[some].sum()) for flags in kept.values()]
        counts.append(int(np.logical_and.reduce([flags[some] for flags in kept.values()]).sum()))
        print(f"| {kind} | {len(some)} | " + " | ".join(share(n, len(some)) for n in counts) + " |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path)
    parser.add_argument("composed", type=Path, nargs="+")
    parser.add_argument("--judged", choices=["even", "odd"], required=True)
    given = parser.parse_args()
    main(given.material, given.judged, given.composed)
