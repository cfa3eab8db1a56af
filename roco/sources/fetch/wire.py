"""One object of a bucket over HTTPS: in full, checked, and taken up again where it broke off.

Plain unsigned GET. The loop of tries is ours, for a store's own clients know neither If-Range nor Retry-After.
"""

from __future__ import annotations

import contextlib
import email.utils
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import httpx

from roco.base.errors import DataError, RejectedInput, RocoError
from roco.base.version import __version__
from roco.sources.fetch.body import Body

CONNECTIONS = 64
"""Connections at most, whatever is asked for."""
GONE = (403, 404, 410)
THROTTLED = (429, 503)
TOO_LARGE = 413
"""The status of an object that is larger than the limit, as a tombstone tells it."""
RETRY_AFTER = 300.0
"""Seconds that a server's Retry-After is believed at most."""

_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)", re.IGNORECASE)
_MD5 = re.compile(r"[0-9a-f]{32}")
_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+|\*)")


class Gone(DataError):
    """There is no such object, or it may not be had, or it is larger than allowed: it is not asked for again."""

    def __init__(self, key: str, status: int) -> None:
        super().__init__(f"{key}: {why_gone(status)}")
        self.status = status

    def __reduce__(self) -> tuple[type[RocoError], tuple[str, str]]:
        return DataError, (self.message, self.hint)


def why_gone(status: int) -> str:
    """What a status says of an object that is not to be had."""
    return {403: "is forbidden", TOO_LARGE: "is too large"}.get(status, "is gone") + f" (status {status})"


class Failed(DataError):
    """An object could not be had in as many tries as there are; others may."""


class Unreachable(DataError):
    """Nothing can be had from the server now."""


class Stopped(DataError):
    """Another object's trouble, or the user, ended the work."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how long it is tried again; times in seconds, pauses with full jitter.

    throttled: tries of one object that the server asked to come later; failed: tries that failed otherwise;
    base, cap: the pause before try n is at most base * 2 ** n and at most cap; breaker: failures to get through at
    all, in a row over all connections, after which it stops; first: the same before anything ever came through;
    idle: seconds without a byte; slow: bytes a second, over `idle` seconds, below which a connection is given up.
    """

    throttled: int = 20
    failed: int = 6
    base: float = 0.5
    cap: float = 60.0
    breaker: int = 24
    first: int = 4
    idle: float = 30.0
    slow: float = 200.0


class Got(NamedTuple):
    """An object as it came: size in bytes, data where it was not written to a file, etag without quotes."""

    key: str
    etag: str
    md5: str
    sha256: str
    size: int
    data: bytes


