"""What the training loop trains: the captioner, scored by the captions that it generates."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from roco.base.files import full_disk
from roco.baselines.captioner.generate import Generated, Writer
from roco.baselines.captioner.model import Captioner, configure, present_labels
from roco.baselines.captioner.options import CaptionOptions
from roco.baselines.captioner.pixels import Preparation
from roco.baselines.captioner.pretrained import quiet
from roco.baselines.captioner.score import rouge1
from roco.baselines.captioner.tokens import IGNORED, Tokens
from roco.baselines.training.learner import Batch, Unreadable
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.images import Images

MODEL_FILE = "model.safetensors"
WHOLE = "1000GB"  # of a file of weights: they are never divided


class Validation(NamedTuple):
    """Images with their true captions, by which checkpoints are chosen; None is a row without an image."""

    images: Images
    positions: Sequence[int | None]
    captions: Sequence[str]


class CaptionLearner:
    """The captioner with its loss, per token, and its score: ROUGE-1 of the captions that it generates.

    A checkpoint is not chosen by its loss: the loss of a caption model rises while its captions still improve.
    """

    weights: Mapping[str, float] = {"caption": 1.0}
    best = "rouge1"

    def __init__(
        self,
        model: Captioner,
        tokens: Tokens,
        preparation: Preparation,
        options: CaptionOptions,
        validation: Validation | None,
        cache: Cache | None = None,
    ) -> None:
        configure(model.network, tokens, options)
        self.model, self.tokens, self.preparation = model, tokens, preparation
        self.options, self.validation, self.cache = options, validation, cache
        self.unreadable: set[str] = set()

    def counts(self, batch: Batch) -> Mapping[str, float]:
        """Returns the number of tokens, end tokens included."""
        return {"caption": float((present_labels(batch) != IGNORED).sum())}

    def score(self, model: Any, device: torch.device) -> Mapping[str, float]:
        """Returns ROUGE-1 and the share of captions that end by themselves; {} without validation images.

        A row without an image, or with an unreadable one, has an empty caption.
        """
        if self.validation is None or not self.validation.captions:
            return {}
        images, positions, truth = self.validation
        writer = Writer(
            model, self.tokens, self.preparation, self.options.batch, self.options.workers, device, self.cache
        )
        found = writer.captions(images, [position for position in positions if position is not None])
        written = [Generated("", False) if position is None else self._readable(next(found)) for position in positions]
        ended = [one.ended for one, position in zip(written, positions, strict=True) if position is not None]
        return {
            "rouge1": rouge1(truth, [one.caption for one in written]),
            "ended": float(np.mean(ended)) if ended else 0.0,
        }

    def _readable(self, found: Generated | Unreadable) -> Generated:
        """Returns the caption of a validation image, an empty one if it cannot be read; notes its id."""
        if not isinstance(found, Unreadable):
            return found
        self.unreadable.add(found.id)
        return Generated("", False)

    def save(self, model: Any, folder: Path) -> Mapping[str, Any]:
        """Writes weights, configurations and tokenizer, as save_pretrained of transformers does."""
        with quiet(), _full_disk(folder):
            model.network.save_pretrained(folder, max_shard_size=WHOLE)
            self.tokens.save(folder)
        return {
            "images": self.preparation.to_json(),
            "generation": dataclasses.asdict(self.options.generation),
            "max_tokens": self.options.max_tokens,
        }


@contextlib.contextmanager
def _full_disk(folder: Path) -> Iterator[None]:
    """Raises the error of a full disk as roco does: safetensors has a class of its own for it."""
    try:
        yield
    except Exception as err:
        number = re.search(r"os error (28|122)\b", str(err))
        if isinstance(err, OSError) or number is None:
            raise
        raise full_disk(OSError(int(number[1]), str(err)), folder) from err
