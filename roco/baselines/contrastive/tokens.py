"""Captions as tokens, once for the whole training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_TOGETHER = 1000  # captions


class Tokens(NamedTuple):
    """The tokens of captions, captions x length; truncated: captions of which some tokens did not fit."""

    ids: NDArray[np.int32]
    truncated: int


def encode(tokenizer: Any, captions: Sequence[str]) -> Tokens:
    """Returns the tokens of captions as the text network reads them. tokenizer: of open_clip."""
    parts, truncated = [], 0
    for at in range(0, len(captions), _TOGETHER):
        some = list(captions[at : at + _TOGETHER])
        ids = tokenizer(some).numpy()
        full = [caption for caption, of_caption in zip(some, ids, strict=True) if of_caption[-1] != _pad(tokenizer)]
        if full:
            longer = tokenizer(full, ids.shape[1] + 1).numpy()
            truncated += int((longer[:, -1] != _pad(tokenizer)).sum())
        parts.append(ids.astype(np.int32))
    return Tokens(np.concatenate(parts), truncated)


def _pad(tokenizer: Any) -> int:
    """Returns the number that follows the last token of a short caption."""
    return int(getattr(getattr(tokenizer, "tokenizer", None), "pad_token_id", None) or 0)
