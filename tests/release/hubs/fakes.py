"""Hubs on this machine: the base of all, which can fail in chosen ways, and one that answers as Zenodo does."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import queue
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "secret-token-of-the-tests"


class Answer(NamedTuple):
    """status, JSON body and headers of an answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}


class Fault(NamedTuple):
    """A way to fail: the requests it concerns, and what happens instead.

    before: an answer instead of doing it; after: an answer, or a cut connection (None), although it was done.
    cut: the connection is cut after this many bytes of the body; hook: called before anything else.
    """

    method: str
    path: str
    before: Answer | None = None
    after: Answer | None = None
    cut: int | None = None
    is_cut_after: bool = False
    hook: Callable[[], object] | None = None


class Death(NamedTuple):
    """The client is killed at a request: before it is done, in the middle of its body, or after it was done."""

    request: int
    moment: str
    signal: int = signal.SIGKILL


MOMENTS = ("before", "middle", "after")


class FakeHub:
    """A server on loopback. requests: method and path of each; bodies: bytes received of each file that was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.faults: list[Fault] = []
        self.death: Death | None = None
        self.client: queue.SimpleQueue[int] = queue.SimpleQueue()  # the process id of the client that is to die
        self.lock = threading.RLock()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are sent one after the other, which would otherwise take 40 ms for each answer.
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def _handle(self) -> None:
                hub._handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = _handle

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, method: str, path: str, times: int = 1, **how: Any) -> None:
        self.faults += [Fault(method, path, **how)] * times

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        raise NotImplementedError

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        with self.lock:
            self.requests.append((handler.command, parts.path))
            self.tokens.append(handler.headers.get("Authorization", ""))
            fault = self._fault(handler.command, parts.path)
            death = self._death()
        if fault and fault.hook:
            fault.hook()
        length = int(handler.headers.get("Content-Length") or 0)
        if death and death.moment != "after":
            handler.rfile.read(length // 2 if death.moment == "middle" else 0)
            os.kill(self.client.get(), death.signal)
            handler.close_connection = True
            return
        if fault and fault.cut is not None:
            handler.rfile.read(min(length, fault.cut))
            handler.close_connection = True
            return
        body = handler.rfile.read(length)
        if len(body) < length:  # the client died in the middle
            handler.close_connection = True
            return
        if fault and fault.before:
            answer = fault.before
        else:
            with self.lock:
                answer = self.answer(handler.command, unquote(parts.path), parse_qs(parts.query), body)
            if death:
                os.kill(self.client.get(), death.signal)
                handler.close_connection = True
                return
            if fault and fault.is_cut_after:
                handler.close_connection = True
                return
            if fault and fault.after:
                answer = fault.after
        data = b"" if answer.body is None else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if re.fullmatch(fault.method, method) and re.search(fault.path, path):
                self.faults.remove(fault)
                return fault
        return None

    def _death(self) -> Death | None:
        """Returns how the client dies at this request, if it does."""
        if self.death is None:
            return None
        if self.death.request > 0:
            self.death = self.death._replace(request=self.death.request - 1)
            return None
        death, self.death = self.death, None
        return death

    def is_allowed(self) -> bool:
        return self.tokens[-1] == f"Bearer {TOKEN}"


@contextmanager
def running(hub: FakeHub) -> Iterator[Any]:
    try:
        yield hub
    finally:
        hub.close()


NOT_FOUND = Answer(404, {"status": 404, "message": "The persistent identifier does not exist."})


class FakeZenodo(FakeHub):
    """Answers as InvenioRDM does. drafts, records: by id; sent: how often the content of each file arrived."""

    def __init__(self, quota: int = 10**9) -> None:
        super().__init__()
        self.quota = quota
        self.drafts: dict[str, dict[str, Any]] = {}
        self.records: dict[str, dict[str, Any]] = {}
        self.sent: dict[str, int] = {}
        self.wrong_bytes: set[str] = set()
        self.unsearchable = 0  # searches that find nothing: the index of the search is late
        self._ids = 100

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if not self.is_allowed():
            return Answer(401, {"message": f"bad token: {self.tokens[-1]}"})
        data = json.loads(body) if body and method == "POST" else None
        if path == "/api/user/records":
            return self._search(query["q"][0].strip('"'))
        if (method, path) == ("POST", "/api/records"):
            return Answer(201, self._new(data, ""))
        match = re.fullmatch(r"/api/records/(\w+)(?:/(versions|draft)(/.*)?)?", path)
        if not match:
            return NOT_FOUND
        id, part, rest = match[1], match[2], match[3] or ""
        if part is None:
            return Answer(200, self.records[id]) if id in self.records else NOT_FOUND
        if part == "versions":
            return self._version(id)
        if id not in self.drafts:
            return NOT_FOUND
        draft = self.drafts[id]
        if rest.startswith("/files"):
            return self._files(method, draft, rest.removeprefix("/files"), data, body)
        if rest == "/pids/doi":
            if draft["pids"]:
                return Answer(400, {"message": "A PID already exists for type doi"})
            draft["pids"] = {"doi": {"identifier": f"10.5072/zenodo.{id}", "provider": "datacite"}}
            return Answer(201, draft)
        if rest == "/actions/files-import":
            if draft["content"]:
                return Answer(400, {"message": "Please remove all files first."})
            draft["content"] = {name: dict(file) for name, file in self.records[draft["previous"]]["content"].items()}
            return Answer(201, self._entries(draft))
        if rest == "/actions/publish":
            return self._publish(draft)
        if method == "PUT":
            new = json.loads(body)
            draft["metadata"], draft["pids"] = new["metadata"], new.get("pids", {})
            missing = [{"field": "metadata.creators", "messages": ["Missing data."]}] * (
                "creators" not in new["metadata"]
            )
            return Answer(200, {**draft, "errors": missing})
        return Answer(200, draft)

    def _new(self, data: dict[str, Any], previous: str) -> dict[str, Any]:
        self._ids += 1
        id = str(self._ids)
        metadata = data.get("metadata", {})
        self.drafts[id] = {
            "id": id, "metadata": metadata, "pids": {}, "content": {}, "previous": previous, "is_draft": True,
            "is_published": False,
        }  # fmt: skip
        return self.drafts[id]

    def _version(self, id: str) -> Answer:
        if id not in self.records:
            return NOT_FOUND
        for draft in self.drafts.values():
            if draft["previous"] == id:
                return Answer(201, draft)
        return Answer(201, self._new({"metadata": dict(self.records[id]["metadata"])}, id))

    def _search(self, wanted: str) -> Answer:
        if self.unsearchable:
            self.unsearchable -= 1
            return Answer(200, {"hits": {"hits": []}})
        found = [
            one
            for one in [*self.drafts.values(), *self.records.values()]
            if any(each["identifier"] == wanted for each in one["metadata"].get("identifiers", []))
        ]
        return Answer(200, {"hits": {"hits": found}})

    def _publish(self, draft: dict[str, Any]) -> Answer:
        if any(file["status"] != "completed" for file in draft["content"].values()) or not draft["content"]:
            return Answer(400, {"message": "files are not complete"})
        del self.drafts[draft["id"]]
        self.records[draft["id"]] = draft | {"is_draft": False, "is_published": True}
        return Answer(202, self.records[draft["id"]])

    def _entries(self, draft: dict[str, Any]) -> dict[str, Any]:
        entries = [{"key": name, **file} for name, file in draft["content"].items()]
        return {"entries": [{key: entry[key] for key in entry if key != "bytes"} for entry in entries]}

    def _files(self, method: str, draft: dict[str, Any], rest: str, data: Any, body: bytes) -> Answer:
        content = draft["content"]
        if not rest:
            for entry in data or []:
                if entry["key"] in content:
                    return Answer(400, {"message": f"File with key {entry['key']} already exists."})
                content[entry["key"]] = {"status": "pending"}
            return Answer(201 if data else 200, self._entries(draft))
        name, _, action = rest[1:].partition("/")
        if name not in content:
            return NOT_FOUND
        if method == "DELETE":
            del content[name]
            return Answer(204)
        file = content[name]
        if action == "content":
            self.sent[name] = self.sent.get(name, 0) + 1
            if sum(one.get("size", 0) for one in content.values()) + len(body) > self.quota:
                return Answer(413, {"message": "quota exceeded"})
            if name in self.wrong_bytes:
                self.wrong_bytes.remove(name)
                body = body[:-1] + b"?"
            file |= {"bytes": base64.b64encode(body).decode(), "size": len(body)}
            return Answer(200, {"key": name, "status": "pending"})
        if "bytes" not in file:
            return Answer(400, {"message": "no content"})
        md5 = hashlib.md5(base64.b64decode(file["bytes"])).hexdigest()
        file |= {"status": "completed", "checksum": f"md5:{md5}"}
        return Answer(200, {"key": name, **{key: file[key] for key in ("status", "checksum", "size")}})


def content_of(record: dict[str, Any]) -> dict[str, bytes]:
    """Returns the bytes of the files of a draft or record."""
    return {name: base64.b64decode(file["bytes"]) for name, file in record["content"].items()}