class _Again(Exception):
    """A try that failed; through: whether the object's own server answered at all."""

    def __init__(self, reason: str, *, throttled: bool = False, after: float = 0.0, through: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.throttled, self.after, self.through = reason, throttled, after, through


class Wire:
    """Gets objects of one bucket; one for all threads.

    endpoint: the address that a key is put behind; contact: stands in the User-Agent. The clock, the sleep and the
    chance can be given, so that tests need not wait.
    """

    def __init__(
        self,
        endpoint: str,
        contact: str,
        *,
        connections: int = 16,
        patience: Patience | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        chance: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.connections = max(1, min(CONNECTIONS, connections))
        self.patience = patience or Patience()
        self.stop = threading.Event()
        self.bytes = self.requests = 0
        self._now, self._chance = now, chance
        self._sleep = sleep or self.stop.wait
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._came_through = False
        self._not_before = 0.0
        self._client = httpx.Client(
            headers={"User-Agent": f"roco/{__version__} (mailto:{contact})", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=self.connections, max_keepalive_connections=self.connections),
            timeout=httpx.Timeout(self.patience.idle, connect=min(15.0, self.patience.idle), pool=None),
            transport=transport,
        )

    def close(self) -> None:
        self._client.close()

    def get(
        self, key: str, *, limit: int, md5: str | None = None, part: Path | None = None,
        query: Mapping[str, str] | None = None, before: Callable[[Got], object] = lambda got: None,
        fit: Callable[[bytes], object] | None = None,
    ) -> Got:  # fmt: skip
        """An object of at most `limit` bytes, whose MD5 is the given one.

        part: where it is written, and taken up where an earlier try, of this process or another, broke off; without
        it the bytes are given back. before: called when all is there, before the file gets its name. fit: raises
        RejectedInput for bytes that may be spoilt. Raises Gone, Failed, Unreachable, Stopped; OSError where it
        cannot be written.
        """
        told = key or (query or {}).get("prefix", "")
        failed = throttled = 0
        seen: set[str] = set()
        with contextlib.closing(Body(part)) as body:
            while True:
                self._hold()
                try:
                    etag = self._once(key, body, limit, md5, query)
                    if md5 is None:
                        _doubt(body, etag, seen, fit)
                except _Again as err:
                    failed, throttled = failed + (not err.throttled), throttled + err.throttled
                    self._did_not(err)
                    if failed >= self.patience.failed or throttled >= self.patience.throttled:
                        tries = throttled if err.throttled else failed
                        raise Failed(f"{told}: {err.reason} ({tries} tries)") from err
                    self._pause(failed + throttled, err)
                    continue
                with self._lock:
                    self._in_a_row, self._came_through = 0, True
                got = Got(key, etag, body.md5, body.sha256, body.size, b"")
                before(got)
                return got._replace(data=body.finish())

    def _once(self, key: str, body: Body, limit: int, md5: str | None, query: Mapping[str, str] | None) -> str:
        """One try; gives the ETag. Raises _Again where another may help."""
        if body.size and md5 == body.md5:
            return body.etag  # all was there, and only the rename was not
        if body.size and not body.etag:
            body.clear()
        url = f"{self.endpoint}/{quote(key)}" + (f"?{urlencode(query)}" if query else "")
        headers = {}
        if body.size:
            headers = {"Range": f"bytes={body.size}-", "If-Range": f'"{body.etag}"'}
        with self._lock:
            self.requests += 1
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                self._heed(answer, key, body, limit, md5)
                self._pour(answer, body, limit)
        except httpx.InvalidURL as err:
            raise Unreachable(f"{self.endpoint} is no address: {err}", "see to --endpoint") from err
        except httpx.HTTPError as err:
            raise _Again(_words(err), through=not isinstance(err, _NO_WAY)) from err
        self._check(key, body, md5)
        return body.etag

    def _heed(self, answer: httpx.Response, key: str, body: Body, limit: int, md5: str | None) -> None:
        """Reads the head of an answer and prepares the body for what follows."""
        answer.headers.encoding = "latin-1"  # else it is guessed anew each time that one is looked at
        status = answer.status_code
        if status in GONE:
            if _is_page(answer):
                raise _Again(f"a page stands in its place (status {status}): is there a proxy?", through=False)
            raise Gone(key or self.endpoint, status)
        if status in THROTTLED:
            after = self._after(answer.headers.get("Retry-After", ""))
            raise _Again(f"the server asks to come later (status {status})", throttled=True, after=after)
        if status == 416:
            body.clear()
            raise _Again("what is there cannot be gone on with")
        if answer.is_redirect:
            host = urlsplit(answer.headers.get("Location", "")).netloc or "elsewhere"
            raise _Again(f"the answer leads to {host} (status {status}): is there a proxy?", through=False)
        if status == 206 and body.size:
            told = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if not told or int(told[1]) != body.size or _etag(answer) != body.etag:
                body.clear()
                raise _Again("another part of the object came than was asked for")
        elif status == 200:
            body.begin(_etag(answer))
        else:
            raise _Again(f"status {status}")
        length = answer.headers.get("Content-Length", "")
        if length.isdigit() and body.size + int(length) > limit:
            raise Gone(key, TOO_LARGE)
        if md5 is None and not length.isdigit() and "chunked" not in answer.headers.get("Transfer-Encoding", ""):
            raise _Again("the answer does not say how long it is")

    def _pour(self, answer: httpx.Response, body: Body, limit: int) -> None:
        began, since = self._now(), 0
        for piece in answer.iter_raw():
            body.write(piece)
            since += len(piece)
            with self._lock:
                self.bytes += len(piece)
            if body.size > limit:
                raise Gone(answer.request.url.path, TOO_LARGE)
            if self.stop.is_set():
                raise Stopped("stopped")
            if (passed := self._now() - began) > self.patience.idle:
                if since < self.patience.slow * passed:
                    raise _Again(f"only {since} bytes came in {passed:.0f} s")
                began, since = self._now(), 0

    def _check(self, key: str, body: Body, md5: str | None) -> None:
        """What came in full may still be something else."""
        if body.md5 == md5 or (md5 is None and body.md5 == body.etag):
            return
        page = not key.lower().endswith((".html", ".htm")) and _PAGE.match(body.head)
        wrong = body.md5
        if page or md5 is not None or not body.size:
            size = body.size
            body.clear()
            if page:
                raise _Again("a page came in its place: is there a proxy?", through=False)
            raise _Again(f"its MD5 is {wrong}, {md5} was promised" if size else "it is empty")

    def _after(self, told: str) -> float:
        """Seconds that the server asks to wait, told as a number or as a date; 0 where it says nothing sensible."""
        if told.strip().isdigit():
            return min(RETRY_AFTER, float(told.strip()[:9]))
        with contextlib.suppress(ValueError, TypeError):
            return max(0.0, min(RETRY_AFTER, email.utils.parsedate_to_datetime(told).timestamp() - time.time()))
        return 0.0

    def _did_not(self, err: _Again) -> None:
        """Counts failures to get through; raises Unreachable where there are too many in a row."""
        if err.through:
            return
        with self._lock:
            self._in_a_row += 1
            most = self.patience.breaker if self._came_through else self.patience.first
            if self._in_a_row < most:
                return
        raise Unreachable(
            f"{urlsplit(self.endpoint).netloc or self.endpoint} cannot be reached: {err.reason}",
            "see to the network or to --endpoint, and give the same command again: what was done stays done",
        )

    def _pause(self, tries: int, err: _Again) -> None:
        """Sleeps before the next try; where the server asked for it, so do all others."""
        most = min(self.patience.cap, self.patience.base * 2 ** min(tries, 30))
        seconds = max(err.after, self._chance() * most)
        if err.throttled:
            with self._lock:
                self._not_before = max(self._not_before, self._now() + err.after)
        self._sleep(seconds)

    def _hold(self) -> None:
        if self.stop.is_set():
            raise Stopped("stopped")
        if (left := self._not_before - self._now()) > 0:
            self._sleep(left)
            if self.stop.is_set():
                raise Stopped("stopped")


def _doubt(body: Body, etag: str, seen: set[str], fit: Callable[[bytes], object] | None) -> None:
    """Asks again where no MD5 was promised and what came may be spoilt.

    An ETag that is an MD5 proves the bytes; one that is another digest, or none, does not speak against bytes that
    come twice and are fit.
    """
    if body.md5 == etag:
        return
    twice, said = body.md5 in seen, ""
    seen.add(body.md5)
    try:
        if fit is not None:
            fit(body.data)
    except RejectedInput as err:
        said = err.message
    if said or (_MD5.fullmatch(etag) and not twice):
        body.clear()
        raise _Again(said or "its MD5 is not its ETag")


_NO_WAY = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


def _words(err: httpx.HTTPError) -> str:
    if isinstance(err, httpx.TimeoutException):
        return "no answer in time"
    said = str(err) or type(err).__name__
    return "the connection broke off" if isinstance(err, httpx.ReadError | httpx.RemoteProtocolError) else said


def _etag(answer: httpx.Response) -> str:
    return str(answer.headers.get("ETag", "")).removeprefix("W/").strip('"')


def _is_page(answer: httpx.Response) -> bool:
    return str(answer.headers.get("Content-Type", "")).lower().startswith("text/html")
