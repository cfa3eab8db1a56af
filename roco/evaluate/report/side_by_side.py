"""Several reports of one pool as one: their scores side by side, those of a random order, and their notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from roco.evaluate.report import render
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import Report, Score

ALL = "all"


def tables(reports: Mapping[str, Report]) -> list[ReportTable]:
    """Returns the scores with intervals, what a random order scores, and the notes with the reports they are of.

    reports: by title.
    """
    sums = _sums(reports)
    return [_scores(reports), *sums, _random(reports), *_not_computed(reports), _origins(reports), _notes(reports)]


def text(reports: Mapping[str, Report]) -> str:
    """Returns the tables as aligned text for a terminal."""
    return "\n\n".join(render.text(table) for table in tables(reports)) + "\n"


def as_mapping(reports: Mapping[str, Report]) -> dict[str, Any]:
    """Returns the reports as JSON values."""
    return {"reports": {title: report.as_mapping() for title, report in reports.items()}}


def _scores(reports: Mapping[str, Report]) -> ReportTable:
    by_title = {title: {score.name: score for score in report.scores} for title, report in reports.items()}
    rows: list[tuple[Cell, ...]] = []
    for name in _names(reports):
        rows.append((name, *(_cell(scores.get(name)) for scores in by_title.values())))
    rows.append(("queries", *(f"{max(s.images for s in scores.values()):,}" for scores in by_title.values())))
    return ReportTable("Scores (95% CI)", ("score", *reports), rows)


def _cell(score: Score | None) -> str:
    if score is None or math.isnan(score.value):
        return "–"
    if score.interval is None:
        return f"{score.value:.4f}"
    return f"{score.value:.4f} ({score.interval.low:.4f} to {score.interval.high:.4f})"


def _random(reports: Mapping[str, Report]) -> ReportTable:
    """Returns the expected scores of a random order: the first row of the bounds of each report."""
    values: dict[str, dict[str, Cell]] = {}
    for title, report in reports.items():
        values[title] = {}
        if report.bounds is not None:
            values[title] = dict(zip(report.bounds.columns[2:], report.bounds.rows[0][2:], strict=True))
    rows: list[tuple[Cell, ...]] = []
    for name in _names(reports):
        rows.append((name, *(of_report.get(name) for of_report in values.values())))
    return ReportTable("A random order (expected value)", ("score", *reports), rows)


def _sums(reports: Mapping[str, Report]) -> list[ReportTable]:
    """Returns the sum of the recalls between image and text in percent (rSum); none without both directions."""
    both = [report for report in reports.values() if report.task.endswith(("image-to-text", "text-to-image"))]
    if len(both) != 2:
        return []
    recalls = [score.value for report in both for score in report.scores if score.name.startswith("recall@")]
    row: tuple[Cell, ...] = ("rsum", 100 * sum(recalls))
    return [ReportTable("Image to text and text to image: sum of the recalls, of 600", ("score", "value"), [row])]


def _not_computed(reports: Mapping[str, Report]) -> list[ReportTable]:
    rows: list[tuple[Cell, ...]] = []
    for title, report in reports.items():
        rows += [(title, name, reason) for name, reason in report.not_computed]
    return [ReportTable("Not computed", ("ranking", "score", "reason"), rows)] if rows else []


def _origins(reports: Mapping[str, Report]) -> ReportTable:
    rows: dict[tuple[Cell, ...], None] = {}
    for report in reports.values():
        rows |= {(f"model of {name}", description): None for name, description in report.models.items()}
        rows |= {(path, f"sha256 {digest}"): None for path, digest in report.inputs.items()}
        rows |= dict.fromkeys(report.versions.items())
    return ReportTable("Provenance", ("item", "value"), list(rows))


def _notes(reports: Mapping[str, Report]) -> ReportTable:
    """Returns each note once, with the reports that it is of."""
    titles: dict[str, list[str]] = {}
    for title, report in reports.items():
        for note in report.notes:
            titles.setdefault(note, []).append(title)
    rows: list[tuple[Cell, ...]] = []
    for note, of in titles.items():
        rows.append((ALL if len(of) == len(reports) else "; ".join(of), note))
    return ReportTable("Notes", ("ranking", "note"), rows)


def _names(reports: Mapping[str, Report]) -> list[str]:
    """Returns the names of all scores, in the order of the report that has most."""
    longest_first = sorted(reports.values(), key=lambda report: -len(report.scores))
    return list(dict.fromkeys(score.name for report in longest_first for score in report.scores))
