"""Networks of timm by name, and their weights: from scratch, from the hub, or from a local file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roco.base.errors import DataError, MissingExtra, UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.vision.network import Network, check_pooling
from roco.baselines.vision.options import PRETRAINED, SCRATCH, ConceptOptions
from roco.baselines.weights import read_weights

PREFIX = "backbone."
"""What the names of the weights of a backbone begin with in the model folder of `roco train concepts`."""


def check_backbone(name: str) -> None:
    """Raises UsageError, with the nearest name, for a network that timm does not have."""
    timm = _timm()
    if not timm.is_model(name):
        base, _, tag = name.partition(".")
        if timm.is_model(base):
            tags = [known for known in timm.list_models(base, pretrained=True) if "." in known]
            raise UsageError(f"unknown weights '{excerpt(tag)}' of {base}", nearest(name, tags))
        raise UsageError(f"unknown backbone '{excerpt(name)}'", nearest(name, timm.list_models()))
    base, _, tag = name.partition(".")
    if tag and name not in timm.list_models(f"{base}.*", pretrained=True):
        raise UsageError(
            f"unknown weights '{excerpt(tag)}' of {base}", nearest(name, timm.list_pretrained(f"{base}.*"))
        )


def network_of(options: ConceptOptions, sizes: Mapping[str, int], download: bool = False) -> Network:
    """Returns the network of options, initialised by their seed. sizes: outputs of each task.

    download: lets the hub of timm be asked for pretrained weights that are not on this machine. Raises UsageError for
    an unknown backbone, DataError for weights that cannot be had or that are of another network.
    """
    check_backbone(options.backbone)
    gem = options.pooling == "gem"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        backbone = _created(options, gem, download)
        features = _n_features(backbone, options, gem)
        mean, std = (tuple(backbone.pretrained_cfg[name]) for name in ("mean", "std"))
        network = Network(backbone, features, sizes, mean, std, gem, options.drop_rate)
    network.to(memory_format=torch.channels_last)
    return network


def _created(options: ConceptOptions, gem: bool, download: bool) -> nn.Module:
    """Returns the backbone without a classifier."""
    timm = _timm()
    settings: dict[str, Any] = {"num_classes": 0, "drop_rate": 0.0 if gem else options.drop_rate}
    config = timm.get_pretrained_cfg(options.backbone)
    if config is not None and config.fixed_input_size:
        settings["img_size"] = options.image_size
    if gem:
        settings["global_pool"] = ""
    if options.weights == SCRATCH:
        return _build(options.backbone, settings)
    if options.weights == PRETRAINED:
        return _from_file(options.backbone, settings, _hub_file(options.backbone, download))
    return _from_file(options.backbone, settings, Path(options.weights))


def _build(name: str, settings: Mapping[str, Any]) -> nn.Module:
    try:
        model: nn.Module = _timm().create_model(name, pretrained=False, **settings)
    except (TypeError, ValueError, AssertionError, RuntimeError) as err:
        raise UsageError(f"{name} cannot be built: {excerpt(str(err))}", "choose another backbone or pooling") from err
    return model


def _hub_file(name: str, download: bool) -> Path:
    """Returns the weights of a network as the hub of timm has them, in safetensors, on this machine.

    Raises UsageError if they are not on this machine and must not be downloaded, DataError if they cannot be.
    """
    others = "give them with --weights FILE.safetensors, or train from scratch: --set weights=scratch"
    if not _timm().is_model_pretrained(name):
        raise UsageError(f"timm has no weights of {name}", others)
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as err:
        raise MissingExtra("huggingface-hub", "train") from err
    repository = _timm().get_pretrained_cfg(name).hf_hub_id
    hub = logging.getLogger("huggingface_hub")
    level = hub.level
    try:
        hub.setLevel(logging.ERROR)  # it reports each of many attempts
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on tokens and symbolic links
            return Path(hf_hub_download(repository, "model.safetensors", local_files_only=not download))
    except Exception as err:  # of the hub, of its network and of its cache
        if not download:
            what = f"the weights of {name} are not on this machine"
            raise UsageError(what, f"download them with --download, {others}") from err
        raise DataError(f"the weights of {name} cannot be downloaded: {excerpt(str(err))}", others) from err
    finally:
        hub.setLevel(level)


def _from_file(name: str, settings: Mapping[str, Any], path: Path) -> nn.Module:
    """Returns a network with the weights of a safetensors file: of timm, or of a model of `roco train concepts`."""
    tensors = read_weights(path)
    own = {key.removeprefix(PREFIX): value for key, value in tensors.items() if key.startswith(PREFIX)}
    model = _build(name, settings)
    state = own or _without_classifier(model, tensors)
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as err:
        raise _of_another(path, name) from err
    if missing or (unexpected and own):
        raise _of_another(path, name)
    return model


def _without_classifier(model: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Returns the weights of a backbone as timm's own filter adapts them, such as positions of another image size."""
    import importlib

    module = importlib.import_module(type(model).__module__)
    adapt = getattr(module, "checkpoint_filter_fn", None)
    if adapt is not None:
        tensors = adapt(tensors, model)
    classifiers = model.pretrained_cfg.get("classifier", ())
    names = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)
    return {
        key: value for key, value in tensors.items() if not any(key.startswith(f"{name}.") for name in names)
    }  # fmt: skip


def _of_another(path: Path, name: str) -> DataError:
    return DataError(f"the weights of {path} are not those of {name}", "name their network: --set backbone=NAME")


def _n_features(backbone: nn.Module, options: ConceptOptions, gem: bool) -> int:
    """Returns the features of an image, by trying it out: timm's networks state them in several ways."""
    backbone.eval()
    with torch.no_grad():
        outputs = backbone(torch.zeros(1, 3, options.image_size, options.image_size))
    backbone.train()
    if gem:
        check_pooling(options.backbone, outputs, (backbone.num_features, getattr(backbone, "head_hidden_size", 0)))
    return int(outputs.shape[1])


def _timm() -> Any:
    try:
        import timm
    except ImportError as err:
        raise MissingExtra("timm", "train") from err
    return timm
