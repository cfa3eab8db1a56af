"""Audits a filter: draws a sample of what it kept and dropped, and estimates its precision and recall from labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from roco.base.files import write_text
from roco.base.progress import NullProgress, Progress
from roco.core.run import Run
from roco.curate.audit_labels import DROP, KEEP, UNSURE, check_unfilled, read_labels, write_labels
from roco.curate.audit_sheet import sheet
from roco.curate.cells import cells
from roco.curate.estimates import Estimate, Tally, precision, recall, share_interval, total
from roco.curate.sample import draw
from roco.curate.strata import DROPPED, KEPT, Judged, Stratum, judged

N = 100
"""Figures that are drawn of the kept ones, and of the dropped ones."""

SHEET, LABELS = "sheet.html", "labels.csv"


@dataclass(frozen=True)
class StratumResult:
    """A stratum with the figures of the sample, those labelled keep or drop, those labelled keep, and unsure ones."""

    stratum: Stratum
    drawn: int
    labelled: int = 0
    wanted: int = 0
    unsure: int = 0

    @property
    def tally(self) -> Tally:
        return Tally(self.stratum.size, self.labelled, self.wanted)


@dataclass(frozen=True)
class Sample:
    """A sample that was written: its strata, its two files, and how many images could not be read."""

    stage: str
    score: str | None
    seed: int
    strata: Sequence[StratumResult]
    sheet: Path
    labels: Path
    without_image: int


@dataclass(frozen=True)
class Audit:
    """What labels say about a filter.

    precision: the share of wanted figures among the kept ones. recall: the share of kept figures among the wanted
    ones. lost: the number of wanted figures that were dropped. Each is None where no labels allow an estimate.
    """

    stage: str
    score: str | None
    strata: Sequence[StratumResult]

    def side(self, decision: str) -> list[Tally]:
        """Returns the labels of the kept or of the dropped figures."""
        return [one.tally for one in self.strata if one.stratum.decision == decision]

    @property
    def precision(self) -> Estimate | None:
        return precision(self.side(KEPT))

    @property
    def recall(self) -> Estimate | None:
        return recall(self.side(KEPT), self.side(DROPPED))

    @property
    def lost(self) -> Estimate | None:
        return total(self.side(DROPPED))

    @property
    def widest(self) -> StratumResult | None:
        """Returns the stratum that contributes most to the intervals; None if each figure is labelled."""
        widths = []
        for one in self.strata:
            low, high = share_interval(one.wanted, one.labelled, one.stratum.size)
            widths.append(one.stratum.size * (high - low))
        return self.strata[widths.index(max(widths))] if max(widths) > 0 else None

    @property
    def unlabelled(self) -> list[StratumResult]:
        """Returns the strata of whose figures none is labelled keep or drop."""
        return [one for one in self.strata if not one.labelled]


def draw_audit(
    run: Run, stage: str, out: str | PathLike[str], *, n: int = N, seed: int = 1, progress: Progress | None = None
) -> Sample:
    """Draws a sample of what a stage kept and dropped; writes a contact sheet and a CSV file to fill in.

    out: a folder; sheet.html and labels.csv are written to it. n: figures of each side. The same run, n and seed give
    the same bytes. Raises UsageError for a stage that does not decide about each figure alone, DataError if the run is
    not up to date or if the CSV file in the folder has labels.
    """
    folder = Path(out)
    check_unfilled(folder / LABELS)
    figures = judged(run, stage)
    drawn = draw(figures, n, seed)
    sampled = cells(run, figures, drawn, progress or NullProgress())
    write_text(folder / SHEET, sheet(figures, sampled, seed, LABELS))
    write_labels(folder / LABELS, stage, sampled)
    return Sample(
        stage=stage,
        score=figures.score,
        seed=seed,
        strata=_results(figures, [one.row for one in drawn], {}),
        sheet=folder / SHEET,
        labels=folder / LABELS,
        without_image=sum(cell.jpeg is None for cell in sampled),
    )


def read_audit(run: Run, stage: str, *labels: str | PathLike[str]) -> Audit:
    """Estimates precision and recall of a stage from CSV files that were filled in, weighted by stratum.

    Several files are read as one sample. Raises as `draw_audit` does, and DataError for a file that is invalid or of
    another sample.
    """
    figures = judged(run, stage)
    read = read_labels([Path(path) for path in labels], figures)
    return Audit(stage, figures.score, _results(figures, read.rows, read.labels))


def _results(figures: Judged, rows: Sequence[int], labels: Mapping[int, str]) -> list[StratumResult]:
    """Counts sampled and labelled figures by stratum."""
    stratum = figures.rows["stratum"].to_numpy()
    counts = [{"drawn": 0, KEEP: 0, DROP: 0, UNSURE: 0} for _ in figures.strata]
    for row in rows:
        counts[stratum[row]]["drawn"] += 1
        if row in labels:
            counts[stratum[row]][labels[row]] += 1
    results = []
    for one, count in zip(figures.strata, counts, strict=True):
        labelled = count[KEEP] + count[DROP]
        results.append(StratumResult(one, count["drawn"], labelled, count[KEEP], count[UNSURE]))
    return results
