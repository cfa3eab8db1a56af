"""Weights in safetensors: reads them, and puts them into a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, MissingExtra
from roco.base.files import file_digest
from roco.base.terminal import excerpt

_SHOWN = 3  # names of tensors in an error


def read_weights(path: Path) -> dict[str, Any]:
    """Returns the tensors of a safetensors file by name, on the CPU; raises DataError for any other file."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as err:
        raise MissingExtra("safetensors", "train") from err
    if not path.is_file():
        raise DataError(f"missing weights: {path}", "check the path; it must be a file in safetensors")
    try:
        tensors: dict[str, Any] = load_file(path)
    except (SafetensorError, OSError, ValueError) as err:
        hint = "convert it with save_file of safetensors.torch; files of pickles are not read"
        raise DataError(f"{path} is not a file in safetensors: {excerpt(err)}", hint) from err
    return tensors


def origin_of(path: Path) -> tuple[str, str]:
    """Returns licence and source as the metadata of a safetensors file state them, or "" and its name and digest."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        stated = file.metadata() or {}
    return stated.get("license", ""), stated.get("source", "") or f"{path.name} (SHA-256 {file_digest(path)})"


def fill(network: Any, tensors: dict[str, Any], where: Path, ignored: Sequence[str] = ()) -> None:
    """Puts tensors into all parameters and buffers of a network of torch.

    ignored: beginnings of names of tensors that the network need not have, such as those of a classifier. Raises
    DataError, with the first names, if the network has a parameter that the file lacks, the file one that the network
    lacks, or a shape differs.
    """
    own = network.state_dict()
    given = {name: value for name, value in tensors.items() if name in own or not name.startswith(tuple(ignored))}
    missing = sorted(own.keys() - given.keys())
    unknown = sorted(given.keys() - own.keys())
    differing = sorted(name for name in own.keys() & given.keys() if own[name].shape != given[name].shape)
    for names, what in ((missing, "lacks"), (unknown, "has unknown"), (differing, "has other shapes of")):
        if names:
            listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
            raise DataError(f"{where} {what} weights: {excerpt(listed)}", "give the weights of this architecture")
    network.load_state_dict(given)
