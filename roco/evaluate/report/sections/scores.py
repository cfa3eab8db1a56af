"""Scores of systems beside those of ImageCLEF 2023 and the paper's baselines: Tables 1 to 3 of the paper."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.score_files import ScoreFile

FOLDER = Path(__file__).parents[1]
NAMES = {
    "f1": "F1", "secondary_f1": "secondary F1", "bertscore_f1": "BERTScore", "rouge1": "ROUGE", "bleurt": "BLEURT",
    "bleu1": "BLEU", "meteor": "METEOR", "cider": "CIDEr", "clipscore": "CLIPScore",
}  # fmt: skip
"""Name of a score in report.json -> its name in the paper."""
_BASELINE_NOTE = "Known of the paper: its text gives the caption baseline on ROCOv2 other scores than Tables 2 and 3"
NOTES = {
    "1": (),
    "2": (f"{_BASELINE_NOTE}: BERTScore 0.6241 and ROUGE 0.2325.",),
    "3": (f"{_BASELINE_NOTE}: BLEURT 0.3131, BLEU 0.1836, METEOR 0.0830 and CLIPScore 0.8212; CIDEr agrees.",),
}
"""Table -> sentences about what the paper prints."""


class PaperTable(NamedTuple):
    """A table of systems as the paper prints it; columns: the names of scores in report.json among others."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def scores(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name in NAMES)


def table_1(inputs: Inputs) -> Content:
    """Concept detection: F1 of the concepts of an image, averaged over images, and the secondary F1 of manual concepts
    only. Scores of different test sets cannot be compared; the profile is that of the year of ImageCLEF."""
    return _content(inputs, "1", "concepts", "Concept detection")


def table_2(inputs: Inputs) -> Content:
    """Caption prediction: BERTScore (F1) and ROUGE-1, averaged over captions. Scores of different test sets cannot be
    compared, and those of another model of BERTScore neither."""
    return _content(inputs, "2", "captions", "Caption prediction")


def table_3(inputs: Inputs) -> Content:
    """Caption prediction, further scores: BLEURT, BLEU-1, METEOR, CIDEr and CLIPScore. CIDEr takes its weights from
    the captions of the test set."""
    return _content(inputs, "3", "captions", "Caption prediction, further scores")


@cache
def paper_table(number: str) -> PaperTable:
    """Returns Table 1, 2 or 3 as the paper prints it."""
    with (FOLDER / f"paper_table_{number}.csv").open(encoding="utf-8", newline="") as fh:
        header, *lines = csv.reader(fh)
    return PaperTable(tuple(header), tuple(tuple(line) for line in lines))


def _content(inputs: Inputs, number: str, task: str, title: str) -> Content:
    published = paper_table(number)
    files = [file for file in inputs.scores if file.task == task and file.scores.keys() & set(published.scores)]
    rows = [*(_row(file, published.columns) for file in files), *published.rows]
    columns = tuple(NAMES.get(name, name) for name in published.columns)
    tables = [ReportTable(f"{title}: this dataset, then the paper", columns, rows)]
    if not files:
        tables[0] = tables[0]._replace(title=f"{title}: the paper")
        content = Content(tables=tuple(tables), notes=NOTES[number])
        raise NotAvailable(f"no scores of {task} were given: --scores DIR of roco evaluate {task} --out DIR", content)
    tables.append(_intervals(files, published.scores))
    return Content(
        tables=tuple(tables), plots=(_bars(number, title, published, rows, len(files)),), notes=NOTES[number]
    )


def _row(file: ScoreFile, columns: Sequence[str]) -> tuple[Cell, ...]:
    """Returns our row under the columns of the paper's table, rounded as there; a score that is missing is empty."""
    cells: dict[str, Cell] = {}
    for name, score in file.scores.items():
        cells[name] = None if score.value is None else f"{score.value:.4f}"
    cells["system"] = file.system
    cells["test set"] = f"{file.images:,} images, rules of {file.profile}"
    return tuple(cells.get(name) for name in columns)


def _intervals(files: Sequence[ScoreFile], names: Sequence[str]) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for file in files:
        for name in names:
            score = file.scores.get(name)
            if score is not None:
                rows.append((file.system, NAMES[name], score.value, score.low, score.high, score.images))
    columns = ("system", "score", "value", "95% CI low", "95% CI high", "images")
    return ReportTable("Scores of this dataset with intervals", columns, rows)


def _bars(number: str, title: str, published: PaperTable, rows: Sequence[tuple[Cell, ...]], ours: int) -> Bars:
    """Returns bars of the first score of the table: our systems in one colour, those of the paper in the other."""
    name = published.scores[0]
    place = published.columns.index(name)
    labels: list[str] = []
    values: list[tuple[float, float]] = []
    for position, row in enumerate(rows):
        if row[place]:  # a system of ours may lack the score
            value = float(row[place] or 0)
            labels.append(f"{row[0]} ({row[1]})")
            values.append((value, 0) if position < ours else (0, value))
    named = zip(labels, values, strict=True)
    return Bars(
        name=f"table-{number}",
        title=f"{title}: {NAMES[name]}",
        alt=f"Bar chart of {NAMES[name]}: " + ", ".join(f"{label} {sum(pair):.4f}" for label, pair in named) + ".",
        labels=labels,
        series={"this dataset": [own for own, _ in values], "the paper": [paper for _, paper in values]},
        axis=NAMES[name],
    )
