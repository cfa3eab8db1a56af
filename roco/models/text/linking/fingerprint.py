"""What determines the mentions of a linker besides its options: the content of its files, and code of users."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from roco.base.errors import DataError, UsageError
from roco.base.files import digest, file_digest, reason_of
from roco.base.user_modules import import_named
from roco.models.text.linking.open import check_options


def fingerprint(
    linker: str, *, vocabulary: Path | None = None, model: Path | None = None, table: Path | None = None
) -> dict[str, str]:
    """Returns SHA-256 digests by what they cover; equal where the linker finds the same mentions.

    Names and dates of files do not count, except the names of files inside a model pack. Of a linker of a user, the
    module that is named and the one that contains the function or class count, not what these import.
    """
    check_options(linker, vocabulary=vocabulary, model=model, table=table)
    if ":" in linker:
        return _of_code(linker)
    if linker == "dictionary":
        from roco.models.text.vocabulary.table import SHIPPED

        tables = sorted(Path(__file__).parent.glob("*.toml"))  # forms of words, short forms, cues of negation
        rules = digest([(table.name, file_digest(table)) for table in tables])
        return {"vocabulary": content_digest(vocabulary or SHIPPED), "rules": rules}
    values = {}
    if model is not None:
        values["model"] = content_digest(model)
    if linker == "learned" and model is not None:
        values["card"] = content_digest(model.with_suffix(".json"))
    if linker == "medcat":
        values |= {package: _version(package) for package in ("medcat", "spacy")}
    if table is not None:
        values["table"] = content_digest(table)
    return values


def content_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, or of the names and contents of all files in a folder. Raises DataError."""
    try:
        if not path.is_dir():
            return file_digest(path)
        return digest([(str(file.relative_to(path)), file_digest(file)) for file in _files(path)])
    except OSError as err:
        raise DataError(f"cannot read {err.filename or path}: {reason_of(err)}", "check the path") from err


def _files(folder: Path) -> Iterator[Path]:
    """Yields the files in a folder and its folders, in an order that depends on their names only.

    A link to a folder is rejected: it could lead back to the folder.
    """
    for entry in sorted(folder.iterdir()):
        if entry.is_file():
            yield entry
        elif entry.is_symlink():
            raise DataError(f"{entry} is a link to a folder", "replace it by a copy of the folder")
        elif entry.is_dir():
            yield from _files(entry)


def _of_code(linker: str) -> dict[str, str]:
    named: Any = import_named(linker, "function")
    owner = named if inspect.ismodule(named) or inspect.isfunction(named) or inspect.isclass(named) else type(named)
    values = {}
    for name in (linker.partition(":")[0], owner.__module__):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            values[name] = content_digest(Path(file))
    if not values:
        raise UsageError(f"'{linker}' is not in a file", "name a function of a module that has a file")
    return values


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
