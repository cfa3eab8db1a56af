"""`python -m benchmarks.rights`: what the stage `rights` detects in real captions, compared with manual labels.

The rule was developed on one half of the articles and frozen; then all 2,457 captions of the other half were labelled.
The labels contain no text: id, stratum (hit: the frozen rule matched; net: only a broad list of words matched; rest),
label (third_party, own, unclear, none) and why. A caption of that half without a row has no credit.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from benchmarks.corpora import SHARED
from roco.stages.rights import Rights

LABELS = Path(__file__).with_name("rights_labels.csv")
REPEATS = 5


class Caption(NamedTuple):
    """A caption of the first ROCO; `kind` is radiology or non-radiology."""

    id: str
    article: str
    kind: str
    text: str

    @property
    def measured(self) -> bool:
        """Returns whether the article is in the half that was not used to develop the rule."""
        return hashlib.sha256(self.article.encode()).digest()[0] % 2 == 1


class Found(NamedTuple):
    """The label of one caption, and whether the rule matches."""

    kind: str
    label: str
    fires: bool


def captions() -> Iterator[Caption]:
    """Returns all captions of the sample, radiology first."""
    for kind in ("radiology", "non-radiology"):
        path = SHARED / "data" / "captions" / f"roco_v1_open_validation_{kind}.jsonl.gz"
        if not path.exists():
            sys.exit("the captions are missing: set ROCO_SHARED to a folder with data/ and tools/")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield Caption(row["roco_id"], row["pmcid"], kind, row["caption"])


def table(texts: Sequence[str]) -> pa.Table:
    """Returns the columns that the stage reads, filled from captions only: no authors, no credit lines."""
    blank = pa.nulls(len(texts), pa.string())
    names = ("credit", "figure_license", "third_party", "drop", "drop_detail")
    authors = pa.nulls(len(texts), pa.list_(pa.string()))
    return pa.table({"caption_raw": pa.array(texts, pa.string()), "authors": authors, **dict.fromkeys(names, blank)})


def judged(sample: Sequence[Caption]) -> list[Found]:
    """Returns the captions of the measured half with their labels and the verdict of the current rule."""
    with LABELS.open(encoding="utf-8", newline="") as fh:
        labels = {row["roco_id"]: row["label"] for row in csv.DictReader(fh)}
    half = [c for c in sample if c.measured]
    fires = Rights()(table([c.text for c in half]))["drop"].is_valid().to_pylist()
    return [Found(c.kind, labels.get(c.id, "none"), bool(f)) for c, f in zip(half, fires, strict=True)]


def wilson(hits: int, of: int, z: float = 1.959964) -> str:
    """Returns a share with Wilson's 95 % interval, in per cent."""
    if not of:
        return "n/a"
    p, scale = hits / of, 1 + z * z / of
    middle, half = (p + z * z / (2 * of)) / scale, z / scale * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return f"{hits}/{of} = {100 * p:.0f} % ({100 * max(0.0, middle - half):.0f} to {100 * min(1.0, middle + half):.0f})"


def line(name: str, found: Sequence[Found], credits: frozenset[str]) -> str:
    """Returns one row of the table: captions, credits, precision, recall."""
    counts = Counter((f.fires, f.label in credits) for f in found)
    both, fires, credited = counts[True, True], counts[True, True] + counts[True, False], counts[True, True]
    credited += counts[False, True]
    return f"| {name} | {len(found):,} | {credited} | {wilson(both, fires)} | {wilson(both, credited)} |"


def speed(texts: Sequence[str]) -> float:
    """Returns captions per second through the stage in one process, the best of several runs."""
    rows = table(list(texts) * 40)
    best = math.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        Rights()(rows)
        best = min(best, time.perf_counter() - start)
    return len(rows) / best


def main() -> None:
    sample = list(captions())
    found = judged(sample)
    sure, wide = frozenset({"third_party"}), frozenset({"third_party", "unclear"})
    print("| captions of the measured half | read | credits to others | precision (95 %) | recall (95 %) |")
    print("|---|---|---|---|---|")
    for name, rows in (
        ("radiology", [f for f in found if f.kind == "radiology"]),
        ("other figures", [f for f in found if f.kind != "radiology"]),
        ("all", found),
    ):
        print(line(name, rows, sure))
        print(line(f"{name}, unclear ones counted as credits", rows, wide))
    print(f"\n{speed([c.text for c in sample]):,.0f} captions/s")


if __name__ == "__main__":
    main()
