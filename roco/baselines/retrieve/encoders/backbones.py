"""Encoders of images that are ONNX files with a card, such as the shipped backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roco.baselines.retrieve.encoders.encoder import Stated
from roco.models.images.backbone import SHIPPED, Backbone


@dataclass(frozen=True)
class BackboneEncoder:
    """A backbone as an encoder; it reads no texts."""

    network: Backbone

    @property
    def width(self) -> int:
        """Returns the numbers of a vector."""
        return self.network.width

    @property
    def reads_small(self) -> bool:
        """Returns whether the reduced image is enough."""
        return self.network.reads_small

    @property
    def provider(self) -> str:
        """Returns the provider that runs the network."""
        return self.network.provider

    @property
    def preparation(self) -> Mapping[str, Any]:
        """Returns what determines a vector besides the image."""
        return self.network.preparation

    @property
    def stated(self) -> Stated:
        """Returns what an index states of it."""
        network = self.network
        path = None if network.path == SHIPPED else network.path
        preparation = {name: value for name, value in network.preparation.items() if name != "sha256"}
        return Stated("backbone", network.name, path, network.width, False, network.sha256, preparation)

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float16]:
        """Returns one vector for each image."""
        return self.network.embed(images)

    def texts(self, texts: Sequence[str], *, queries: bool = False) -> None:
        """Returns None: a backbone has no text tower."""
