"""A language model in a folder of transformers (extra `answer`): safetensors only, and no code of the folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, MissingExtra
from roco.base.terminal import excerpt
from roco.baselines.captioner.pretrained import find, load_config, load_weights, quiet
from roco.baselines.retrieve.grounding.model import MOST_TOKENS, Reply, as_one
from roco.baselines.retrieve.grounding.reasoning import without_reasoning

_ROOM = 32  # tokens that an answer needs at least


class FolderModel:
    """A causal language model in a folder that save_pretrained of transformers has written."""

    def __init__(self, path: Path, temperature: float | None = None) -> None:
        for name in ("torch", "transformers", "safetensors"):
            try:
                importlib.import_module(name)
            except ImportError as err:
                raise MissingExtra(name, "answer") from err
        self.path = find(str(path))
        self._temperature = float(temperature or 0)
        self._loaded: tuple[Any, Any] | None = None

    def ask(self, messages: list[dict[str, str]]) -> Reply:
        """Returns the reply to the messages of a chat; raises DataError for a prompt that the model cannot read."""
        import torch

        with quiet():
            self._loaded = self._loaded or self._load()
            model, tokenizer = self._loaded
            tokens = self._tokens(tokenizer, messages).to(model.device)
            room = self._room(model.config, tokens.shape[1])
            torch.manual_seed(0)
            try:
                with torch.inference_mode():
                    generated = model.generate(
                        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=room,
                        pad_token_id=_first_id(model.generation_config.pad_token_id, tokenizer.eos_token_id),
                        **self._sampling(),
                    )[0, tokens.shape[1] :]  # fmt: skip
            # RuntimeError is also what torch raises where the memory is full.
            except (ValueError, TypeError, IndexError, RuntimeError) as err:
                raise _failed("the model does not answer", err, "try another model") from err
        text = without_reasoning(tokenizer.decode(generated, skip_special_tokens=True))
        if not text:
            raise DataError("the model answers with an empty message", "try another model")
        ends = model.generation_config.eos_token_id
        is_ended = int(generated[-1]) in (ends if isinstance(ends, list) else [ends])
        return Reply(text, self.path.name, not is_ended)

    def _sampling(self) -> dict[str, Any]:
        """Returns the options of generation; None resets what the folder states."""
        if self._temperature:
            return {"do_sample": True, "temperature": self._temperature}
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}

    def _tokens(self, tokenizer: Any, messages: list[dict[str, str]]) -> Any:
        """Returns the prompt as tokens: by the chat template of the tokenizer, or as plain text if it has none."""
        if not tokenizer.chat_template:
            return tokenizer(f"{as_one(messages)[0]['content']}\n\nAnswer:", return_tensors="pt")["input_ids"]
        try:
            text = self._formatted(tokenizer, messages)
        # The template is a program of the folder, run by jinja2 in its sandbox; whatever it raises is its fault.
        except Exception:
            try:
                text = self._formatted(tokenizer, as_one(messages))
            except Exception as err:
                raise _failed(f"the chat template of {excerpt(self.path)} fails", err, "try another model") from err
        return tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]

    def _formatted(self, tokenizer: Any, messages: list[dict[str, str]]) -> str:
        return str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def _room(self, config: Any, length: int) -> int:
        """Returns the tokens that an answer may have; raises DataError if the prompt leaves too little room."""
        positions = getattr(config, "max_position_embeddings", None)
        if not isinstance(positions, int):
            return MOST_TOKENS
        if length + _ROOM > positions:
            what = f"the prompt has {length:,} tokens, and the model reads {positions:,} with its answer"
            raise DataError(what, "give fewer sources: -n 2; or another model")
        return min(MOST_TOKENS, positions - length)

    def _load(self) -> tuple[Any, Any]:
        """Returns the model and its tokenizer; raises DataError if transformers cannot read them."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        name = str(self.path)
        config = load_config(name, self.path)
        model, missing = load_weights(AutoModelForCausalLM, name, self.path, config, dtype="auto")
        if missing:
            raise DataError(f"{excerpt(name)} lacks weights, such as {excerpt(missing[0])}", "copy the model again")
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.path, local_files_only=True, trust_remote_code=False)
        # The parser of tokenizers raises Exception itself, for whatever is wrong in tokenizer.json.
        except Exception as err:
            raise _failed(f"cannot read the tokenizer of {excerpt(name)}", err, "copy the model again") from err
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def _failed(what: str, err: Exception, hint: str) -> DataError:
    """Returns the error for what transformers or torch raised."""
    return DataError(f"{what}: {excerpt(str(err).partition(chr(10))[0]) or type(err).__name__}", hint)


def _first_id(*ids: int | list[int] | None) -> int | None:
    """Returns the first id of a token that is one; a model may have several end tokens."""
    for id in ids:
        if isinstance(id, int):
            return id
        if isinstance(id, list) and id:
            return id[0]
    return None
