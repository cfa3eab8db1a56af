"""Jobs: what a worker is asked to do for one part, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from roco.base.errors import StageFailed
from roco.core.funnel import Flow

MOST_CRASHES = 200
"""Crashes that one part may cause before the run stops, because then it is not the data."""

Article = Mapping[str, Any]
"""A row of parts.parquet."""


class Culprit(NamedTuple):
    """What a worker was working on when it died: a figure, an article's place, or a whole part; and the stage."""

    what: str
    stage: str


@dataclass(frozen=True)
class Job:
    """The row pass over one part, or one measure for some of its figures.

    articles: the articles of the part, filled in when the job is handed out. measure, figures: the measure and the
    figure_ids it is wanted for; without them, the job is the row pass. one_by_one: figures are processed singly, under
    a memory limit, to find what crashes. crashed: what crashed before, by figure_id or place, with the stage.
    """

    part: str
    measure: str | None = None
    figures: tuple[str, ...] = ()
    articles: tuple[Article, ...] = ()
    one_by_one: bool = False
    crashed: Mapping[str, str] = field(default_factory=dict)

    def after_crash(self, culprit: Culprit | None, exit_code: int | None) -> Job:
        """The job to try after a worker died on this one; raises StageFailed where it is not the data's fault.

        The first crash costs an attempt: the job is repeated one by one. If that crashes too, the figure or article
        it was working on is noted, and is not tried again.
        """
        if not self.one_by_one:
            return replace(self, one_by_one=True)
        if culprit is None:
            hint = "is there enough memory? fewer workers need less: --workers 1"
            raise StageFailed(f"workers die before they read part {self.part} (exit code {exit_code})", hint)
        if culprit.what == self.part:
            raise StageFailed(
                f"stage '{culprit.stage}' ends its worker process (part {self.part}, exit code {exit_code})",
                "a decision must not end the process; this is an error in the stage, not in the data",
            )
        crashed = {**self.crashed, culprit.what: culprit.stage}
        if len(crashed) > MOST_CRASHES:
            raise StageFailed(
                f"workers died {MOST_CRASHES} times on part {self.part}, last in '{culprit.stage}'",
                "see log/run.jsonl in the run folder",
            )
        return replace(self, crashed=crashed)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Job:
        return cls(**{**value, "figures": tuple(value["figures"]), "articles": tuple(value["articles"])})


@dataclass(frozen=True)
class PartRecord:
    """What the footer of a part's decisions records: the input they stand for, their content, funnel and counts."""

    input: str
    content: str
    funnel: tuple[Flow, ...]
    counts: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "content": self.content,
            "funnel": [flow.to_json() for flow in self.funnel],
            "counts": dict(self.counts),
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> PartRecord:
        funnel = tuple(Flow.of_json(flow) for flow in value["funnel"])
        return cls(value["input"], value["content"], funnel, dict(value["counts"]))


@dataclass(frozen=True)
class JobResult:
    """What a job did: newly measured articles or figures by stage, seconds by stage, and the record of a row pass."""

    part: str
    measured: Mapping[str, int]
    seconds: Mapping[str, float]
    record: PartRecord | None = None

    def to_json(self) -> dict[str, Any]:
        record = None if self.record is None else self.record.to_json()
        return {"part": self.part, "measured": dict(self.measured), "seconds": dict(self.seconds), "record": record}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> JobResult:
        record = None if value["record"] is None else PartRecord.of_json(value["record"])
        return cls(value["part"], value["measured"], value["seconds"], record)
