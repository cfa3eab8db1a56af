"""The page `agree`: how far two raters agree, and the figures of one cell of their confusion matrix."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query

from roco.base.errors import RejectedInput, UsageError
from roco.curate.events import LONGEST_NAME
from roco.curate.raters import RaterLabels, about

if TYPE_CHECKING:
    from roco.curate.app_state import State
    from roco.curate.board import Board

Text = Annotated[str, Query(max_length=2 * LONGEST_NAME + 1)]
Joint = Annotated[str, Query(max_length=1000)]
MOST_IN_CELL = 200
_REMEMBERED = 32  # answers


def add(app: FastAPI, state: State) -> None:
    """Adds the addresses of the page."""
    remembered = _Remembered(state)

    @app.get("/api/agree")
    def agree(task: Text, first: Text = "", second: Text = "") -> Any:
        chosen, board = state.viewer.task(task), _fresh(state)
        if not (first and second):
            first, second = remembered.most_in_common(chosen.name) or ("", "")
        found: dict[str, Any] = {"raters": remembered.names(chosen.name), "first": first, "second": second, "tasks": []}
        if not first:
            return found
        _check(board, first, second)
        # The task of the page comes first; raters may have labelled the same images in others as well.
        others = [one for one in state.server.tasks if one != task and one in board.raters.tasks]
        answers = [remembered.agreement(one, first, second) for one in (task, *others)]
        return found | {"tasks": [answer for answer in answers if answer]}

    @app.get("/api/cell")
    def cell(task: Text, first: Text, second: Text, row: Joint, column: Joint, annotator: Text) -> Any:
        from roco.curate.app_read import figures

        chosen, board = state.viewer.task(task), _fresh(state)
        _check(board, first, second)
        one, other = board.raters.labels(task, first), board.raters.labels(task, second)
        questions = board.questions[task]
        numbers: list[int] = []
        for asked in sorted(one.keys() & other.keys()):
            key, concept = about(chosen, asked)
            if (one[asked], other[asked]) == (row, column) and key in state.server.corpus.rows:
                numbers.append(questions.find(key, concept))
        shown = figures(state, task, numbers[:MOST_IN_CELL], annotator)
        for number, figure in zip(numbers, shown, strict=False):
            figure["adjudicated"] = board.adjudicated[task][number]
            figure["choices"] = sorted({row, column})  # who has chosen which is not sent
        return {"figures": shown, "total": len(numbers)}


def _fresh(state: State) -> Board:
    assert state.board is not None
    state.board.refresh()
    return state.board


def _check(board: Board, *names: str) -> None:
    """Raises RejectedInput for the name of no rater; unlike that of the command, it does not contain the path."""
    for name in names:
        try:
            board.raters.parsed(name)
        except UsageError as err:
            raise RejectedInput("unknown annotator or round", "choose one of the list") from err


class _Remembered:
    """What the page has been answered, until a label of the task changes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answers: dict[tuple[str, ...], tuple[int, Any]] = {}
        self._lock = threading.Lock()

    def names(self, task: str) -> dict[str, int]:
        found: dict[str, int] = self._answer(("names", task), lambda raters: raters.names(task))
        return found

    def most_in_common(self, task: str) -> tuple[str, str] | None:
        found: tuple[str, str] | None = self._answer(("common", task), lambda raters: raters.most_in_common(task))
        return found

    def agreement(self, task: str, first: str, second: str) -> Any:
        """Returns the statistics of two raters; None if they have labelled no image in common."""

        def compute(raters: RaterLabels) -> Any:
            compared = raters.compared(self._state.server.tasks[task], first, second)
            statistics = self._state.server.agreement
            if statistics is None or not compared.first.keys() & compared.second.keys():
                return None
            return statistics(compared)

        return self._answer(("agreement", task, first, second), compute)

    def _answer(self, asked: tuple[str, ...], compute: Callable[[RaterLabels], Any]) -> Any:
        """Returns a remembered answer; asked: what it is about, with the task in the second place."""
        assert self._state.board is not None
        raters = self._state.board.raters
        with self._lock:
            changes = raters.changes[asked[1]]
            known = self._answers.get(asked)
            if known is None or known[0] != changes:
                known = changes, compute(raters)
                self._answers.pop(asked, None)
                self._answers[asked] = known
                while len(self._answers) > _REMEMBERED:
                    self._answers.pop(next(iter(self._answers)))
            return known[1]
