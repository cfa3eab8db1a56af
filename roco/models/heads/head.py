"""A head: parts that each give log-odds from some blocks, weighted and calibrated."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, nearest
from roco.base.files import file_digest
from roco.models import arrays as arrays_file
from roco.models.heads import card as cards
from roco.models.heads.card import Card
from roco.models.heads.features import BLOCKS, WIDTHS
from roco.models.heads.trees import Trees

FOLDER = Path(__file__).parents[1] / "weights" / "heads"
MOST_BYTES = 256 << 20
"""A larger file of a head is refused, also if it is that large only when decompressed."""

Floats = NDArray[np.float32]
Logits = NDArray[np.float64]


@dataclass(frozen=True)
class Linear:
    """Log-odds that are linear in standardised numbers; numbers beyond eight standard deviations count as eight."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats

    @property
    def width(self) -> int:
        return len(self.mean)

    @property
    def outputs(self) -> int:
        return len(self.bias)

    def logits(self, features: Floats) -> Logits:
        standard = np.clip((features - self.mean) / self.scale, -8, 8)
        logits: Logits = (standard @ self.weights + self.bias).astype(np.float64)
        return logits


@dataclass(frozen=True)
class Part:
    """A model on the numbers of some blocks, put side by side."""

    blocks: tuple[str, ...]
    model: Linear | Trees


@dataclass(frozen=True)
class Head:
    """A head with its card. weights: of the parts, by class; bias: of the classes. They calibrate the log-odds."""

    path: Path
    card: Card
    parts: tuple[Part, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    @classmethod
    def load(cls, name: str | Path) -> Head:
        """Loads a shipped head by name, or another one by its path. Raises DataError."""
        path = find(name)
        card = cards.read(path.with_suffix(".json"))
        if file_digest(path) != card.sha256:
            hint = "restore the file that belongs to the card, or make the head again with `roco fit`"
            raise DataError(f"{path} is not the file that its card describes (SHA-256)", hint)
        unknown = [block for block in card.blocks if block not in BLOCKS]
        if unknown:
            raise DataError(f"head {path} reads unknown numbers '{unknown[0]}'", nearest(unknown[0], BLOCKS))
        head = cls(
            path, card, *_parts(path, card, arrays_file.read(path, MOST_BYTES, "a head", "make it with `roco fit`"))
        )
        head.check(WIDTHS)
        return head

    def check(self, widths: Mapping[str, int]) -> None:
        """Raises DataError if a part reads another number of features than its blocks have; widths: of some blocks."""
        for part in self.parts:
            if not set(part.blocks) <= set(widths):
                continue
            width, given = part.model.width, sum(widths[block] for block in part.blocks)
            if width > given or (width < given and isinstance(part.model, Linear)):
                message = f"invalid head {self.path}: it reads {width} numbers of {', '.join(part.blocks)}, not {given}"
                raise DataError(message, "make it again with `roco fit`")

    @property
    def digest(self) -> str:
        """Returns the SHA-256 of the arrays, which determines the scores together with what the head reads."""
        return self.card.sha256

    def probabilities(self, blocks: Mapping[str, Floats]) -> Floats:
        """Returns the calibrated probability of each class (columns) for each row of the blocks."""
        logits = self.bias
        for weights, part in zip(self.weights, self.parts, strict=True):
            logits = logits + weights * centred(part.model.logits(side_by_side(blocks, part.blocks)))
        exponents = np.exp(logits - logits.max(1, keepdims=True))
        probabilities: Floats = (exponents / exponents.sum(1, keepdims=True)).astype(np.float32)
        return probabilities


def side_by_side(blocks: Mapping[str, Floats], names: Sequence[str]) -> Floats:
    return np.concatenate([blocks[name] for name in names], 1)


def centred(logits: Logits) -> Logits:
    """Returns log-odds of two or more classes with mean 0; a single column is the log-odds of the second class."""
    if logits.shape[1] == 1:
        return np.concatenate([-logits / 2, logits / 2], 1)
    centre: Logits = logits - logits.mean(1, keepdims=True)
    return centre


def shipped() -> list[str]:
    """Returns the names of the heads that roco ships."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def find(name: str | Path) -> Path:
    """Returns the file of a head; raises DataError if it is neither a shipped head nor a file."""
    if str(name) in shipped():
        return FOLDER / f"{name}.npz"
    path = Path(name)
    if path.suffix == ".npz" and path.is_file():
        return path
    if path.suffix == ".npz":
        raise DataError(f"missing head: {path}", "check the path (relative to the recipe): a head is a file NAME.npz")
    # A recipe's folder precedes the name of a head that is not shipped.
    hint = f"{nearest(path.name, shipped())} (a head of your own is a file NAME.npz)"
    raise DataError(f"unknown head '{path.name}'", hint)


def as_option(head: str | Path) -> Path:
    """Returns how an option names a head: a shipped head by its name alone, also if a recipe's folder precedes it."""
    path = Path(head)
    return Path(path.name) if path.name in shipped() and not path.exists() else path


def save(path: Path, parts: Sequence[Part], weights: NDArray[np.float64], bias: NDArray[np.float64]) -> str:
    """Writes the arrays of a head, equal bytes for equal values; returns their SHA-256."""
    arrays: dict[str, NDArray[Any]] = {"weights": weights, "bias": bias, "format": np.array([1])}
    for number, part in enumerate(parts):
        prefix = f"{number}_"
        arrays[prefix + "blocks"] = np.array(part.blocks, np.str_)
        for name in (field.name for field in dataclasses.fields(part.model)):
            value = getattr(part.model, name)
            arrays[prefix + name] = value
    return arrays_file.write(path, arrays)


def _parts(
    path: Path, card: Card, arrays: Mapping[str, NDArray[Any]]
) -> tuple[tuple[Part, ...], NDArray[np.float64], NDArray[np.float64]]:
    try:
        weights, bias = np.asarray(arrays["weights"], np.float64), np.asarray(arrays["bias"], np.float64)
        n = len(card.classes)
        if weights.ndim != 2 or not len(weights) or weights.shape[1] != n or bias.shape != (n,):
            raise ValueError("weights of another number of classes")
        if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            raise ValueError("weights that are not finite")
        parts = []
        for number in range(len(weights)):
            prefix = f"{number}_"
            blocks = tuple(str(block) for block in arrays[prefix + "blocks"])
            if not blocks or not set(blocks) <= set(card.blocks):
                raise ValueError("a part reads what the card does not name")
            part = Part(blocks, _model(arrays, prefix))
            if part.model.outputs not in (1, n):
                raise ValueError("a part with another number of classes")
            parts.append(part)
        return tuple(parts), weights, bias
    except KeyError as err:
        raise DataError(f"invalid head {path}: no array {err}", "make it again with `roco fit`") from err
    except (ValueError, TypeError) as err:
        raise DataError(f"invalid head {path}: {err}", "make it again with `roco fit`") from err


def _model(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Linear | Trees:
    if prefix + "mean" not in arrays:
        return Trees.from_arrays(arrays, prefix)
    mean, scale, weights, bias = (
        np.asarray(arrays[prefix + name], np.float32) for name in ("mean", "scale", "weights", "bias")
    )
    if mean.ndim != 1 or mean.shape != scale.shape or weights.shape != (len(mean), len(bias)) or not (scale > 0).all():
        raise ValueError("a linear part of different shapes")
    if not all(np.isfinite(values).all() for values in (mean, scale, weights, bias)):
        raise ValueError("a linear part with numbers that are not finite")
    return Linear(mean, scale, weights, bias)
