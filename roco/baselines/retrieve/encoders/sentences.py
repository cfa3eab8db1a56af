"""Sentence encoders: folders of transformers with a tokenizer and safetensors, as sentence-transformers writes them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.packages import require
from roco.baselines.retrieve.encoders.encoder import Files, Stated, Vectors, name_of, readable
from roco.baselines.retrieve.encoders.networks import failures
from roco.baselines.retrieve.encoders.weights import weights_of

CONFIG, MODULES, SETTINGS = "config.json", "modules.json", "sentence_bert_config.json"
_PROMPTS = "config_sentence_transformers.json"
_EXPECTED = f"give a folder with {CONFIG}, model.safetensors and a tokenizer, as sentence-transformers saves it"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "*.model")
_TOKENS = ("special_tokens_map.json", "added_tokens.json")
_DECISIVE = (CONFIG, MODULES, SETTINGS, _PROMPTS, "*/config.json", *_TOKENIZER, *_TOKENS)
_POOLINGS = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_max_tokens": "max"}
_LONGEST = 512  # tokens, where the folder states no limit
_AT_ONCE = 32
_QUERY, _DOCUMENTS = ("query",), ("document", "passage", "corpus")


@dataclass(frozen=True)
class Reading:
    """How texts are read. pooling: mean, cls or max of the tokens. longest: tokens. query, document: what precedes."""

    pooling: str = "mean"
    longest: int = _LONGEST
    query: str = ""
    document: str = ""

    @classmethod
    def of(cls, folder: Path) -> Reading:
        """Returns what the files of a folder state; without modules.json, the mean of the tokens.

        Raises DataError for a module or a pooling that roco does not compute.
        """
        settings = _read(folder / SETTINGS)
        limit = settings.get("max_seq_length")
        longest = limit if isinstance(limit, int) and 1 <= limit <= 1 << 16 else _LONGEST
        query, document = _prompts(folder)
        return cls(_pooling(folder), longest, query, document)

    def to_json(self) -> dict[str, Any]:
        """Returns the values as a manifest states them."""
        return {"pooling": self.pooling, "tokens": self.longest, "query": self.query, "document": self.document}


@dataclass(frozen=True)
class SentenceEncoder:
    """A sentence encoder, which is loaded when the first text is embedded."""

    stated: Stated
    folder: Path
    reading: Reading
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def of_folder(cls, folder: Path) -> SentenceEncoder:
        """Returns the encoder of a folder; raises UsageError for another folder, DataError for an incomplete one."""
        if not folder.is_dir():
            raise UsageError(f"no such folder: {folder} (--text-encoder)", _EXPECTED)
        if (folder / "open_clip_config.json").is_file():
            raise UsageError(f"{folder} is a network of open_clip (--text-encoder)", f"give it by --encoder {folder}")
        if not (folder / CONFIG).is_file():
            raise UsageError(f"{folder} contains no sentence encoder (--text-encoder)", _EXPECTED)
        require("torch", "transformers")
        weights = weights_of(folder, ("model.safetensors",))
        config = _read(folder / CONFIG)
        width = config.get("hidden_size", config.get("dim", config.get("d_model")))
        if not isinstance(width, int) or not 1 <= width <= 1 << 16:
            raise DataError(f"hidden_size is {excerpt(width)} ({folder / CONFIG})", _EXPECTED)
        reading = Reading.of(folder)
        stated = Stated(
            "sentences", name_of(folder), folder, width, True, file_digest(weights), reading.to_json(),
            configuration=Files.of(folder, _DECISIVE).digest,
        )  # fmt: skip
        return cls(stated, folder, reading)

    def texts(self, texts: Sequence[str], *, queries: bool = False) -> Vectors:
        """Returns a vector of length 1 for each text; longer texts are cut at the tokens that the encoder reads."""
        import torch

        prompt = self.reading.query if queries else self.reading.document
        found = np.zeros((len(texts), self.stated.width), np.float32)
        # Texts of similar length together: less of each batch is filled up.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        with self._lock, torch.inference_mode(), failures(self.stated):
            for start in range(0, max(1, len(order)), _AT_ONCE):
                rows = order[start : start + _AT_ONCE]
                found[rows] = self._batch([prompt + text for text in readable([texts[row] for row in rows])])
        return found

    def _batch(self, texts: Sequence[str]) -> Vectors:
        """Returns the vectors of a few texts; loads the network even for none."""
        from torch.nn import functional

        network, tokenizer, device = self._network
        if not texts:
            return np.zeros((0, self.stated.width), np.float32)
        positions = getattr(network.config, "max_position_embeddings", None) or self.reading.longest
        longest = min(self.reading.longest, tokenizer.model_max_length, positions)
        tokens = tokenizer(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        tokens = tokens.to(device)
        states = network(**tokens).last_hidden_state.float()
        pooled = _pooled(states, tokens["attention_mask"], self.reading.pooling)
        if pooled.shape[-1] != self.stated.width or not pooled.isfinite().all():
            what = f"{self.folder} returns no vectors of {self.stated.width} finite numbers"
            raise DataError(what, "check its files")
        vectors: Vectors = functional.normalize(pooled, dim=-1).cpu().numpy()
        return vectors

    @cached_property
    def _network(self) -> tuple[Any, Any, str]:
        import torch
        from transformers import AutoModel, AutoTokenizer

        from roco.baselines.captioner.pretrained import load_config, load_weights

        name = str(self.folder)
        config = load_config(name, self.folder)
        network, missing = load_weights(AutoModel, name, self.folder, config)
        # The pooler of a sentence encoder is not read: its weights are often missing.
        needed = [one for one in missing if not one.startswith("pooler.")]
        if needed:
            raise DataError(f"the weights of {name} are incomplete: {excerpt(needed[0])} is missing", _EXPECTED)
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, TypeError) as err:
            what = f"cannot read the tokenizer of {name}: {excerpt(str(err).partition(chr(10))[0])}"
            raise DataError(what, _EXPECTED) from err
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return network.eval().to(device), tokenizer, device


def _pooled(states: Any, mask: Any, pooling: str) -> Any:
    """Returns one vector for each text: of its tokens, without those that fill the batch."""
    if pooling == "cls":
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)
    if pooling == "max":
        return states.masked_fill(weights == 0, float("-inf")).amax(1)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _pooling(folder: Path) -> str:
    """Returns the pooling that modules.json names; raises DataError for modules that roco does not compute."""
    modules = _read(folder / MODULES, kind=list)
    pooling = "mean"
    for module in modules:
        entry = module if isinstance(module, dict) else {}
        kind = str(entry.get("type", "")).rpartition(".")[2]
        if kind not in ("Transformer", "Pooling", "Normalize"):
            raise DataError(
                f"unknown module '{excerpt(kind)}' ({folder / MODULES})", "roco reads transformers and pooling"
            )
        if kind == "Pooling":
            pooling = _stated_pooling(folder, str(entry.get("path", "")))
    return pooling


def _stated_pooling(folder: Path, path: str) -> str:
    file = folder / path / CONFIG
    if not file.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{folder / MODULES} lists a file outside the folder: {excerpt(path)}", "do not use this model")
    stated = _read(file)
    chosen = [name for name, value in stated.items() if name.startswith("pooling_mode_") and value is True]
    newer = stated.get("pooling_mode")
    if isinstance(newer, str):
        chosen = [f"pooling_mode_{newer}_tokens" if newer != "cls" else "pooling_mode_cls_token"]
    if len(chosen) != 1 or chosen[0] not in _POOLINGS:
        what = f"unknown pooling {excerpt(', '.join(chosen) or 'none')} ({file})"
        raise DataError(what, nearest(chosen[0] if chosen else "", _POOLINGS))
    return _POOLINGS[chosen[0]]


def _prompts(folder: Path) -> tuple[str, str]:
    """Returns what precedes a question and a document, as the folder states it; most encoders state nothing."""
    entry = _read(folder / _PROMPTS)
    prompts = entry.get("prompts")
    known = {name: text for name, text in prompts.items() if isinstance(text, str)} if isinstance(prompts, dict) else {}
    default = known.get(str(entry.get("default_prompt_name")), "")
    query = next((known[name] for name in _QUERY if name in known), default)
    return query, next((known[name] for name in _DOCUMENTS if name in known), default)


def _read(path: Path, kind: type = dict) -> Any:
    """Returns the JSON of a file, or an empty value if it is missing; raises DataError for another one."""
    if not path.exists():
        return kind()
    try:
        entry = parse_json(read_text(path))
    except (*UNREADABLE, ValueError) as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", _EXPECTED) from err
    if not isinstance(entry, kind):
        raise DataError(f"{path} is no {'list' if kind is list else 'object'}", _EXPECTED)
    return entry
