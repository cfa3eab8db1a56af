"""Sends requests to NCBI's services: no more per second than they allow, and again after an error.

A request is repeated after 408, 429, 5xx and a lost connection, and for an answer that cannot be read: NCBI sends error
messages and truncated XML with status 200, and errors that pass with status 400.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx

from roco.base.errors import DataError, RejectedInput, UsageError
from roco.base.json_text import parse_json
from roco.base.terminal import excerpt
from roco.base.version import __version__
from roco.sources.fetch.errors import DownloadFailed
from roco.sources.fetch.response import THROTTLED, retry_after_seconds
from roco.sources.fetch.retry import Backoff, RetryableError, RetryPolicy

TOOL = "roco"
MAX_BYTES = 256 << 20
"""Bytes of an answer: 200 records have some megabytes."""
REQUESTS_PER_SECOND, WITH_KEY = 3, 10
NO_RECORDS = b"<PubmedArticleSet></PubmedArticleSet>"
"""What efetch means by status 400 and `ID list is empty`: none of the ids exists."""

_KEY = re.compile(r"[0-9A-Za-z]{8,64}")
_BAD_KEY = re.compile(r"api.?key\W{0,4}\s*(?:is\s+)?(?:invalid|not\s+valid|unknown|wrong|expired)", re.IGNORECASE)
_TOO_MANY = re.compile(r"rate limit|too many requests", re.IGNORECASE)
_NO_IDS = re.compile(r"ID list is empty", re.IGNORECASE)
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)", re.IGNORECASE)

Answer = TypeVar("Answer")


class Service(NamedTuple):
    """How NCBI is asked. contact: mail address; key: API key, sent to the E-utilities only, in the body."""

    contact: str
    key: str | None = None


class NoSuchKey(UsageError):
    """The service rejects the API key."""


class BadAnswer(DownloadFailed):
    """The server answers, but what it sends cannot be used: perhaps because of one of the records."""


class _Unusable(RetryableError):
    """An answer that cannot be read, or an error message with a status of the client's fault."""


def checked_key(key: str | None) -> str | None:
    """Returns an API key without surrounding spaces, None for an empty one; raises UsageError for an impossible one."""
    stripped = (key or "").strip()
    if stripped and not _KEY.fullmatch(stripped):
        # The key itself is not for logs.
        raise UsageError(
            "invalid API key (--key)", "copy it from the settings of your NCBI account: letters and digits"
        )
    return stripped or None


