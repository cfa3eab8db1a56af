"""What all sources share: the rows of a listing, and the errors of files, folders and disks.

A source lists its packages as `Row`s, one per article; `as_listing` makes the table `schema.LISTING` of them. The
engine passes the previous listing back (`rows_by_article`), so that unchanged packages are not opened again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.schema import LISTING, NOT_READ
from roco.base.terminal import quoted


class Row(NamedTuple):
    """A row of `schema.LISTING`."""

    article: str
    digest: str
    place: str
    stamp: str
    facts: str


def rows_by_article(previous: pa.Table | None) -> dict[str, Row]:
    """Returns the rows of the previous listing by article."""
    if previous is None:
        return {}
    columns = (previous[name].to_pylist() for name in LISTING.names)
    return {row[0]: Row(*row) for row in zip(*columns, strict=True)}


def as_listing(rows: Iterable[Row]) -> pa.Table:
    """Returns rows as a table of `schema.LISTING`, sorted by article."""
    columns = zip(*sorted(rows), strict=True)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=LISTING)


def unreadable_row(name: str, reason: str) -> Row:
    """Returns the row of a file that may be an article but cannot be read; name: relative to the source.

    It has no stamp, so the next run looks at the file again.
    """
    place = place_of(name)
    return Row(place, digest([place, reason]), place, "", json.dumps({"error": reason}))


def unread_row(name: str, reason: str) -> Row:
    """Returns the row of a file that is not read because of its format: `extract` counts it apart from articles."""
    place = place_of(name)
    return Row(place, digest([place, reason]), place, "", json.dumps({NOT_READ: reason}))


def unreadable_folder(root: Path, folder: Path, reason: str, previous: Mapping[str, Row]) -> Iterator[Row]:
    """Yields the rows of a folder that cannot be read: one for itself, and those of the previous listing inside.

    Otherwise its articles would count as withdrawn. Raises DataError if it is the root of the source.
    """
    if folder == root:
        raise DataError(f"the source {root} {reason}", "check its permissions and run the same command again")
    name = folder.relative_to(root).as_posix()
    yield unreadable_row(name, reason)
    for row in previous.values():
        if row.place.startswith(f"{place_of(name)}/"):
            yield row


# --- errors

# Errors that belong to a single file or folder, not to the disk.
_ERRORS_OF_A_FILE = frozenset({errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.ENAMETOOLONG})


def require_folder(path: Path) -> None:
    """Raises DataError if the root of a source is missing: an unmounted disk is not an empty source."""
    if not path.is_dir():
        problem = "is not a folder" if path.exists() else "does not exist"
        raise DataError(
            f"the source {path} {problem}", "restore it, or set path in [source] to the folder of the articles"
        )


@contextlib.contextmanager
def listing_errors(path: Path) -> Iterator[None]:
    """Turns errors of the disk during a listing into DataError, so that a run stops instead of losing articles."""
    require_folder(path)
    try:
        yield
    except OSError as err:
        raise DataError(
            f"cannot list the source {path}: {err.strerror}",
            f"check {err.filename or 'the disk'} and run the same command again",
        ) from err


def file_error(err: OSError) -> str:
    """Returns the reason why one file or folder cannot be read; raises the error again if it may be the disk's.

    An article on a failing disk must not count as withdrawn, so an error of the disk stops the listing.
    """
    if err.errno not in _ERRORS_OF_A_FILE:
        raise err
    return f"cannot be read: {err.strerror}"


def missing(path: Path) -> FileNotFoundError:
    """Returns the cause of a package that was rejected because a path of it does not exist."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


# --- paths


def relative_path(place: str) -> PurePosixPath:
    """Returns a place of a listing as a path relative to the source; raises RejectedInput if it leads outside."""
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or "\0" in place:
        raise RejectedInput(f"{quoted(place)} is outside of the source")
    return path


def is_inside(path: Path, root: Path) -> bool:
    """Returns whether a path is below the resolved root of a source once links are followed."""
    # Path.resolve raises for a link to itself, realpath does not.
    return Path(os.path.realpath(path)).is_relative_to(root)


def valid_utf8(name: str) -> str:
    r"""Returns a name of the file system as tables can store it: bytes that are not UTF-8 become `\xff`."""
    return os.fsencode(name).decode(errors="backslashreplace")


NOT_UTF8 = "its name, or that of a folder above it, is not in UTF-8"


def is_utf8(name: str) -> bool:
    """Returns whether a name of the file system is UTF-8. A file with any other cannot be opened by its place."""
    return valid_utf8(name) == name


def place_of(name: str) -> str:
    """Returns the place of a file or folder in a listing; of a name that is not UTF-8, one that no other file has."""
    return name if is_utf8(name) else f"./{valid_utf8(name)}"
