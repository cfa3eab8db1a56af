"""`python -m benchmarks.caption_rules`: modality, region and direction that captions name, compared with labels.

The labels of 400 captions of the first ROCO state what a reader takes from the words alone. stratum: 250 captions with
a word of projection radiography (xray), and 150 of all others (all), each the first by a hash of the id. half: dev and
held-out, by a hash of the article, were labelled before the rules were written on dev; fresh, another 100 with a word
of projection radiography, after the rules had been written. The reader also wrote the rules, and so knew the held-out
captions: fresh comes closest to captions that nobody had in mind.

Region and direction are labelled for X-rays. `unclear` and `foreign` (not English) are not counted. The file contains
no text.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.modality import LINKER, VOCABULARY
from benchmarks.rights import captions, wilson
from roco.models.text import caption_rules
from roco.models.text.caption_rules import Answer, Word, read

LABELS = Path(__file__).with_name("caption_rule_labels.csv")
NOT_COUNTED = ("unclear", "foreign")
HALVES = ("dev", "held-out", "fresh")


class Judged(NamedTuple):
    """One answer for one caption of a half, and the label that a reader gave; both `none` if there is none."""

    half: str
    kind: str  # modality, region or direction
    label: str
    answer: str
    rule: str | None
    id: str


def words(text: str) -> list[Word]:
    """Returns the names of the shipped vocabulary in a caption."""
    return caption_rules.words((mention._asdict() for mention in LINKER.link(text)), VOCABULARY)


def judged() -> Iterator[Judged]:
    """Returns the answers for all labelled captions that count."""
    texts = {caption.id: caption.text for caption in captions()}
    with LABELS.open(encoding="utf-8", newline="") as fh:
        rows = list(csv.DictReader(fh))
    for row in rows:
        if row["modality"] in NOT_COUNTED:
            continue
        reading = read(texts[row["roco_id"]], words(texts[row["roco_id"]]))
        kinds = ("modality", "region", "direction") if row["modality"] == "DRXR" else ("modality",)
        for kind in kinds:
            if row[kind] not in NOT_COUNTED:
                answer: Answer = getattr(reading, kind)
                label = answer.of_paper or "none"
                rule = answer.evidence[0].rule if answer.evidence else None
                yield Judged(row["half"], kind, row[kind], label, rule, row["roco_id"])


def line(name: str, rows: Sequence[Judged], right: Iterable[bool], given: int, wanted: int) -> str:
    hits = sum(right)
    return f"| {name} | {len(rows)} | {wilson(hits, given)} | {wilson(hits, wanted)} |"


def of_labels(kind: str, rows: Sequence[Judged]) -> Iterator[str]:
    """Returns the rows of the table for all labels of a kind together, and for each."""
    right = [row.answer == row.label != "none" for row in rows]
    yield line(f"**{kind}**", rows, right, sum(r.answer != "none" for r in rows), sum(r.label != "none" for r in rows))
    for label in sorted({row.label for row in rows} - {"none"}):
        hits = [row.answer == row.label == label for row in rows]
        yield line(label, rows, hits, sum(r.answer == label for r in rows), sum(r.label == label for r in rows))


def of_rules(kind: str, rows: Sequence[Judged]) -> Iterator[str]:
    """Returns for each rule that decided a caption how often it was right, and which part of its labels it decided."""
    for rule, n in Counter(row.rule for row in rows if row.rule).most_common():
        decided = [row for row in rows if row.rule == rule]
        hits = sum(row.answer == row.label for row in decided)
        labels = {row.answer for row in decided}
        of = sum(row.label in labels for row in rows)
        yield f"| {kind}: {rule} | {n} | {wilson(hits, n)} | {wilson(hits, of)} |"


def main() -> None:
    rows = list(judged())
    for half in HALVES:
        print(f"\n| {half} | captions | precision (95 %) | recall (95 %) |\n|---|---|---|---|")
        for kind in ("modality", "region", "direction"):
            print("\n".join(of_labels(kind, [row for row in rows if (row.half, row.kind) == (half, kind)])))
    for half in HALVES:
        print(f"\n| rule that decided, {half} | captions | precision (95 %) | recall (95 %) |\n|---|---|---|---|")
        for kind in ("modality", "region", "direction"):
            print("\n".join(of_rules(kind, [row for row in rows if (row.half, row.kind) == (half, kind)])))

    texts = [(caption.text, words(caption.text)) for caption in captions()]
    start = time.process_time()
    for text, mentions in texts:
        read(text, mentions)
    print(f"\n{len(texts) / (time.process_time() - start):,.0f} captions per second in one process")
    if "--errors" in sys.argv:  # of the dev half only
        for row in rows:
            if row.half == "dev" and row.label != row.answer:
                print(row)


if __name__ == "__main__":
    main()
