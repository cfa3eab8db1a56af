"""Why figures were dropped: by stage and reason, by journal, and by year."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from roco.evaluate.report.by_split import first_of, share
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Bars, Years
from roco.evaluate.report.render import Cell, ReportTable

JOURNALS = 100


def by_reason(inputs: Inputs) -> Content:
    """Dropped figures and their articles by stage and reason, in the order of their number. An article counts for each
    reason for which one of its figures was dropped."""
    figures: Counter[tuple[str, str]] = Counter()
    articles: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for stage, reason, article in _dropped(inputs):
        figures[stage, reason] += 1
        articles[stage, reason].add(article)
    order = sorted(figures, key=lambda key: (-figures[key], key))
    rows: list[tuple[Cell, ...]] = []
    for key in order:
        rows.append((*key, figures[key], share(figures[key], figures.total()), len(articles[key] - {""})))
    labels = [f"{reason} ({stage})" for stage, reason in order]
    plot = Bars(
        name="drop-reasons",
        title="Dropped figures by reason",
        alt=f"Bar chart of the dropped figures by reason; most were dropped as {labels[0]}: {figures[order[0]]:,}.",
        labels=labels,
        series={"figures": [figures[key] for key in order]},
        axis="figures",
    )
    table = ReportTable("Dropped figures", ("stage", "reason", "figures", "share", "articles"), rows)
    return Content(tables=(table,), plots=(plot,))


def by_journal(inputs: Inputs) -> Content:
    """Kept and dropped figures by journal, with the most frequent reason; the journals with most dropped figures
    first."""
    rows, note = _by(inputs, "journal")
    table = ReportTable(
        "Figures by journal", ("journal", "kept", "dropped", "share dropped", "reason"), rows[:JOURNALS]
    )
    return Content(tables=(table,), notes=note)


def by_year(inputs: Inputs) -> Content:
    """Kept and dropped figures by year of the article, with the most frequent reason."""
    rows, note = _by(inputs, "year")
    rows.sort(key=lambda row: str(row[0]))
    years = [int(str(row[0])) for row in rows]
    plot = Years(
        name="dropped-by-year",
        title="Figures by year",
        alt=f"Line chart of the kept and dropped figures by year, {years[0]} to {years[-1]}.",
        years=years,
        series={name: [float(row[place] or 0) for row in rows] for place, name in ((1, "kept"), (2, "dropped"))},
        counted="figures",
    )
    table = ReportTable("Figures by year", ("year", "kept", "dropped", "share dropped", "reason"), rows)
    return Content(tables=(table,), plots=(plot,), notes=note)


def _dropped(inputs: Inputs) -> list[tuple[str, str, str]]:
    """Returns stage, reason and article of the dropped figures; raises NotAvailable if there are none."""
    columns = [inputs.dropped[name].to_pylist() for name in ("stage", "drop", "article_key")]
    rows = [(stage or "", reason or "", article or "") for stage, reason, article in zip(*columns, strict=True)]
    if not rows:
        raise NotAvailable("no figure was dropped")
    return rows


def _by(inputs: Inputs, column: str) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """Returns rows of value, kept, dropped, share and reason, most dropped first, and a note about unknown values.

    Journal and year are known of every article of a run; a release knows those of the articles of its images.
    """
    dropped = _dropped(inputs)
    values = inputs.years if column == "year" else inputs.values(column)
    of_article = first_of(inputs.article_of, values)
    if inputs.articles is not None:
        read = first_of(inputs.articles["article_key"].to_pylist(), inputs.articles[column].to_pylist())
        of_article = {**read, **of_article}
    kept = Counter(str(value) for value in values if value is not None)
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unknown = 0
    for _, reason, article in dropped:
        value = of_article.get(article)
        if value is None:
            unknown += 1
        else:
            reasons[str(value)][reason] += 1
    rows = []
    for value in kept.keys() | reasons.keys():
        number = reasons[value].total()
        reason = min(reasons[value], key=lambda one: (-reasons[value][one], one), default="")
        rows.append((value, kept[value], number, share(number, number + kept[value]), reason))
    if not rows:
        raise NotAvailable(f"no article has a {column}")
    rows.sort(key=lambda row: (-row[2], -row[1], row[0]))
    if not unknown:
        return rows, ()
    why = "" if inputs.articles is not None else ": a release knows it only of articles with a kept image"
    return rows, (f"The {column} of {unknown:,} of {len(dropped):,} dropped figures is unknown{why}.",)
