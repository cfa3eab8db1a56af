"""Stages and a source that crash or fail, unless ROCO_TEST_MENDED is set."""

from __future__ import annotations

import dataclasses
import os
import resource
import signal
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.stage import Extraction, put
from tests.core import fakes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look(fakes.Look):
    """Also needs more memory than available for "HUGE…"."""

    def __call__(self, batch: pa.Table, lend: Collection[str] = ()) -> pa.Table:
        if "ROCO_TEST_MENDED" in os.environ:
            mended = pc.replace_substring_regex(batch["bytes"], pattern=b"^(CRASH|HANG|HUGE)", replacement=b"fine")
            return super().__call__(put(batch, "bytes", mended), lend)
        if any(data is not None and data.startswith(b"HUGE") for data in batch["bytes"].to_pylist()):
            if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
                os.kill(os.getpid(), signal.SIGKILL)  # as the system does when it runs out of memory
            bytearray(64 << 30)
        return super().__call__(batch, lend)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Read(fakes.Read):
    def __call__(self, batch: pa.Table) -> Extraction:
        if "ROCO_TEST_MENDED" in os.environ:
            xml = pc.replace_substring(batch["xml"], pattern=b"CRASH THE READER", replacement=b"now it can be read")
            batch = put(batch, "xml", xml)
        return super().__call__(batch)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Faulty(fakes.Notes):
    """A source that raises an exception."""

    def open(self, place: str) -> fakes.Note:
        raise KeyError(place)
