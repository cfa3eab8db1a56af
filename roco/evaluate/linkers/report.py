"""The result of scoring a linker, as tables and as JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from roco.evaluate.linkers.misses import Miss
from roco.evaluate.linkers.scores import Averages, Group
from roco.evaluate.metrics.rates import Estimate, Rates
from roco.evaluate.report.render import Cell, ReportTable

RATES = ("precision", "recall", "F1", "95% CI low", "95% CI high", "gold", "predicted")
BEFORE, AFTER = "before rules", "after rules"


@dataclass(frozen=True, kw_only=True)
class LinkerReport:
    """How well a linker, or a file of predictions, finds the known concepts of captions.

    scores: averages by part (all, automatic, manual), before the rules and, if there are any, after them. All that
    follows is computed after the rules. spans: the rates of spans and overlaps, where mentions were labelled.
    type_names: the name of each semantic type. frequencies: groups of concepts by the captions that have them; learned:
    the same by the captions from which the linker was learned. disagreements: one row for each missed or wrongly
    predicted concept.
    """

    linker: str
    rules: str
    captions: int
    articles: int
    scores: Mapping[str, Mapping[str, Averages]]
    spans: Mapping[str, Rates]
    types: Sequence[Group]
    type_names: Mapping[str, str]
    frequencies: Sequence[Group]
    learned: Sequence[Group] = ()
    misses: Sequence[Miss]
    disagreements: pa.Table

    @property
    def final(self) -> Mapping[str, Averages]:
        """Returns the averages by part after the rules, or without any."""
        return self.scores.get(AFTER) or self.scores[BEFORE]

    def tables(self) -> list[ReportTable]:
        """Returns the scores and the breakdowns; the misses are no table."""
        tables = []
        for when, parts in self.scores.items():
            title = f"Scores {when}" if len(self.scores) > 1 else "Scores"
            rows: list[tuple[Cell, ...]] = []
            for part, both in parts.items():
                for average, rates in both._asdict().items():
                    rows.append((part, average, *_cells(rates)))
            tables.append(ReportTable(title, ("concepts", "average", *RATES), rows))
        if self.spans:
            rows = [(name, *_cells(rates)) for name, rates in self.spans.items()]
            tables.append(ReportTable("Mentions", ("what", *RATES), rows))
        rows = []
        for group in self.types:
            rows.append((group.name, self.type_names.get(group.name, ""), group.concepts, *_cells(group.rates)))
        tables.append(ReportTable("By semantic type (micro)", ("type", "name", "concepts", *RATES), rows))
        for title, groups in (
            ("By frequency: captions with the concept (micro)", self.frequencies),
            ("By frequency in the other articles: captions to learn from (micro)", self.learned),
        ):
            if groups:
                rows = [(group.name, group.concepts, *_cells(group.rates)) for group in groups]
                tables.append(ReportTable(title, ("captions", "concepts", *RATES), rows))
        return tables

    def as_mapping(self) -> dict[str, Any]:
        """Returns the report as JSON values, without the disagreements; undefined numbers are null."""
        scores = {}
        for when, parts in self.scores.items():
            scores[when] = {
                part: {average: _mapping(rates) for average, rates in both._asdict().items()}
                for part, both in parts.items()
            }
        return {
            "linker": self.linker,
            "rules": self.rules,
            "captions": self.captions,
            "articles": self.articles,
            "scores": scores,
            "spans": {name: _mapping(rates) for name, rates in self.spans.items()},
            "types": _groups("type", self.types),
            "frequencies": _groups("captions", self.frequencies),
            "learned": _groups("captions", self.learned),
            "misses": [
                {**miss._asdict(), "examples": [example._asdict() for example in miss.examples]} for miss in self.misses
            ],
        }


def _groups(name: str, groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [{name: one.name, "concepts": one.concepts, **_mapping(one.rates)} for one in groups]


def _cells(rates: Rates) -> tuple[Cell, ...]:
    low, high = rates.f1.interval or (None, None)
    return (rates.precision.value, rates.recall.value, rates.f1.value, low, high, rates.gold, rates.found)


def _mapping(rates: Rates) -> dict[str, Any]:
    estimates = {name: _estimate(getattr(rates, name)) for name in ("precision", "recall", "f1")}
    return {**estimates, "gold": rates.gold, "predicted": rates.found}


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    low, high = estimate.interval or (None, None)
    return {"value": None if math.isnan(estimate.value) else estimate.value, "low": low, "high": high}
