"""A report: scores with intervals, floors and ceilings, and what they come from; text, Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.files import digest, write_json, write_text
from roco.base.terminal import printable
from roco.evaluate.metrics.intervals import Comparison, Interval

ROWS = 20  # of a table that the terminal shows
LIBRARIES = ("roco-radiology", "numpy")


class Score(NamedTuple):
    """One number: its name, its value, of how many images, its interval, and whose it is."""

    name: str
    value: float
    n: int
    interval: Interval | None = None
    note: str = ""


class Lost(NamedTuple):
    """A score that was not computed, and why."""

    name: str
    why: str


class Sheet(NamedTuple):
    """One table: a title, the names of its columns, its rows of text, whole numbers and floats."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass
class Report:
    """All that is said of one file of predictions."""

    task: str
    profile: Mapping[str, Any]
    compat: bool
    inputs: Mapping[str, str]
    scores: list[Score] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    bounds: list[Sheet] = field(default_factory=list)  # floors and ceilings
    sheets: list[Sheet] = field(default_factory=list)
    against: dict[str, Comparison | None] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    each: Sheet = field(default_factory=lambda: Sheet("images", (), []))
    idf: dict[str, float] | None = None
    libraries: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> float:
        """The value of a score by its name."""
        return next(score.value for score in self.scores if score.name == name)

    @property
    def versions(self) -> dict[str, str]:
        found = {"python": platform.python_version()}
        for name in (*LIBRARIES, *self.libraries):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "not installed"
        return found

    def tables(self) -> list[Sheet]:
        """Everything as tables, the scores first."""
        rows: list[tuple[Any, ...]] = []
        for s in self.scores:
            low, high = s.interval or (None, None)
            rows.append((s.name, s.value, low, high, s.n, s.note))
        found = [Sheet("Scores", ("score", "value", "95 % from", "to", "images", ""), rows)]
        if self.against:
            columns = ("score", "difference", "95 % from", "to", "p")
            compared = [(name, *(c or (None,) * 4)) for name, c in self.against.items()]
            found.append(Sheet("Against the other system", columns, compared))
        found += [*self.bounds, *self.sheets]
        if self.lost:
            found.append(Sheet("Not computed", ("score", "why"), [tuple(lost) for lost in self.lost]))
        origin = [("profile", self.profile["name"] + (", as the official scripts read" if self.compat else ", strict"))]
        origin.append(("digest of the profile", digest(dict(self.profile))[:16]))
        origin += [(name, f"sha256 {sha}") for name, sha in self.inputs.items()]
        origin += [("model " + name, said) for name, said in self.models.items()]
        origin += [(name, said) for name, said in self.versions.items()]
        found.append(Sheet("Where this comes from", ("what", "which"), origin))
        if self.notes:
            found.append(Sheet("Notes", ("note",), [(note,) for note in self.notes]))
        return found

    def text(self) -> str:
        return "\n\n".join(_plain(sheet) for sheet in self.tables()) + "\n"

    def markdown(self) -> str:
        title = f"# {self.task}: {self.profile['name']}\n\n"
        return title + "\n\n".join(_markdown(sheet) for sheet in self.tables()) + "\n"

    def latex(self) -> str:
        """Tables for a paper; they need nothing but booktabs."""
        return "\n\n".join(_latex(sheet) for sheet in self.tables()) + "\n"

    def csv(self) -> str:
        """The scores alone, one a line."""
        return _csv(self.tables()[0])

    def as_mapping(self) -> dict[str, Any]:
        """What JSON holds: no NaN, but null."""
        told = {
            "task": self.task,
            "compat": self.compat,
            "profile": dict(self.profile),
            "scores": {
                s.name: {
                    "value": s.value,
                    "low": s.interval and s.interval.low,
                    "high": s.interval and s.interval.high,
                    "images": s.n,
                    "note": s.note,
                }
                for s in self.scores
            },
            "not_computed": {lost.name: lost.why for lost in self.lost},
            "against": {name: c and c._asdict() for name, c in self.against.items()},
            "tables": [{"title": s.title, "columns": s.columns, "rows": s.rows} for s in (*self.bounds, *self.sheets)],
            "inputs": dict(self.inputs),
            "models": self.models,
            "versions": self.versions,
            "notes": self.notes,
        }
        defined: dict[str, Any] = _defined(told)
        return defined

    def write(self, folder: Path) -> None:
        """Writes report.md, .tex, .csv and .json, per_image.csv, and idf.csv where tokens were weighted."""
        write_text(folder / "report.md", self.markdown())
        write_text(folder / "report.tex", self.latex())
        write_text(folder / "report.csv", self.csv())
        write_text(folder / "per_image.csv", _csv(self.each))
        if self.idf is not None:
            rows = sorted(self.idf.items(), key=lambda item: (-item[1], item[0]))
            write_text(folder / "idf.csv", _csv(Sheet("idf", ("token", "weight"), list(rows))))
        write_json(folder / "report.json", self.as_mapping())


def told(value: Any) -> str:
    """A cell in words: four decimals, thousands parted, nothing where nothing is."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "not defined" if math.isnan(value) else f"{value:.4f}" if value < 1000 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


_SPACES = str.maketrans("\n\r\t", "   ")


def _clean(text: str) -> str:
    return printable(text.translate(_SPACES))


def _cells(sheet: Sheet) -> list[list[str]]:
    return [[_clean(told(value)) for value in row] for row in sheet.rows]


def _plain(sheet: Sheet) -> str:
    more = len(sheet.rows) - ROWS
    if more > 1:
        sheet = sheet._replace(rows=sheet.rows[:ROWS])
    rows = [list(sheet.columns), *_cells(sheet)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(sheet.columns))]
    right = [all(isinstance(row[i], int | float | None) for row in sheet.rows) for i in range(len(sheet.columns))]
    lines = [sheet.title]
    for row in rows:
        cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    if more > 1:
        lines.append(f"  and {more:,} more rows: --out DIR")
    return "\n".join(lines)


def _markdown(sheet: Sheet) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(c.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for c in cells) + " |"

    return "\n".join(
        [f"## {sheet.title}", "", line(sheet.columns), "|" + "---|" * len(sheet.columns), *map(line, _cells(sheet))]
    )


_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    c: "\\" + c for c in "&%$#_{}"
}


def _latex(sheet: Sheet) -> str:
    def line(cells: Sequence[str]) -> str:
        return " & ".join("".join(_TEX.get(c, c) for c in cell) for cell in cells) + r" \\"

    body = [line(cells) for cells in _cells(sheet)]
    head = [f"% {sheet.title}", r"\begin{tabular}{" + "l" * len(sheet.columns) + "}", r"\toprule", line(sheet.columns)]
    return "\n".join([*head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"])


def _csv(sheet: Sheet) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(sheet.columns)
    writer.writerows(
        [["" if v is None or (isinstance(v, float) and math.isnan(v)) else v for v in row] for row in sheet.rows]
    )
    return out.getvalue()


def _defined(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _defined(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_defined(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
