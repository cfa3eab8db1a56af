"""Predicts the captions of images by a trained captioner."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch

from roco.base.errors import DataError, UsageError
from roco.base.terminal import excerpt
from roco.baselines.captioner.generate import Writer
from roco.baselines.captioner.model import Captioner, generate_by, open_network
from roco.baselines.captioner.options import Generation
from roco.baselines.captioner.pixels import Preparation
from roco.baselines.captioner.tokens import Tokens
from roco.baselines.predictor import CAPTIONS, Predicted, PredictOptions
from roco.baselines.training.folder import AGAIN, FILE, Model
from roco.baselines.training.learner import Unreadable
from roco.baselines.training.options import checked
from roco.baselines.vision.images import ReleaseImages
from roco.release.load.dataset import Dataset

BATCH = 32
"""Images that are captioned at once, if no other number is given."""


class CaptionPredictor:
    """Generates captions with the settings of the model, or others."""

    tasks = (CAPTIONS,)
    vocabulary = None

    def __init__(self, model: Model, options: PredictOptions) -> None:
        generation = _generation(model, options)
        images = model.values.get("images")
        if not isinstance(images, dict):
            raise DataError(f"{model.path / FILE} does not describe the images", AGAIN)
        preparation = Preparation.of_json(images, model.path / FILE)
        tokens = Tokens.open(model.path, str(model.path))
        device = device_of(options.device)
        network = open_network(model.path)
        _check_length(network, generation)
        generate_by(network, generation)
        captioner = Captioner(network, tokens.start, tokens.pad, preparation).to(device).eval()
        self._writer = Writer(captioner, tokens, preparation, options.batch or BATCH, options.workers, device)
        self.settings: dict[str, Any] = {
            **dataclasses.asdict(generation),
            "generation_config": network.generation_config.to_diff_dict(),
            "batch": self._writer.batch,
            "device": str(device),
        }

    def predict(self, rows: Dataset) -> Iterator[Predicted | Unreadable]:
        """Yields the caption of each row, or Unreadable if its image cannot be read."""
        images = ReleaseImages(rows)
        for position, found in enumerate(self._writer.captions(images, range(len(images)))):
            if isinstance(found, Unreadable):
                yield found
            else:
                yield Predicted(images.id(position), caption=found.caption)


def predictor(model: Model, options: PredictOptions) -> CaptionPredictor:
    """Opens a captioner for predictions."""
    return CaptionPredictor(model, options)


def device_of(name: str) -> torch.device:
    """Returns a device by its name, by default a GPU if there is one; raises UsageError for one that is not there."""
    if not name:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as err:
        raise UsageError(f"no device '{excerpt(name)}'", "use --device cpu, or omit --device") from err
    return device


def _generation(model: Model, options: PredictOptions) -> Generation:
    """Returns the settings of the model, with those that were changed."""
    stored = model.values.get("generation")
    try:
        values = {field.name: stored[field.name] for field in dataclasses.fields(Generation)}  # type: ignore[index]
        values = {name: checked(Generation, name, value, str(model.path / FILE)) for name, value in values.items()}
    except (KeyError, TypeError) as err:
        raise DataError(f"{model.path / FILE} lacks generation settings", AGAIN) from err
    for name, value in options.changes.items():
        values[name] = checked(Generation, name, value, "--set")
    return Generation(**values)


def _check_length(network: Any, generation: Generation) -> None:
    """Raises UsageError if captions would exceed the context of the decoder."""
    context = getattr(network.config.decoder, "max_position_embeddings", None)
    if context is not None and generation.new_tokens > context:
        raise UsageError(f"new_tokens = {generation.new_tokens} exceeds the {context} of the decoder", "lower it")
