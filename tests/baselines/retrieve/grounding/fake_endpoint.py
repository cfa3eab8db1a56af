"""A chat endpoint on this machine that answers, and fails in chosen ways."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler, "FakeEndpoint"], None]


class FakeEndpoint:
    """requests: path, headers and body of each; behaviours: of the next requests, the last one for all that follow."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.is_closing = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are sent one after the other, which would otherwise take 40 ms for each answer.
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.requests.append((self.path, dict(self.headers), json.loads(body)))
                behaviour = fake.behaviours.pop(0) if len(fake.behaviours) > 1 else fake.behaviours[0]
                self.close_connection = True
                with contextlib.suppress(OSError):  # the client closed the connection
                    behaviour(self, fake)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.is_closing.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(*behaviours: Behaviour) -> Iterator[FakeEndpoint]:
    fake = FakeEndpoint(*behaviours)
    try:
        yield fake
    finally:
        fake.close()


def status(code: int, body: Any = b"", **headers: str) -> Behaviour:
    """Answers with a status; body: bytes, or a value that becomes JSON."""

    def behave(handler: BaseHTTPRequestHandler, fake: FakeEndpoint) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(code)
        handler.send_header("Connection", "close")
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return behave


def message(text: object, finish: str = "stop", **more: Any) -> Behaviour:
    """Answers with a message, as a model does."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return status(200, {"object": "chat.completion", "choices": [choice], **more})


def hang(handler: BaseHTTPRequestHandler, fake: FakeEndpoint) -> None:
    """Reads the request and never answers."""
    fake.is_closing.wait()


def cut(handler: BaseHTTPRequestHandler, fake: FakeEndpoint) -> None:
    """Closes the connection in the middle of the body."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')


def drip_headers(handler: BaseHTTPRequestHandler, fake: FakeEndpoint) -> None:
    """Sends a byte of a header every now and then, and never the end of the headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not fake.is_closing.wait(0.02):
        handler.wfile.write(b"x")


def endless(block: bytes) -> Behaviour:
    """Sends a block again and again, until the client closes the connection."""

    def behave(handler: BaseHTTPRequestHandler, fake: FakeEndpoint) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        while not fake.is_closing.is_set():
            handler.wfile.write(block)

    return behave
