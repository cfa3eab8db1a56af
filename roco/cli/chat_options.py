"""The options that name the model of `roco answer` and `roco evaluate grounding`, and the model that they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError

if TYPE_CHECKING:
    from roco.baselines.retrieve.grounding.model import ChatModel

TIMEOUT = 600
"""Seconds that an answer of an endpoint may take."""

EndpointOpt = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A server with the interface of OpenAI; its key is read from ROCO_API_KEY.",
        show_default=False,
    ),
]
ModelOpt = Annotated[str | None, typer.Option(metavar="NAME", help="With --endpoint: the model to ask.")]
LocalOpt = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="A model on this machine: a GGUF file, or a folder of transformers."),
]
TemperatureOpt = Annotated[
    float | None, typer.Option(metavar="T", help="0 to 2: how much the wording varies.", show_default=False)
]
TimeoutOpt = Annotated[
    float, typer.Option(metavar="SECONDS", min=1, help="With --endpoint: how long an answer may take.")
]

_WAYS = (
    "--prompt prints the prompt; --endpoint URL --model NAME asks a server; --local PATH runs a model on this machine"
)


def chat_model(
    endpoint: str | None, model: str | None, local: Path | None, temperature: float | None, timeout: float
) -> ChatModel:
    """Returns the model that the options name; raises UsageError if they name none or two."""
    if endpoint is None and local is None:
        what = "--model without --endpoint" if model else "no model to answer the question"
        raise UsageError(what, _WAYS)
    if endpoint is not None and local is not None:
        raise UsageError("two models (--endpoint, --local)", "leave one of them out")
    if local is not None:
        from roco.baselines.retrieve.grounding.local import local_model

        if model is not None:
            raise UsageError("--model with --local", "leave it out: PATH is the model")
        return local_model(local, temperature=temperature)
    from roco.baselines.retrieve.grounding.endpoint import Endpoint, checked_key

    key = checked_key(os.environ)
    return Endpoint(endpoint or "", model or "", key, temperature=temperature, seconds=timeout)
