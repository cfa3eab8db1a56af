"""State dictionaries as safetensors: tensors that share memory are written once, other values go into JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from roco.base.errors import DataError
from roco.base.files import whole
from roco.base.json_text import parse_json
from roco.base.terminal import excerpt

_SHARED = "shared"  # key of the metadata: name of a tensor -> the name under which its memory was written


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes tensors atomically; a decoder's embedding that is also its output layer is written once."""
    written: dict[str, torch.Tensor] = {}
    shared: dict[str, str] = {}
    first: dict[tuple[Any, ...], str] = {}
    for name, tensor in tensors.items():
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype)
        if tensor.numel() and place in first:
            shared[name] = first[place]
            continue
        first[place] = name
        written[name] = tensor.detach().cpu().contiguous()
    with whole(path) as part:
        _save(written, part, shared)


def _save(tensors: dict[str, torch.Tensor], path: Path, shared: Mapping[str, str]) -> None:
    try:
        save_file(tensors, path, metadata={_SHARED: json.dumps(dict(shared), sort_keys=True)})
    except SafetensorError as err:
        # It names the number of a failed write in its text only.
        number = re.search(r"os error (\d+)", str(err))
        if number is None:
            raise
        raise OSError(int(number[1]), str(err), str(path)) from err


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads tensors; raises DataError for a missing or corrupt file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dictionary
            shared = parse_json((file.metadata() or {}).get(_SHARED, "{}"))
        return tensors | {name: tensors[other] for name, other in shared.items()}
    except Exception as err:  # of many classes, on hostile bytes
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "give an intact file in safetensors") from err


def split_state(state: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Divides the state of an optimiser into tensors by `number.name` and what JSON can hold."""
    tensors: dict[str, torch.Tensor] = {}
    others: dict[str, Any] = {}
    for number, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{number}.{name}"] = value
            else:
                others[f"{number}.{name}"] = value
    return tensors, {"values": others, "param_groups": state["param_groups"]}


def joined_state(tensors: Mapping[str, torch.Tensor], others: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the state of an optimiser that `split_state` divided."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **others["values"]}.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    return {"state": state, "param_groups": others["param_groups"]}
