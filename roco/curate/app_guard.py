"""What every request to the curation server passes first: host, token, origin, size; and the headers of its answer."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LARGEST_BODY = 2_000_000  # bytes of JSON
JSON, BYTES = "application/json", "application/octet-stream"
COOKIE = "roco-token"
WRITE_HEADER = "x-roco-write"


class Guard:
    """Refuses what may not be answered, and sets the headers of all answers.

    hosts: names of this server, in lower case, that a request may give; empty for any, which a token must protect.
    token: the secret that people need to use the server; empty if only this machine can reach it. write_token: the
    value of the header without which nothing is written; a page of another site can neither read nor send it.
    uploads: the addresses whose body is the bytes of a file instead of JSON, and how many they may be.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        token: str,
        write_token: str,
        uploads: Mapping[str, int] | None = None,
    ) -> None:
        self.app, self.hosts, self.token, self.write_token = app, hosts, token, write_token
        self.uploads = dict(uploads or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope.get("query_string", b"").decode("latin-1")
        given = _given(headers, query)
        sets_cookie = bool(self.token) and _same(given, self.token) and "token=" in query

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_encoded(HEADERS)]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    message["headers"].append((b"cache-control", b"no-store"))
                if sets_cookie:
                    cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
                    message["headers"].append((b"set-cookie", cookie.encode()))
            await send(message)

        path, method = scope["path"], scope["method"]
        refusal = self._refusal(method, headers, given) or (
            self._body_refusal(path, headers) if method == "POST" else None
        )
        if refusal:
            await _answer(send_on, *refusal)
        else:
            await self.app(scope, _limited(receive, self.uploads.get(path, LARGEST_BODY)), send_on)

    def _refusal(self, method: str, headers: Mapping[str, str], given: str) -> tuple[int, str, str] | None:
        """Returns status, message and hint if a request is refused, whatever its body is."""
        host = headers.get("host", "").lower()
        if self.hosts and host not in self.hosts:
            return 421, "unknown host", "use the address that roco has printed"
        if self.token and not _same(given, self.token):
            return 401, "missing or wrong token", "use the address that roco has printed, with ?token=…"
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return 405, "method not allowed", "reload the page"
        site = headers.get("sec-fetch-site", "same-origin")
        origin = headers.get("origin")
        if site not in ("same-origin", "none") or (origin is not None and urlsplit(origin).netloc.lower() != host):
            return 403, "a page of another site cannot write", "use the pages of this server"
        if WRITE_HEADER not in headers:
            hint = f"send the value of 'write' of /api/session in the header {WRITE_HEADER}, as the pages do"
            return 403, "missing write token", hint
        if not _same(headers[WRITE_HEADER], self.write_token):
            return 403, "the page is from before the server was restarted", "reload the page"
        return None

    def _body_refusal(self, path: str, headers: Mapping[str, str]) -> tuple[int, str, str] | None:
        """Returns status, message and hint if the body of a request is refused for its type or its length."""
        expected, largest = (BYTES, self.uploads[path]) if path in self.uploads else (JSON, LARGEST_BODY)
        if headers.get("content-type", "").partition(";")[0].strip() != expected:
            return (
                415,
                f"the request is not {'JSON' if expected == JSON else 'the bytes of a file'}",
                f"send {expected}",
            )
        length = headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 12 or int(length) > largest:
            return 413, "the request is too large or has no length", f"send at most {largest:,} bytes"
        return None


def _given(headers: Mapping[str, str], query: str) -> str:
    """Returns the token of a request: of its address, its cookie or its header Authorization."""
    in_query = parse_qs(query, max_num_fields=50).get("token") if query.count("&") < 50 else None
    if in_query:
        return in_query[0]
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        cookie = None
    return cookie.value if cookie else headers.get("authorization", "").removeprefix("Bearer ")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _limited(receive: Receive, largest: int) -> Receive:
    """Returns a receiver that ends a request whose body is longer than it may be."""
    received = 0

    async def receive_on() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= largest else {"type": "http.disconnect"}

    return receive_on


async def _answer(send: Send, status: int, error: str, hint: str) -> None:
    body = json.dumps({"error": error, "hint": hint}).encode()
    headers = _encoded({"content-type": "application/json", "content-length": str(len(body))})
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: Mapping[str, str]) -> list[Any]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
