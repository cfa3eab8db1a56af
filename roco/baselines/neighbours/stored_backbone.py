"""The backbone whose embeddings a folder stores: new images are embedded by the same one, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.models.images.backbone import SHIPPED, Backbone


def stated_backbone(network: Backbone) -> dict[str, Any]:
    """Returns what a folder states of the backbone of its embeddings; path is None for the shipped one."""
    path = None if network.path == SHIPPED else str(network.path)
    return {"name": network.name, "path": path, "width": network.width} | network.preparation


def stored_backbone(folder: Path, stored: Mapping[str, Any], given: Path | None) -> Backbone:
    """Returns the backbone of a folder: the given file, else the one that the folder states; another one is refused."""
    path = given or (Path(stored["path"]) if stored.get("path") else None)
    name = excerpt(str(stored.get("name")))
    if path is not None and not path.is_file() and given is None:
        raise DataError(f"missing backbone of {folder}: {path}", f"say where {name} is: --backbone FILE")
    network = Backbone.load(path)
    for key in ("sha256", "size", "mean", "std"):
        if network.preparation[key] != stored.get(key):
            what = f"{folder} has embeddings of another backbone: {name}, not {excerpt(network.name)} ({key})"
            raise DataError(what, f"give the file of {name}: --backbone FILE")
    return network
