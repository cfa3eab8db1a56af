"""What an encoder has, of images and of texts, and what an index states of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roco.base.files import digest, file_digest
from roco.baselines.neighbours.embed import Embedder

Vectors = NDArray[np.float32]

LONGEST_TEXT = 20_000
"""Characters of a text that an encoder reads; all known ones read fewer tokens."""


@dataclass(frozen=True)
class Stated:
    """What an index states of an encoder.

    kind: backbone, open_clip, timm or sentences. path: the file or folder; None for what roco ships. architecture: of
    open_clip or timm, where `path` is a file of weights. texts: whether it reads texts. sha256: of the weights.
    preparation: how images or texts are prepared. configuration: the digest of all other files that decide the vectors.
    """

    kind: str
    name: str
    path: Path | None
    width: int
    texts: bool
    sha256: str
    preparation: Mapping[str, Any]
    architecture: str | None = None
    configuration: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the entry of a manifest."""
        path = None if self.path is None else str(self.path.absolute())
        entry = {"kind": self.kind, "name": self.name, "path": path, "architecture": self.architecture}
        values = {"width": self.width, "texts": self.texts, "sha256": self.sha256}
        return entry | values | {"preparation": dict(self.preparation), "configuration": self.configuration}


DECISIVE = ("kind", "architecture", "sha256", "width", "preparation", "configuration")
"""What decides the vectors. Name and path do not: a file that was moved is the same encoder."""


class TextEncoder(Protocol):
    """Turns texts into vectors of length 1, n x width."""

    @property
    def stated(self) -> Stated:
        """Returns what an index states of it."""

    def texts(self, texts: Sequence[str], *, queries: bool = False) -> Vectors:
        """Returns a vector for each text; queries: some encoders read questions otherwise than documents."""


class ImageEncoder(Embedder, Protocol):
    """Turns images into vectors, and with a text tower also texts into vectors that are compared with them."""

    @property
    def stated(self) -> Stated:
        """Returns what an index states of it."""

    def texts(self, texts: Sequence[str], *, queries: bool = False) -> Vectors | None:
        """Returns a vector of length 1 for each text; None without a text tower."""


@dataclass(frozen=True)
class Files:
    """The files of a folder that decide the vectors beside the weights: their names and digests."""

    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, patterns: Sequence[str]) -> Files:
        """Returns those files that a folder has of some names."""
        found = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
        return cls({path.relative_to(folder).as_posix(): file_digest(path) for path in found})

    @property
    def digest(self) -> str:
        """Returns one digest of all."""
        return digest(dict(self.digests))


def check_runs(images: ImageEncoder, texts: TextEncoder | None) -> None:
    """Embeds a blank image and a word, so that an encoder that cannot run is an error before anything is stored."""
    images.embed([np.zeros((32, 32), np.uint8)])
    images.texts(["image"])
    if texts is not None:
        texts.texts(["caption"])


_SNAPSHOT = re.compile(r"models--([\w.-]+?)--([\w.-]+)/snapshots/\w+$")


def name_of(folder: Path) -> str:
    """Returns the name of a model in a folder: that of the folder, in a cache of the Hugging Face hub owner/name."""
    found = _SNAPSHOT.search(folder.absolute().as_posix())
    return "/".join(found.groups()) if found else folder.absolute().name


def readable(texts: Sequence[str]) -> list[str]:
    """Returns texts as tokenizers accept them: of bounded length, without halves of characters."""
    return [text[:LONGEST_TEXT].encode("utf-8", "replace").decode() for text in texts]
