"""The folder of a trained model, as `roco train` writes it and `roco predict` reads it.

```
model.json        kind, format, what the model predicts, how images are prepared, the SHA-256 of each other file
model.safetensors weights (of captions and clip: the files of transformers and open_clip, in safetensors)
README.md         the card: what it was trained on, its settings with their origin, its scores
manifest.json     data, preset, versions, hardware, time
log.csv           losses by step, scores by epoch; curves.svg draws them
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, nearest
from roco.base.files import file_digest, write_json
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.terminal import excerpt
from roco.base.version import __version__
from roco.release.new_folder import new_folder

FILE = "model.json"
FORMAT = 1
KINDS = ("concepts", "captions", "neighbours", "clip")
MANIFEST = "manifest.json"
CARD = "README.md"
LOG = "log.csv"
CURVES = "curves.svg"
AGAIN = "restore it, or train the model again"


@dataclass(frozen=True)
class Model:
    """A trained model in a folder. kind: what trained it; values: its entries in the file that states them."""

    path: Path
    kind: str
    values: Mapping[str, Any]
    file: str = FILE

    @property
    def manifest(self) -> dict[str, Any]:
        """Returns the manifest."""
        return _read(self.path, MANIFEST)


@contextmanager
def writing(out: Path, kind: str, values: Mapping[str, Any]) -> Iterator[Path]:
    """Yields a new folder for the files of a model, which becomes `out` with its model.json when the block ends.

    After an error nothing is left.
    """
    with new_folder(out) as part:
        yield part
        paths = sorted(path for path in part.rglob("*") if path.is_file())
        files = {path.relative_to(part).as_posix(): file_digest(path) for path in paths}
        entry = {"kind": kind, "format": FORMAT, "roco": __version__, "files": files, "values": dict(values)}
        write_json(part / FILE, entry)
        for path in paths:  # safetensors writes files that only their owner can read
            path.chmod((part / FILE).stat().st_mode)


def open_model(path: Path, *kinds: str) -> Model:
    """Opens the folder of a model and checks its files; kinds: those that are accepted, all by default.

    Raises DataError for another folder, a folder of another format, and a missing or changed file.
    """
    if not (path / FILE).is_file():
        what = "no such folder" if not path.exists() else "not the folder of a model"
        raise DataError(f"{what}: {path}", f"give a folder that `roco train` wrote; it contains {FILE}")
    entry = _read(path, FILE)
    if entry.get("format") != FORMAT:
        made = excerpt(str(entry.get("roco", "another version")))
        what = f"{path} has format {excerpt(str(entry.get('format')))} (roco {made}); this roco reads {FORMAT}"
        raise DataError(what, "train it again, or use the roco that wrote it")
    kind, files, values = entry.get("kind"), entry.get("files"), entry.get("values")
    if not isinstance(kind, str) or not isinstance(files, dict) or not isinstance(values, dict):
        raise DataError(f"{path / FILE} is incomplete", AGAIN)
    if kind not in KINDS:
        raise DataError(f"unknown kind of model '{excerpt(kind)}' ({path})", nearest(kind, KINDS))
    if kinds and kind not in kinds:
        raise DataError(f"{path} is a model of `roco train {kind}`", f"give one of `roco train {' or '.join(kinds)}`")
    for name, expected in files.items():
        file = path / name
        if not file.resolve().is_relative_to(path.resolve()):
            raise DataError(f"{path / FILE} lists a file outside the folder: {excerpt(name)}", "do not use this model")
        if not file.is_file():
            raise DataError(f"missing file: {file}", AGAIN)
        if file_digest(file) != expected:
            raise DataError(f"{file} has changed since the model was written", AGAIN)
    return Model(path, kind, values)


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        entry = parse_json(read_text(path / name))
    except (*UNREADABLE, ValueError) as err:
        raise DataError(f"{path / name} cannot be read: {excerpt(err)}", AGAIN) from err
    if not isinstance(entry, dict):
        raise DataError(f"{path / name} is not an object", AGAIN)
    return entry
