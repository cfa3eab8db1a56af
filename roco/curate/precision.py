"""The precision of automatic concepts, estimated from the labels of a stratified sample, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from roco.base.errors import DataError, UsageError
from roco.curate.estimates import Estimate, Tally, precision
from roco.curate.log_queries import Reader
from roco.curate.resolve import resolved_of, rounds_of
from roco.curate.subset import Share, strata_of
from roco.curate.tasks import Task


class StratumPrecision(NamedTuple):
    """The labels in one stratum; unsure: labelled, but not decided; open: not labelled yet, or disputed.

    precision: share of `yes` among `yes` and `no`; None if there are none.
    """

    stratum: str
    size: int
    drawn: int
    yes: int
    no: int
    unsure: int
    open: int
    precision: Estimate | None

    def as_mapping(self) -> dict[str, Any]:
        """Returns the numbers for JSON."""
        return {**self._asdict(), "precision": self.precision._asdict() if self.precision else None}


class ConceptPrecision(NamedTuple):
    """The precision by stratum and in total, in which each stratum counts by its size."""

    round: str
    strata: tuple[StratumPrecision, ...]
    total: StratumPrecision


def concept_precision(log: Reader, task: Task, round: str = "") -> ConceptPrecision:
    """Returns the precision of the concepts of which a sample was drawn; round: that of the sample.

    Only the resolved labels of this round count. The first label of the task is `yes`, those without a value (unsure)
    are counted apart. The intervals are those of `estimates`: Wilson's for a stratum, corrected for samples that are a
    large part of it, and for the total combined by MOVER. Raises DataError if there is no sample, UsageError if there
    are several and none is named, and for a task about images.
    """
    if not task.item:
        raise UsageError(f"the task '{task.name}' asks about images, not concepts", "name another one: --task visible")
    round = _round_of(log, task, round)
    events = log.standing("sample", task.name, rounds=[round])
    stratum_of = {(event.image_key, event.concept): event.label for event in events}
    yes, unsure = task.names[0], {label.name for label in task.labels if label.then != "value"}
    counts: dict[str, dict[str, int]] = {
        stratum: dict.fromkeys(("yes", "no", "unsure"), 0) for stratum in stratum_of.values()
    }
    for one in resolved_of(log.current(task.name, rounds=[round])).resolved:
        stratum = stratum_of.get((one.image_key, one.concept))
        if stratum is not None:
            answer = "yes" if one.label == yes else "unsure" if one.label in unsure else "no"
            counts[stratum][answer] += 1
    shares = strata_of(events)
    rows = tuple(_row(share, counts[share.stratum]) for share in shares)
    estimate = precision([Tally(row.size, row.yes + row.no, row.yes) for row in rows])
    total = StratumPrecision(
        "all",
        size=sum(row.size for row in rows),
        drawn=sum(row.drawn for row in rows),
        yes=sum(row.yes for row in rows),
        no=sum(row.no for row in rows),
        unsure=sum(row.unsure for row in rows),
        open=sum(row.open for row in rows),
        precision=estimate,
    )
    return ConceptPrecision(round, rows, total)


def _row(share: Share, counts: Mapping[str, int]) -> StratumPrecision:
    yes, no, unsure = counts["yes"], counts["no"], counts["unsure"]
    estimate = precision([Tally(share.size, yes + no, yes)])
    return StratumPrecision(*share, yes, no, unsure, share.drawn - yes - no - unsure, estimate)


def _round_of(log: Reader, task: Task, round: str) -> str:
    """Returns the round that has a sample of the task."""
    if round:
        rounds_of(log, [round])
    drawn = list(dict.fromkeys(event.round for event in log.standing("sample", task.name)))
    if not drawn or (round and round not in drawn):
        where = f"the round '{round}' of {log.path}" if round else log.path
        hint = f"draw one: roco curate RECIPE --task {task.name} --sample 200 --stratify type"
        raise DataError(f"no sample of '{task.name}' in {where}", hint)
    if not round and len(drawn) > 1:
        raise UsageError(f"several samples of '{task.name}' ({log.path})", f"name one: --round {' or '.join(drawn)}")
    return round or drawn[0]
