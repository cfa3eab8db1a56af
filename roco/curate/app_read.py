"""What the pages read: the session, pages of figures, progress, images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pyarrow as pa
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response

from roco.base.errors import RejectedInput
from roco.curate import view
from roco.curate.app_shell import image_answer
from roco.curate.events import LONGEST_KEY
from roco.curate.view import FILTERS, HIDDEN_WHEN_BLIND

if TYPE_CHECKING:
    from roco.curate.app_state import State

Text = Annotated[str, Query(max_length=200)]
Key = Annotated[str, Query(max_length=LONGEST_KEY)]
_MOST_CHOICES = 500  # values of a filter that are listed
_MENTIONS = 8
_LONGEST_MENTION = 1500  # characters


def add(app: FastAPI, state: State) -> None:
    """Adds the addresses that only read."""
    corpus, viewer = state.server.corpus, state.viewer

    @app.get("/api/session")
    def session() -> Any:
        return described(state)

    @app.get("/api/page")
    def page(
        request: Request,
        task: Text = "",
        annotator: Text = "",
        guess: Text = "",
        order: Literal["doubt", "random", "article"] = "doubt",
        show: view.Show = "todo",
        page: Annotated[int, Query(ge=0, le=10**7)] = 0,
        size: Annotated[int, Query(ge=1, le=view.MOST_PER_PAGE)] = 60,
        text: Text = "",
        concept: Text = "",
    ) -> Any:
        where = tuple((name, request.query_params[name]) for name in FILTERS if request.query_params.get(name))
        if task:
            state.check_annotator(annotator)
        elif state.board is not None and state.server.blind:
            raise RejectedInput("no task", "choose a task")
        query = view.Query(
            task=task, annotator=annotator, guess=guess, order=order, show=show, page=page, size=size, text=text,
            concept=concept, where=where,
        )  # fmt: skip
        found = viewer.page(query)
        shown = figures(state, task, found.numbers.tolist(), annotator)
        counts = {"total": found.total, "done": found.done, "left": found.left, "by_guess": found.by_guess}
        counts["outdated"] = found.outdated
        return JSONResponse({"figures": shown, **counts})

    @app.get("/api/image")
    def image(key: Key) -> Response:
        return image_answer(corpus.image(corpus.row(key)))

    @app.get("/api/thumbnail")
    def thumbnail(key: Key) -> Response:
        return image_answer(corpus.thumbnail(corpus.row(key)))


def described(state: State) -> dict[str, Any]:
    """Returns what the pages need to know about the server: tasks with labels and guidelines, round, filters."""
    server = state.server
    tasks = [
        {
            "name": task.name,
            "title": task.title,
            "question": task.question,
            "several": task.several,
            "item": bool(task.item),
            "asked": {"task": task.asked.task, "labels": task.asked.labels} if task.asked else None,
            "guideline": task.guideline,
            "version": task.version,
            "labels": [{"name": one.name, "title": one.title, "key": one.key, "then": one.then} for one in task.labels],
        }
        for task in (server.tasks.values() if state.board else ())
    ]
    hidden = HIDDEN_WHEN_BLIND if server.blind else ()
    return {
        "title": server.corpus.title,
        "scope": _scope(state),
        "figures": len(server.corpus),
        "round": server.round,
        "blind": server.blind,
        "annotator": server.annotator,
        "read_only": state.board is None,
        "can_agree": state.board is not None and not server.blind and server.agreement is not None,
        "write": server.write_token,
        "tasks": tasks,
        "filters": {name: _choices(state, name) for name in FILTERS if name not in hidden},
    }


def _scope(state: State) -> str:
    """Returns what identifies log and round, so that a browser never sends acts that it kept to another log."""
    path = str(state.server.log.path.absolute()) if state.server.log else ""
    return hashlib.sha256(f"{path}\n{state.server.round}".encode()).hexdigest()[:16]


def _choices(state: State, name: str) -> list[str]:
    values = state.server.corpus.column(name).unique().to_pylist()
    found = sorted(value for value in values if value is not None)[:_MOST_CHOICES]
    return [*found, view.NONE] if found and None in values else found


def figures(state: State, task: str, numbers: Sequence[int], annotator: str) -> list[dict[str, Any]]:
    """Returns what a page shows of some figures; numbers: of the questions of the task, or of the figures."""
    questions = state.board.questions[task] if task and state.board else None
    rows = [int(questions.rows[number]) for number in numbers] if questions is not None else list(numbers)
    facts = state.server.corpus.table.take(pa.array(rows, pa.int64())).to_pylist()
    each = zip(numbers, rows, facts, strict=True)
    return [_figure(state, task, number, row, known, annotator) for number, row, known in each]


def _figure(state: State, task: str, number: int, row: int, facts: Mapping[str, Any], annotator: str) -> dict[str, Any]:
    """Returns what a page shows of a figure; a blind round shows no guess, score, concept or label of others."""
    corpus, blind = state.server.corpus, state.server.blind
    questions = state.board.questions[task] if task and state.board else None
    shown = ("caption", "label", "title", "journal", "year", "license", "license_url", "pmcid", "doi", "width")
    found: dict[str, Any] = {name: facts.get(name) for name in (*shown, "height")}
    found |= {
        "has_image": bool(corpus.pictured[row]),
        "key": corpus.keys[row],
        "figure_id": facts.get("figure_id") or facts.get("id"),
    }
    mentions = facts.get("mentions_in_text") or []
    found["mentions"] = [(one["text"] or "")[:_LONGEST_MENTION] for one in mentions[:_MENTIONS]]
    if questions is not None:
        assert state.board is not None
        found |= _asked(state, task, questions.concept(number), number, annotator)
        remarks = [one for one in state.board.remarks(row) if not blind or one.annotator == annotator]
        found["flagged"] = any(one.kind == "flag" for one in remarks)
        found["notes"] = [one.note for one in remarks if one.kind == "note"]
    if not blind:
        found |= {name: facts.get(name) for name in ("split", "stage", "drop", "drop_detail", "modality")}
        found["concepts"] = [{"cui": cui, "name": corpus.names.get(cui)} for cui in (facts.get("concepts") or [])[:40]]
        if questions is not None:
            found |= _guess(state, task, row)
    return found


def _asked(state: State, task: str, concept: str, number: int, annotator: str) -> dict[str, Any]:
    assert state.board is not None
    row = state.board.questions[task].rows[number]
    # The page `one` asks several questions about a figure at once, but not those whose sample it is not part of;
    # questions about concepts are asked alone.
    samples = state.board.samples
    images = [name for name, one in state.server.tasks.items() if not one.item]
    others = [name for name in images if name == task or not samples.get(name) or row in samples[name]]
    return {
        "concept": concept,
        "concept_name": state.server.corpus.names.get(concept, ""),
        "mine": state.board.own(task, annotator)[number],
        "outdated": bool(state.board.outdated(task, annotator)[number]),
        "labels": {name: state.board.own(name, annotator)[row] for name in others},
    }


def _guess(state: State, task: str, row: int) -> dict[str, Any]:
    guesses = state.viewer.guesses[task]
    p = guesses.p[row]
    return {
        "guess": guesses.labels[row],
        "p": None if np.isnan(p) else round(float(p), 4),
        "from": guesses.sources[row],
        "disagrees": bool(guesses.disagrees[row]),
    }
