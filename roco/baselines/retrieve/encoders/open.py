"""Opens the encoder that a user names, or the one that an index states; any other one is refused for that index."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, MissingExtra, UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.retrieve.encoders.backbones import BackboneEncoder
from roco.baselines.retrieve.encoders.encoder import DECISIVE, ImageEncoder, Stated, TextEncoder
from roco.baselines.retrieve.encoders.weights import SAFE, check_weights, is_pickle
from roco.models.images.backbone import Backbone

_OPEN_CLIP, _TRAINED, _TRANSFORMERS = "open_clip_config.json", "model.json", "config.json"
_EXPECTED = (
    "give an ONNX file with a card, a folder of `roco train clip` or open_clip (open_clip_config.json with weights in "
    "safetensors), or a name of open_clip or timm with --weights FILE.safetensors"
)
AGAIN = "make the index again: roco index RELEASE OUT"


def image_encoder(given: str | Path | None = None, weights: Path | None = None) -> ImageEncoder:
    """Returns an encoder of images; by default the shipped backbone.

    given: an ONNX file with a card, a folder of open_clip, or with `weights` the name of a network of open_clip or
    timm. Raises UsageError for anything else, and DataError for files that are missing, damaged or pickles. All but
    ONNX files need the extra `train`.
    """
    if given is None:
        if weights is not None:
            raise UsageError(
                "weights without a network (--weights)", "name it: --encoder NAME --weights FILE.safetensors"
            )
        return BackboneEncoder(Backbone.load())
    path = Path(given).expanduser()
    if path.exists() and weights is not None:
        raise UsageError(f"weights for {path}, which has its own (--weights)", "leave --weights out")
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        return _of_file(path)
    if weights is None:
        raise _unknown(str(given))
    from roco.baselines.retrieve.encoders.towers import named

    return named(str(given), weights)


def text_encoder(given: str | Path) -> TextEncoder:
    """Returns a sentence encoder. given: its folder. Needs the extra `train`."""
    from roco.baselines.retrieve.encoders.sentences import SentenceEncoder

    return SentenceEncoder.of_folder(Path(given).expanduser())


def stored_image_encoder(index: Path, entry: Mapping[str, Any], given: str | Path | None = None) -> ImageEncoder:
    """Returns the encoder of the images of an index. entry: as its manifest states it.

    given: where it is, if it was moved; of a named network its file of weights. Raises DataError for a missing encoder
    and for any other one.
    """
    stored = stated_of(index, entry)
    path = _place(index, stored, given, "--encoder")
    # Of a network by name, the path is that of its weights.
    if stored.architecture is not None and path is not None and path.is_file() and path.suffix != ".onnx":
        encoder = image_encoder(stored.architecture, path)
    else:
        encoder = image_encoder(path)
    _check_same(index, stored, encoder.stated, "--encoder")
    return encoder


def stored_text_encoder(index: Path, entry: Mapping[str, Any], given: str | Path | None = None) -> TextEncoder:
    """Returns the encoder of the captions of an index, as `stored_image_encoder` does."""
    stored = stated_of(index, entry)
    path = _place(index, stored, given, "--text-encoder")
    encoder = text_encoder(path or Path())
    _check_same(index, stored, encoder.stated, "--text-encoder")
    return encoder


def _of_folder(folder: Path) -> ImageEncoder:
    if (folder / _OPEN_CLIP).is_file() or (folder / _TRAINED).is_file():
        from roco.baselines.retrieve.encoders.towers import of_folder

        return of_folder(folder)
    if (folder / _TRANSFORMERS).is_file():
        what = f"{folder} has no {_OPEN_CLIP} (--encoder)"
        raise UsageError(what, f"a sentence encoder is given by --text-encoder; for images, {_EXPECTED}")
    raise UsageError(f"{folder} contains no encoder (--encoder)", _EXPECTED)


def _of_file(path: Path) -> ImageEncoder:
    if is_pickle(path):
        check_weights(path)
    if path.suffix == SAFE:
        what = f"{path} has weights, but no architecture (--encoder)"
        raise UsageError(what, f"name it: --encoder NAME --weights {path}")
    return BackboneEncoder(Backbone.load(path))


def _unknown(given: str) -> UsageError:
    """Returns the error for a name without weights, or a path that does not exist."""
    known: list[str] = []
    if "/" not in given and not given.endswith(".onnx"):
        known = _names()
    if given in known:
        return UsageError(f"{given} has no weights (--encoder)", "give them: --weights FILE.safetensors")
    close = nearest(given, known) if known else ""
    hint = close if close.startswith("did you mean") else _EXPECTED
    return UsageError(f"no such file, folder or network: {excerpt(given)} (--encoder)", hint)


def _names() -> list[str]:
    """Returns the names of open_clip and timm; none if they are not installed."""
    from roco.baselines.packages import require

    try:
        require("open_clip", "timm")
    except MissingExtra:
        return []
    import open_clip
    import timm

    return [*open_clip.list_models(), *timm.list_models()]


# --- the encoder of an index ------------------------------------------------------------------------------------------


def stated_of(index: Path, entry: Mapping[str, Any]) -> Stated:
    """Returns what a manifest states of an encoder; raises DataError if it is incomplete."""
    values = {field.name: entry.get(field.name) for field in dataclasses.fields(Stated)}
    texts = ("kind", "name", "sha256", "configuration")
    optional = ("path", "architecture")
    right = (
        all(isinstance(values[name], str) for name in texts)
        and all(isinstance(values[name], str | None) for name in optional)
        and isinstance(values["preparation"], dict)
    )
    if not right:
        raise DataError(f"the manifest of {index} does not describe its encoder", AGAIN)
    values["path"] = None if values["path"] is None else Path(values["path"])
    return Stated(**values)  # type: ignore[arg-type]


def _place(index: Path, stored: Stated, given: str | Path | None, option: str) -> Path | None:
    """Returns where the encoder of an index is; None for the shipped one."""
    if given is not None:
        path = Path(given).expanduser()
        if not path.exists():
            raise UsageError(f"no such file or folder: {excerpt(path)} ({option})", f"give {excerpt(stored.name)}")
        return path
    if stored.path is not None and not stored.path.exists():
        what = f"missing encoder of {index}: {excerpt(stored.path)}"
        raise DataError(what, f"say where {excerpt(stored.name)} is: {option} PATH")
    return stored.path


def check_same(index: Path, entry: Mapping[str, Any], found: Stated) -> None:
    """Raises DataError if the vectors of an index are not those of an encoder. entry: as its manifest states it."""
    _check_same(index, stated_of(index, entry), found, "--encoder")


def is_same(index: Path, entry: Any, found: Stated) -> bool:
    """Returns whether an index has vectors of an encoder; entry: as its manifest states it, None without one."""
    return isinstance(entry, dict) and _difference(stated_of(index, entry), found) is None


def _check_same(index: Path, stored: Stated, found: Stated, option: str) -> None:
    name = _difference(stored, found)
    if name is not None:
        what = f"{index} has vectors of another encoder: {excerpt(stored.name)}, not {excerpt(found.name)} ({name})"
        raise DataError(what, f"give {excerpt(stored.name)}: {option} PATH")


def _difference(stored: Stated, found: Stated) -> str | None:
    """Returns the first entry that decides the vectors and differs; None if the encoders are the same."""
    return next((name for name in DECISIVE if getattr(stored, name) != getattr(found, name)), None)
