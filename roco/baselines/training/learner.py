"""What the training loop trains: a learner, and the items it learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from roco.base.errors import DataError

if TYPE_CHECKING:
    import torch

Batch = dict[str, Any]
"""Tensors by name. `present` is 1 for an item and 0 for padding, which must not count in any loss."""


SKIP = "restore the file, or add --skip-unreadable"
"""What to do about an image that cannot be read."""


class Unreadable(NamedTuple):
    """What an item is if its image cannot be read: the id of the image, what is wrong, and what to do."""

    id: str
    what: str
    hint: str


class NotFinite(DataError):
    """A loss is infinite or not a number: in a search, that of one entry only."""


class Items(Protocol):
    """The training items. An item is drawn by epoch and position, and depends on nothing else but the seed.

    So neither the number of workers nor an interruption changes what the model sees.
    """

    def __len__(self) -> int: ...

    def item(self, epoch: int, position: int) -> dict[str, torch.Tensor] | Unreadable: ...

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> Batch: ...


class Learner(Protocol):
    """A model with its losses and its scores.

    model: called with a batch, returns the sum of each loss over the present items, by name. weights: of each loss.
    best: the score by which the weights that are written are chosen, the higher the better; "" takes the last ones.
    """

    model: torch.nn.Module
    weights: Mapping[str, float]
    best: str

    def counts(self, batch: Batch) -> Mapping[str, float]:
        """Returns over how many labels each loss is summed; the loop divides by the number of a whole step."""

    def score(self, model: torch.nn.Module, device: torch.device) -> Mapping[str, float]:
        """Returns the scores on the validation images; the model is in evaluation mode. {} if there are none."""

    def save(self, model: torch.nn.Module, folder: Path) -> Mapping[str, Any]:
        """Writes the weights, in safetensors, into the new folder of the model; returns its entries in model.json."""
