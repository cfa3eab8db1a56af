"""Jobs: the work on one part that a worker receives, and the result that it returns."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from roco.base.errors import StageFailed
from roco.base.files import digest
from roco.core.articles import NO_ARTICLES, Articles
from roco.core.funnel import Flow

MOST_CRASHES = 200
"""Crashes that one part may cause before the run stops; so many are not caused by the data."""

MOST_KILLS = 8
"""How often workers may be killed on one part, each time at another place, before the run stops."""

FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, None)
"""Exit codes of a process that something else may have ended: a person, a system short of memory; None if unknown."""

MOST_UNAVAILABLE = 3
"""How often a part is tried while its source cannot be read, before the run stops."""

MOST_LOST = 5
"""How often the worker of one job may be lost with its machine before the run stops."""


class Culprit(NamedTuple):
    """What a worker was working on when it died: a figure, an article's place, or a whole part; and the stage."""

    what: str
    stage: str

    @property
    def is_loading(self) -> bool:
        """Returns whether the stage was loading a model, so that no figure or article is the cause."""
        return not self.what


class Loss(NamedTuple):
    """Why a worker was lost with its machine, or with what relays its messages, so that the data need not be the cause.

    out_of_memory: whether it was ended because its machine ran out of memory.
    """

    why: str
    out_of_memory: bool = False


@dataclass(frozen=True)
class Job:
    """The row pass over one part, or one measure for some of its figures.

    articles: the articles of the part, filled in when a worker gets the job. measure, figures: the measure and the
    figure_ids to measure; without them, the job is the row pass. one_by_one: figures are processed one at a time, with
    a memory limit, to find the one that crashes. crashed: figure_id or place of what crashed before, with the stage.
    unavailable: how often the source could not be read while the job was done. lost: how often its worker was lost.
    killed: what workers were processing when they were killed, since the last crash, and the stage.
    """

    part: str
    measure: str | None = None
    figures: tuple[str, ...] = ()
    articles: Articles = NO_ARTICLES
    one_by_one: bool = False
    crashed: Mapping[str, str] = field(default_factory=dict)
    unavailable: int = 0
    lost: int = 0
    killed: tuple[tuple[str, str], ...] = ()

    def after_unavailable(self) -> Job | None:
        """Returns the job to try after all others when its source could not be read; None if it was tried enough."""
        if self.unavailable + 1 >= MOST_UNAVAILABLE:
            return None
        return replace(self, unavailable=self.unavailable + 1)

    def after_crash(self, culprit: Culprit | None, exit_code: int | None, *, stalled: bool = False) -> Job:
        """Returns the job to try after a worker died on this one; raises StageFailed if the data cannot be the cause.

        After the first crash, the job is repeated one figure at a time. If it crashes again, the figure or article
        that was being processed is recorded in `crashed` and is not tried again. A worker that something else killed
        proves nothing: only what was being processed when a second one was killed counts as crashed. stalled: the
        worker was killed by the run itself, because it sent no message.
        """
        if not self.one_by_one:
            return replace(self, one_by_one=True)
        at = (culprit.what, culprit.stage) if culprit is not None else ("", "")
        if exit_code in FROM_OUTSIDE and not stalled and at not in self.killed:
            return self._after_kill(at)
        if culprit is None:
            hint = "this is often a lack of memory: use fewer workers, such as --workers 1"
            raise StageFailed(f"a worker died before it read part {self.part} (exit code {exit_code})", hint)
        if culprit.is_loading:
            hint = "its messages are above; if there are none, memory may be short: --workers 1"
            message = f"stage '{culprit.stage}' ends its worker process while it loads (exit code {exit_code})"
            raise StageFailed(message, hint)
        if culprit.what == self.part:
            raise StageFailed(
                f"stage '{culprit.stage}' ends its worker process (part {self.part}, exit code {exit_code})",
                "a decision must not end the process; this is an error in the stage, not in the data",
            )
        crashed = {**self.crashed, culprit.what: culprit.stage}
        if len(crashed) > MOST_CRASHES:
            raise StageFailed(
                f"workers died {MOST_CRASHES} times on part {self.part}, last in '{culprit.stage}'",
                "see log/run.log in the run folder",
            )
        return replace(self, crashed=crashed, killed=())

    def _after_kill(self, at: tuple[str, str]) -> Job:
        if len(self.killed) >= MOST_KILLS:
            raise StageFailed(
                f"workers were killed {len(self.killed) + 1} times on part {self.part}, each time at another place",
                "this is often a lack of memory: use fewer workers, such as --workers 1; completed parts are kept",
            )
        return replace(self, killed=(*self.killed, at))

    def after_loss(self, loss: Loss) -> Job:
        """Returns the job to try after its worker was lost; raises StageFailed if that happened too often.

        No figure is blamed: what the worker was doing last is not known for certain. A job that ran out of memory is
        repeated one figure at a time, where each process has a limit of its own, which finds the figure at fault.
        """
        lost = self.lost + 1
        if lost >= MOST_LOST:
            hint = "run the same command again when the machines are stable; what is done is kept"
            if loss.out_of_memory:
                hint = "use fewer workers, or declare in the stage how much memory it needs (`heavy`)"
            raise StageFailed(f"the worker of part {self.part} was lost {lost} times, last because {loss.why}", hint)
        return replace(self, lost=lost, one_by_one=self.one_by_one or loss.out_of_memory)

    def to_json(self) -> dict[str, Any]:
        # Not `asdict`, which copies every value.
        value = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**value, "articles": self.articles.to_text()}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Job:
        killed = tuple((what, stage) for what, stage in value["killed"])
        figures, articles = tuple(value["figures"]), Articles.of_text(value["articles"])
        return cls(**{**value, "figures": figures, "articles": articles, "killed": killed})


@dataclass(frozen=True)
class PartRecord:
    """The footer of a part's decisions: digests of their input and content, the funnel, and the counts."""

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


def input_digest(rows_digest: str, part: str, unlisted: Sequence[str]) -> str:
    """Returns the digest of everything that determines the decisions on a part, which are valid if their footer has it.

    rows_digest: of the row stages. unlisted: the places of its packages that the source no longer lists, in order.
    """
    return digest([rows_digest, part, list(unlisted)])


@dataclass(frozen=True)
class JobResult:
    """The result of a job.

    measured: newly measured articles or figures by stage. seconds, cpu: elapsed seconds and CPU seconds,
    by stage. record: of a row pass.
    """

    part: str
    measured: Mapping[str, int]
    seconds: Mapping[str, float]
    record: PartRecord | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        record = None if self.record is None else self.record.to_json()
        seconds, cpu = dict(self.seconds), dict(self.cpu)
        return {"part": self.part, "measured": dict(self.measured), "seconds": seconds, "cpu": cpu, "record": record}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> JobResult:
        record = None if value["record"] is None else PartRecord.of_json(value["record"])
        return cls(value["part"], value["measured"], value["seconds"], record, value["cpu"])
