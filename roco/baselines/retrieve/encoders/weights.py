"""The file of weights of a folder: in safetensors, never a pickle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from roco.base.errors import DataError

SAFE = ".safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")

CONVERT = (
    'python -c "import sys, torch; from safetensors.torch import save_file; '
    "read = torch.load(sys.argv[1], map_location='cpu', weights_only=True); read = read.get('state_dict', read); "
    'save_file({name: one.clone().contiguous() for name, one in read.items()}, sys.argv[2])"'
)
"""The command that converts a pickle of tensors, OLD to NEW; with weights_only torch refuses other objects."""


def weights_of(folder: Path, names: Sequence[str]) -> Path:
    """Returns the file of weights of a folder: the first of some names that exists, or the only one in safetensors.

    Raises DataError for a folder without one, with what to do about a pickle.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    found = sorted(folder.glob(f"*{SAFE}"))
    if len(found) == 1:
        return found[0]
    if found:
        what = f"{len(found)} files of weights, none of them {names[0]} ({folder})"
        raise DataError(what, f"merge them into one file, {names[0]}")
    pickles = sorted(path for path in folder.iterdir() if is_pickle(path))
    if pickles:
        raise _pickle(pickles[0], folder / names[0])
    raise DataError(f"no weights in {folder}", f"copy {names[0]} into it")


def is_pickle(path: Path) -> bool:
    """Returns whether a file has the name of a pickle."""
    return path.suffix in _PICKLES


def check_weights(path: Path) -> None:
    """Raises DataError for weights that are missing or a pickle."""
    if is_pickle(path) and path.is_file():
        raise _pickle(path, path.with_suffix(SAFE))
    if not path.is_file():
        raise DataError(f"missing weights: {path}", "check the path; it must be a file in safetensors")


def _pickle(old: Path, new: Path) -> DataError:
    what = f"the weights are a pickle, which roco does not read: {old}"
    return DataError(what, f"if you trust it, convert it once: {CONVERT} {quote(str(old))} {quote(str(new))}")
