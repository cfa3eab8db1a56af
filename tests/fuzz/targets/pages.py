"""The HTTP interfaces of curation and search: any request, whatever its headers, path and body."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import anyio

from roco.curate.app import create_app
from roco.curate.app_search import create_search_app
from roco.curate.finder import SearchServer
from tests.curate.figures import row
from tests.curate.searches import DrawnFinder
from tests.curate.servers import HOST, server
from tests.fuzz import mutations
from tests.fuzz.target import Format, Target, require
from tests.fuzz.trap import SECRET, trap

MARK = "<script>alert(7)</script>"
KEY = row(1)["image_key"]
PATHS = ("/", "/one", "/agree", "/api/session", "/api/page", "/api/image", "/api/thumbnail", "/api/labels", "/api/undo",
         "/api/agree", "/api/search", "/static/page.js", "/static/../app.py", "/static/%2e%2e/app.py", "/%00",
         "//evil/", "/favicon.ico", "/docs", "/openapi.json", f"/{MARK}", f"/static/{MARK}",
         "/static//etc/passwd")  # fmt: skip
QUERIES = ("", "task=modality&annotator=a1", f"key={KEY}", "key=../../etc/passwd", f"key={MARK}", "page=-1",
           "page=9999999999999", "size=0", "task=modality&annotator=a1&guess=DRCT&show=done&order=random",
           f"task={MARK}&annotator={MARK}", "n=1e9", "words=ct&concepts=C0040405&n=5", "token=x", "&" * 60, "a=%ff%fe",
           "text=%00", "year=2020-&split=train", "task=modality&first=a1&second=a2&round=curated")  # fmt: skip
HEADERS = ("host", "origin", "content-type", "content-length", "cookie", "authorization", "x-roco-write",
           "sec-fetch-site", "range", "if-none-match", "transfer-encoding", "accept", "x-forwarded-host")  # fmt: skip
VALUES = (HOST, f"http://{HOST}", "evil.example", "http://evil.example", "null", "w", "application/json",
          "application/octet-stream", "same-origin", "cross-site", "0", "-1", "9" * 30, "²", "roco-token=x; a=b",
          "\xff\xfe", MARK, "", "Bearer x", "a" * 9000)  # fmt: skip
LABEL = {"batch": "b1", "task": "modality", "annotator": "a1", "entries": [{"key": KEY, "label": "DRCT"}]}
REQUEST: dict[str, Any] = {
    "method": "GET", "path": "/", "query": "", "body": "",
    "headers": {"host": HOST, "x-roco-write": "w", "sec-fetch-site": "same-origin", "content-type": "application/json"},
}  # fmt: skip


def make() -> Target:
    promise = (
        "any request: no status of 500 and above but for a broken image or log, no text of the request in HTML, no "
        "file outside the pages, no label without the token of the page; every answer has the security headers"
    )
    return Target("pages", promise, (
        Format("curation", _requests, lambda data, folder: _send(_curation(), data), _edit),
        Format("blind curation", _requests, lambda data, folder: _send(_curation(True), data), _edit),
        Format("search", _requests, lambda data, folder: _send(_search(), data), _edit),
    ))  # fmt: skip


def _requests() -> list[bytes]:
    gets = [REQUEST | {"path": path, "query": query} for path in PATHS for query in QUERIES[:3]]
    posts = [REQUEST | {"method": "POST", "path": "/api/labels", "body": json.dumps(LABEL)},
             REQUEST | {"method": "POST", "path": "/api/undo", "body": json.dumps({"annotator": "a1"})},
             REQUEST | {"method": "POST", "path": "/api/search", "body": "GIF89a"}]  # fmt: skip
    return [json.dumps(one).encode() for one in (*gets, *posts)]


_json = mutations.json_text((*VALUES, *PATHS, *QUERIES))
_body = mutations.json_text(
    (KEY, "DRCT", "modality", "a1", "note", "flag", "accepted", "adjudicated", "C0040405", MARK)
)


def _edit(data: bytes, random: Random) -> bytes:
    request = json.loads(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        how = random.randrange(7)
        if how == 0:
            request["path"] = random.choice(PATHS)
        elif how == 1:
            request["query"] = "&".join(
                random.choice((request["query"], *QUERIES)) for _ in range(random.choice((1, 2)))
            )
        elif how == 2:
            request["headers"][random.choice(HEADERS)] = random.choice(VALUES)
        elif how == 3 and request["headers"]:
            del request["headers"][random.choice(list(request["headers"]))]
        elif how == 4:
            request["method"] = random.choice(("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "get", MARK))
        elif how == 5:
            request["body"] = _body((request["body"] or json.dumps(LABEL)).encode(), random).decode("utf-8", "replace")
        else:
            return _json(json.dumps(request).encode(), random)
    return json.dumps(request).encode()


@functools.cache
def _curation(blind: bool = False) -> Any:
    served = server(Path(tempfile.mkdtemp()), n=12, blind=blind)
    return create_app(served), served.log


@functools.cache
def _search() -> Any:
    return create_search_app(SearchServer(finder=DrawnFinder(), hosts=frozenset({HOST}), write_token="w")), None


def _send(served: Any, data: bytes) -> None:
    app, log = served
    try:
        request = json.loads(data)
        method, path, query, body = (str(request[name]) for name in ("method", "path", "query", "body"))
        headers = {str(name): str(value) for name, value in request["headers"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # no request
    content = body.encode("utf-8", "replace")
    headers.setdefault("content-length", str(len(content)))
    raw = [(n.lower().encode("latin-1", "replace"), v.encode("latin-1", "replace")) for n, v in headers.items()]
    before = log.newest if log else 0
    trap()
    status, answered, text = anyio.run(_answer, app, method, path, query, raw, content)
    names = {name.decode().lower(): value.decode("latin-1") for name, value in answered}
    require(status < 500 or status == 503, f"status {status} for a request: {path[:60]!r}")
    require("default-src 'none'" in names.get("content-security-policy", ""), "every answer has a policy")
    require(names.get("x-content-type-options") == "nosniff", "every answer forbids to guess its type")
    kind = names.get("content-type", "")
    if kind.startswith("text/"):
        require(MARK.encode() not in text, "no page contains text of a request")
    require(SECRET.encode() not in text and b"root:" not in text, "no file outside the pages is sent")
    if log and log.newest != before:
        require(headers.get("x-roco-write") == "w", "nothing is written without the token of the page")
        require(method == "POST", "nothing is written by reading")
        require(names.get("content-type", "").startswith("application/json"), "a write is answered with JSON")


async def _answer(app: Any, method: str, path: str, query: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
    """Sends one request to the application as a server would, and returns status, headers and body of the answer."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"), "query_string": query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8765),
    }  # fmt: skip
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next((one for one in sent if one["type"] == "http.response.start"), None)
    require(start, "a request is answered")
    assert start is not None
    parts = (one.get("body", b"") for one in sent if one["type"] == "http.response.body")
    return start["status"], start["headers"], b"".join(parts)
