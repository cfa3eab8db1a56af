"""The receipt of an object: what came, when, and for which snapshot."""

from __future__ import annotations

from pathlib import Path

from roco.sources.fetch import ledger
from roco.sources.fetch.ledger import Ledger
from roco.sources.fetch.tree import STATE
from roco.sources.fetch.wire import Got

RECEIPTS = f"{STATE}/receipts.jsonl"


class Receipts:
    """The receipts of one folder; every line names the snapshot that it was fetched for."""

    def __init__(self, folder: Path, snapshot: str) -> None:
        self._ledger, self._snapshot = Ledger(folder / RECEIPTS), snapshot
        self.sync, self.close = self._ledger.sync, self._ledger.close

    def add(self, got: Got) -> None:
        told = {"key": got.key, "etag": got.etag, "md5": got.md5, "sha256": got.sha256, "bytes": got.size}
        self._ledger.add(**told, time=ledger.now(), snapshot=self._snapshot)

    def tombstone(self, key: str, status: int) -> None:
        self._ledger.add(key=key, status=status, time=ledger.now(), snapshot=self._snapshot)

    def removed(self, key: str) -> None:
        self._ledger.add(key=key, removed=True, time=ledger.now(), snapshot=self._snapshot)
