"""The command `roco answer`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.chat_options import (
    TIMEOUT,
    EndpointOpt,
    LocalOpt,
    ModelOpt,
    TemperatureOpt,
    TimeoutOpt,
    chat_model,
)
from roco.cli.output import print_json, safe
from roco.cli.run import Json
from roco.cli.search_options import (
    ByOpt,
    CommercialOpt,
    ConceptsOpt,
    DiverseOpt,
    EncoderOpt,
    ImageOpt,
    IndexArg,
    LikeOpt,
    NotArticleOpt,
    NotSameArticleOpt,
    TextEncoderOpt,
    WhereOpt,
    filters_of,
)
from roco.cli.select import LicenseOpt, ModalityOpt, RegionOpt, SplitOpt, YearOpt


def answer(
    index: IndexArg,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question in words.", show_default=False)],
    image: ImageOpt = None,
    like: LikeOpt = None,
    concepts: ConceptsOpt = None,
    not_same_article: NotSameArticleOpt = False,
    not_article: NotArticleOpt = None,
    evaluation: Annotated[
        bool, typer.Option("--evaluation", help="Sources from train only, and not from the article of the image.")
    ] = False,
    by: ByOpt = None,
    diverse: DiverseOpt = False,
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Number of sources.")] = 5,
    where: WhereOpt = None,
    commercial: CommercialOpt = False,
    modality: ModalityOpt = None,
    region: RegionOpt = None,
    year: YearOpt = None,
    license: LicenseOpt = None,
    split: SplitOpt = None,
    encoder: EncoderOpt = None,
    text_encoder: TextEncoderOpt = None,
    prompt: Annotated[bool, typer.Option("--prompt", help="Print the prompt; ask no model.")] = False,
    save_prompt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file for the prompt, written before the model is asked.")
    ] = None,
    endpoint: EndpointOpt = None,
    model: ModelOpt = None,
    local: LocalOpt = None,
    temperature: TemperatureOpt = None,
    timeout: TimeoutOpt = TIMEOUT,
    as_json: Json = False,
) -> None:
    """Answers a question from the images of an index, with citations. Not for clinical use.

    Example: roco answer demo/index "Which images show a fracture?" --prompt

    The answer is checked: sentences without a citation, citations of no source, and copied passages are marked.
    """
    from roco.baselines.retrieve.answer import AnswerOptions, answer_prompt, write_prompt
    from roco.baselines.retrieve.answer import answer as ask

    chosen = None if prompt else chat_model(endpoint, model, local, temperature, timeout)
    if prompt:
        _refuse_model(endpoint, model, local, temperature)
    options = AnswerOptions(
        image=image, like=like, concepts=concepts, not_same_article=not_same_article, not_articles=not_article or (),
        diverse=diverse, n=n, filters=filters_of(where, commercial, modality, region, year, license, split),
        by=by, encoder=encoder, text_encoder=text_encoder, evaluation=evaluation,
    )  # fmt: skip
    if chosen is not None:
        _print_notes([f"asking {model or local}; Ctrl-C ends it"])
        checked = ask(index, question, chosen, options, save_prompt=save_prompt)
        if as_json:
            print_json(checked.to_json())
        else:
            print(safe(checked.to_text()))
        return
    built = answer_prompt(index, question, options)
    if save_prompt is not None:
        write_prompt(built, save_prompt)
    if as_json:
        print_json(built.to_json())
    else:
        print(safe(built.text))
        _print_notes(built.notes)


def _print_notes(notes: Sequence[str]) -> None:
    """Prints lines on stderr: stdout contains the prompt or the answer only."""
    from roco.cli.logs import is_quiet

    if not is_quiet():
        print(safe("\n".join(notes)), file=sys.stderr)


def _refuse_model(endpoint: str | None, model: str | None, local: Path | None, temperature: float | None) -> None:
    """Raises UsageError if an option is for a model, which --prompt does not ask."""
    for name, value in {"--endpoint": endpoint, "--local": local, "--model": model}.items():
        if value is not None:
            raise UsageError(f"--prompt with {name}", "leave one of them out")
    if temperature is not None:
        raise UsageError("--temperature without a model", "leave it out: --prompt asks no model")
