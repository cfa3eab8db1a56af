"""Networks of open_clip: by name, from a file of their configuration, or from the folder of a trained one."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, MissingExtra, UsageError, nearest
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.baselines.encoders import Encoder, grey_levels, side
from roco.baselines.weights import fill, read_weights

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
"""The names under which open_clip itself reads a folder: `local-dir:FOLDER`."""
_SHIPPED = Path(__file__).parent / "architectures"
_PARTS = ("embed_dim", "vision_cfg", "text_cfg")

_OLD_BUFFERS = ("text.transformer.embeddings.position_ids",)
"""Of text networks that an older transformers saved; the numbers are those of the positions."""

_LENGTHS = range(1, 65_537)
"""Tokens of a text: for more, tokenizers would end the process."""

_TOKENIZER_OPTIONS = {"clean", "strip_sep_token", "language", "additional_special_tokens", "reduction_mask"}
"""Others could name files, or let transformers run the code of a folder."""


@dataclass(frozen=True)
class Config:
    """The configuration of a network. model: as in open_clip's model_configs; images: how images are prepared."""

    name: str
    model: Mapping[str, Any]
    images: Mapping[str, Any]

    @property
    def remote(self) -> tuple[str, ...]:
        """Returns the parts that come from a model hub: a text network or a tokenizer of transformers, by name.

        An image network of timm is one where its name has a scheme, such as hf-hub:owner/model.
        """
        names = [self.model["text_cfg"].get(key) for key in ("hf_model_name", "hf_tokenizer_name")]
        found = [str(name) for name in names if name and not Path(str(name)).is_dir()]
        image = str(self.model["vision_cfg"].get("timm_model_name") or "")
        return tuple(dict.fromkeys([*found, image] if ":" in image else found))


def library() -> Any:
    """Imports open_clip; raises MissingExtra."""
    try:
        import open_clip
    except ImportError as err:
        raise MissingExtra("open_clip", "train") from err
    return open_clip


def shipped() -> tuple[str, ...]:
    """Returns the names of the architectures that roco adds to those of open_clip."""
    return tuple(path.stem for path in sorted(_SHIPPED.glob("*.json")))


def read_config(name: str) -> Config:
    """Returns the configuration of an architecture of open_clip, by its name or from a JSON file.

    A file has the form of open_clip's model_configs, or of the open_clip_config.json of a trained model. Raises
    UsageError for an unknown name, and for networks with a decoder of captions, which have another loss.
    """
    open_clip = library()
    path = _SHIPPED / f"{name}.json" if name in shipped() else Path(name)
    images: Mapping[str, Any] = {}
    if path.suffix == ".json":
        model = _read(path)
        if "model_cfg" in model:
            images, model = model.get("preprocess_cfg") or {}, model["model_cfg"]
    else:
        model = open_clip.get_model_config(name)
        if model is None:
            raise UsageError(
                f"unknown architecture of open_clip: {excerpt(name)}", nearest(name, open_clip.list_models())
            )
    if not isinstance(model, dict) or not all(part in model for part in _PARTS):
        raise DataError(f"{name} is no configuration of open_clip", f"it needs {', '.join(_PARTS)}")
    if not all(isinstance(model[part], dict) for part in ("vision_cfg", "text_cfg")) or not isinstance(images, dict):
        raise DataError(f"{name} is no configuration of open_clip", "vision_cfg, text_cfg, preprocess_cfg are objects")
    if "multimodal_cfg" in model:
        raise UsageError(f"{name} has a decoder of captions", "choose a network of two encoders, such as ViT-B-32")
    return Config(path.stem if path.suffix == ".json" else name, model, images)


