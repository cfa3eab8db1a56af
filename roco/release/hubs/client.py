"""Requests to one hub: with a token that goes to its host only, and with a bounded number of tries.

Tries are repeated after 429 and 5xx and after cut connections. Where a request must not take effect twice, the caller
passes a question that is asked before the next try: has it happened already?
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from roco.base.errors import UsageError
from roco.base.terminal import excerpt
from roco.base.version import __version__
from roco.release.hubs.errors import HubRefused, HubUnreachable

TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MAX_REDIRECTS = 3
_RESUME = "repeat the command later: it continues where it stopped"


class Retries(NamedTuple):
    """Number of tries, and the pauses between them in seconds: doubled each time, up to the longest."""

    tries: int = 8
    first_pause: float = 1.0
    longest_pause: float = 120.0
    longest_asked: float = 600.0  # of a pause that the hub asks for with Retry-After

    def pause(self, failed: int, asked: float) -> float:
        """Returns the seconds to wait after a number of failed tries; asked: what Retry-After says."""
        own = min(self.longest_pause, self.first_pause * 2.0 ** min(failed - 1, 30))
        return max(own, min(asked, self.longest_asked))


class Body(NamedTuple):
    """A body that can be sent again: its length in bytes, and a function that yields its bytes from the beginning."""

    length: int
    blocks: Callable[[], Iterable[bytes]]
    type: str = "application/octet-stream"


def checked_endpoint(endpoint: str) -> str:
    """Returns an address without its last slash; raises UsageError unless it is https, or http on this machine."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if host and is_plain and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        return endpoint.rstrip("/")
    # Not repeated in the message: an address with a password in it is not for logs.
    raise UsageError(
        "invalid address of a hub (--endpoint)", "give an address that begins with https://, or http://127.0.0.1:PORT"
    )


def checked_token(names: Iterable[str], environment: Mapping[str, str], scopes: str) -> str:
    """Returns the token from the first of some environment variables; scopes: what it must permit, for the hint."""
    names = list(names)
    for name in names:
        token = environment.get(name, "").strip()
        if not token:
            continue
        if not re.fullmatch(r"[\x21-\x7e]{1,4096}", token):
            raise UsageError(f"invalid token in {name}", "it contains spaces or characters that no token has")
        return token
    raise UsageError(f"no token: {' or '.join(names)} is not set", f"export {names[0]}=… with a token {scopes}")


