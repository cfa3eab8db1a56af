"""Downloads what a run reads from a bucket: ahead of time, on several connections, verified, with receipts.

Whatever the network does is either repeated or an error of the run (SourceUnavailable): a figure is dropped only for
what the bucket itself contains.
"""

from __future__ import annotations

import os
import socket
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from roco.base.errors import RejectedInput, SourceUnavailable
from roco.core.source import Wanted
from roco.sources.bucket.catalog import Catalog, catalog_path, options_of
from roco.sources.bucket.downloads import Downloads
from roco.sources.bucket.options import BucketOptions
from roco.sources.cloud_metadata import md5s, version_of
from roco.sources.fetch.articles_folder import STATE_FOLDER
from roco.sources.fetch.commands import new_client
from roco.sources.fetch.errors import (
    BucketUnreachable,
    DownloadFailed,
    DownloadStopped,
)
from roco.sources.fetch.metadata_cache import MetadataCache
from roco.sources.fetch.receipts import Receipts
from roco.sources.fetch.retry import RetryPolicy

POLICY = RetryPolicy(max_failed=12, max_changed=2, max_unreachable=96, max_unreachable_at_start=16)
"""More tries than `roco fetch` makes: one object that fails stops a part, not only its article."""

READ_WITHIN = 600.0
"""Seconds within which announced files must arrive; less than the engine's limit for a worker that sends no message."""

_ARTICLES_AT_ONCE = 256
"""Articles whose metadata stay in memory."""

_OUTAGES = (DownloadFailed, BucketUnreachable, DownloadStopped, TimeoutError)


class Described(NamedTuple):
    """A version as its metadata describe it; md5s: by name; media: names of its files other than the XML."""

    body: bytes
    md5s: Mapping[str, str]
    media: Sequence[str]


class Reader:
    """Reads metadata, XML and images of listed versions; one instance serves one process."""

    def __init__(self, source: BucketOptions) -> None:
        self._source = source
        self._catalog: Catalog | None = None
        self._described: OrderedDict[str, Described] = OrderedDict()
        self._pending: dict[tuple[str, str], Future[bytes]] = {}
        self._deadline = 0.0
        self._downloads: Downloads | None = None
        self._receipts: Receipts | None = None
        self._stop_downloads: Callable[[], object]
        self._close_receipts: Callable[[], object]

    def describe(self, key: str) -> Described:
        """Returns what the metadata of a version contain; raises DataError if the listing does not have the version."""
        if key not in self._described:
            while len(self._described) >= _ARTICLES_AT_ONCE:
                self._described.popitem(last=False)
            self._described[key] = self._describe(key)
        return self._described[key]

    def expect(self, files: Sequence[Wanted]) -> None:
        """Starts to download some files; what was announced before and has not been read is given up."""
        for future in self._pending.values():
            future.cancel()
        self._pending.clear()
        self._deadline = time.monotonic() + READ_WITHIN
        for place, file in files:
            self._start(place, file if file is not None else f"{place}.xml")

    def get(self, key: str, name: str) -> bytes:
        """Returns the bytes of a file of a version.

        Raises RejectedInput if the bucket does not contain it, or contains another file than the metadata describe;
        SourceUnavailable if it cannot be downloaded now.
        """
        if (key, name) not in self._pending:
            self._deadline = time.monotonic() + READ_WITHIN
            self._start(key, name)
        future = self._pending.pop((key, name))
        try:
            return future.result(max(0.0, self._deadline - time.monotonic()))
        except _OUTAGES as err:
            self._give_up()
            reason = getattr(err, "message", "") or f"{key}/{name}: not downloaded within {READ_WITHIN:.0f} s"
            hint = "check the network, then run the same command again: it resumes where it stopped"
            raise SourceUnavailable(f"cannot read {self._source.path}: {reason}", hint) from err
        except BaseException as err:
            if not isinstance(err, RejectedInput):
                self._give_up()
            raise

    # --- downloads --------------------------------------------------------------------------------------------------

    def _start(self, key: str, name: str) -> None:
        if (key, name) not in self._pending:
            md5 = self.describe(key).md5s.get(name)
            if self._downloads is None:
                self._downloads = Downloads(new_client(options_of(self._source), POLICY), self._open_receipts())
                # Not `__del__`: of objects that are collected together, the sockets may be finalized before the reader.
                self._stop_downloads = weakref.finalize(self, self._downloads.stop)
            self._pending[key, name] = self._downloads.start(key, name, md5)

    def _open_receipts(self) -> Receipts:
        if self._receipts is None:
            # Each process has a file of its own: network disks do not append the lines of several in order.
            name = f"{STATE_FOLDER}/receipts-{socket.gethostname()}-{os.getpid()}.jsonl"
            self._receipts = Receipts(self._source.state, self._open_catalog().snapshot, name)
            self._close_receipts = weakref.finalize(self, self._receipts.close)
        return self._receipts

    def _give_up(self) -> None:
        """Stops all downloads; the next one starts with new connections."""
        self._pending.clear()
        if self._downloads is not None:
            self._stop_downloads()
            self._downloads = None

    def close(self) -> None:
        """Stops all downloads and closes connections and receipts."""
        self._give_up()
        if self._receipts is not None:
            self._close_receipts()
            self._receipts = None

    # --- metadata ---------------------------------------------------------------------------------------------------

    def _open_catalog(self) -> Catalog:
        if self._catalog is None:
            cache = MetadataCache(self._source.state / STATE_FOLDER / "metadata")
            self._catalog = Catalog(catalog_path(self._source), cache)
        return self._catalog

    def _describe(self, key: str) -> Described:
        body, metadata = self._open_catalog().metadata(key)
        return Described(body, md5s(key, metadata), version_of(key, metadata, None).media or ())
