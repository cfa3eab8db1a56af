"""Judges the filters together, as a recipe applies them, on images that they were not trained on.

    python -m training.together MATERIAL [--radiology 0.5] [--compound 0.5]

reads what training.heads wrote into MATERIAL, and prints which real images the gate, and both filters, keep: by class,
and of single figures by kind. The probabilities come from folds that leave out sources, or groups.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from roco.base.intervals import wilson
from roco.baselines.report import auroc
from roco.models.heads.head import Head
from training.features import labels

CLASSES = ("radiology", "figure", "compound_radiology", "compound_figure")
Scores = Mapping[str, Mapping[str, float]]


def held_out(folder: Path, by: str) -> Scores:
    """Returns path -> head -> probability of what the filter keeps, of the images that all three heads judge."""
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for name, column in (("gate", 1), ("compound", 0), ("radiology", 1)):
        found = np.load(folder / f"{name}.held_out.npz")
        for path, value in zip(found["ids"], found[by][:, column], strict=True):
            if not np.isnan(value):
                scores[str(path)][name] = float(value)
    return {path: values for path, values in scores.items() if len(values) == 3}


def main(folder: Path, at_least: Mapping[str, float]) -> None:
    rows = {row["path"]: row for row in labels(folder)}
    for by in ("source", "group"):
        scores = held_out(folder, by)
        keeps = {
            path: {name: value >= at_least[name] for name, value in values.items()} for path, values in scores.items()
        }
        print(f"| kept, folds by {by} | images | gate | compound and radiology | all three |")
        print("|---|---|---|---|---|")
        for label in CLASSES:
            line(label.replace("_", " "), [flags for path, flags in keeps.items() if rows[path]["class"] == label])
        singles = [path for path in scores if rows[path]["class"] in ("radiology", "figure")]
        is_radiology = np.array([rows[path]["class"] == "radiology" for path in singles])
        area = auroc(np.array([scores[path]["radiology"] for path in singles]), is_radiology)
        flagged = sum(not keeps[path]["compound"] for path, one in zip(singles, is_radiology, strict=True) if one)
        print(f"\nAUROC of radiology on the {len(singles)} single images: {area:.4f}")
        print(f"single radiology called compound: {share(flagged, int(is_radiology.sum()))}\n")
        of_kind: dict[str, list[Mapping[str, bool]]] = defaultdict(list)
        for path, flags in keeps.items():
            if rows[path]["class"] == "figure":
                of_kind[rows[path]["kind"]].append(flags)
        print(f"| single figures kept, folds by {by} | images | gate | compound and radiology | all three |")
        print("|---|---|---|---|---|")
        for kind, some in sorted(of_kind.items(), key=lambda item: (-len(item[1]), item[0])):
            line(kind, some)
        print()


def line(name: str, flags: list[Mapping[str, bool]]) -> None:
    """Prints a row of the table: how many of some images the gate, both filters, and all three keep."""
    gate = sum(one["gate"] for one in flags)
    both = sum(one["compound"] and one["radiology"] for one in flags)
    every = sum(all(one.values()) for one in flags)
    print(f"| {name} | {len(flags)} | " + " | ".join(share(n, len(flags)) for n in (gate, both, every)) + " |")


def share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{100 * hits / max(of, 1):.1f} % ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path)
    parser.add_argument("--radiology", type=float, default=0.5)
    parser.add_argument("--compound", type=float, default=0.5)
    given = parser.parse_args()
    gate = Head.load("gate").card.threshold("candidate", 0.995)
    main(given.material, {"gate": gate, "compound": given.compound, "radiology": given.radiology})