class NcbiClient:
    """Sends one request at a time, to any address of NCBI.

    policy: tries and pauses. now, wall_clock, sleep and draw replace the clocks, the sleep and the random numbers in
    tests. requests: number of requests that were sent.
    """

    def __init__(
        self,
        service: Service,
        *,
        policy: RetryPolicy | None = None,
        now: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] | None = None,
        draw: Callable[[], float] = random.random,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.service = service
        self.policy = policy or RetryPolicy()
        self.requests = 0
        self._now, self._wall_clock, self._draw = now, wall_clock, draw
        self._sleep = sleep or threading.Event().wait
        self._next = 0.0  # time of the next request
        self._ever_succeeded = False
        self._backoffs: dict[str, Backoff] = {}
        idle = self.policy.idle_timeout
        self._client = httpx.Client(
            headers={"User-Agent": f"{TOOL}/{__version__} (mailto:{service.contact})"},
            timeout=httpx.Timeout(max(idle, 120.0), connect=min(15.0, idle)),  # efetch takes its time for 200 records
            follow_redirects=False,
            transport=transport,
        )

    def close(self) -> None:
        self._client.close()

    def efetch(self, endpoint: str, pmids: list[str], read: Callable[[bytes], Answer]) -> Answer:
        """Returns what `read` makes of the records of some PMIDs; see `_ask` for its errors."""
        form = {"db": "pubmed", "retmode": "xml", "id": ",".join(pmids), "tool": TOOL, "email": self.service.contact}
        if self.service.key:
            form["api_key"] = self.service.key
        request = self._client.build_request("POST", f"{endpoint}/efetch.fcgi", data=form)
        return self._ask(request, _named("record", pmids, "PMID "), read)

    def convert(self, address: str, pmcids: list[str], read: Callable[[bytes], Answer]) -> Answer:
        """Returns what `read` makes of the PMIDs of some PMCIDs; the address is that of the converter."""
        query = {"ids": ",".join(pmcids), "idtype": "pmcid", "format": "json", "versions": "no"}
        query |= {"tool": TOOL, "email": self.service.contact}
        request = self._client.build_request("GET", address, params=query)
        return self._ask(request, _named("PubMed id", pmcids), read)

    def _ask(self, request: httpx.Request, what: str, read: Callable[[bytes], Answer]) -> Answer:
        """Sends a request until `read` accepts the answer; read: raises RejectedInput for an unusable one.

        Raises DownloadFailed after too many tries, BadAnswer if another request was answered well, BucketUnreachable if
        the server is, and NoSuchKey for a rejected key.
        """
        host = request.url.netloc.decode()
        backoff = self._backoffs.setdefault(
            host, Backoff(self.policy, host, self._now, self._sleep, self._draw)
        )  # fmt: skip
        failed = throttled = 0
        while True:
            self._wait_for_turn()
            backoff.wait_until_allowed()
            try:
                answer = self._once(request, read)
            except RetryableError as err:
                if err.throttled:
                    throttled += 1
                else:
                    failed += 1
                backoff.failed(err)
                if failed >= self.policy.max_failed or throttled >= self.policy.max_throttled:
                    tries = throttled if err.throttled else failed
                    hint = "repeat the command later: it requests only what is still missing"
                    failure = BadAnswer if isinstance(err, _Unusable) and self._ever_succeeded else DownloadFailed
                    raise failure(f"{what}: {err.reason} ({tries} tries)", hint) from err
                backoff.pause(failed + throttled, err)
            else:
                backoff.succeeded()
                self._ever_succeeded = True
                return answer

    def _wait_for_turn(self) -> None:
        """Waits so that there are at most 3 requests per second, 10 with a key."""
        now = self._now()
        if now < self._next:
            self._sleep(self._next - now)
        per_second = WITH_KEY if self.service.key else REQUESTS_PER_SECOND
        self._next = max(now, self._next) + 1 / per_second

    def _once(self, request: httpx.Request, read: Callable[[bytes], Answer]) -> Answer:
        self.requests += 1
        try:
            response = self._client.send(request, stream=True)
            try:
                body = _body(response)
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol) as err:
            raise RetryableError(self._clean(str(err)) or "no connection", reached_server=False) from err
        except httpx.TimeoutException as err:
            raise RetryableError("timeout") from err
        except httpx.HTTPError as err:
            raise RetryableError("connection lost") from err
        body = self._accept(response, body)
        try:
            return read(body)
        except RejectedInput as err:
            raise _Unusable(self._clean(err.message)) from err

    def _accept(self, response: httpx.Response, body: bytes) -> bytes:
        """Returns the body of a usable response; raises RetryableError, NoSuchKey or DataError for any other."""
        status = response.status_code
        if response.is_redirect:
            host = urlsplit(response.headers.get("Location", "")).netloc or "another address"
            reason = f"redirected to {excerpt(host)} (status {status}): is there a proxy?"
            raise RetryableError(reason, reached_server=False)
        error = _error_in(body)
        if _BAD_KEY.search(error):
            raise NoSuchKey(
                "the service rejects the API key (--key)",
                "check --key, ROCO_NCBI_KEY and NCBI_API_KEY; without a key there are 3 requests per second",
            )
        if status in THROTTLED or _TOO_MANY.search(error):
            seconds = retry_after_seconds(response.headers.get("Retry-After", ""), self._wall_clock())
            raise RetryableError(f"the server is throttling (status {status})", throttled=True, retry_after=seconds)
        if _HTML.match(body) and status in (200, 403, 407):
            raise RetryableError(f"received an HTML page (status {status}): is there a proxy?", reached_server=False)
        if status == 400 and _NO_IDS.search(error):
            return NO_RECORDS
        if status in (403, 404, 410):
            raise DataError(
                f"{response.request.url.host} answers with status {status}", "check --endpoint and --converter"
            )
        if status != 200 or error:
            shown = f": {excerpt(self._clean(error))}" if error else ""
            kind = _Unusable if status < 500 else RetryableError
            raise kind(f"status {status}{shown}")
        return body

    def _clean(self, text: str) -> str:
        """Returns a text of the server or of a library without the key."""
        return text.replace(self.service.key, "…") if self.service.key else text


def _body(response: httpx.Response) -> bytes:
    """Returns a body of limited size; raises RetryableError for a larger one, or one that is cut."""
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > MAX_BYTES:
            raise RetryableError(f"an answer of more than {MAX_BYTES >> 20} MB")
        pieces.append(piece)
    return b"".join(pieces)


def _error_in(body: bytes) -> str:
    """Returns the message of a body that is an error of the E-utilities: JSON, or the element ERROR; else ''."""
    start = body[:4000].lstrip()
    if start.startswith(b"{"):
        try:
            content = parse_json(body)
        except ValueError:
            return ""
        if isinstance(content, dict):
            return str(content.get("error") or content.get("ERROR") or "")[:500]
        return ""
    match = re.search(rb"<ERROR>(.*?)(?:</ERROR>|\Z)", start, re.DOTALL | re.IGNORECASE)
    return match[1].decode(errors="replace")[:500] if match else ""


def _named(noun: str, ids: list[str], prefix: str = "") -> str:
    """Returns what a request asks for, such as `200 records from PMID 11`."""
    number = f"{len(ids):,} {noun}s from" if len(ids) > 1 else f"{noun} of"
    return f"{number} {prefix}{ids[0]}"
