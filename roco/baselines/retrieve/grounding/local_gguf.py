"""A language model in a GGUF file, run by llama-cpp-python (extra `gguf`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roco.base.errors import DataError, MissingExtra
from roco.base.terminal import excerpt
from roco.baselines.retrieve.grounding.model import MOST_TOKENS, Reply, as_one
from roco.baselines.retrieve.grounding.reasoning import without_reasoning

CONTEXT = 12_288
"""Tokens of the longest prompt with its answer; 24,000 characters of English are about 7,000 tokens."""


class GgufModel:
    """A model in a GGUF file. The file is read by llama.cpp; its chat template formats the messages."""

    def __init__(self, path: Path, temperature: float | None = None) -> None:
        try:
            from llama_cpp import Llama
        except ImportError as err:
            raise MissingExtra("llama-cpp-python", "gguf") from err
        self._open = Llama
        self.path = path
        self._temperature = temperature or 0.0
        self._model: Any = None

    def ask(self, messages: list[dict[str, str]]) -> Reply:
        """Returns the reply to the messages of a chat; raises DataError for an invalid file or a long prompt."""
        if self._model is None:
            self._model = self._loaded()
        try:
            choice = self._choice(messages)
            text = without_reasoning(choice["message"]["content"] or "")
        # llama-cpp-python raises ValueError for a prompt that exceeds the context; the chat template is a program of
        # the file, which may raise anything.
        except Exception as err:
            what = excerpt(str(err).partition("\n")[0]) or type(err).__name__
            raise DataError(f"the model does not answer: {what}", "give fewer sources: -n 2; or another model") from err
        if not text:
            raise DataError("the model answers with an empty message", "try another model")
        return Reply(text, self.path.name, choice.get("finish_reason") == "length")

    def _choice(self, messages: list[dict[str, str]]) -> Any:
        """Returns the answer to messages, as one message if the chat template refuses the role `system`."""
        how = {"temperature": self._temperature, "max_tokens": MOST_TOKENS, "seed": 0}
        try:
            answer = self._model.create_chat_completion(messages=messages, **how)
        except Exception as err:
            if type(err).__name__ != "TemplateError":  # of jinja2, which is installed with llama-cpp-python only
                raise
            answer = self._model.create_chat_completion(messages=as_one(messages), **how)
        return answer["choices"][0]

    def _loaded(self) -> Any:
        try:
            return self._open(model_path=str(self.path), n_ctx=CONTEXT, seed=0, verbose=False)
        except (ValueError, RuntimeError, OSError) as err:
            what = excerpt(str(err).partition("\n")[0]) or type(err).__name__
            raise DataError(f"cannot load the model {excerpt(self.path)}: {what}", "download the file again") from err
