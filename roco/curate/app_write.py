"""What the pages write: labels, notes, flags and undo; a refused request leaves the log as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from roco.base.errors import RejectedInput, nearest
from roco.curate.events import LONGEST_KEY, LONGEST_NAME, LONGEST_NOTE, Entry

if TYPE_CHECKING:
    from roco.curate.app_state import State

Name = Annotated[str, Field(max_length=LONGEST_NAME)]
MOST = 500
"""Entries of one request."""


class Item(BaseModel):
    """A label, a note or a flag, as a page sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: Annotated[str, Field(max_length=LONGEST_KEY)]
    kind: Literal["label", "note", "flag"] = "label"
    concept: Annotated[str, Field(max_length=20)] = ""
    label: Annotated[str, Field(max_length=1000)] = ""
    origin: Literal["typed", "accepted", "adjudicated"] = "typed"
    note: Annotated[str, Field(max_length=LONGEST_NOTE)] = ""


class Act(BaseModel):
    """What an annotator did with one key; batch: a name that the page chose, so that a repeated act is stored once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    batch: Annotated[str, Field(max_length=64)]
    task: Name
    annotator: Name
    entries: Annotated[list[Item], Field(min_length=1, max_length=MOST)]


class Undo(BaseModel):
    """Which act is undone; batch: the newest act of the annotator if it is empty."""

    model_config = ConfigDict(extra="forbid", strict=True)

    annotator: Name
    batch: Annotated[str, Field(max_length=64)] = ""


def add(app: FastAPI, state: State) -> None:
    """Adds the addresses that write."""
    log, board, server = state.server.log, state.board, state.server
    assert log is not None and board is not None

    @app.post("/api/labels")
    def labels(act: Act) -> Any:
        state.check_annotator(act.annotator)
        state.viewer.task(act.task)
        if act.task not in server.tasks:
            raise RejectedInput(f"the task '{act.task}' is not asked here", nearest(act.task, server.tasks))
        entries = [_entry(state, act.task, item) for item in act.entries]
        before = [board.adjudicated[act.task][board.questions[act.task].find(one.key, one.concept)]
                  if one.kind == "label" else None for one in act.entries]  # fmt: skip
        added = log.add(entries, round=server.round, annotator=act.annotator, batch=act.batch)
        board.refresh()
        return {"batch": added.batch, "saved": len(added.ids), "wrong": _wrong(state, act, before)}

    @app.post("/api/undo")
    def undo(act: Undo) -> Any:
        state.check_annotator(act.annotator)
        batch = act.batch or log.last_batch(act.annotator, round=server.round)
        if batch is None:
            raise RejectedInput("nothing to undo", f"{act.annotator} has no label in the round '{server.round}'")
        if any(event.round != server.round for event in log.batch(batch)):
            raise RejectedInput("the act belongs to another round", "open a server for that round")
        log.undo(batch, annotator=act.annotator)
        board.refresh()
        events = [event for event in log.batch(batch) if event.image_key in server.corpus.rows]
        figures = [
            {
                "key": one.image_key,
                "task": one.task,
                "concept": one.concept,
                "kind": one.kind,
                "mine": _mine(state, one),
                "adjudicated": _adjudicated(state, one),
            }
            for one in events
        ]
        return {"batch": batch, "figures": figures}


def _mine(state: State, event: Any) -> str | None:
    assert state.board is not None
    if event.kind != "label" or event.task not in state.board.questions:
        return None
    number = state.board.questions[event.task].find(event.image_key, event.concept)
    mine: str | None = state.board.own(event.task, event.annotator)[number]
    return mine


def _adjudicated(state: State, event: Any) -> str | None:
    """Returns the decision on a figure; a blind round shows none."""
    assert state.board is not None
    if event.kind != "label" or event.task not in state.board.questions or state.server.blind:
        return None
    number = state.board.questions[event.task].find(event.image_key, event.concept)
    decided: str | None = state.board.adjudicated[event.task][number]
    return decided


def _entry(state: State, task: str, item: Item) -> Entry:
    """Returns the entry of the log; raises RejectedInput for a figure, concept or guess that the server has not."""
    board, server = state.board, state.server
    assert board is not None
    row = server.corpus.row(item.key)
    if item.kind != "label":
        if item.label or item.concept or item.origin != "typed":
            raise RejectedInput(
                f"a {item.kind} with a label, concept or origin", "add the label as an entry of its own"
            )
        return Entry(kind=item.kind, image_key=item.key, note=item.note)
    board.questions[task].find(item.key, item.concept)
    if not server.corpus.asked[row]:
        raise RejectedInput("the figure was dropped before it could be labelled", "choose another figure")
    if server.blind and item.origin != "typed":
        raise RejectedInput(f"origin '{item.origin}' in a blind round", "label the image yourself")
    if item.origin == "accepted" and item.label != state.viewer.guesses[task].labels[row]:
        raise RejectedInput("the accepted label is not the guess", "reload the page: the guesses have changed")
    return Entry(
        image_key=item.key, task=task, label=item.label, origin=item.origin, concept=item.concept, note=item.note
    )


def _wrong(state: State, act: Act, before: list[str | None]) -> list[dict[str, str]]:
    """Returns the labels that differ from an adjudicated one; the page shows them to the annotator at once."""
    if state.server.blind:
        return []
    return [
        {"key": item.key, "concept": item.concept, "label": item.label, "adjudicated": decided}
        for item, decided in zip(act.entries, before, strict=True)
        if item.kind == "label" and item.origin != "adjudicated" and decided is not None and decided != item.label
    ]
