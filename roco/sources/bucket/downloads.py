"""Downloads of a bucket on several connections, and what an answer of the bucket means for a run."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from roco.base.errors import DataError, RejectedInput
from roco.base.terminal import quoted
from roco.sources.archives.reader import STANDARD
from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.errors import UNAVAILABLE, DownloadFailed, ObjectChanged, ObjectUnavailable, describe_status
from roco.sources.fetch.listing import list_objects
from roco.sources.fetch.receipts import Receipts


class Downloads:
    """Downloads files on as many threads as the client has connections; once stopped, the client is closed."""

    def __init__(self, client: BucketClient, receipts: Receipts) -> None:
        self._client, self._receipts = client, receipts
        self._pool = ThreadPoolExecutor(client.connections, thread_name_prefix="bucket")
        self._lock = threading.Lock()
        self._n_running = 0
        self._is_stopped = False

    def start(self, key: str, name: str, md5: str | None) -> Future[bytes]:
        """Starts to download a file of a version; md5: the expected one, null if none is known."""
        with self._lock:
            future = self._pool.submit(_download, self._client, self._receipts, key, name, md5)
            self._n_running += 1
        future.add_done_callback(self._ended)
        return future

    def stop(self) -> None:
        """Stops all downloads without waiting for them."""
        self._client.stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._is_stopped = True
            is_last = not self._n_running
        if is_last:
            self._client.close()

    def _ended(self, _: Future[bytes]) -> None:
        """Closes the client after the last download: a connection that is in use cannot be closed."""
        with self._lock:
            self._n_running -= 1
            is_last = self._is_stopped and not self._n_running
        if is_last:
            self._client.close()


def _download(client: BucketClient, receipts: Receipts, key: str, name: str, md5: str | None) -> bytes:
    """Downloads one file; raises RejectedInput for what is wrong in the bucket, an error of downloads otherwise."""
    path = f"{key}/{name}"
    try:
        got = client.get(path, limit=STANDARD.xml if name == f"{key}.xml" else STANDARD.member, md5=md5)
    except ObjectChanged as err:
        raise RejectedInput(f"md5 does not match: {quoted(name)}") from err
    except ObjectUnavailable as err:
        if err.status in UNAVAILABLE:
            _check_bucket(client, key)
        receipts.unavailable(path, err.status)
        raise RejectedInput(f"{quoted(name)}: {describe_status(err.status)}") from err
    receipts.downloaded(got)
    return got.data


def _check_bucket(client: BucketClient, key: str) -> None:
    """Raises DownloadFailed if the bucket does not list objects: then a status proves nothing about one of them."""
    try:
        next(list_objects(client, f"{key}/"), None)
    except DataError as err:
        raise DownloadFailed(err.message) from err
