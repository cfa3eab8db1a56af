"""Fits the heads that roco ships, and writes their files and cards.

    python -m training.heads MATERIAL [--task TASK ...] [--out FOLDER]

MATERIAL is a folder of training.material with the features of training.features. Weights and calibration come from
folds that leave one source out; the numbers on the card do, too, beside those of folds by group.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roco.baselines.examples import Examples
from roco.baselines.fit import fit
from roco.baselines.parts import Recipe, recipes
from roco.baselines.save import save
from roco.models.heads.head import FOLDER
from roco.models.images.backbone import Backbone
from training.features import labels

Row = Mapping[str, str]


class Task(NamedTuple):
    """classes: in the order of the probabilities. label: the class of a row, None if it is not for this task."""

    classes: tuple[str, ...]
    label: Callable[[Row], str | None]
    parts: tuple[Recipe, ...]
    reasons: Mapping[str, tuple[str, str]] = {}
    ensures: Mapping[str, str] = {}


_EVERYTHING = recipes(Backbone.load().sections)


def _modality(row: Row) -> str | None:
    known = row["class"] == "radiology" and row["modality"] in TASKS["modality"].classes
    return row["modality"] if known else None


TASKS: dict[str, Task] = {
    "gate": Task(
        ("other", "candidate"),
        lambda row: "candidate" if row["class"] == "radiology" else "other",
        (Recipe("trees", ("layout",)),),
        {"candidate": ("gate", "panels, edges, tone and colour show that it is no single radiology image")},
    ),
    "compound": Task(
        ("single", "compound"),
        lambda row: "compound" if row["class"].startswith("compound") else "single",
        _EVERYTHING,
        {"single": ("compound", "the image is a compound figure (several images in one file)")},
        {"single": "single"},
    ),
    "radiology": Task(
        ("other", "radiology"),
        lambda row: "radiology" if row["class"].endswith("radiology") else "other",
        _EVERYTHING,
        {"radiology": ("not_radiology", "the image is no radiology image (a chart, photograph, histology …)")},
        {"radiology": "radiology"},
    ),
    "modality": Task(
        ("DRAN", "DRCT", "DRMR", "DRUS", "DRXR"),
        _modality,
        _EVERYTHING[:-1],  # trees are no better, and these have six times as many for as many classes
    ),
}


def examples(folder: Path, task: str) -> Examples:
    """Returns the rows of the material that have a class of this task."""
    rows, numbers = labels(folder), np.load(folder / "features.npz")
    wanted = [TASKS[task].label(row) for row in rows]
    used = [i for i, label in enumerate(wanted) if label is not None and numbers["given"][i]]
    some = [rows[i] for i in used]
    return Examples(
        tuple(row["path"] for row in some),
        {"embedding": numbers["embedding"][used].astype(np.float32), "layout": numbers["layout"][used]},
        np.array([TASKS[task].classes.index(str(wanted[i])) for i in used]),
        tuple(tuple(row["group"].split("|")) for row in some),
        tuple(row["source"] for row in some),
        np.array([row["derived"].lower() in ("true", "1") for row in some], np.bool_),
    )


def main(folder: Path, tasks: list[str], out: Path) -> None:
    backbone = Backbone.load()
    for name in tasks:
        task, rows = TASKS[name], examples(folder, name)
        by_source = fit(rows, task.classes, task.parts, "source")
        by_group = fit(rows, task.classes, task.parts, "group")
        # For `training.together`, which judges the filters as a recipe applies them.
        np.savez(
            folder / f"{name}.held_out.npz", ids=np.array(rows.ids), source=by_source.held_out, group=by_group.held_out
        )
        reads_embedding = any("embedding" in part.blocks for part in task.parts)
        card = save(
            out / f"{name}.npz",
            name,
            task.classes,
            by_source,
            rows,
            other=by_group,
            backbone={"name": backbone.name, "sha256": backbone.sha256} if reads_embedding else {},
            reasons=task.reasons,
            ensures=task.ensures,
            trained_on={"made_by": "training/heads.py", "images": _counts(rows, task.classes)},
            license="Apache-2.0",
        )
        print(f"{name}: accuracy {card.measured['by source']['accuracy']}, {card.measured['by source'].get('auroc')}")


def _counts(rows: Examples, classes: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Returns real and derived images by class, and by source."""
    counts: dict[str, Counter[str]] = {"real": Counter(), "derived": Counter()}
    sources: Counter[str] = Counter()
    for label, source, derived in zip(rows.labels, rows.sources, rows.derived, strict=True):
        counts["derived" if derived else "real"][classes[label]] += 1
        sources[source] += 1
    return {**{kind: dict(sorted(n.items())) for kind, n in counts.items()}, "sources": dict(sorted(sources.items()))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path)
    parser.add_argument("--task", action="append", choices=list(TASKS))
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args()
    main(given.material, given.task or list(TASKS), given.out)