class HubClient:
    """Sends requests to one hub.

    name: of the hub, for messages; endpoint: its address; token: goes to this host only; scopes: what the token must
    permit; sleep: replaces the pause in tests.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        token: str,
        *,
        scopes: str = "",
        retries: Retries | None = None,
        sleep: Callable[[float], object] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.endpoint = checked_endpoint(endpoint)
        self.sleep = sleep
        self._token = token
        self._scopes = scopes
        self._retries = retries or Retries()
        is_local = urlsplit(self.endpoint).scheme == "http"
        self._client = httpx.Client(
            headers={"User-Agent": f"roco/{__version__}"},
            timeout=httpx.Timeout(60.0, connect=15.0, read=300.0),  # a hub computes checksums before it answers
            follow_redirects=False,
            trust_env=not is_local,  # no proxy may see a token that is not encrypted
            transport=transport,
        )

    def close(self) -> None:
        self._client.close()

    def call(
        self, method: str, path: str, *, json: Any = None, body: Body | None = None,
        headers: Mapping[str, str] | None = None, missing: tuple[int, ...] = (),
        happened: Callable[[], Any] | None = None,
    ) -> Any:  # fmt: skip
        """Sends a request and returns the JSON of the answer, {} for an empty one, None for a status in `missing`.

        path: below the endpoint, or a complete address; the token is sent to the host of the endpoint only. happened:
        asked after a failure that may have taken effect; anything but None is returned instead of a next try. Raises
        HubRefused and HubUnreachable.
        """
        response = self.send(method, path, json=json, body=body, headers=headers, missing=missing, happened=happened)
        if not isinstance(response, httpx.Response):
            return response
        if response.status_code in missing:
            return None
        if not response.content.strip():
            return {}
        try:
            return response.json()
        except ValueError as err:
            raise HubRefused(f"{self.name} answered something other than JSON", "check --endpoint") from err

    def send(
        self, method: str, path: str, *, json: Any = None, body: Body | None = None,
        headers: Mapping[str, str] | None = None, missing: tuple[int, ...] = (),
        happened: Callable[[], Any] | None = None,
    ) -> Any:  # fmt: skip
        """Sends a request like `call` and returns the answer itself."""
        url = self._address(path)
        reason = ""
        for failed in range(1, self._retries.tries + 1):
            asked = 0.0
            try:
                response = self._once(method, url, json, body, headers)
                if response.is_success or response.status_code in missing:
                    return response
                if response.status_code not in TRY_AGAIN:
                    raise self._refusal(response)
                reason, asked = f"status {response.status_code}", retry_after(response.headers.get("Retry-After", ""))
            except httpx.TransportError as err:
                reason = self._clean(str(err)) or type(err).__name__
            # A request that was not answered may have taken effect all the same.
            result = happened() if happened is not None else None
            if result is not None:
                return result
            if failed < self._retries.tries:
                self.sleep(self._retries.pause(failed, asked))
        raise HubUnreachable(f"{self.name} does not answer ({self._retries.tries} tries; the last: {reason})", _RESUME)

    def is_own(self, url: str) -> bool:
        """Returns whether an address is on the host of the endpoint, with the same scheme and port."""
        return _origin(url) == _origin(self.endpoint)

    def _address(self, path: str) -> str:
        if "://" not in path:
            return f"{self.endpoint}{path}"
        if not self.is_own(path) and urlsplit(path).scheme != "https" and urlsplit(self.endpoint).scheme == "https":
            raise HubRefused(f"{self.name} asks for an upload that is not encrypted", "try again later")
        return path

    def _once(
        self, method: str, url: str, json: Any, body: Body | None, headers: Mapping[str, str] | None
    ) -> httpx.Response:
        """Sends one request; redirects are followed on the same host only."""
        sent = dict(headers or {})
        for _ in range(_MAX_REDIRECTS + 1):
            if self.is_own(url):
                sent["Authorization"] = f"Bearer {self._token}"
            if body is None:
                response = self._client.request(method, url, json=json, headers=sent)
            else:
                length = {"Content-Length": str(body.length), "Content-Type": body.type}
                response = self._client.request(method, url, content=body.blocks(), headers={**length, **sent})
            if response.status_code not in _REDIRECTS:
                return response
            url = urljoin(url, response.headers.get("Location", ""))
            if not self.is_own(url):
                host = excerpt(urlsplit(url).hostname or "nowhere")
                raise HubRefused(
                    f"{self.name} redirects to another host: {host}", "check --endpoint; the token was not sent there"
                )
        raise HubRefused(f"{self.name} redirects in a loop", "check --endpoint")

    def _refusal(self, response: httpx.Response) -> HubRefused:
        """Returns the error for an answer that will not change."""
        status = response.status_code
        where = "" if self.is_own(str(response.url)) else " (storage)"
        if status == 401:
            return HubRefused(f"{self.name} refused the token (status 401)", f"use a token {self._scopes}", status)
        if status == 403:
            message = f"{self.name} does not permit this with this token (status 403){self._said(response)}"
            return HubRefused(message, f"use a token {self._scopes}", status)
        hint = "ask the hub for more space, or send less" if status in (413, 507) else ""
        return HubRefused(f"{self.name}{where} refused a request (status {status}){self._said(response)}", hint, status)

    def _said(self, response: httpx.Response) -> str:
        """Returns what an answer says about an error, in few words."""
        try:
            data = response.json()
        except ValueError:
            return ""
        parts = []
        if isinstance(data, Mapping):
            parts += [str(data[key]) for key in ("message", "error") if data.get(key)]
            for error in data.get("errors") or ():
                if isinstance(error, Mapping):
                    messages = error.get("messages") or [error.get("message")]
                    parts.append(f"{error.get('field', '')}: {' '.join(map(str, messages))}".strip(": "))
        return f": {excerpt(self._clean('; '.join(parts)), 200)}" if parts else ""

    def _clean(self, text: str) -> str:
        """Returns a text of a hub without the token, which some servers repeat."""
        return text.replace(self._token, "…") if self._token else text


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default


def retry_after(header: str) -> float:
    """Returns the seconds of a header Retry-After; 0 for a date, which the own pause stands in for."""
    return float(header) if re.fullmatch(r"[0-9]{1,6}", header.strip()) else 0.0
