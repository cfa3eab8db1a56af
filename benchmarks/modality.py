"""`python -m benchmarks.modality`: the modality that captions name, compared with labels.

The labels of 300 captions of the first ROCO (240 radiology, 60 other, drawn by a hash of their id) state the modality
that a reader takes from the words alone; `unclear` and `foreign` (not English) are not counted. They contain no text.
The notes are those of a collection of chest X-rays with their clinical history.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.corpora import SHARED
from benchmarks.rights import captions, wilson
from roco.models.text import caption_rules
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import load

LABELS = Path(__file__).with_name("modality_labels.csv")
NOTES = SHARED / "data" / "radiology" / "covid_cxr_ct" / "metadata.csv"
NOT_COUNTED = ("unclear", "foreign")

VOCABULARY = load()
LINKER = TermMatcher(VOCABULARY)


def named(text: str) -> str:
    """Returns the modality that the stages `mentions` and `merge` read from a caption, `none` if they read none."""
    words = caption_rules.words((mention._asdict() for mention in LINKER.link(text)), VOCABULARY)
    return caption_rules.modality(text, words).of_paper or "none"


def line(name: str, found: Iterable[tuple[str, str]]) -> str:
    """Returns one row of the table; found: label and modality read for each text."""
    counted = [(label, read) for label, read in found if label not in NOT_COUNTED]
    right = sum(label == read != "none" for label, read in counted)
    precision = wilson(right, sum(read != "none" for _, read in counted))
    recall = wilson(right, sum(label != "none" for label, _ in counted))
    return f"| {name} | {len(counted)} | {precision} | {recall} |"


def main() -> None:
    texts = {caption.id: (caption.kind, caption.text) for caption in captions()}
    with LABELS.open(encoding="utf-8", newline="") as fh:
        labels = {row["roco_id"]: row["label"] for row in csv.DictReader(fh)}
    print("| texts | counted | precision (95 %) | recall (95 %) |\n|---|---|---|---|")
    for kind in ("radiology", "non-radiology"):
        of_kind = [id for id in labels if texts[id][0] == kind]
        print(line(f"{kind} captions", [(labels[id], named(texts[id][1])) for id in of_kind]))
    with NOTES.open(encoding="utf-8-sig", newline="") as fh:
        notes = [row["clinical_notes"] for row in csv.DictReader(fh) if row["clinical_notes"].strip()]
    print(line("clinical notes of chest X-rays", [("DRXR", named(note)) for note in notes]))

    start = time.process_time()
    for _, text in texts.values():
        LINKER.link(text)
    print(f"\n{len(texts) / (time.process_time() - start):,.0f} captions per second in one process")


if __name__ == "__main__":
    main()
