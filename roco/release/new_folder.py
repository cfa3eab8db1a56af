"""Writes a folder as a whole: beside its place under another name, which it gets when it is complete."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from roco.base.errors import UsageError
from roco.base.files import full_disk, sync


def check_new(out: Path, source: Path) -> None:
    """Raises UsageError if a folder to write exists, or is inside the release that it is made from."""
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} already exists", "choose another folder")
    if out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{out} is inside the release {source}", "choose a folder beside it: a release is not changed")


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `out`, and renames it to `out` when the block ends without an exception.

    After an exception nothing is left. What a killed process left is removed by the next one that writes the folder.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out)
        part.mkdir()
        yield part
        sync(part)
        part.rename(out)
        sync(out.parent)
    except OSError as err:
        shutil.rmtree(part, ignore_errors=True)
        raise full_disk(err, out) from err
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _remove_leftovers(out: Path) -> None:
    for entry in out.parent.glob(f".{out.name}.*.part"):
        match = re.fullmatch(r"\.([0-9]+)\.part", entry.name.removeprefix(f".{out.name}"))
        if match and not _is_running(int(match[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
