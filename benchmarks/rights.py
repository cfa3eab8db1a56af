"""`python -m benchmarks.rights`: what the stage `rights` detects in real captions, compared with manual labels.

Two samples, each labelled after the rule was frozen. The labels contain no text: label is third_party, own (credits the
authors), unclear or none, and why.

ROCO: all 2,457 captions of one half of the articles, the half that the rule was not developed on. stratum is hit (the
frozen rule matched), net (only a broad list of words matched) or rest; a caption without a row has no credit.
Articles: 308 captions of 55 real articles with their authors and credit lines, the first of the 183 by the SHA-256 of
their id. Every caption has a row.
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
from roco.sources.jats.article import Article, parse
from roco.stages.rights import Rights

LABELS = Path(__file__).with_name("rights_labels.csv")
ARTICLE_LABELS = Path(__file__).with_name("rights_article_labels.csv")
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


class Words(NamedTuple):
    """What the rule reads of a figure; the captions of ROCO have no authors and no credit lines."""

    caption: str | None
    credit: str | None = None
    authors: tuple[str, ...] = ()


def table(figures: Sequence[Words]) -> pa.Table:
    """Returns the columns that the stage reads; no licence of the figure, no terms of the article."""
    blank = pa.nulls(len(figures), pa.string())
    return pa.table(
        {
            "caption_raw": pa.array([figure.caption for figure in figures], pa.string()),
            "credit": pa.array([figure.credit for figure in figures], pa.string()),
            "authors": pa.array([list(figure.authors) for figure in figures], pa.list_(pa.string())),
            **dict.fromkeys(("figure_license", "third_party", "drop", "drop_detail"), blank),
        }
    )


def matches(figures: Sequence[Words]) -> list[bool]:
    """Returns for each figure whether the rule drops it."""
    dropped: list[bool] = Rights()(table(figures))["drop"].is_valid().to_pylist()
    return dropped


def judged(sample: Sequence[Caption]) -> list[Found]:
    """Returns the captions of the measured half with their labels and the verdict of the current rule."""
    with LABELS.open(encoding="utf-8", newline="") as fh:
        labels = {row["roco_id"]: row["label"] for row in csv.DictReader(fh)}
    half = [c for c in sample if c.measured]
    fires = matches([Words(c.text) for c in half])
    return [Found(c.kind, labels.get(c.id, "none"), f) for c, f in zip(half, fires, strict=True)]


def judged_articles() -> list[Found]:
    """Returns the labelled captions of real articles with the verdict of the current rule."""
    with ARTICLE_LABELS.open(encoding="utf-8", newline="") as fh:
        labels = list(csv.DictReader(fh))
    wanted = {row["article"] for row in labels}
    articles: dict[str, Article] = {}
    for entry in map(json.loads, (SHARED / "data" / "articles.jsonl").read_text(encoding="utf-8").splitlines()):
        if entry["id"] in wanted:
            articles[entry["id"]] = parse((SHARED / "data" / entry["path"] / entry["xml"]).read_bytes())

    figures = []
    for row in labels:
        article = articles[row["article"]]
        figure = next(f for f in article.figures if f.key == row["figure"] and f.k == 0)
        figures.append(Words(figure.caption_raw, figure.credit, tuple(article.authors)))
    return [Found("article", row["label"], f) for row, f in zip(labels, matches(figures), strict=True)]


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
    """Returns captions per second of CPU time through the stage, the best of several runs."""
    rows = table([Words(text) for text in texts] * 40)
    best = math.inf
    for _ in range(REPEATS):
        start = time.process_time()
        Rights()(rows)
        best = min(best, time.process_time() - start)
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

    in_articles = judged_articles()
    own = [f for f in in_articles if f.label == "own"]
    print("\n| captions of real articles | read | credits to others | precision (95 %) | recall (95 %) |")
    print("|---|---|---|---|---|")
    print(line("all", in_articles, sure))
    print(line("all, unclear ones counted as credits", in_articles, wide))
    print(f"\ncredits to the authors themselves: {len(own)}, kept {sum(not f.fires for f in own)}")
    print(f"\n{speed([c.text for c in sample]):,.0f} captions per second of CPU time")


if __name__ == "__main__":
    main()
