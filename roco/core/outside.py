"""Keeps a run from writing outside its folder: temporary files, bytecode beside the modules of users, core dumps."""

from __future__ import annotations

import os
import resource
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from typing import Any


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Lets temporary files be written to a folder until the block ends, unless the user set TMPDIR.

    Large archives are inflated to a file without a name, which the system removes when it is closed.
    """
    before = tempfile.tempdir
    if "TMPDIR" not in os.environ:
        tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def forbid_core_dumps() -> None:
    """Prevents a crash of this process from writing a core dump to the working folder."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


@cache
def import_without_bytecode() -> None:
    """Lets the modules of users be imported without a `__pycache__` beside them; installed packages keep theirs."""
    sys.path_hooks.insert(0, _finder_of_users)
    for entry in list(sys.path_importer_cache):
        if not _is_installed(entry):
            del sys.path_importer_cache[entry]  # its finder was made before


class _WithoutBytecode(SourceFileLoader):
    """Compiles a module each time it is imported."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Ignores the bytecode instead of writing it."""


def _finder_of_users(folder: str) -> FileFinder:
    """Returns the finder of modules in a folder; raises ImportError where Python's own finder is to be used."""
    if _is_installed(folder) or not Path(folder).is_dir():
        raise ImportError(f"not a folder of a user: {folder}")
    return FileFinder(
        folder,
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (_WithoutBytecode, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )


def _is_installed(folder: str) -> bool:
    return any(Path(folder).is_relative_to(root) for root in _roots())


@cache
def _roots() -> tuple[str, ...]:
    """Returns the folders of Python, of installed packages and of roco."""
    own = str(Path(__file__).parents[1])
    user_site = site.getusersitepackages()
    return (own, user_site, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())
