"""The figures that one stage of a run judged, divided into strata by decision, reason and score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError, nearest
from roco.core.run import Run
from roco.core.stage import put
from roco.core.step import Step

KEPT, DROPPED = "kept", "dropped"

EDGES = (0.01, 0.1, 0.5, 0.9, 0.99)
"""Where the bands of a probability begin; they are narrow at both ends, where most probabilities are."""

QUANTILES = (0.25, 0.5, 0.75)
"""Where the bands of a score that is no probability begin: the quartiles of all figures that reached the stage."""

DIGITS = 6
"""Decimals to which scores are rounded before they are compared: 0.9 as float32 is less than 0.9 as float64."""


class Stratum(NamedTuple):
    """Figures with the same decision, reason and band of scores; reason is empty for kept figures."""

    decision: str
    reason: str
    band: str
    size: int

    @property
    def name(self) -> str:
        return ", ".join(part for part in (self.decision, self.reason, self.band) if part)


@dataclass(frozen=True)
class Judged:
    """The figures that reached a stage, in strata: the kept ones first, then those dropped, by reason and score.

    score: the column by which bands are formed; None if the stage reads no score. rows: figure_id, archive, part,
    detail, score, and stratum, the position in `strata`.
    """

    step: Step
    score: str | None
    rows: pa.Table
    strata: Sequence[Stratum]

    @cached_property
    def members(self) -> list[NDArray[np.int64]]:
        """Returns the positions of the rows of each stratum."""
        stratum = self.rows["stratum"].to_numpy()
        return [np.flatnonzero(stratum == number) for number in range(len(self.strata))]

    def count(self, decision: str) -> int:
        """Returns the number of kept or of dropped figures."""
        return sum(stratum.size for stratum in self.strata if stratum.decision == decision)


def judged(run: Run, stage: str) -> Judged:
    """Returns the figures that reached a stage of a run: those it kept, even if dropped later, and those it dropped.

    The score is the first column that the stage reads whose name ends in `_score`. Raises UsageError for a stage that
    cannot be audited, DataError if the run is not up to date or no figure reached the stage.
    """
    step = _audited_step(run, stage)
    if not run.is_decided(stage):
        raise DataError(f"the stage '{stage}' has not been run with this recipe", "run the recipe: roco run RECIPE")
    score = next((column for column in step.reads if column.endswith("_score")), None)
    rows = run.figures([score] if score else [])
    names = pa.array([other.name for other in run.pipeline.steps], pa.string())
    position = pc.index_in(rows["stage"], value_set=names)
    here = names.to_pylist().index(stage)
    reached = pc.or_kleene(pc.is_null(rows["stage"]), pc.greater_equal(position, here))
    rows = rows.filter(reached)
    if not len(rows):
        raise DataError(f"no figure reached the stage '{stage}'", "see the funnel: roco status RECIPE")
    return _divided(step, score, rows)


def _audited_step(run: Run, stage: str) -> Step:
    """Returns the step of a stage that decides about each figure alone; raises UsageError for any other."""
    steps = run.pipeline.steps
    auditable = [step.name for step in steps if step.contract.scope == "row" and step.contract.reasons]
    step = next((step for step in steps if step.name == stage), None)
    if step is None:
        raise UsageError(f"unknown stage '{stage}' (not in this recipe)", nearest(stage, [step.name for step in steps]))
    hint = (
        f"stages that can be audited: {', '.join(auditable)}" if auditable else "no stage of this recipe can be audited"
    )
    if not step.contract.reasons:
        raise UsageError(f"the stage '{stage}' drops no figures, so there is nothing to audit", hint)
    if step.contract.scope == "table":
        raise UsageError(f"the stage '{stage}' compares figures with each other and cannot be audited", hint)
    if step.contract.scope == "article":
        raise UsageError(f"the stage '{stage}' reads articles and cannot be audited", hint)
    return step


# --- strata -----------------------------------------------------------------------------------------------------------


def _divided(step: Step, score: str | None, rows: pa.Table) -> Judged:
    """Divides figures into strata; a stratum without figures does not exist."""
    is_here = pc.fill_null(pc.equal(rows["stage"], step.name), False)
    nothing = pa.scalar(None, pa.string())
    reasons = pc.if_else(is_here, rows["drop"], nothing).combine_chunks()
    known = sorted(pc.unique(reasons).drop_null().to_pylist())
    # 0 for kept figures, 1 for the first reason.
    reason = pc.fill_null(pc.index_in(reasons, value_set=pa.array(known, pa.string())), -1).to_numpy() + 1
    scores = pa.nulls(len(rows), pa.float64()) if score is None else rows[score].cast(pa.float64()).combine_chunks()
    names, band = ([""], np.zeros(len(rows), np.int64)) if score is None else _bands(scores)
    codes, stratum, sizes = np.unique(reason * len(names) + band, return_inverse=True, return_counts=True)
    strata = []
    for code, size in zip(codes.tolist(), sizes.tolist(), strict=True):
        why, part = divmod(code, len(names))
        strata.append(Stratum(DROPPED if why else KEPT, known[why - 1] if why else "", names[part], size))
    table = rows.select(["figure_id", "archive", "part"])
    table = put(table, "detail", pc.if_else(is_here, rows["drop_detail"], nothing))
    table = put(table, "score", scores)
    return Judged(step, score, put(table, "stratum", pa.array(stratum, pa.int64())), strata)


def _bands(scores: pa.Array) -> tuple[list[str], NDArray[np.int64]]:
    """Returns the names of the bands, from low to high, and the band of each score; the last one has no score."""
    values = np.round(scores.to_numpy(zero_copy_only=False), DIGITS)
    is_score = np.isfinite(values)
    known = values[is_score]
    is_probability = not len(known) or (known.min() >= 0 and known.max() <= 1)
    edges = np.asarray(EDGES) if is_probability else np.unique(np.quantile(known, QUANTILES, method="higher"))
    written = [f"{edge:.6g}" for edge in edges.tolist()]
    between = [f"score {low} to {high}" for low, high in pairwise(written)]
    names = [f"score below {written[0]}", *between, f"score from {written[-1]}", "no score"]
    band = np.full(len(values), len(names) - 1, np.int64)
    band[is_score] = np.searchsorted(edges, known, side="right")
    return names, band
