"""Agreement of two raters as the paper's Table 7 has it, per class, with intervals, alpha, AC1 and the matrix."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.limits import UNREADABLE, shown
from roco.evaluate.metrics import agreement, intervals
from roco.evaluate.profiles import DEFAULT, profile
from roco.evaluate.report.scores import Report, Score, Sheet
from roco.evaluate.submission import MOST_BYTES
from roco.evaluate.truth import articles_of

Given = str | Path | Mapping[str, str]


def evaluate_agreement(
    first: Given,
    second: Given,
    *,
    articles: str | Path | Mapping[str, str] | None = None,
    resamples: int = intervals.RESAMPLES,
) -> Report:
    """Compares the labels that two raters gave to the same images: CSV files with ID,Label, or mappings.

    Images that only one of them labelled are counted and left out.
    """
    inputs: dict[str, str] = {}
    a, b = (_labels(given, inputs) for given in (first, second))
    ids = [id for id in a if id in b]
    if not ids:
        raise DataError("the two raters have no image in common", "ids must be the same in both files")
    one, two = [a[id] for id in ids], [b[id] for id in ids]
    labels = agreement.labels_of(one, two)
    matrix = agreement.confusion(one, two, labels)
    found = agreement.kappa(matrix)
    placed = articles if isinstance(articles, Mapping) else articles_of(Path(articles)) if articles else {}
    group = intervals.groups_of([placed.get(id) or id for id in ids])
    report = Report("agreement", {"name": profile(DEFAULT).name}, False, inputs)
    formula = intervals.Interval(found.low, found.high) if found.value == found.value else None
    report.scores = [
        Score(
            "kappa", found.value, found.n, formula, f"Cohen; interval of Fleiss, Cohen and Everitt 1969; {found.words}"
        ),
        Score(
            "kappa_bootstrap",
            found.value,
            found.n,
            _bootstrap(one, two, labels, group, resamples),
            "the same, drawn again",
        ),
        Score(
            "standard_error",
            found.se,
            found.n,
            None,
            f"under kappa = 0: {found.se_null:.4f}; Cohen 1960: {found.se_simple:.4f}",
        ),
        Score(
            "agreement",
            found.agree / found.n,
            found.n,
            None,
            f"{found.agree} of {found.n}; by chance {found.chance:.1f}",
        ),
        Score(
            "alpha",
            agreement.krippendorff_alpha(list(zip(one, two, strict=True))),
            found.n,
            None,
            "Krippendorff, nominal",
        ),
        Score("ac1", agreement.gwet_ac1(matrix), found.n, None, "Gwet"),
    ]
    rows = [
        (label, int(matrix[i].sum()), int(matrix[:, i].sum()), int(matrix[i, i]), k.value, k.se, k.low, k.high, k.words)
        for i, (label, k) in enumerate(agreement.kappa_by_class(matrix, labels).items())
    ]
    columns = ("label", "first", "second", "both", "kappa", "se", "95 % from", "to", "")
    report.sheets.append(Sheet("By label, each against all others", columns, rows))
    for over, said in (
        (None, "counts"),
        ("true", "shares of the first's labels"),
        ("pred", "shares of the second's labels"),
    ):
        m = agreement.normalised(matrix, over)
        cells = [(label, *(int(v) if over is None else float(v) for v in m[i])) for i, label in enumerate(labels)]
        report.sheets.append(Sheet(f"Confusion, {said} (rows: first, columns: second)", ("", *labels), cells))
    alone = len(a) + len(b) - 2 * len(ids)
    if alone:
        report.notes.append(f"{alone:,} images were labelled by one rater only, and left out")
    unknown = sum(x != y and "UNKNOWN" in (x.upper(), y.upper()) for x, y in zip(one, two, strict=True))
    report.notes.append(f"{unknown:,} of {found.n - found.agree:,} disagreements are between UNKNOWN and a label")
    each = [(id, x, y, int(x == y)) for id, x, y in zip(ids, one, two, strict=True)]
    report.each = Sheet("images", ("ID", "first", "second", "agree"), sorted(each, key=lambda row: (row[3], row[0])))
    return report


def _bootstrap(
    one: list[str], two: list[str], labels: list[str], group: NDArray[np.int64], resamples: int
) -> intervals.Interval | None:
    k = len(labels)
    at = {label: i for i, label in enumerate(labels)}
    cells = np.zeros((len(one), k * k))
    cells[np.arange(len(one)), [at[x] * k + at[y] for x, y in zip(one, two, strict=True)]] = 1
    return intervals.of_sums(cells, group, lambda sums: agreement.kappa_values(sums.reshape(-1, k, k)), resamples)


def _labels(given: Given, inputs: dict[str, str]) -> dict[str, str]:
    if isinstance(given, Mapping):
        return dict(given)
    path = Path(given)
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except UNREADABLE as err:
        said = getattr(err, "strerror", None) or shown(err)
        raise DataError(f"{path} cannot be read: {said}", "give a CSV file with the columns ID,Label") from err
    if not rows or rows[0] != ["ID", "Label"]:
        raise DataError(f"{path}, line 1: the header is not ID,Label", "write ID,Label as the first line")
    found: dict[str, str] = {}
    for line, row in enumerate(rows[1:], 2):
        if len(row) != 2 or not row[1].strip():
            raise DataError(f"{path}, line {line}: no id with one label", "leave images out that have none")
        if row[0] in found:
            raise DataError(
                f"{path}, line {line}: the id '{shown(row[0])}' stands twice", "keep one row for each image"
            )
        found[row[0]] = row[1].strip()
    inputs[str(path)] = file_digest(path)
    return found
