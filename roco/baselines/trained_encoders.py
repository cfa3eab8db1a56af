"""The image encoders of trained models, by the kind of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roco.base.errors import UsageError
from roco.baselines.encoders import Encoder, grey_levels
from roco.baselines.training.folder import FILE, Model, open_model


def of_folder(folder: Path) -> Encoder:
    """Returns the image encoder of the folder of a trained model.

    Of `concepts` it gives the pooled features before the heads, of `captions` the mean of the states that the decoder
    reads, of `clip` the vector of length 1 that captions are compared with. Raises UsageError for a model without an
    encoder of its own, and DataError for a folder that is damaged or no model.
    """
    model = open_model(folder)
    if model.kind == "clip":
        return _of_clip(model)
    if model.kind == "concepts":
        return _of_concepts(model)
    if model.kind == "captions":
        return _of_captions(model)
    raise UsageError(f"{folder} is a model of `roco train {model.kind}`", "export the backbone that it was made with")


def _of_clip(model: Model) -> Encoder:
    from roco.baselines.contrastive.architecture import WEIGHTS, create, image_encoder, saved_config

    network = create(saved_config(model.path), model.path / WEIGHTS)
    return image_encoder(network, str(model.values.get("name", "clip")), *_origin(model))


def _of_concepts(model: Model) -> Encoder:
    from roco.baselines.vision.trained import Pooled, open_network

    opened = open_network(model)
    network = opened.network
    mean, std = (tuple(float(value) for value in values.flatten()) for values in (network.mean, 1 / network.scale))
    return Encoder(Pooled(network), opened.backbone, opened.preparation.image_size, mean, std, *_origin(model))


def _of_captions(model: Model) -> Encoder:
    from roco.baselines.captioner.encoder import Mean
    from roco.baselines.captioner.model import open_network
    from roco.baselines.captioner.pixels import Preparation

    network = open_network(model.path)
    prepared = Preparation.of_json(model.values.get("images") or {}, model.path / FILE)
    name = f"{network.encoder.config.model_type} of {model.path.resolve().name}"
    mean, std = grey_levels(prepared.mean), grey_levels(prepared.std)
    return Encoder(Mean(network.encoder).eval(), name, prepared.size, mean, std, *_origin(model))


def _origin(model: Model) -> tuple[str, str]:
    """Returns licence and source of the weights, if the manifest of the model states them."""
    manifest: dict[str, Any] = model.manifest
    data = manifest.get("data") or {}
    source = f"roco train {model.kind}, data SHA-256 {data.get('sha256', 'unknown')}"
    return str(manifest.get("license") or ""), source
