"""Counts what 100 disagreements between the learned linker and ROCO v1 are, as they were read by one person.

`python -m benchmarks.learned_disagreements` prints the table of docs/learned-concepts.md. learned_disagreements.csv has
image, CUI, kind (`extra`: linked, not labelled; `missed`: labelled, not linked) and class of each.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from roco.base.intervals import wilson

TABLE = Path(__file__).with_name("learned_disagreements.csv")
CLASSES = {
    "missing label": "reference",
    "several senses": "reference",
    "homonym": "reference",
    "not said": "reference",
    "part of a longer name": "model",
    "rare concept": "model",
    "other error": "model",
}
"""Class -> where the error is."""


def main() -> None:
    with TABLE.open(encoding="utf-8", newline="") as fh:
        rows = list(csv.DictReader(fh))
    n = Counter((row["class"], row["kind"]) for row in rows)
    print("| class | error of | extra | missed |\n|---|---|---|---|")
    for name, side in CLASSES.items():
        print(f"| {name} | {side} | {n[name, 'extra']} | {n[name, 'missed']} |")
    noise = sum(CLASSES[row["class"]] == "reference" for row in rows)
    low, high = wilson(noise, len(rows))
    print(f"\nreference: {noise} of {len(rows)} (95 % interval {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
