"""Captions as tokens: the tokenizer of a decoder, or a byte-level BPE of the training captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt

IGNORED = -100
"""The label of a position that counts in no loss."""

FILE = "tokenizer.json"
VOCABULARIES = (FILE, "vocab.json", "vocab.txt", "*.model")
"""Files that contain the tokens of a tokenizer, one of which each has."""

_PAD, _START, _END = "<pad>", "<s>", "</s>"


class Encoded(NamedTuple):
    """Captions as tokens, each with its end token, and how many were truncated.

    A truncated caption has no end token: it does not end there, and the model must not learn to end it.
    """

    tokens: list[NDArray[np.int32]]
    truncated: int


@dataclass(frozen=True)
class Tokens:
    """A tokenizer of transformers with the ids of its special tokens.

    GPT-2 has neither a start nor a padding token: its end token is used for all three. So padding is recognised by its
    position, never by its id: masking the id would take the end token out of the loss, and no caption would ever end.
    """

    tokenizer: Any
    start: int
    end: int
    pad: int
    size: int

    @classmethod
    def of(cls, tokenizer: Any, name: str) -> Tokens:
        """Returns the tokens of a tokenizer; raises UsageError if it has no token that ends a text."""
        end = _first(tokenizer.eos_token_id, tokenizer.sep_token_id)
        if end is None:
            raise UsageError(f"the tokenizer of {excerpt(name)} has no end token", "choose another decoder")
        start = _first(tokenizer.bos_token_id, tokenizer.cls_token_id, end)
        pad = _first(tokenizer.pad_token_id, end)
        assert start is not None and pad is not None
        return cls(tokenizer, start, end, pad, len(tokenizer))

    @classmethod
    def open(cls, folder: Path, name: str) -> Tokens:
        """Opens the tokenizer of a decoder; raises DataError if there is none."""
        from roco.baselines.captioner.pretrained import quiet

        # Without any of these files, transformers makes a tokenizer without tokens, in which every caption is empty.
        if not any(next(folder.glob(pattern), None) for pattern in VOCABULARIES):
            raise DataError(f"{excerpt(name)} has no tokenizer", f"give a folder with {FILE}")
        try:
            from transformers import AutoTokenizer

            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, TypeError, ImportError) as err:
            what = f"cannot load the tokenizer of {excerpt(name)}: {excerpt(str(err).partition(chr(10))[0])}"
            raise DataError(what, "give a folder with tokenizer.json, or choose another decoder") from err
        return cls.of(tokenizer, name)

    @classmethod
    def learn(cls, captions: Sequence[str], size: int) -> Tokens:
        """Learns a byte-level BPE of at most `size` tokens; the same captions give the same tokens."""
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
        from transformers import PreTrainedTokenizerFast

        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=[_PAD, _START, _END], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )  # fmt: skip
        bpe.train_from_iterator([caption.strip() for caption in captions], trainer)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=bpe, pad_token=_PAD, bos_token=_START, eos_token=_END, clean_up_tokenization_spaces=False
        )
        return cls.of(tokenizer, "scratch")

    def encode(self, captions: Sequence[str], most: int) -> Encoded:
        """Returns captions, stripped, as tokens with an end token; of longer ones the first `most` tokens."""
        from roco.baselines.captioner.pretrained import quiet

        found, truncated = [], 0
        with quiet():  # a caption longer than the context is no reason for a warning: it is truncated
            lists = self.tokenizer([caption.strip() for caption in captions], add_special_tokens=False)["input_ids"]
        for ids in lists:
            truncated += len(ids) + 1 > most
            found.append(np.array([*ids, self.end][:most], np.int32))
        return Encoded(found, truncated)

    def decode(self, ids: Sequence[int]) -> tuple[str, bool]:
        """Returns generated tokens, after the start token, as a caption, and whether it was ended by its end token."""
        ended = self.end in ids
        kept = ids[: ids.index(self.end)] if ended else ids
        text = self.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        # A submission has one line per caption.
        return " ".join(text.split()), ended

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json and its configuration into a folder."""
        self.tokenizer.save_pretrained(folder)


def labels_of(tokens: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns token lists of different lengths as labels and their attention mask, both (captions, longest).

    Labels are ignored where the mask is 0, whatever the id of the padding token is.
    """
    longest = max(len(ids) for ids in tokens)
    ids = np.zeros((len(tokens), longest), np.int64)
    mask = np.zeros((len(tokens), longest), np.int64)
    for row, one in enumerate(tokens):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return np.where(mask == 0, IGNORED, ids), mask


def _first(*ids: int | None) -> int | None:
    return next((id for id in ids if id is not None), None)
