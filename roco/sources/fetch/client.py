"""Downloads objects of one bucket over HTTPS: complete, checked, and resumed after an interruption.

Requests are plain unsigned GETs. The retry loop is our own because S3 clients support neither If-Range nor Retry-After.
"""

from __future__ import annotations

import contextlib
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import httpx

from roco.base.errors import RejectedInput
from roco.base.version import __version__
from roco.sources.fetch.errors import (
    TOO_LARGE,
    BucketUnreachable,
    DownloadFailed,
    DownloadStopped,
    ObjectChanged,
    ObjectUnavailable,
)
from roco.sources.fetch.partial_download import PartialDownload
from roco.sources.fetch.response import accept_headers, check_content
from roco.sources.fetch.retry import Backoff, RetryableError, RetryPolicy

MAX_CONNECTIONS = 64
_MD5 = re.compile(r"[0-9a-f]{32}")
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Download(NamedTuple):
    """A downloaded object: ETag without quotes, size in bytes, data where it was not written to a file."""

    key: str
    etag: str
    md5: str
    sha256: str
    size: int
    data: bytes


class BucketClient:
    """Downloads objects of one bucket; one instance serves all threads.

    endpoint: the address to which keys are appended; contact: mail address for the User-Agent.
    now, wall_clock, sleep and draw replace the clocks, the sleep and the random numbers in tests.
    """

    def __init__(
        self,
        endpoint: str,
        contact: str,
        *,
        connections: int = 16,
        policy: RetryPolicy | None = None,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] | None = None,
        draw: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.connections = max(1, min(MAX_CONNECTIONS, connections))
        self.policy = policy or RetryPolicy()
        self.stop = threading.Event()
        self.bytes = 0
        self.requests = 0
        self._now = now
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        host = urlsplit(self.endpoint).netloc or self.endpoint
        self._backoff = Backoff(self.policy, host, now, sleep or self.stop.wait, draw)
        idle = self.policy.idle_timeout
        self._client = httpx.Client(
            headers={"User-Agent": f"roco/{__version__} (mailto:{contact})", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=self.connections, max_keepalive_connections=self.connections),
            timeout=httpx.Timeout(idle, connect=min(15.0, idle), pool=None),
            transport=transport,
        )

    def close(self) -> None:
        self._client.close()

    def get(
        self, key: str, *, limit: int, md5: str | None = None, path: Path | None = None,
        query: Mapping[str, str] | None = None, before_rename: Callable[[Download], object] = lambda download: None,
        validate: Callable[[bytes], object] | None = None,
    ) -> Download:  # fmt: skip
        """Downloads an object of at most `limit` bytes.

        md5: the expected MD5, if known. path: the file to write; a partial download beside it, left by this or another
        process, is resumed. Without a path the bytes are returned. before_rename: called with the complete download
        before the file gets its name. validate: raises RejectedInput for corrupt bytes.

        Raises ObjectUnavailable, DownloadFailed, BucketUnreachable, DownloadStopped; OSError if writing fails.
        ObjectChanged, a DownloadFailed, means that the bucket contains another object than the MD5 describes.
        """
        failed = throttled = 0
        rejected_md5s: set[str] = set()
        with contextlib.closing(PartialDownload(path)) as partial:
            while True:
                self._wait_until_allowed()
                try:
                    self._try_once(key, partial, limit, md5, query)
                    if md5 is None:
                        _check_unproved(partial, rejected_md5s, validate)
                    break
                except RetryableError as err:
                    if err.throttled:
                        throttled += 1
                    else:
                        failed += 1
                    self._backoff.failed(err)
                    max_failed = self.policy.max_changed if err.is_intact else self.policy.max_failed
                    if failed >= max_failed or throttled >= self.policy.max_throttled:
                        name = key or (query or {}).get("prefix", "")
                        tries = throttled if err.throttled else failed
                        failure = ObjectChanged if err.is_intact or err.is_unproved else DownloadFailed
                        raise failure(f"{name}: {err.reason} ({tries} tries)") from err
                    self._backoff.pause(failed + throttled, err)
            self._backoff.succeeded()
            download = Download(key, partial.etag, partial.md5, partial.sha256, partial.size, b"")
            before_rename(download)
            return download._replace(data=partial.finish())

    def _wait_until_allowed(self) -> None:
        self._raise_if_stopped()
        self._backoff.wait_until_allowed()
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self.stop.is_set():
            raise DownloadStopped("stopped")

    def _try_once(
        self, key: str, partial: PartialDownload, limit: int, md5: str | None, query: Mapping[str, str] | None
    ) -> None:
        """Sends one request and appends what arrives; raises RetryableError where another try may succeed."""
        if partial.size and partial.md5 == md5:
            return  # complete: the process was killed between the last byte and the rename
        if partial.size and not partial.etag:
            partial.discard()
        headers = {}
        if partial.size:
            headers = {"Range": f"bytes={partial.size}-", "If-Range": f'"{partial.etag}"'}
        with self._lock:
            self.requests += 1
        try:
            with self._client.stream("GET", self._url(key, query), headers=headers) as response:
                accept_headers(response, partial, key or self.endpoint, limit, md5, self._wall_clock())
                self._read_body(response, partial, key, limit)
        except httpx.InvalidURL as err:
            raise BucketUnreachable(f"invalid address {self.endpoint}: {err}", "check --endpoint") from err
        except httpx.HTTPError as err:
            reached_server = not isinstance(err, _NO_CONNECTION)
            raise RetryableError(_describe(err), reached_server=reached_server) from err
        check_content(partial, key, md5)

    def _url(self, key: str, query: Mapping[str, str] | None) -> str:
        url = f"{self.endpoint}/{quote(key)}"
        return f"{url}?{urlencode(query)}" if query else url

    def _read_body(self, response: httpx.Response, partial: PartialDownload, key: str, limit: int) -> None:
        """Appends a body piece by piece; raises RetryableError where it arrives too slowly."""
        period_start = self._now()
        bytes_in_period = 0
        for piece in response.iter_raw():
            partial.append(piece)
            bytes_in_period += len(piece)
            with self._lock:
                self.bytes += len(piece)
            if partial.size > limit:
                raise ObjectUnavailable(key, TOO_LARGE)
            self._raise_if_stopped()
            elapsed = self._now() - period_start
            if elapsed > self.policy.idle_timeout:
                if bytes_in_period < self.policy.min_speed * elapsed:
                    raise RetryableError(f"only {bytes_in_period} bytes in {elapsed:.0f} s")
                period_start = self._now()
                bytes_in_period = 0


def _check_unproved(
    partial: PartialDownload, rejected_md5s: set[str], validate: Callable[[bytes], object] | None
) -> None:
    """Raises RetryableError if the MD5 is unknown and the bytes may be corrupt.

    An ETag that equals the MD5 proves the bytes. Otherwise the ETag may be another kind of digest, so bytes that arrive
    twice and are valid are accepted.
    """
    if partial.md5 == partial.etag:
        return
    arrived_before = partial.md5 in rejected_md5s
    rejected_md5s.add(partial.md5)
    reason = ""
    try:
        if validate is not None:
            validate(partial.data)
    except RejectedInput as err:
        reason = err.message
    etag_looks_like_md5 = _MD5.fullmatch(partial.etag) is not None
    if not reason and etag_looks_like_md5 and not arrived_before:
        reason = "MD5 differs from the ETag"
    if reason:
        partial.discard()
        raise RetryableError(reason)


def _describe(err: httpx.HTTPError) -> str:
    if isinstance(err, httpx.TimeoutException):
        return "timeout"
    if isinstance(err, httpx.ReadError | httpx.RemoteProtocolError):
        return "connection lost"
    return str(err) or type(err).__name__
