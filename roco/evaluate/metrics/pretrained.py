"""Finds and loads pretrained models (extra `neural`).

A model is a name on the Hugging Face hub or a folder. Weights are loaded as tensors only: no code from a model's
repository runs, and nothing is downloaded unless it is allowed.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError, MissingExtra, UsageError
from roco.evaluate.metrics.libraries import HUGGINGFACE_HUB, TORCH, TRANSFORMERS

MAX_TOKENS = 512  # of a text, if the configuration of the model does not limit it
_MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin")
_MAX_REASON = 200  # characters of the message of another library


class Model(NamedTuple):
    """A model on this machine: its name, its folder, and the SHA-256 over its files."""

    name: str
    folder: Path
    digest: str


def find(name: str, download: bool = False) -> Model:
    """Returns the model in the folder `name`, or of this name on the hub; download: fetches it if it is not cached."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _from_hub(name, download)
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder} contains no model", "give a folder with config.json, weights and tokenizer")
    return Model(name, folder, _digest(folder))


def load_model(cls: Any, model: Model) -> Any:
    """Loads a model by a class of transformers; raises DataError if the files do not fit the class."""
    return _read(lambda **options: cls.from_pretrained(model.folder, weights_only=True, **options), model, "model")


def load_processor(model: Model) -> Any:
    """Loads what prepares the images of a model; raises DataError for an invalid file."""
    processors = TRANSFORMERS.load().AutoImageProcessor
    return _read(lambda **options: processors.from_pretrained(model.folder, **options), model, "image processor of")


def _read(read: Callable[..., Any], model: Model, what: str) -> Any:
    """Returns what transformers reads from the folder of a model, without running its code; raises DataError."""
    try:
        return read(local_files_only=True, trust_remote_code=False)
    except Exception as err:  # of many classes, on hostile bytes
        remedy = "give a folder that save_pretrained of transformers has written"
        raise DataError(f"cannot load the {what} {model.name}: {_first_line(err)}", remedy) from err


def load_tokenizer(model: Model, config: Any) -> Any:
    """Loads a tokenizer and limits its texts to the positions of the model; raises DataError for an invalid file."""
    tokenizers = TRANSFORMERS.load().AutoTokenizer
    tokenizer = _read(lambda **options: tokenizers.from_pretrained(model.folder, **options), model, "tokenizer of")
    # Some tokenizers have a limit of 10**30, which overflows in the fast ones: the model's own limit applies.
    positions = int(getattr(config, "max_position_embeddings", 0) or MAX_TOKENS)
    if getattr(config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # these reserve the first two positions for padding
    if tokenizer.model_max_length > positions:
        tokenizer.model_max_length = positions
    return tokenizer


def token_limit(tokenizer: Any) -> int:
    """Returns the number of tokens after which a text is cut."""
    return min(int(tokenizer.model_max_length), MAX_TOKENS)


def device() -> str:
    """Returns the device of torch that computes: a GPU if there is one."""
    return "cuda" if TORCH.load().cuda.is_available() else "cpu"


@contextmanager
def quiet() -> Iterator[None]:
    """Hides the progress bars, log lines and warnings of transformers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging = TRANSFORMERS.load().utils.logging
        verbosity = logging.get_verbosity()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            logging.enable_progress_bar()


def _from_hub(name: str, download: bool) -> Path:
    """Returns the folder of a model in the cache of the hub, downloading it first if that is allowed."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as err:
        raise MissingExtra(HUGGINGFACE_HUB.name, HUGGINGFACE_HUB.extra) from err
    try:
        return Path(snapshot_download(name, local_files_only=not download, allow_patterns=list(_MODEL_FILES)))
    except HFValidationError as err:
        raise UsageError(
            f"'{name}' is neither a folder nor the name of a model", "give a folder, or a name such as owner/model"
        ) from err
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as err:
        if download:
            raise DataError(f"cannot download the model {name}", _first_line(err)) from err
        raise DataError(f"the model {name} is not on this machine", "add --download, or give a folder") from err


def _digest(folder: Path) -> str:
    """Returns the SHA-256 over the names and digests of all files that determine the model's values."""
    files = {path for pattern in _MODEL_FILES for path in folder.glob(pattern) if path.is_file()}
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.name):
        with path.open("rb") as file:
            digest.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _first_line(err: Exception) -> str:
    lines = str(err).splitlines()
    return lines[0][:_MAX_REASON] if lines else type(err).__name__
