"""The dropped figures of a run, by stage and reason."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import UsageError, nearest
from roco.core.contract import ENGINE_REASONS
from roco.core.figures import Figures
from roco.core.pipeline import Pipeline

DESCRIBING = ("article_key", "pmcid", "doi", "fig_id", "label", "file", "license", "caption")
"""Columns by which people recognize a figure; those that the run has are returned if no others are named."""


def check_names(pipeline: Pipeline, stage: str | None, reason: str | None) -> None:
    """Raises UsageError for a stage that is not in the recipe, or a reason for which it drops no figures."""
    names = [step.name for step in pipeline.steps]
    if stage is not None and stage not in names:
        raise UsageError(f"unknown stage '{stage}' (not in this recipe)", nearest(stage, names))
    if reason is None:
        return
    known = set(pipeline.reasons) if stage is None else _reasons(pipeline, stage)
    if reason in known:
        return
    where = "this recipe" if stage is None else f"the stage '{stage}'"
    others = [name for name in names if reason in _reasons(pipeline, name)]
    if others:
        hint = f"'{others[0]}' drops figures for this reason"
    elif known:
        hint = nearest(reason, known)
    else:
        hint = "this stage drops no figures"
    raise UsageError(f"unknown reason '{reason}' (not in {where})", hint)


def dropped(
    figures: Figures, stage: str | None = None, reason: str | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Returns the dropped figures in the order of the stages; arguments as for `Run.dropped`."""
    steps = [step.name for step in figures.folder.pipeline.steps]
    rows = figures.dropped()
    for column, value in (("stage", stage), ("drop", reason)):
        if value is not None:
            rows = rows.filter(pc.equal(rows[column], value))
    if columns is None:
        columns = [name for name in DESCRIBING if name in figures.writer]
    table = figures.gather(rows, columns)
    position = pc.index_in(table["stage"], value_set=pa.array(steps, pa.string()))
    order = pa.table({"stage": position, "drop": table["drop"], "figure_id": table["figure_id"]})
    keys = [("stage", "ascending"), ("drop", "ascending"), ("figure_id", "ascending")]
    return table.take(pc.sort_indices(order, keys))


def _reasons(pipeline: Pipeline, stage: str) -> set[str]:
    step = pipeline.step(stage)
    engine = set(ENGINE_REASONS) if step.is_measure else set()
    return {*step.contract.reasons, *engine}
