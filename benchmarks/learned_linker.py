"""Judges the learned linker on ROCO v1: score on articles left out, speed, and learning from 60,000 rows.

`python -m benchmarks.learned_linker` prints the tables of docs/learned-concepts.md; `--rows 60000` sets the rows to
learn from, 0 for none.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.corpora import SHARED
from roco.baselines.concepts import datasets
from roco.baselines.concepts.judge import NUMBERS, interval
from roco.baselines.concepts.learn import Learned, learn
from roco.baselines.concepts.rows import Row
from roco.models.text.learned.linker import LearnedLinker

CAPTIONS = SHARED / "data" / "captions" / "roco_v1_open_validation_radiology.jsonl.gz"
LEAST = 3
"""Captions in which an n-gram of the plain association has the concept."""

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60_000)
    arguments = parser.parse_args()
    rows = roco_v1()
    known = [row for row in rows if not is_judged(row)]
    judged = [row for row in rows if is_judged(row)]
    print(f"{len(known)} rows to learn from, {len(judged)} rows of other articles to judge by\n")
    print("| method | F1 | 95 % interval | precision | recall |\n|---|---|---|---|---|")
    print(line("n-gram association, P >= 0.8", judged, association(known, judged)))
    with tempfile.TemporaryDirectory() as folder:
        names = datasets.read(CAPTIONS).names
        model, seconds, cpu = timed(known, names)
        path = Path(folder) / "model.npz"
        card = model.save(path)
        linker = LearnedLinker.load(path)
        texts = [row.caption for row in judged]
        print(line("learned linker", judged, linked(linker, texts)))
        plain, _, _ = timed(known, {})
        without = LearnedLinker(plain.judge, plain.cuis, plain.card)
        print(line("learned linker without names", judged, linked(without, texts)))
        print(f"\nexpected by its card: {card.held_out}; curve: {card.curve}")
        print("\n| rows of the concept | labels | precision | recall | F1 |\n|---|---|---|---|---|")
        for group in by_rows(known, judged, linked(linker, texts)):
            print(group)
        print(
            f"learned in {seconds:.0f} s ({cpu:.0f} s CPU); {path.stat().st_size / 1e6:.1f} MB; {speed(linker, texts)}"
        )
        if arguments.rows:
            model, seconds, cpu = timed(noisy(rows, arguments.rows), names, datasets.PAPER)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            card = model.save(path)
            size = path.stat().st_size / 1e6
            print(f"\n{arguments.rows} made-up rows: learned in {seconds:.0f} s ({cpu:.0f} s CPU), {peak:.1f} GB peak")
            print(f"{size:.1f} MB; {speed(LearnedLinker.load(path), texts)}; F1 by its card: {card.held_out}")


def roco_v1() -> list[Row]:
    if not CAPTIONS.is_file():
        sys.exit("the captions are missing: set ROCO_SHARED to a folder with data/ and tools/")
    with gzip.open(CAPTIONS, "rt", encoding="utf-8") as fh:
        values = [json.loads(text) for text in fh]
    return [Row(row["roco_id"], row["pmcid"], row["caption"], tuple(row["cuis"])) for row in values]


def is_judged(row: Row) -> bool:
    """Returns whether the article of a row belongs to the 40 % that nothing is learned from."""
    return int(hashlib.md5(row.group.encode()).hexdigest(), 16) % 5 < 2


def association(known: Sequence[Row], judged: Sequence[Row], least: float = 0.8) -> list[set[str]]:
    """Returns the concepts of all n-grams of 1 to 5 words that had them at least three times, and in most captions."""
    n: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    for row in known:
        grams = ngrams(row.caption)
        n.update(grams)
        together.update((gram, cui) for gram in grams for cui in set(row.cuis))
    names: dict[str, set[str]] = {}
    for (gram, cui), times in together.items():
        if times >= LEAST and times / n[gram] >= least:
            names.setdefault(gram, set()).add(cui)
    return [set().union(*(names.get(gram, ()) for gram in ngrams(row.caption))) for row in judged]


def ngrams(text: str) -> set[str]:
    words = ["^", *"".join(char if char.isalnum() else " " for char in text.lower()).split(), "$"]
    return {" ".join(words[at : at + size]) for size in range(1, 6) for at in range(len(words) - size + 1)}


def line(name: str, judged: Sequence[Row], predictions: Iterable[set[str]]) -> str:
    """Returns a row of the table: scores averaged over captions, as ImageCLEF averages F1."""
    f1, hits, predicted, labels = [], 0, 0, 0
    for row, cuis in zip(judged, predictions, strict=True):
        gold = set(row.cuis)
        both = len(gold) + len(cuis)
        f1.append(2 * len(gold & cuis) / both if both else 1.0)
        hits, predicted, labels = hits + len(gold & cuis), predicted + len(cuis), labels + len(gold)
    numbers = {name: place for place, name in enumerate(sorted({row.group for row in judged}))}
    low, high = interval(np.array(f1), np.array([numbers[row.group] for row in judged]))
    return f"| {name} | {np.mean(f1):.3f} | {low:.3f} to {high:.3f} | {hits / predicted:.3f} | {hits / labels:.3f} |"


def linked(linker: LearnedLinker, texts: Sequence[str]) -> list[set[str]]:
    return [{mention.cui for mention in mentions} for mentions in linker.link(texts)]


def by_rows(known: Sequence[Row], judged: Sequence[Row], predictions: Sequence[set[str]]) -> list[str]:
    """Returns the lines of a table: scores of concepts by the number of rows that they were learned from."""
    n = Counter(cui for row in known for cui in row.cuis)
    counts = {least: [0, 0, 0] for least in NUMBERS}  # labels, predictions, hits
    for row, predicted in zip(judged, predictions, strict=True):
        for cui in predicted | set(row.cuis):
            group = counts[max(least for least in NUMBERS if least <= n[cui])]
            group[0] += cui in row.cuis
            group[1] += cui in predicted
            group[2] += cui in predicted and cui in row.cuis
    lines = []
    for least, (labels, guesses, hits) in counts.items():
        shares = (hits / max(guesses, 1), hits / max(labels, 1), 2 * hits / max(labels + guesses, 1))
        lines.append(f"| {least} and more | {labels} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    return lines


def timed(
    rows: Sequence[Row], names: Mapping[str, Sequence[str]], manual: Sequence[str] = ()
) -> tuple[Learned, float, float]:
    start, cpu = time.perf_counter(), time.process_time()

    def show(step: str) -> None:
        print(f"  {time.perf_counter() - start:.0f} s: {step}", file=sys.stderr)

    model = learn(rows, show, manual=manual, names=names)
    return model, time.perf_counter() - start, time.process_time() - cpu


def speed(linker: LearnedLinker, texts: Sequence[str]) -> str:
    """Returns captions a second and a second of CPU, the best of three rounds over all texts."""
    wall, cpu = [], []
    for _ in range(3):
        start, used = time.perf_counter(), time.process_time()
        linker.link_and_suggest(texts)
        wall.append(len(texts) / (time.perf_counter() - start))
        cpu.append(len(texts) / (time.process_time() - used))
    return f"{max(wall):.0f} captions/s, {max(cpu):.0f} by CPU time"


def noisy(rows: Sequence[Row], n: int) -> list[Row]:
    """Returns rows made up from others: a quarter of the words becomes words of other captions or invented ones."""
    chance = random.Random(0)
    words = [word for row in rows for word in row.caption.split()]
    made = []
    for number in range(n):
        row = rows[number % len(rows)]
        written = row.caption.split()
        for at in range(len(written)):
            if chance.random() < 0.25:
                invented = "".join(chance.choices(ALPHABET, k=7))
                written[at] = chance.choice(words) if chance.random() < 0.9 else invented
        made.append(Row(f"{number:06}", f"{row.group}-{number // len(rows)}", " ".join(written), row.cuis))
    return made


if __name__ == "__main__":
    main()
