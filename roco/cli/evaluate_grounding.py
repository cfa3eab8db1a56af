"""The command `roco evaluate grounding`: citations in answers to questions about held-out images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roco.cli.chat_options import (
    TIMEOUT,
    EndpointOpt,
    LocalOpt,
    ModelOpt,
    TemperatureOpt,
    TimeoutOpt,
    chat_model,
)
from roco.cli.evaluate_options import Json, Out, create_folder, show
from roco.cli.search_options import IndexArg


def grounding(
    index: IndexArg,
    n: Annotated[int, typer.Option("--questions", metavar="N", min=1, help="Number of questions.")] = 100,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="Images that questions are made of: test, valid or held-out (both).")
    ] = "test",
    sources: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Sources of an answer.")] = 5,
    endpoint: EndpointOpt = None,
    model: ModelOpt = None,
    local: LocalOpt = None,
    temperature: TemperatureOpt = None,
    timeout: TimeoutOpt = TIMEOUT,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Store replies in this JSON file, so that an interrupted command goes on."),
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Scores citations in answers to questions that are made from the captions and concepts of held-out images.

    Example: roco evaluate grounding demo/index --questions 20

    Sources are images of train, never of the article of the question. Without --endpoint or --local, the answers are
    the first sentences of the best sources, quoted and cited: a floor without a model. Not for clinical use.
    """
    from roco.baselines.retrieve.evaluation.answering import EXTRACTIVE, answer_all, facts
    from roco.baselines.retrieve.evaluation.questions import questions
    from roco.baselines.retrieve.index import Index
    from roco.cli.progress import ProgressBar, shown
    from roco.evaluate.grounding import evaluate_grounding

    has_model = any(value is not None for value in (endpoint, model, local, temperature))
    chosen = chat_model(endpoint, model, local, temperature, timeout) if has_model else None
    name = (str(local) if local is not None else f"{model} at {endpoint}") if has_model else EXTRACTIVE
    opened = Index.open(index)
    asked = questions(opened, n, split)
    create_folder(out)
    progress = ProgressBar()
    with shown(progress):
        answered = answer_all(opened, asked, chosen, n=sources, name=name, replies=answers, progress=progress)
    inputs, models, notes = facts(opened, answered, n, split, sources)
    show(evaluate_grounding(answered, inputs=inputs, models=models, notes=notes), out, as_json)
