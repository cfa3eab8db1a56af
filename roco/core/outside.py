"""Keeps a run from writing outside its folder: temporary files, core dumps."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
