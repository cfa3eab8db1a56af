"""The report of an evaluation: scores with intervals, baselines and breakdowns, and their provenance."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.bootstrap import Comparison, Interval, containing
from roco.base.files import digest, write_json, write_text
from roco.evaluate.report import render
from roco.evaluate.report.render import Cell, ReportTable

LIBRARIES = ("roco-radiology", "numpy")  # their versions are in every report
BOUNDS = "Baselines and upper bounds"
BASELINE, UPPER_BOUND = "baseline", "upper bound"
NO_ARTICLES = "intervals resample images, because their articles are unknown (--articles license_information.csv)"


class Score(NamedTuple):
    """One score: its name and value, the number of images it averages over, its interval, and a remark."""

    name: str
    value: float
    images: int
    interval: Interval | None = None
    note: str = ""


class NotComputed(NamedTuple):
    """A score that could not be computed, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """The result of evaluating one file of predictions.

    inputs: the SHA-256 of each file that was read. against: the comparison with a second system, by score; None if it
    is undefined. models: the model of each score that has one. token_weights: the IDF of BERTScore. libraries:
    distributions whose versions the report lists, besides those of LIBRARIES.
    """

    task: str
    profile: Mapping[str, Any]
    inputs: Mapping[str, str]
    scores: tuple[Score, ...]
    compat: bool = False
    not_computed: tuple[NotComputed, ...] = ()
    bounds: ReportTable | None = None
    breakdowns: tuple[ReportTable, ...] = ()
    against: Mapping[str, Comparison | None] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    per_image: ReportTable
    token_weights: Mapping[str, float] | None = None
    libraries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        bounded = (score._replace(interval=containing(score.interval, score.value)) for score in self.scores)
        object.__setattr__(self, "scores", tuple(bounded))

    def __getitem__(self, name: str) -> float:
        """Returns the value of a score by its name."""
        for score in self.scores:
            if score.name == name:
                return score.value
        raise KeyError(name)

    @property
    def is_empty(self) -> bool:
        """Returns whether no score could be computed."""
        return all(math.isnan(score.value) for score in self.scores)

    @property
    def versions(self) -> dict[str, str]:
        """Returns the versions of Python and of the libraries that computed the scores."""
        versions = {"python": platform.python_version()}
        for name in (*LIBRARIES, *self.libraries):
            try:
                versions[name] = version(name)
            except PackageNotFoundError:
                versions[name] = "not installed"
        return versions

    def tables(self) -> list[ReportTable]:
        """Returns the whole report as tables, the scores first."""
        tables = [self._score_table()]
        if self.against:
            columns = ("score", "difference", "95% CI low", "95% CI high", "p")
            rows: list[tuple[Cell, ...]] = [(name, *(c or (None,) * 4)) for name, c in self.against.items()]
            tables.append(ReportTable("Comparison with the other system (this minus the other)", columns, rows))
        if self.bounds is not None:
            tables.append(self.bounds)
        tables += self.breakdowns
        if self.not_computed:
            tables.append(ReportTable("Not computed", ("score", "reason"), list(self.not_computed)))
        tables.append(self._origin_table())
        if self.notes:
            tables.append(ReportTable("Notes", ("note",), [(note,) for note in self.notes]))
        return tables

    def _score_table(self) -> ReportTable:
        rows: list[tuple[Cell, ...]] = []
        for score in self.scores:
            low, high = score.interval or (None, None)
            rows.append((score.name, score.value, low, high, score.images, score.note))
        return ReportTable("Scores", ("score", "value", "95% CI low", "95% CI high", "images", ""), rows)

    def _origin_table(self) -> ReportTable:
        """Returns what is needed to compute the same numbers again: rules, files, models and versions."""
        reading = "read as by the official scripts" if self.compat else "strict"
        rows: list[tuple[Cell, ...]] = [("profile", f"{self.profile['name']}, {reading}")]
        rows.append(("digest of the profile", digest(dict(self.profile))[:16]))
        rows += [(path, f"sha256 {sha256}") for path, sha256 in self.inputs.items()]
        rows += [(f"model of {name}", description) for name, description in self.models.items()]
        rows += self.versions.items()
        return ReportTable("Provenance", ("item", "value"), rows)

    def text(self) -> str:
        """Returns the report as aligned text for a terminal; long tables are cut."""
        return "\n\n".join(render.text(table) for table in self.tables()) + "\n"

    def markdown(self) -> str:
        """Returns the report as a Markdown page."""
        title = f"# {self.task}: {self.profile['name']}\n\n"
        return title + "\n\n".join(render.markdown(table) for table in self.tables()) + "\n"

    def latex(self) -> str:
        """Returns the tables for a paper; they need only the package booktabs."""
        return "\n\n".join(render.latex(table) for table in self.tables()) + "\n"

    def csv(self) -> str:
        """Returns the scores as CSV, one score per line."""
        return render.csv(self._score_table())

    def as_mapping(self) -> dict[str, Any]:
        """Returns the report as JSON values; undefined numbers are null."""
        tables = (*((self.bounds,) if self.bounds else ()), *self.breakdowns)
        mapping: dict[str, Any] = _without_nan(
            {
                "task": self.task,
                "compat": self.compat,
                "profile": dict(self.profile),
                "scores": {score.name: _score_mapping(score) for score in self.scores},
                "not_computed": {missing.name: missing.reason for missing in self.not_computed},
                "against": {name: c and c._asdict() for name, c in self.against.items()},
                "tables": [{"title": t.title, "columns": t.columns, "rows": t.rows} for t in tables],
                "inputs": dict(self.inputs),
                "models": dict(self.models),
                "versions": self.versions,
                "notes": list(self.notes),
            }
        )
        return mapping

    def write(self, folder: Path) -> None:
        """Writes report.md, .tex, .csv, .json and per_image.csv; idf.csv as well if BERTScore weighted its tokens."""
        write_text(folder / "report.md", self.markdown())
        write_text(folder / "report.tex", self.latex())
        write_text(folder / "report.csv", self.csv())
        write_text(folder / "per_image.csv", render.csv(self.per_image))
        if self.token_weights is not None:
            rarest_first = sorted(self.token_weights.items(), key=lambda item: (-item[1], item[0]))
            write_text(folder / "idf.csv", render.csv(ReportTable("idf", ("token", "weight"), list(rarest_first))))
        write_json(folder / "report.json", self.as_mapping())


def _score_mapping(score: Score) -> dict[str, Any]:
    return {
        "value": score.value,
        "low": score.interval and score.interval.low,
        "high": score.interval and score.interval.high,
        "images": score.images,
        "note": score.note,
    }


def _without_nan(value: Any) -> Any:
    """Returns a nested value with lists for collections and None for numbers that JSON cannot represent."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
