"""A map-style dataset of PyTorch over the images of a release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from torch.utils.data import Dataset as MapDataset

from roco.base.errors import UsageError, nearest
from roco.base.terminal import excerpt
from roco.release.load.image import Mode, decoded
from roco.release.load.packed_files import PackedFiles
from roco.release.load.row import Row
from roco.release.load.rows import Rows
from roco.release.load.targets import CLASSES, TASKS, Targets, flags
from roco.release.load.vocabulary import Vocabulary

TEXTS = ("id", "caption")
"""Columns that can be targets: DataLoader collates them to lists."""


class TorchDataset(MapDataset):  # type: ignore[misc]
    """Items (image, target); only the target if the dataset was loaded without images.

    It contains arrays and no Python objects by row, so forked workers share its memory, and spawned ones get it fast.
    classes: the labels of modality, region and direction. vocabulary: the concepts of the multi-hot vectors.
    """

    classes = CLASSES

    def __init__(
        self,
        data: Rows,
        image: Callable[[Any], Any] | int | None,
        target: str | Sequence[str] | Callable[[Row], Any] | None,
        vocabulary: Vocabulary | None,
    ) -> None:
        self.vocabulary = vocabulary
        self._ids: pa.Array = data.column("id")
        self._size = len(data)
        self._transform = _transform(image)
        self._function = target if callable(target) else None
        self._rows = data if callable(target) else None
        self._single = isinstance(target, str)
        self._names = () if callable(target) else _names(target)
        self._texts: dict[str, pa.Array] = {name: data.column(name) for name in TEXTS if name in self._names}
        self._targets: Targets | None = None
        if set(self._names) & set(TASKS):
            self._targets = data.targets(vocabulary)
            self.vocabulary = self._targets.vocabulary
        self._files = PackedFiles.of(data.figures, self._ids.to_pylist()) if data.has_images else None

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> Any:
        if not -self._size <= index < self._size:
            raise IndexError(f"{index} of {self._size} images")
        position = int(index) % self._size
        target = self._target(position)
        if self._files is None:
            return target
        file = self._files[position]
        data = self._files.reader.read(file)
        # Our own transforms make three channels of a grey image last, which gives the same pixels in less time.
        mode: Mode | None = None if isinstance(self._transform, Whole | Square) else "RGB"
        return self._transform(decoded(data, self._ids[position].as_py(), file.where, mode)), target

    def _target(self, position: int) -> Any:
        if self._function is not None:
            assert self._rows is not None
            return self._function(self._rows[position])
        if self._single:
            return self._value(self._names[0], position)
        return {name: self._value(name, position) for name in self._names}

    def _value(self, name: str, position: int) -> Any:
        if name in self._texts:
            return self._texts[name][position].as_py()
        assert self._targets is not None
        if name == "concepts":
            return torch.from_numpy(flags(self._targets.concepts_of(position), len(self._targets.vocabulary)))
        return int(getattr(self._targets, name)[position])


def _names(target: str | Sequence[str] | None) -> tuple[str, ...]:
    """Returns the names of targets; raises UsageError for an unknown one."""
    names = TASKS if target is None else (target,) if isinstance(target, str) else tuple(target)
    for name in names:
        if name not in (*TASKS, *TEXTS):
            raise UsageError(f"unknown target '{excerpt(name)}'", nearest(str(name), (*TASKS, *TEXTS)))
    return names


def _transform(image: Callable[[Any], Any] | int | None) -> Callable[[Any], Any]:
    if image is None:
        return Whole()
    if callable(image):
        return image
    if not isinstance(image, int) or isinstance(image, bool) or image < 1:
        raise UsageError(f"image is {excerpt(repr(image))}", "give a transform, or a side in pixels such as 224")
    return Square(image)


class Whole:
    """Returns an image as an 8-bit tensor: 3 x height x width, whether it is grey or not."""

    def __call__(self, image: Image.Image) -> torch.Tensor:
        samples = np.asarray(image)
        if samples.ndim == 2:
            return torch.from_numpy(np.repeat(samples[None], 3, axis=0))
        return torch.from_numpy(samples.transpose(2, 0, 1).copy())


class Square:
    """Scales an image to a square, whatever its shape, and returns it as 32-bit floats from 0 to 1."""

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, image: Image.Image) -> torch.Tensor:
        scaled = image.resize((self.side, self.side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return Whole()(scaled).float().div_(255)
