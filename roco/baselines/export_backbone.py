"""Exports the image encoder of a trained model, or a named one, as a backbone: an ONNX file with a card."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest, full_disk, sync, write_json
from roco.base.version import __version__
from roco.baselines.encoders import Encoder
from roco.baselines.named_encoders import named
from roco.baselines.packages import require
from roco.models.images.backbone import MOST_BYTES, SIZES, Backbone, card_path

OPSET = 17
BATCHES = (1, 2, 5)
"""Numbers of images for which the file is compared with the network."""
TOLERANCE = 1e-3
"""Greatest difference between the file and the network, as a share of the largest number of the embeddings, or of 1."""

# What the exporter of torch that needs no further package warns of, and reads of shapes, which do not change here.
_HARMLESS = ("You are using the legacy TorchScript-based ONNX export", "The feature will be removed")


def export_backbone(
    model: str | Path,
    out: str | Path,
    *,
    weights: Path | None = None,
    download: bool = False,
    license: str = "",
    source: str = "",
) -> Backbone:
    """Writes OUT.onnx and its card OUT.json, and returns the backbone, which was compared with the network.

    model: the folder of a model of `roco train concepts`, `captions` or `clip`, or the name of a network of timm or
    open_clip. weights, download: as in `named_encoders.named`. license, source: of the weights, for the card; by
    default what is known of them. Raises UsageError, before it writes, if the licence is unknown or a file exists.
    """
    model, out = str(model), Path(out)
    if out.suffix != ".onnx":
        raise UsageError(f"{out} does not end in .onnx", f"write {out.with_suffix('.onnx')}")
    for path in (out, card_path(out)):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} already exists", "choose another file")
    require("torch", "timm", "open_clip", "onnx")
    encoder = _encoder(model, weights, download)
    license, source = license or encoder.license, source or encoder.source
    if not license:
        raise UsageError(f"the licence of the weights of {model} is unknown", "add --license, such as Apache-2.0")
    if encoder.size not in SIZES:
        what = f"{encoder.name} reads images of {encoder.size} px"
        raise UsageError(what, f"a backbone reads {SIZES.start} to {SIZES.stop - 1} px")
    expected = {n: _embed(encoder, _images(encoder, n)) for n in BATCHES}
    card = {
        "name": encoder.name, "size": encoder.size, "mean": list(encoder.mean), "std": list(encoder.std),
        "resize": "squash", "width": expected[1].shape[1], "license": license, "source": source,
        "made_by": f"roco export-backbone {__version__}",
    }  # fmt: skip
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            file = Path(folder) / out.name
            _write(encoder, file)
            _compare(encoder, file, expected)
            write_json(card_path(file), card | {"sha256": file_digest(file)})
            Backbone.load(file)
            file.rename(out)
            card_path(file).rename(card_path(out))
        sync(out.parent)
    except OSError as err:
        raise full_disk(err, out) from err
    return Backbone.load(out)


def _encoder(model: str, weights: Path | None, download: bool) -> Encoder:
    """Returns the encoder of a model folder, or a named one."""
    from roco.baselines.trained_encoders import of_folder

    folder = Path(model)
    if not folder.is_dir():
        return named(model, weights, download)
    if weights is not None or download:
        option = "--download" if download else "--weights"
        raise UsageError(f"{option} with the folder of a model, which has weights", "leave it out")
    return of_folder(folder)


def _images(encoder: Encoder, n: int) -> NDArray[np.float32]:
    """Returns n images of noise, as the network reads them."""
    levels = np.random.default_rng(n).integers(0, 256, (n, 3, encoder.size, encoder.size)).astype(np.float32)
    mean, std = (np.array(value, np.float32).reshape(3, 1, 1) for value in (encoder.mean, encoder.std))
    return (levels - mean) / std


def _embed(encoder: Encoder, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the embeddings of the network; raises DataError if it returns something else."""
    import torch

    with torch.no_grad():
        out = encoder.network(torch.from_numpy(images))
    if not isinstance(out, torch.Tensor) or out.ndim != 2 or len(out) != len(images):
        shape = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise DataError(f"{encoder.name} returns {shape}, not one row per image", "choose a network of pooled features")
    embeddings: NDArray[np.float32] = out.numpy()
    if not np.isfinite(embeddings).all():
        raise DataError(f"{encoder.name} returns numbers that are not finite", "give other weights")
    return embeddings


def _write(encoder: Encoder, file: Path) -> None:
    import torch

    n_bytes = sum(value.numel() * value.element_size() for value in encoder.network.state_dict().values())
    if n_bytes >= MOST_BYTES:
        what = f"{encoder.name} has {n_bytes / (1 << 30):.1f} GiB of weights"
        raise UsageError(what, f"an ONNX file holds at most {MOST_BYTES >> 30} GiB: choose a smaller network")
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # a fused operator that ONNX does not have
    try:
        with warnings.catch_warnings():
            for message in _HARMLESS:
                warnings.filterwarnings("ignore", message, DeprecationWarning)
            warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
            torch.onnx.export(
                encoder.network,
                (torch.from_numpy(_images(encoder, 2)),),
                str(file),
                input_names=["images"],
                output_names=["embedding"],
                dynamic_axes={"images": {0: "n"}, "embedding": {0: "n"}},
                opset_version=OPSET,
                dynamo=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as err:
        reason = str(err).partition("\n")[0]
        raise DataError(f"{encoder.name} cannot be exported: {reason}", "choose another network") from err
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)


def _compare(encoder: Encoder, file: Path, expected: dict[int, NDArray[np.float32]]) -> None:
    """Raises DataError if the file computes other embeddings than the network, for any number of images."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session: Any = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    for n, embeddings in expected.items():
        (computed, *_) = session.run(None, {"images": _images(encoder, n)})
        if not _are_equal(computed, embeddings):
            what = f"the ONNX file of {encoder.name} computes other embeddings than the network for {n} images"
            raise DataError(what, "nothing was written; choose another network")


def _are_equal(computed: Any, expected: NDArray[np.float32]) -> bool:
    if computed.shape != expected.shape:
        return False
    largest: float = max(1.0, float(np.abs(expected).max()))
    return bool(np.abs(computed - expected).max() <= TOLERANCE * largest)


__all__: Sequence[str] = ("BATCHES", "OPSET", "TOLERANCE", "export_backbone")
