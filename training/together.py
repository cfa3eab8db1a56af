"""Judges the filters together, as a recipe applies them, on sources that they were not trained on.

    python -m training.together MATERIAL

reads what training.heads wrote into MATERIAL, and prints which real images the gate, and both filters, keep.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from roco.base.intervals import wilson
from roco.models.heads.head import Head
from training.features import labels

CLASSES = ("radiology", "figure", "compound_radiology", "compound_figure")


def main(folder: Path) -> None:
    rows = {row["path"]: row["class"] for row in labels(folder)}
    found = {name: np.load(folder / f"{name}.held_out.npz") for name in ("gate", "compound", "radiology")}
    for by in ("source", "group"):
        keep: dict[str, dict[str, bool]] = {}
        for name, column, threshold in (
            ("gate", 1, Head.load("gate").card.threshold("candidate", 0.995)),
            ("compound", 0, 0.5),
            ("radiology", 1, 0.5),
        ):
            values = found[name][by][:, column]
            for path, value in zip(found[name]["ids"], values, strict=True):
                if not np.isnan(value):
                    keep.setdefault(str(path), {})[name] = bool(value >= threshold)
        print(f"| kept, folds by {by} | images | gate | compound and radiology | all three |")
        print("|---|---|---|---|---|")
        for label in CLASSES:
            some = [flags for path, flags in keep.items() if rows[path] == label and len(flags) == 3]
            gate = sum(flags["gate"] for flags in some)
            both = sum(flags["compound"] and flags["radiology"] for flags in some)
            every = sum(all(flags.values()) for flags in some)
            cells = " | ".join(_share(n, len(some)) for n in (gate, both, every))
            print(f"| {label.replace('_', ' ')} | {len(some)} | {cells} |")
        print()


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{100 * hits / max(of, 1):.1f} % ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path)
    main(parser.parse_args().material)
