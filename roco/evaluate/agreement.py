"""Evaluates the agreement of two raters as in Table 7 of the paper: kappa, alpha, AC1 and confusion matrices."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.bootstrap import Interval
from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.readers import UNREADABLE
from roco.base.terminal import quoted
from roco.evaluate.metrics import agreement
from roco.evaluate.prediction_file import MAX_BYTES, reason
from roco.evaluate.profiles import DEFAULT, profile
from roco.evaluate.report.render import Cell, ReportTable
from roco.evaluate.report.scores import Report, Score
from roco.evaluate.truth import Articles, read_articles

Labels = str | Path | Mapping[str, str]
"""A CSV file with the columns ID and Label, or a mapping of image IDs to labels."""
HEADER = ["ID", "Label"]
NORMALISATIONS = ((None, "counts"), ("true", "shares of the first's labels"), ("pred", "shares of the second's labels"))


class _RaterLabels(NamedTuple):
    """The label of each image by one rater, and the SHA-256 of the file."""

    labels: dict[str, str]
    inputs: dict[str, str]


def evaluate_agreement(
    first: Labels,
    second: Labels,
    *,
    articles: Articles | None = None,
    resamples: int = bootstrap.RESAMPLES,
) -> Report:
    """Compares the labels of two raters for the same images; images that only one of them labelled are excluded."""
    first_rater, second_rater = _read_labels(first), _read_labels(second)
    ids = [id for id in first_rater.labels if id in second_rater.labels]
    if not ids:
        raise DataError("the two raters have no image in common", "use the same image ids in both files")
    a = [first_rater.labels[id] for id in ids]
    b = [second_rater.labels[id] for id in ids]
    article_of: Mapping[str, str] = {} if articles is None else read_articles(articles)[0]
    groups = bootstrap.groups_of([article_of.get(id) or id for id in ids])
    names = agreement.labels_of(a, b)
    matrix = agreement.confusion(a, b, names)
    kappa = agreement.kappa(matrix)

    notes = []
    n_single = len(first_rater.labels) + len(second_rater.labels) - 2 * len(ids)
    if n_single:
        notes.append(f"{n_single:,} images were labelled by one rater only and are excluded")
    n_unknown = sum(x != y and "UNKNOWN" in (x.upper(), y.upper()) for x, y in zip(a, b, strict=True))
    notes.append(f"{n_unknown:,} of {kappa.n - kappa.agree:,} disagreements are between UNKNOWN and another label")

    per_image: list[tuple[Cell, ...]] = [(id, x, y, int(x == y)) for id, x, y in zip(ids, a, b, strict=True)]
    disagreements_first = sorted(per_image, key=lambda row: (row[3], row[0]))
    return Report(
        task="agreement",
        profile={"name": profile(DEFAULT).name},
        inputs={**first_rater.inputs, **second_rater.inputs},
        scores=_scores(a, b, names, matrix, kappa, _bootstrap(a, b, names, groups, resamples)),
        breakdowns=(_by_label(matrix, names), *_confusion_tables(matrix, names)),
        notes=tuple(notes),
        per_image=ReportTable("images", ("ID", "first", "second", "agree"), disagreements_first),
    )


def _scores(
    a: Sequence[str],
    b: Sequence[str],
    names: Sequence[str],
    matrix: NDArray[np.int64],
    kappa: agreement.Kappa,
    bootstrap: Interval | None,
) -> tuple[Score, ...]:
    is_defined = kappa.value == kappa.value
    analytic = Interval(kappa.low, kappa.high) if is_defined else None
    alpha = agreement.krippendorff_alpha(list(zip(a, b, strict=True)))
    n = kappa.n
    return (
        Score("kappa", kappa.value, n, analytic, f"Cohen; interval of Fleiss, Cohen and Everitt 1969; {kappa.words}"),
        Score("kappa_bootstrap", kappa.value, n, bootstrap, "Cohen; bootstrap interval"),
        Score(
            "standard_error",
            kappa.se,
            n,
            None,
            f"under kappa = 0: {kappa.se_null:.4f}; Cohen 1960: {kappa.se_simple:.4f}",
        ),
        Score("agreement", kappa.agree / n, n, None, f"{kappa.agree} of {n}; expected by chance: {kappa.chance:.1f}"),
        Score("alpha", alpha, n, None, "Krippendorff, nominal"),
        Score("ac1", agreement.gwet_ac1(matrix), n, None, "Gwet"),
    )


def _by_label(matrix: NDArray[np.int64], names: Sequence[str]) -> ReportTable:
    """Returns the kappa of each label against all others."""
    rows: list[tuple[Cell, ...]] = []
    for i, (label, kappa) in enumerate(agreement.kappa_by_class(matrix, names).items()):
        first, second, both = int(matrix[i].sum()), int(matrix[:, i].sum()), int(matrix[i, i])
        rows.append((label, first, second, both, kappa.value, kappa.se, kappa.low, kappa.high, kappa.words))
    columns = ("label", "first", "second", "both", "kappa", "se", "95% CI low", "95% CI high", "")
    return ReportTable("By label, each against all others", columns, rows)


def _confusion_tables(matrix: NDArray[np.int64], names: Sequence[str]) -> list[ReportTable]:
    tables = []
    for over, what in NORMALISATIONS:
        cells = agreement.normalised(matrix, over)
        rows: list[tuple[Cell, ...]] = []
        for label, values in zip(names, cells.tolist(), strict=True):
            rows.append((label, *(int(value) if over is None else value for value in values)))
        tables.append(ReportTable(f"Confusion, {what} (rows: first, columns: second)", ("", *names), rows))
    return tables


def _bootstrap(
    a: Sequence[str], b: Sequence[str], names: Sequence[str], groups: NDArray[np.int64], resamples: int
) -> Interval | None:
    """Returns the interval of kappa over resamples of articles, each of which has a confusion matrix of its own."""
    k = len(names)
    index = {label: i for i, label in enumerate(names)}
    cells = np.zeros((len(a), k * k))
    cells[np.arange(len(a)), [index[x] * k + index[y] for x, y in zip(a, b, strict=True)]] = 1
    return bootstrap.of_sums(cells, groups, lambda sums: agreement.kappa_values(sums.reshape(-1, k, k)), resamples)


def _read_labels(source: Labels) -> _RaterLabels:
    if isinstance(source, Mapping):
        return _RaterLabels(dict(source), {})
    path = Path(source)
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {reason(err)}", "give a CSV file with the columns ID,Label") from err
    if not rows or rows[0] != HEADER:
        raise DataError(f"{path}, line 1: the header is not ID,Label", "write ID,Label as the first line")
    labels: dict[str, str] = {}
    for line, row in enumerate(rows[1:], 2):
        if len(row) != 2 or not row[1].strip():
            raise DataError(f"{path}, line {line}: expected an id and a label", "remove images without a label")
        if row[0] in labels:
            raise DataError(f"{path}, line {line}: duplicate id {quoted(row[0])}", "keep one row per image")
        labels[row[0]] = row[1].strip()
    return _RaterLabels(labels, {str(path): file_digest(path)})
