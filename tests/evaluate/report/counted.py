"""The dataset of examples.py with a funnel, dropped figures, labels of two raters and scores; counted by hand.

counted.csv has the counted numbers: the name of a section, row and column of one of its tables, and the cell as the
report shows it. docs/make.py writes into docs/report.md which of them the report gives.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.evaluate.rater_agreement import Pair, TaskAgreement, rater_agreement
from roco.evaluate.report.content import Content
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.render import formatted
from roco.evaluate.report.score_files import read_scores
from roco.release.read import Release
from tests.evaluate.report.examples import TYPES, write_published

COUNTED = Path(__file__).with_name("counted.csv")

DROPPED = (
    # stage, reason, detail, article
    ("extract", "missing", "a.jpg", "PMC1"),
    ("extract", "article", "XML", "PMC4"),
    ("license", "license", "CC-BY-ND", "PMC5"),
    ("license", "license", "CC-BY-ND", "PMC5"),
    ("caption", "caption", "empty", "PMC3"),
    ("language", "language", "fr 0.91", "PMC6"),
    ("language", "language", "pt by its words (model: en 0.12)", "PMC6"),
    ("language", "language", "fr 0.46", "PMC2"),
    ("dedup", "duplicate", "duplicate of PMC1/f1/0: same bytes or same hashes", "PMC7"),
)
STAGES = (
    # stage, figures in, figures kept
    ("extract", 15, 13),
    ("license", 13, 11),
    ("caption", 11, 10),
    ("language_id", 10, 10),
    ("language", 10, 7),
    ("dedup", 7, 6),
    ("split", 6, 6),
)

MATRICES = {
    "modality": (("DRCT", "DRMR", "UNKNOWN"), ((44, 5, 1), (7, 20, 3), (9, 5, 6))),
    "region": (("chest", "pelvis"), ((20, 5), (10, 15))),
    "direction": (("coronal_ap", "sagittal"), ((31, 12), (4, 58))),
}
"""Labels of a task and its confusion matrix; kappa and errors of all three are those of statsmodels `cohens_kappa`."""


class Counted(NamedTuple):
    """One number that was counted by hand."""

    part: str
    row: str
    column: str
    value: str


def counted() -> list[Counted]:
    with COUNTED.open(encoding="utf-8", newline="") as fh:
        return [Counted(**row) for row in csv.DictReader(fh)]


def cells(content: Content, row: str, column: str) -> list[str]:
    """The cells of a row and a column, as the report shows them, in all tables that have both."""
    found = []
    for table in content.tables:
        if column in table.columns:
            place = table.columns.index(column)
            found += [formatted(line[place]) for line in table.rows if formatted(line[0]) == row]
    return found


def write_funnel(folder: Path) -> None:
    """Writes funnel.json and removed.parquet."""
    stages = []
    for name, rows_in, kept in STAGES:
        reasons: dict[str, int] = {}
        for stage, reason, *_ in DROPPED:
            if stage == name:
                reasons[reason] = reasons.get(reason, 0) + 1
        stages.append({"stage": name, "kind": "decision", "in": rows_in, "kept": kept, "dropped": reasons})
    source = {"kind": "package", "articles": 7}
    funnel = {"stages": stages, "release": {"train": 4, "valid": 1, "test": 1}, "source": source, "counts": {}}
    (folder / "funnel.json").write_text(json.dumps(funnel))
    columns = [list(column) for column in zip(*DROPPED, strict=True)]
    names = ["stage", "drop", "drop_detail", "pmcid", "article_key"]
    pq.write_table(pa.table([*columns, columns[3]], names=names), folder / "removed.parquet")


def agreement(*tasks: str) -> list[TaskAgreement]:
    """The agreement of annotators and a radiologist, by default in all three tasks."""
    found = []
    for task in tasks or MATRICES:
        labels, matrix = MATRICES[task]
        first, second = {}, {}
        for a, row in zip(labels, matrix, strict=True):
            for b, n in zip(labels, row, strict=True):
                for _ in range(n):
                    image = f"i{len(first)}"
                    first[image], second[image] = a, b
        pair = Pair(task=task, first=first, second=second, names=("annotators", "radiologist"), order=labels)
        found.append(rater_agreement(pair))
    return found


def write_scores(folder: Path, task: str, values: dict[str, float | None], images: int = 6) -> Path:
    """Writes a report.json as `roco evaluate --out` does."""
    folder.mkdir(parents=True)
    scores = {
        name: {"value": value, "low": value and value - 0.1, "high": value and value + 0.1, "images": images}
        for name, value in values.items()
    }
    content = {"task": task, "profile": {"name": "imageclef2023"}, "scores": scores}
    (folder / "report.json").write_text(json.dumps(content))
    return folder


def counted_inputs(folder: Path, tasks: Sequence[str] = ()) -> Inputs:
    """The inputs of a report with everything that it can show of a dataset in the published layout."""
    release = write_published(folder / "rocov2")
    write_funnel(release)
    concepts = write_scores(folder / "kNN", "concepts", {"f1": 0.5, "secondary_f1": 0.75})
    captions = {"bertscore_f1": None, "rouge1": 0.25, "bleu1": 0.125, "cider": 0.5}
    scores = [read_scores(concepts), read_scores(write_scores(folder / "copy", "captions", captions))]
    return Inputs(release=Release.open(release), types=TYPES, scores=scores, agreement=agreement(*tasks))
