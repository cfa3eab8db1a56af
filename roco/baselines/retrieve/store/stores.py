"""The stores of an index by their names: `files` is the default, `lance` is for large collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.retrieve.folder import AGAIN, FILES, LANCE
from roco.baselines.retrieve.store import files, lance_write
from roco.baselines.retrieve.store.files import FileStore
from roco.baselines.retrieve.store.lance import LanceStore
from roco.baselines.retrieve.store.lance_table import library
from roco.baselines.retrieve.store.store import Store

NAMES = (FILES, LANCE)


def check(store: str) -> None:
    """Raises UsageError for an unknown store, and MissingExtra for one whose package is not installed."""
    if store not in NAMES:
        raise UsageError(f"unknown store '{excerpt(store)}' (--store)", nearest(store, NAMES))
    if store == LANCE:
        library()


def write(
    store: str,
    folder: Path,
    table: pa.Table,
    names: Mapping[str, str],
    texts: Sequence[str],
    vectors: Mapping[str, NDArray[Any]],
    centred: Collection[str],
) -> list[str]:
    """Writes the files of a store into a new folder; returns the names of those whose digest the manifest states.

    centred: the kinds of vectors from which their mean is subtracted.
    """
    if store == LANCE:
        return lance_write.write(folder, table, names, texts, vectors, centred=frozenset(centred))
    return files.write(folder, table, names, texts, vectors)


def opened(folder: Path, manifest: Mapping[str, Any]) -> Store:
    """Opens the store of an index; raises DataError for an unknown or damaged one."""
    centred = frozenset(manifest["encoder"].get("centred", ()))
    name = manifest.get("store")
    if name == FILES:
        return FileStore(folder, centred)
    if name == LANCE:
        return LanceStore(folder)
    raise DataError(f"{folder} is of an unknown store: {excerpt(name)}", AGAIN)
