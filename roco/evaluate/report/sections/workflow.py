"""How the dataset was built: Figures 1 and 2 and Table S13 of the paper, from funnel.json and removed.parquet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from roco.evaluate.report import paper
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.language_names import NAMES
from roco.evaluate.report.plots import Bars
from roco.evaluate.report.render import Cell, ReportTable
from roco.release.verify_counts import FunnelStage

DUPLICATE, CAPTION, LANGUAGE = "duplicate", "caption", "language"
"""Reasons of the shipped stages that the paper counts too."""
UNKNOWN = "unknown"
ORDER = (
    "The paper filters images before licences. A stage here counts only what the stages before it have kept, so that "
    "only the first and last numbers, the duplicates and the languages can be compared."
)
_CODE = re.compile(r"([a-z]{2,3}) (?:\d|by its words)")
"""The language at the beginning of a detail: `fr 0.92`, or `pt by its words (model: en 0.12)`."""
_SCORE = re.compile(r"\b[01]\.\d+\b")


def figure_1(inputs: Inputs) -> Content:
    """Figures that each stage of the workflow keeps and drops, with the reasons, from the first figure that was read
    to the images of the dataset. An article counts at a stage if any of its figures reaches the stage."""
    stages = inputs.stages
    if not stages:
        raise NotAvailable("the funnel has no stages")
    articles, problem = _articles_by_stage(inputs, stages)
    rows: list[tuple[Cell, ...]] = []
    drawn = []
    for stage, in_articles in zip(stages, articles, strict=True):
        if stage.dropped:
            drawn.append(stage)
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in stage.dropped.items())
            rows.append((stage.name, stage.rows_in, stage.rows_in - stage.kept, stage.kept, in_articles, reasons))
    final = len(set(inputs.article_of))
    rows.append(("the dataset", inputs.size, 0, inputs.size, final, ""))
    columns = ("stage", "figures in", "dropped", "kept", "articles in", "dropped as")
    notes = [problem] if problem else []
    notes += [f"{len(stages) - len(drawn):,} more stages dropped no figure."] if len(drawn) < len(stages) else []
    notes.append(ORDER)
    return Content(
        tables=(ReportTable("Figures and articles by stage", columns, rows),),
        plots=(_bars("figure-1", "Figures kept and dropped by stage", drawn or stages[-1:], "figures"),),
        compared=paper.compared("Figure 1", _beside_the_paper(inputs, stages, final)),
        notes=tuple(notes),
    )


def figure_2(inputs: Inputs) -> Content:
    """Captions that the filters of captions keep and drop: captions that are empty or do not describe the image, and
    captions in another language, which the paper drops if fastText is more than 45 % confident of it."""
    filters = [stage for stage in inputs.stages if stage.dropped.keys() & {CAPTION, LANGUAGE}]
    filters += [one for one in inputs.stages if one.name in (CAPTION, LANGUAGE) and one not in filters]
    filters.sort(key=inputs.stages.index)
    if not filters:
        raise NotAvailable("no stage of the recipe filters captions or languages")
    rows: list[tuple[Cell, ...]] = []
    for stage in filters:
        here = sum(stage.dropped.get(reason, 0) for reason in (CAPTION, LANGUAGE))
        rows.append((stage.name, stage.rows_in, here, stage.rows_in - here))
    tables = [ReportTable("Captions by filter", ("filter", "captions in", "dropped", "kept"), rows)]
    notes = []
    try:
        tables.append(_caption_details(inputs.dropped))
    except NotAvailable as reason:
        notes.append(f"Why captions were dropped is unknown: {reason}.")
    ours: dict[str, Cell] = {
        "captions in another language": _dropped(inputs.stages, LANGUAGE),
        "captions dropped for other reasons": _dropped(inputs.stages, CAPTION),
        "captions, final": inputs.size,
    }
    return Content(
        tables=tuple(tables),
        plots=(_bars("figure-2", "Captions kept and dropped by filter", filters, "captions"),),
        compared=paper.compared("Figure 2", ours),
        notes=tuple(notes),
    )


def table_s13(inputs: Inputs) -> Content:
    """Languages of the captions that were dropped because of their language, as the language filter identified them,
    with their share of these captions."""
    dropped = inputs.dropped
    details = dropped.filter(pc.equal(dropped["drop"], LANGUAGE))["drop_detail"].to_pylist()
    if not details:
        raise NotAvailable("no caption was dropped because of its language")
    counts = Counter(language_of(detail) for detail in details)
    ranked = sorted(counts.items(), key=lambda item: (item[0] == UNKNOWN, -item[1], item[0]))
    rows: list[tuple[Cell, ...]] = [(name, n, n / len(details)) for name, n in ranked]
    ours: dict[str, Cell] = dict(ranked)
    ours |= {"Total": len(details), "French, %": 100 * counts["French"] / len(details)}
    plot = Bars(
        name="table-s13",
        title="Captions dropped because of their language",
        alt="Bar chart of dropped captions by language: " + ", ".join(f"{name} {n:,}" for name, n in ranked) + ".",
        labels=[name for name, _ in ranked],
        series={"captions": [n for _, n in ranked]},
        axis="captions",
    )
    title = "Dropped captions by language"
    return Content(
        tables=(ReportTable(title, ("language", "captions", "share"), [*rows, ("all", len(details), 1.0)]),),
        plots=(plot,),
        compared=paper.compared("Table S13", ours),
    )


def language_of(detail: str | None) -> str:
    """Returns the name of the language in the detail of a dropped caption, its code, or `unknown`."""
    match = _CODE.match(detail or "")
    return NAMES.get(match[1], match[1]) if match else UNKNOWN


def _articles_by_stage(inputs: Inputs, stages: Sequence[FunnelStage]) -> tuple[Sequence[int | None], str]:
    """Returns the articles with a figure that reaches each stage; None, and why, if they are unknown."""
    try:
        dropped = inputs.dropped
    except NotAvailable as reason:
        return [None] * len(stages), f"Articles by stage are unknown: {reason}."
    place = {stage.name: number for number, stage in enumerate(stages)}
    # The last stage that any figure of an article reaches; those of the dataset pass all of them.
    of_rows = pa.array([place.get(name, -1) for name in dropped["stage"].to_pylist()], pa.int32())
    table = pa.table({"article": dropped["article_key"], "place": of_rows}).group_by("article")
    last: dict[str, int] = {}
    grouped = table.aggregate([("place", "max")])
    for article, number in zip(grouped["article"].to_pylist(), grouped["place_max"].to_pylist(), strict=True):
        last[article or ""] = number
    last |= dict.fromkeys(inputs.article_of, len(stages))
    at_place = Counter(last.values())
    return [sum(n for reached, n in at_place.items() if reached >= number) for number in range(len(stages))], ""


def _beside_the_paper(inputs: Inputs, stages: Sequence[FunnelStage], articles: int) -> dict[str, Cell]:
    counts, source = inputs.funnel.get("counts"), inputs.funnel.get("source")
    read = (counts if isinstance(counts, dict) else {}).get("articles")
    if not isinstance(read, int):
        read = (source if isinstance(source, dict) else {}).get("articles")
    return {
        "articles read (archives)": read if isinstance(read, int) else None,
        "images extracted": stages[0].rows_in,
        "duplicates dropped": _dropped(stages, DUPLICATE),
        "captions in another language": _dropped(stages, LANGUAGE),
        "images, final": inputs.size,
        "articles, final": articles,
    }


def _dropped(stages: Sequence[FunnelStage], reason: str) -> int:
    return sum(stage.dropped.get(reason, 0) for stage in stages)


def _caption_details(dropped: pa.Table) -> ReportTable:
    """Returns the table of dropped captions by reason and detail; of a language, the code without the confidence."""
    chosen = dropped.filter(pc.is_in(dropped["drop"], pa.array([CAPTION, LANGUAGE])))
    counts: Counter[tuple[str, str]] = Counter()
    for reason, detail in zip(chosen["drop"].to_pylist(), chosen["drop_detail"].to_pylist(), strict=True):
        counts[reason, language_of(detail) if reason == LANGUAGE else _SCORE.sub("…", detail or UNKNOWN)] += 1
    rows: list[tuple[Cell, ...]] = []
    for (reason, detail), n in sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        rows.append((reason, detail, n))
    return ReportTable("Dropped captions by reason", ("reason", "detail", "captions"), rows)


def _bars(name: str, title: str, stages: Sequence[FunnelStage], unit: str) -> Bars:
    kept = [stage.kept for stage in stages]
    dropped = [stage.rows_in - stage.kept for stage in stages]
    parts = [f"{stage.name} {stage.rows_in:,} in, {stage.kept:,} kept" for stage in stages]
    return Bars(
        name=name,
        title=title,
        alt=f"Bar chart, {title.lower()}: " + "; ".join(parts) + ".",
        labels=[stage.name for stage in stages],
        series={"kept": kept, "dropped": dropped},
        axis=unit,
    )
