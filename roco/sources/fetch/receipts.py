"""Receipts: one line for every object that was downloaded, was unavailable, or was removed again."""

from __future__ import annotations

from pathlib import Path

from roco.sources.fetch.articles_folder import STATE_FOLDER
from roco.sources.fetch.client import Download
from roco.sources.fetch.json_log import JsonLog, timestamp

RECEIPTS = f"{STATE_FOLDER}/receipts.jsonl"


class Receipts:
    """Appends the receipts of one folder; each names the snapshot for which the object was requested.

    name: of the file; processes that run at the same time write one each.
    """

    def __init__(self, folder: Path, snapshot: str, name: str = RECEIPTS) -> None:
        self._log = JsonLog(folder / name)
        self._snapshot = snapshot

    def downloaded(self, download: Download) -> None:
        self._log.append(
            {
                "key": download.key,
                "etag": download.etag,
                "md5": download.md5,
                "sha256": download.sha256,
                "bytes": download.size,
                **self._time_and_snapshot(),
            }
        )

    def unavailable(self, key: str, status: int) -> None:
        self._log.append({"key": key, "status": status, **self._time_and_snapshot()})

    def removed(self, key: str) -> None:
        self._log.append({"key": key, "removed": True, **self._time_and_snapshot()})

    def sync(self) -> None:
        self._log.sync()

    def close(self) -> None:
        self._log.close()

    def _time_and_snapshot(self) -> dict[str, str]:
        return {"time": timestamp(), "snapshot": self._snapshot}
