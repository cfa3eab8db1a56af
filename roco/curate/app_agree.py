"""The page `agree`: how far two annotators agree, and the figures of one cell of their confusion matrix."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import FastAPI, Query

from roco.base.errors import RejectedInput
from roco.curate.events import LONGEST_NAME, Event

if TYPE_CHECKING:
    from roco.curate.app_state import State

Text = Annotated[str, Query(max_length=2 * LONGEST_NAME + 1)]
MOST_IN_CELL = 200


class Rater(NamedTuple):
    """An annotator in a round; written as `round/annotator`."""

    round: str
    annotator: str

    def __str__(self) -> str:
        return f"{self.round}/{self.annotator}"


Question = tuple[str, str]
"""image_key and concept."""


def add(app: FastAPI, state: State) -> None:
    """Adds the addresses of the page."""

    @app.get("/api/agree")
    def agree(task: Text, first: Text = "", second: Text = "") -> Any:
        labels = _by_rater(state, task)
        raters = {str(rater): rater for rater in sorted(labels)}
        if not first and not second:
            first, second = _closest(labels)
        pairs = _pairs(labels, raters, first, second)
        names = _names(state, task, pairs.values())
        found: dict[str, Any] = {"raters": {name: len(labels[rater]) for name, rater in raters.items()}}
        found |= {"first": first, "second": second, "labels": names, "n": len(pairs)}
        if pairs and state.server.agreement is not None:
            ours, theirs = [one for one, _ in pairs.values()], [other for _, other in pairs.values()]
            found |= state.server.agreement(ours, theirs, names)
        return found

    @app.get("/api/cell")
    def cell(task: Text, first: Text, second: Text, row: Text, column: Text, annotator: Text) -> Any:
        from roco.curate.app_read import figures

        labels = _by_rater(state, task)
        pairs = _pairs(labels, {str(rater): rater for rater in labels}, first, second)
        assert state.board is not None
        state.board.refresh()
        questions = state.board.questions[task]
        numbers: list[int] = []
        for (key, concept), pair in sorted(pairs.items()):
            if pair != (row, column) or key not in state.server.corpus.rows:
                continue
            numbers.append(questions.find(key, concept))
        shown = figures(state, task, numbers[:MOST_IN_CELL], annotator)
        for number, one in zip(numbers, shown, strict=False):
            one["adjudicated"] = state.board.adjudicated[task][number]
            one["choices"] = sorted({row, column})  # who has chosen which is not sent
        return {"figures": shown, "total": len(numbers)}


def _by_rater(state: State, task: str) -> dict[Rater, dict[Question, str]]:
    """Returns the newest label of each rater for each question.

    Adjudicated labels are decisions and no labels of a rater, even of one who has labelled the figure before.
    """
    state.viewer.task(task)
    assert state.server.log is not None
    found: dict[Rater, dict[Question, str]] = {}
    for event in state.server.log.standing("label", task):
        if event.origin != "adjudicated":
            found.setdefault(Rater(event.round, event.annotator), {})[_question(event)] = event.label
    return found


def _question(event: Event) -> Question:
    return event.image_key, event.concept


def _closest(labels: dict[Rater, dict[Question, str]]) -> tuple[str, str]:
    """Returns the two raters who have labelled the most questions in common; empty names if there are none."""
    raters = sorted(labels)
    common = Counter(
        {
            (str(one), str(other)): len(labels[one].keys() & labels[other].keys())
            for number, one in enumerate(raters)
            for other in raters[number + 1 :]
        }
    )
    best = common.most_common(1)
    return best[0][0] if best and best[0][1] else ("", "")


def _pairs(
    labels: dict[Rater, dict[Question, str]], raters: dict[str, Rater], first: str, second: str
) -> dict[Question, tuple[str, str]]:
    """Returns the two labels of each question that both raters have labelled."""
    if not first and not second:
        return {}
    for name in (first, second):
        if name not in raters:
            raise RejectedInput("unknown annotator", "choose one of the list: round/annotator")
    one, other = labels[raters[first]], labels[raters[second]]
    return {question: (one[question], other[question]) for question in sorted(one.keys() & other.keys())}


def _names(state: State, task: str, pairs: Any) -> list[str]:
    """Returns the labels that were used, in the order of the task; joint labels last."""
    order = {name: number for number, name in enumerate(state.server.tasks[task].names)}
    used = {label for pair in pairs for label in pair}
    return sorted(used, key=lambda label: (order.get(label, len(order)), label))
