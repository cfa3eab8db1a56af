"""A backbone: a network that turns an image into numbers; an ONNX file with a card beside it.

The card is a JSON file of the same name: `name`, `size` (pixels a side), `mean` and `std` of the three channels (in
grey levels, 0 to 255), `width` (numbers of an embedding), `sha256` of the ONNX file, `license`, `source`. `sections`,
which may be missing, divides the embedding: numbers of the last layer, of earlier stages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roco.base.errors import DataError
from roco.base.files import file_digest
from roco.base.json_text import parse_json

SHIPPED = Path(__file__).parents[1] / "weights" / "lite0.onnx"

MOST_BYTES = 2 << 30
"""A larger ONNX file is refused, and so is one that refers to further files."""
MOST_CARD_BYTES = 1 << 20
SIZES = range(32, 1025)

SMALL_ENOUGH = 300
"""Backbones of up to this size read the image reduced to 400 px, as in the stage `embed`."""

_EXPORT = "export it with one input of n x 3 x size x size in 32 bits, where n is not fixed"

# The first provider that is installed is used. Those that are not listed need settings that roco does not know.
# On a GPU, numbers keep all bits of float32, and each run uses the same algorithm: by default ONNX Runtime rounds to
# TF32, and takes whichever algorithm is fastest at that moment. Embeddings of a GPU then differ from those of a CPU and
# of other GPUs, in their last bits only.
_PROVIDERS: dict[str, dict[str, str]] = {
    "CUDAExecutionProvider": {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"},
    "OpenVINOExecutionProvider": {},
    "CPUExecutionProvider": {},
}


@dataclass(frozen=True)
class Backbone:
    """A network and how images are prepared for it."""

    path: Path
    name: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    width: int
    sha256: str
    sections: tuple[int, ...] = ()

    @classmethod
    def load(cls, path: Path | None = None) -> Backbone:
        """Reads the card and checks the file; None is the backbone that roco ships. Raises DataError.

        The network itself is read when the first image is embedded.
        """
        path = path or SHIPPED
        card = _card(path)
        digest = file_digest(path)
        if card["sha256"] != digest:
            hint = f"restore the file that belongs to the card, or correct `sha256` in {card_path(path).name}"
            raise DataError(f"{path} is not the file that its card describes (SHA-256)", hint)
        mean, std = tuple(card["mean"]), tuple(card["std"])
        sections = tuple(card.get("sections", ()))
        return cls(path, card["name"], card["size"], mean, std, card["width"], digest, sections)

    @property
    def reads_small(self) -> bool:
        """Returns whether the network reads the image reduced to 400 px."""
        return self.size <= SMALL_ENOUGH

    @property
    def preparation(self) -> dict[str, Any]:
        """Returns what determines an embedding besides the image, as plain values."""
        return {"sha256": self.sha256, "size": self.size, "mean": list(self.mean), "std": list(self.std)}

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """Returns one embedding for each image; images are grey (height x width) or RGB (height x width x 3)."""
        if not images:
            return np.zeros((0, self.width), np.float16)
        batch = np.stack([self.tensor(image) for image in images])
        session = self._session
        try:
            out = session.run(None, {session.get_inputs()[0].name: batch})[0]
        except Exception as err:  # as in `_session`
            raise DataError(f"{self.path} fails on images in batches of {len(batch)}", _EXPORT) from err
        if out.ndim != 2 or out.shape != (len(images), self.width):
            hint = f"correct `width` in {card_path(self.path).name}, or export one output of n x width"
            raise DataError(f"{self.path} returns {out.shape}, not {(len(images), self.width)}", hint)
        if not np.isfinite(out).all():
            hint = f"check `mean` and `std` in {card_path(self.path).name}, or export the network again"
            raise DataError(f"{self.path} returns numbers that are not finite", hint)
        # Values beyond 16 bits would become infinite.
        embeddings: NDArray[np.float16] = np.clip(out, -65_000, 65_000).astype(np.float16)
        return embeddings

    def tensor(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Returns the image as the network reads it: 3 x size x size, squashed to a square, normalised."""
        resized = Image.fromarray(np.ascontiguousarray(image)).resize((self.size, self.size), Image.Resampling.BILINEAR)
        values = np.asarray(resized, np.float32)
        planes = np.stack([values] * 3) if values.ndim == 2 else np.ascontiguousarray(values.transpose(2, 0, 1))
        mean, std = (np.array(v, np.float32).reshape(3, 1, 1) for v in (self.mean, self.std))
        planes -= mean
        planes /= std
        return planes

    @cached_property
    def _session(self) -> Any:
        """The network in ONNX Runtime; one thread, because every worker has a session of its own."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        installed = onnxruntime.get_available_providers()
        providers = [(name, settings) for name, settings in _PROVIDERS.items() if name in installed]
        weights = self.path.read_bytes()
        if hashlib.sha256(weights).hexdigest() != self.sha256:
            raise DataError(f"{self.path} was replaced while roco was using it", "run the command again")
        try:
            # From memory: a file that refers to weights in further files cannot load them.
            session = onnxruntime.InferenceSession(weights, options, providers=providers)
        except Exception as err:  # ONNX Runtime has many exceptions, none of them public
            raise DataError(f"{self.path} is not a valid ONNX model", "export it again (ONNX, weights inside)") from err
        self._check_input(session.get_inputs())
        return session

    def _check_input(self, inputs: Sequence[Any]) -> None:
        """Raises DataError if the network reads something else than a batch of images of the size on the card."""
        wanted = ("n", 3, self.size, self.size)
        if len(inputs) != 1:
            raise DataError(f"{self.path} has {len(inputs)} inputs, not 1", _EXPORT)
        kind, shape = inputs[0].type, inputs[0].shape
        # A dimension that is not fixed is a name or None; the number of images must not be fixed.
        fits = len(shape) == 4 and all(
            not isinstance(one, int) or one == right for one, right in zip(shape, wanted, strict=True)
        )
        if kind != "tensor(float)" or not fits:
            has = f"{kind} of {' x '.join(map(str, shape))}"
            hint = f"{_EXPORT}, and write its size into {card_path(self.path).name}"
            raise DataError(f"{self.path} reads {has}, not tensor(float) of n x 3 x {self.size} x {self.size}", hint)

    @property
    def provider(self) -> str:
        """Returns the provider that runs the network, such as CPUExecutionProvider."""
        return str(self._session.get_providers()[0])


def card_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _card(path: Path) -> dict[str, Any]:
    """Reads and checks the card of a backbone."""
    if not path.is_file():
        raise DataError(f"missing backbone: {path}", "check the path, or omit `backbone` to use the shipped one")
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES >> 30} GiB", "use a smaller backbone")
    file = card_path(path)
    if not file.is_file():
        hint = f"write {file.name} beside it: name, size, mean, std, width, sha256, license, source"
        raise DataError(f"missing card of the backbone {path}", hint)
    try:
        if file.stat().st_size > MOST_CARD_BYTES:
            raise ValueError("too large")
        card = parse_json(file.read_text(encoding="utf-8"))
        if not isinstance(card, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as err:
        raise DataError(f"invalid card: {file}", "it must be a JSON object") from err
    _check_card(file, card)
    return card


def _check_card(file: Path, card: dict[str, Any]) -> None:
    def is_number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30

    checks = {
        "name": isinstance(card.get("name"), str),
        "size": isinstance(card.get("size"), int) and card["size"] in SIZES,
        "mean": _is_triple(card.get("mean"), is_number),
        "std": _is_triple(card.get("std"), lambda value: is_number(value) and value > 0),
        "width": isinstance(card.get("width"), int) and 1 <= card["width"] <= 1 << 16,
        "sha256": isinstance(card.get("sha256"), str),
        "sections": _are_sections(card.get("sections", []), card.get("width")),
    }
    wrong = [key for key, right in checks.items() if not right]
    if wrong:
        sizes = f"size is {SIZES.start} to {SIZES.stop - 1} px"
        hint = f"{sizes}; mean and std have three numbers; width is a number; sections add up to it"
        raise DataError(f"missing or invalid '{wrong[0]}' in the card {file}", hint)


def _is_triple(value: Any, right: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(right(one) for one in value)


def _are_sections(value: Any, width: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(one, int) and one > 0 for one in value):
        return False
    return not value or sum(value) == width
