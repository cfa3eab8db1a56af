"""Finds pretrained encoders and decoders: folders, or names on the Hugging Face hub.

A folder is read without the network. A name is looked up in the cache of the hub, and downloaded only with permission.
Weights are read from safetensors, never from pickles, and no code of a model is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, MissingExtra, UsageError
from roco.base.terminal import excerpt

CONFIG = "config.json"
_SMALL_FILES = ("*.json", "*.txt", "*.model")
_WEIGHTS = "*.safetensors"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


def find(name: str, download: bool = False, weights: bool = True) -> Path:
    """Returns the folder of a model with its weights in safetensors.

    weights: if false, only configuration and tokenizer are needed, so that the memory can be estimated before weights
    are downloaded. Raises UsageError for a name that is not on this machine, or a model without safetensors.
    """
    folder = Path(name).expanduser()
    local = folder.is_dir()
    if not local:
        folder = _from_hub(name, download, (*_SMALL_FILES, _WEIGHTS) if weights else _SMALL_FILES)
    if not (folder / CONFIG).is_file():
        raise UsageError(f"{name} contains no model", f"give a folder with {CONFIG}, weights and tokenizer")
    if weights and not any(folder.glob(_WEIGHTS)):
        raise _without_safetensors(name, folder, local, download)
    return folder


def load_config(name: str, folder: Path) -> Any:
    """Returns the configuration of a model; raises DataError if transformers cannot read it."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise _unreadable(name, err) from err


def load_weights(
    cls: Any, name: str, folder: Path, config: Any, dtype: str = "float32", **extra: Any
) -> tuple[Any, list[str]]:
    """Returns a model of a class of transformers, and the names of weights that its files lack.

    dtype: of its weights; "auto" for that of the files.
    """
    import torch
    from safetensors import SafetensorError

    of_weights = dtype if dtype == "auto" else getattr(torch, dtype)
    kept = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True, "dtype": of_weights}
    try:
        with quiet():
            model, info = cls.from_pretrained(folder, config=config, output_loading_info=True, **kept, **extra)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as err:
        raise _unreadable(name, err) from err
    return model, sorted(info["missing_keys"])


@contextmanager
def quiet() -> Iterator[None]:
    """Hides the progress bars and log lines of transformers."""
    import transformers

    logging = transformers.utils.logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()


def _from_hub(name: str, download: bool, patterns: tuple[str, ...]) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as err:
        raise MissingExtra("huggingface-hub", "train") from err
    shown = excerpt(name)
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise UsageError(f"no such folder: {shown}", "give a folder, or a name on the Hugging Face hub")
    try:
        return Path(
            snapshot_download(
                name, local_files_only=not download, allow_patterns=list(patterns), ignore_patterns=["*/*"]
            )
        )
    except HFValidationError as err:
        remedy = "give a folder, a name such as owner/model, or scratch"
        raise UsageError(f"'{shown}' is neither a folder nor the name of a model", remedy) from err
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as err:
        if not download:
            raise UsageError(f"the model {shown} is not on this machine", "add --download, or give a folder") from err
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise UsageError(f"the model {shown} is not on this machine", "unset HF_HUB_OFFLINE") from err
        raise DataError(f"cannot download the model {shown}", _first_line(err)) from err


def _without_safetensors(name: str, folder: Path, local: bool, download: bool) -> UsageError:
    shown = excerpt(name)
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if not pickles and local:
        return UsageError(f"{shown} contains no weights", "give a folder with model.safetensors")
    if not pickles and not download:
        return UsageError(f"the weights of {shown} are not on this machine", "add --download, or give a folder")
    what = f"only as {pickles[0]}" if pickles else "not as safetensors"
    return UsageError(
        f"the model {shown} has its weights {what}: roco reads no pickles",
        f"convert it once, if you trust it: load {shown} with from_pretrained of transformers, write model and "
        "tokenizer with save_pretrained, and give that folder",
    )


def _unreadable(name: str, err: Exception) -> DataError:
    remedy = "give a folder that save_pretrained of transformers has written"
    return DataError(f"cannot load the model {excerpt(name)}: {_first_line(err)}", remedy)


def _first_line(err: Exception) -> str:
    return excerpt(str(err).partition("\n")[0]) or type(err).__name__
