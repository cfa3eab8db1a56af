"""The files of a draft at Zenodo: each is sent whole, and compared by its MD5; complete ones are not sent again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from roco.base.progress import Progress
from roco.base.terminal import excerpt
from roco.release.hubs.client import Body, HubClient
from roco.release.hubs.errors import HubRefused
from roco.release.hubs.package import LocalFile, Package
from roco.release.hubs.sending import SentBytes

_TRIES = 3  # of a file that arrives with other bytes


class DraftFiles:
    """The files of one draft."""

    def __init__(self, client: HubClient, record: str) -> None:
        self._client = client
        self._path = f"/api/records/{record}/draft"

    def listed(self) -> dict[str, Mapping[str, Any]]:
        """Returns what Zenodo knows of each file of the draft, complete or not."""
        entries = self._client.call("GET", f"{self._path}/files").get("entries") or []
        return {str(entry["key"]): entry for entry in entries}

    def import_previous(self) -> list[str]:
        """Takes the files of the previous version over into an empty draft; returns their names."""
        if not self.listed():
            self._client.call("POST", f"{self._path}/actions/files-import", happened=lambda: self.listed() or None)
        return list(self.listed())

    def send(self, package: Package, removable: Collection[str], progress: Progress) -> tuple[int, int]:
        """Makes the draft contain exactly the files of a package; returns the number of files and bytes sent.

        removable: names of files that may be removed from the draft.
        """
        entries = self.listed()
        wanted = {file.name for file in package.files}
        for name in sorted(entries.keys() - wanted):
            if name in removable:
                self._remove(name)
        missing = [file for file in package.files if not _is_complete(entries.get(file.name), file)]
        n_bytes = sum(file.size for file in missing)
        sent = SentBytes(progress, package.size, package.size - n_bytes)
        for file in missing:
            self._send(file, sent.counted(file.body()), is_listed=file.name in entries)
        self._check(package)
        return len(missing), n_bytes

    def _send(self, file: LocalFile, body: Body, is_listed: bool) -> None:
        for _ in range(_TRIES):
            if is_listed:
                self._remove(file.name)
            self._register(file.name)
            # Zenodo cannot continue inside a file: what was cut is removed and sent again.
            self._client.call("PUT", f"{self._file(file.name)}/content", body=body, happened=lambda: self._renew(file))
            entry = self._client.call(
                "POST", f"{self._file(file.name)}/commit", happened=lambda: self._completed(file.name)
            )
            if _is_complete(entry, file):
                return
            is_listed = True
        raise HubRefused(f"{excerpt(file.name)} arrives at Zenodo with other bytes", "check the network, and repeat")

    def _register(self, name: str) -> None:
        self._client.call("POST", f"{self._path}/files", json=[{"key": name}], happened=lambda: self.listed().get(name))

    def _renew(self, file: LocalFile) -> None:
        self._remove(file.name)
        self._register(file.name)

    def _completed(self, name: str) -> Mapping[str, Any] | None:
        entry = self.listed().get(name)
        return entry if entry is not None and entry.get("status") == "completed" else None

    def _remove(self, name: str) -> None:
        self._client.call("DELETE", self._file(name), missing=(404,))

    def _check(self, package: Package) -> None:
        entries = self.listed()
        for file in package.files:
            if not _is_complete(entries.get(file.name), file):
                raise HubRefused(f"{excerpt(file.name)} is not complete at Zenodo", "repeat the command")

    def _file(self, name: str) -> str:
        return f"{self._path}/files/{quote(name, safe='')}"


def _is_complete(entry: Mapping[str, Any] | None, file: LocalFile) -> bool:
    if entry is None or entry.get("status", "completed") != "completed":
        return False
    return int(entry.get("size", -1)) == file.size and entry.get("checksum") == f"md5:{file.md5}"
