"""Opens tars, compressed or not: inflates them once and checks everything before any member is returned.

The bytes of articles and images go to one spooled temporary file, from which members are read later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

from roco.base.errors import RejectedInput
from roco.base.files import full_disk
from roco.base.terminal import quoted
from roco.sources.archives.archive import Archive, open_bounded
from roco.sources.archives.codecs import GZIP, Codec
from roco.sources.archives.inflate import Inflated
from roco.sources.archives.limits import STANDARD, Limits
from roco.sources.archives.names import is_readable, is_resource_fork, without_dot, without_top_folder
from roco.sources.archives.tar import members

SPOOL = 8 << 20
"""Bytes of one archive that are kept in memory; more go to a temporary file without a name."""


class _Place(NamedTuple):
    """Where a member is in the spool."""

    offset: int
    size: int


def open_tar_gz(path: Path, limits: Limits = STANDARD) -> Archive:
    """Opens a tar.gz, see `open_tar`."""
    return open_tar(path, GZIP, limits)


def open_tar(path: Path, codec: Codec, limits: Limits = STANDARD) -> Archive:
    """Inflates a tar and checks all of it: checksums and end of the compressed file, every header, the end, the limits.

    Raises RejectedInput at the first error, before any member was returned. OSError is not caught: only the caller can
    distinguish a failing disk from an unreadable file.
    """
    with open_bounded(path, limits) as fh:
        spool = tempfile.SpooledTemporaryFile(max_size=SPOOL)  # noqa: SIM115 - the archive closes it
        try:
            return _Tar(_spooled(Inflated(fh, limits, codec), spool, limits), spool, limits)
        except BaseException:
            spool.close()
            raise


class _Tar(Archive):
    def __init__(self, places: Mapping[str, _Place], spool: IO[bytes], limits: Limits) -> None:
        super().__init__({name: place.size for name, place in places.items()}, limits)
        self._places = places
        self._spool = spool

    def _bytes(self, name: str, size: int) -> bytes:
        self._spool.seek(self._places[name].offset)
        return self._spool.read(size)

    def close(self) -> None:
        self._spool.close()


def _spooled(stream: Inflated, spool: IO[bytes], limits: Limits) -> dict[str, _Place]:
    """Writes articles and images to the spool; returns the place of every member by name.

    Other members get a place too, because they are listed; `Archive.read` rejects them.
    """
    places: dict[str, _Place] = {}
    offset = 0
    for name_as_written, size in members(stream, limits):
        name = without_dot(name_as_written)
        if is_resource_fork(name):
            stream.skip(size)
            continue
        if name in places:
            # Readers differ in which of the two they return.
            raise RejectedInput(f"two members are named {quoted(name)}")
        places[name] = _Place(offset, size)
        if not is_readable(name):
            stream.skip(size)
            continue
        try:
            stream.pour(size, spool)
        except OSError as err:
            raise full_disk(err, Path(tempfile.gettempdir(), "an inflated archive")) from err
        offset += size
    return without_top_folder(places)
