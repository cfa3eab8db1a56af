"""Image encoders of timm and open_clip by name, with local weights."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.contrastive.architecture import create, image_encoder, read_config
from roco.baselines.encoders import Encoder, grey_levels, side
from roco.baselines.packages import require
from roco.baselines.weights import fill, origin_of, read_weights

_FROM = "give its weights with --weights FILE.safetensors, or let timm download them with --download"


def named(name: str, weights: Path | None = None, download: bool = False) -> Encoder:
    """Returns an encoder of timm or open_clip: its pooled features, of open_clip the normalised image vector.

    weights: a safetensors file for the whole network; that of timm may have a classifier or none. download: lets timm
    fetch its pretrained weights; one of the two is required, because random features are of no use.
    """
    require("timm", "open_clip")
    import open_clip
    import timm

    if timm.is_model(name):
        return _of_timm(name, weights, download)
    if name in open_clip.list_models():
        return _of_open_clip(name, weights, download)
    known = [*timm.list_models(), *open_clip.list_models()]
    raise UsageError(f"no model folder and no network of timm or open_clip: {excerpt(name)}", nearest(name, known))


def _of_timm(name: str, weights: Path | None, download: bool) -> Encoder:
    import timm

    if weights is None and not download:
        raise UsageError(f"{name} has no weights", _FROM)
    tensors = None if weights is None else read_weights(weights)
    network = timm.create_model(name, pretrained=weights is None, num_classes=0).eval()
    config = timm.data.resolve_model_data_config(network)
    if weights is not None and tensors is not None:
        classifier = network.pretrained_cfg.get("classifier") or ()
        fill(network, tensors, weights, (classifier,) if isinstance(classifier, str) else tuple(classifier))
        license, source = origin_of(weights)
    else:
        license = str(network.pretrained_cfg.get("license") or "")
        source = f"timm {network.pretrained_cfg.get('hf_hub_id') or network.pretrained_cfg.get('url') or name}"
    mean, std = grey_levels(config["mean"]), grey_levels(config["std"])
    return Encoder(network, name, side(config["input_size"][1:], name), mean, std, license, source)


def _of_open_clip(name: str, weights: Path | None, download: bool) -> Encoder:
    if weights is None:
        what = f"--download of {name}, which is no network of timm" if download else f"{name} has no weights"
        raise UsageError(what, "give its weights with --weights FILE.safetensors")
    return image_encoder(create(read_config(name), weights), name, *origin_of(weights))
