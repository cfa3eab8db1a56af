"""Encoders of open_clip, of images and texts: a folder, or a name with a file of weights; and of timm by name.

A folder has open_clip_config.json and weights in safetensors, as `roco train clip` and snapshots of model hubs have. A
text network of transformers also needs its config.json and the files of its tokenizer there. Nothing is downloaded, no
pickle is read, and no code of a model is run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import digest, file_digest
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.contrastive.architecture import CONFIG, Config, create, read_config, saved_config, tokenizer_of
from roco.baselines.packages import require
from roco.baselines.retrieve.encoders.encoder import Files, Stated, name_of
from roco.baselines.retrieve.encoders.networks import NetworkEncoder, Opened
from roco.baselines.retrieve.encoders.preparation import Preparation
from roco.baselines.retrieve.encoders.weights import check_weights, weights_of
from roco.baselines.training.folder import FILE, open_model

_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors")
_TEXT_CONFIG = "config.json"
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)
_DECISIVE = (CONFIG, _TEXT_CONFIG, *_TOKENIZERS, "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
             "added_tokens.json")  # fmt: skip
_WITH_CODE = (_TEXT_CONFIG, "tokenizer_config.json")


def of_folder(folder: Path) -> NetworkEncoder:
    """Returns the encoder of a folder of open_clip.

    Raises DataError for a folder that is incomplete or has its weights as a pickle only, UsageError for the folder of
    another model of roco.
    """
    if (folder / FILE).is_file():
        kind = open_model(folder).kind
        if kind != "clip":
            what = f"{folder} is a model of `roco train {kind}`, which has no text tower"
            raise UsageError(what, f"export its image encoder: roco export-backbone {folder} encoder.onnx")
    require("torch", "open_clip")
    weights = weights_of(folder, _WEIGHTS)
    config = saved_config(folder)
    if config.remote:
        what = f"{folder / CONFIG} reads {excerpt(', '.join(config.remote))} from a model hub"
        raise DataError(what, "roco downloads no parts of an encoder; name a network of timm without a scheme")
    _check_text(folder, config)
    return _encoder(config, weights, name_of(folder), folder, None, Files.of(folder, _DECISIVE).digest)


def named(name: str, weights: Path) -> NetworkEncoder:
    """Returns a network of open_clip or timm by name, with the weights of a safetensors file.

    Raises UsageError for an unknown name, and for networks with parts of a model hub.
    """
    require("torch", "open_clip", "timm")
    import open_clip
    import timm

    check_weights(weights)
    if timm.is_model(name):
        return _of_timm(name, weights)
    if name not in open_clip.list_models():
        known = [*open_clip.list_models(), *timm.list_models()]
        raise UsageError(f"no network of open_clip or timm: {excerpt(name)}", nearest(name, known))
    config = read_config(name)
    if config.remote:
        what = f"{name} reads {', '.join(config.remote)} from a model hub"
        raise UsageError(what, f"give a folder with {CONFIG}, the weights and these files")
    return _encoder(config, weights, name, weights, name, digest(dict(config.model)))


def _encoder(
    config: Config, weights: Path, name: str, path: Path, architecture: str | None, configuration: str
) -> NetworkEncoder:
    where = str(path)
    preparation = Preparation.of_open_clip(config.model["vision_cfg"], config.images, where)
    width = config.model["embed_dim"]
    if not isinstance(width, int) or not 1 <= width <= 1 << 16:
        raise DataError(f"embed_dim is {excerpt(width)} ({where})", "correct it in its configuration")
    values = preparation.to_json()
    stated = Stated("open_clip", name, path, width, True, file_digest(weights), values, architecture, configuration)
    return NetworkEncoder(stated, preparation, _open_clip(config, weights))


def _open_clip(config: Config, weights: Path) -> Callable[[], Opened]:
    def opened() -> Opened:
        network = create(config, weights).eval()
        return Opened(
            network,
            images=lambda batch: network.encode_image(batch, normalize=True),
            tokens=tokenizer_of(config),
            words=lambda tokens: network.encode_text(tokens, normalize=True),
        )

    return opened


def _of_timm(name: str, weights: Path) -> NetworkEncoder:
    import torch

    from roco.baselines.named_encoders import named as of_timm

    encoder = of_timm(name, weights)
    network = encoder.network.eval()
    with torch.inference_mode():
        width = int(network(torch.zeros(1, 3, encoder.size, encoder.size)).shape[-1])
    preparation = Preparation(encoder.size, encoder.mean, encoder.std)
    stated = Stated("timm", name, weights, width, False, file_digest(weights), preparation.to_json(), name)
    return NetworkEncoder(stated, preparation, lambda: Opened(network, network))


def _check_text(folder: Path, config: Config) -> None:
    """Raises DataError if the text network of transformers lacks a file, or a file asks to run code."""
    text = config.model["text_cfg"]
    of_hub = _stated_names(folder)
    if text.get("hf_model_name") and not (folder / _TEXT_CONFIG).is_file():
        what = f"missing {_TEXT_CONFIG} of the text network: {folder / _TEXT_CONFIG}"
        raise DataError(what, f"copy it from {of_hub.get('hf_model_name', 'the text network')}")
    if text.get("hf_tokenizer_name") and not any((folder / name).is_file() for name in _TOKENIZERS):
        what = f"missing files of the tokenizer ({folder})"
        raise DataError(what, f"copy tokenizer.json from {of_hub.get('hf_tokenizer_name', 'the text network')}")
    for name in _WITH_CODE:
        if (folder / name).is_file() and "auto_map" in _object(folder / name):
            raise DataError(
                f"{folder / name} asks to run code (auto_map)", "roco runs no code of models; remove auto_map"
            )


def _stated_names(folder: Path) -> dict[str, str]:
    """Returns the names that a configuration has for its text network, before they are replaced by the folder."""
    text = (_object(folder / CONFIG).get("model_cfg") or {}).get("text_cfg") or {}
    return {name: excerpt(text[name]) for name in ("hf_model_name", "hf_tokenizer_name") if text.get(name)}


def _object(path: Path) -> dict[str, Any]:
    try:
        entry = parse_json(read_text(path))
    except (*UNREADABLE, ValueError) as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "copy the file again") from err
    return entry if isinstance(entry, dict) else {}
