"""Opens a language model on this machine: a GGUF file, or a folder of transformers. Neither needs a network."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.baselines.retrieve.grounding.model import ChatModel, checked_temperature

_MAGIC = b"GGUF"
_KINDS = "give a file .gguf, or a folder with config.json, model.safetensors and a tokenizer"


def local_model(path: str | Path, *, temperature: float | None = None) -> ChatModel:
    """Returns the model in a GGUF file (extra `gguf`) or in a folder of transformers (extra `answer`).

    Its weights are loaded when it is asked. Code in the folder is never run, and weights are read from safetensors
    only. temperature: 0 to 2; with 0 and None, each word is the likeliest
    one. Raises MissingExtra without the packages, and
    DataError for a path that is neither.
    """
    path, temperature = Path(path).expanduser(), checked_temperature(temperature)
    if not path.exists():
        raise DataError(f"no such model: {excerpt(path)} (--local)", _KINDS)
    if path.is_dir():
        from roco.baselines.retrieve.grounding.local_folder import FolderModel

        return FolderModel(path, temperature)
    if not path.is_file() or _beginning(path) != _MAGIC:
        raise DataError(f"{excerpt(path)} is not a GGUF file (--local)", _KINDS)
    from roco.baselines.retrieve.grounding.local_gguf import GgufModel

    return GgufModel(path, temperature)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_MAGIC))