def create(
    config: Config, weights: Path | None = None, *, download: bool = False, towers: bool = False, seed: int = 0
) -> Any:
    """Returns a network with random weights of a seed, or those of a safetensors file.

    download: lets it read a model hub. towers: starts a text network of transformers, and with download an image
    network of timm, from their own weights. Raises UsageError for parts that are not on this machine, DataError for a
    configuration that open_clip cannot build.
    """
    import torch

    if config.remote and not download:
        what = f"{config.name} reads {', '.join(config.remote)} from a model hub"
        hint = "add --download, or name a folder with these files in a JSON file of the configuration"
        raise UsageError(what, hint)
    tensors = None if weights is None else read_weights(weights)
    open_clip = library()
    own = towers and weights is None
    if own and not download:
        _refuse_pickles(config)
    with tempfile.TemporaryDirectory() as folder, _quiet(config), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        write_config(Path(folder), config)
        try:
            network = open_clip.create_model(
                f"local-dir:{folder}", load_weights=False, pretrained_image=own and download, pretrained_text=own
            )
        except (TypeError, ValueError, RuntimeError, AssertionError, KeyError, AttributeError, OSError) as err:
            raise DataError(f"{config.name} cannot be built: {excerpt(err)}", "correct its configuration") from err
    if weights is not None and tensors is not None:
        fill(network, tensors, weights, _OLD_BUFFERS)
    return network


def saved_config(folder: Path) -> Config:
    """Returns the configuration of the folder of a trained model, which contains all that its network needs."""
    config = read_config(str(folder / CONFIG))
    text = dict(config.model["text_cfg"])
    for key in ("hf_model_name", "hf_tokenizer_name"):
        if text.get(key):
            text[key] = str(folder)
    return Config(config.name, {**config.model, "text_cfg": text}, config.images)


def write_config(folder: Path, config: Config) -> None:
    """Writes the configuration into a folder, as open_clip reads it."""
    entry = {"model_cfg": dict(config.model), "preprocess_cfg": dict(config.images)}
    (folder / CONFIG).write_text(json.dumps(entry, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def tokenizer_of(config: Config) -> Any:
    """Returns the tokenizer of an architecture: texts -> numbers, n x length.

    Raises DataError for options of the tokenizer that roco does not hand on, and for a tokenizer that is invalid.
    """
    open_clip = library()
    text = config.model["text_cfg"]
    settings = dict(text.get("tokenizer_kwargs") or {})
    for option in sorted(settings.keys() - _TOKENIZER_OPTIONS):
        raise DataError(f"{config.name}: tokenizer_kwargs has '{excerpt(option)}'", nearest(option, _TOKENIZER_OPTIONS))
    length = text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
    if not isinstance(length, int) or length not in _LENGTHS:
        what = f"{config.name}: context_length is {excerpt(length)}"
        raise DataError(what, f"write a number from {_LENGTHS.start} to {_LENGTHS.stop - 1}")
    name = text.get("hf_tokenizer_name")
    if not name:
        return open_clip.SimpleTokenizer(context_length=length, **settings)
    mode = text.get("tokenizer_mode")
    try:
        return open_clip.tokenizer.HFTokenizer(name, context_length=length, tokenizer_mode=mode, **settings)
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError, OSError) as err:
        raise DataError(f"the tokenizer of {config.name} cannot be read: {excerpt(err)}", "correct its files") from err


def image_encoder(network: Any, name: str, license: str = "", source: str = "") -> Encoder:
    """Returns the image encoder of a network: its vectors are those that captions are compared with, of length 1."""
    import torch

    class Images(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.network.encode_image(images, normalize=True)

    prepared = network.visual.preprocess_cfg
    mean, std = grey_levels(prepared["mean"]), grey_levels(prepared["std"])
    return Encoder(Images().eval(), name, side(prepared["size"], name), mean, std, license, source)


@contextmanager
def _quiet(config: Config) -> Iterator[None]:
    """Hides what open_clip logs about weights that it does not load, and the progress of transformers."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        if config.model["text_cfg"].get("hf_model_name"):
            from transformers.utils.logging import disable_progress_bar

            disable_progress_bar()
        yield
    finally:
        logging.disable(disabled)


def _refuse_pickles(config: Config) -> None:
    name = config.model["text_cfg"].get("hf_model_name")
    if name and not any(Path(name).glob("*.safetensors")):
        raise DataError(f"no weights in safetensors in {name}", "convert them; files of pickles are not read")


def _read(path: Path) -> dict[str, Any]:
    try:
        entry = parse_json(read_text(path))
    except (*UNREADABLE, ValueError) as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "give the configuration of a model in JSON") from err
    if not isinstance(entry, dict):
        raise DataError(f"{path} is not an object", "give the configuration of a model in JSON")
    return entry
