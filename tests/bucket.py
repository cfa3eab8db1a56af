"""An S3 bucket on loopback with the layout of PMC's, served by moto, and a proxy that injects faults."""

from __future__ import annotations

import csv
import gzip
import hashlib
import http.client
import io
import itertools
import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

BUCKET = "pmc-oa-opendata"
_NUMBERS = itertools.count(1)
REPORTS = "inventory-reports/pmc-oa-opendata/metadata"


@dataclass
class Bucket:
    """endpoint: of the bucket itself; client: boto3's, to change its content.

    Servers of one process share their content, so each bucket has a name of its own.
    """

    endpoint: str
    client: Any
    name: str

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=body)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def get(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def names(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [listed["Key"] for page in pages for listed in page.get("Contents", ())]

    def put_tree(self, cloud: Path) -> None:
        """Uploads all files of a folder in the cloud layout."""
        for path in sorted(cloud.rglob("*")):
            if path.is_file():
                self.put(path.relative_to(cloud).as_posix(), path.read_bytes())

    def put_article(self, key: str, xml: bytes, media: Mapping[str, bytes], **changes: Any) -> dict[str, Any]:
        """Uploads one version of an article and returns its metadata; changes: values that differ from the default."""
        pmcid, _, number = key.partition(".")
        metadata = {
            "pmcid": pmcid, "version": int(number), "pmid": None, "doi": None, "title": "T", "citation": "J. 2020",
            "is_pmc_openaccess": True, "is_manuscript": False, "is_historical_ocr": False, "is_retracted": False,
            "license_code": "CC BY", "xml_url": url(f"{key}/{key}.xml", xml),
            "media_urls": [url(f"{key}/{name}", body) for name, body in media.items()],
        } | changes  # fmt: skip
        self.put(f"{key}/{key}.xml", xml)
        for name, body in media.items():
            self.put(f"{key}/{name}", body)
        self.put_metadata(key, metadata)
        return metadata

    def put_metadata(self, key: str, metadata: Mapping[str, Any]) -> None:
        body = json.dumps(metadata, indent=1, sort_keys=True).encode()
        self.put(f"{key}/{key}.json", body)
        self.put(f"metadata/{key}.json", body)

    def put_inventory(self, date: str, parts: int = 2, defect: str = "") -> None:
        """Uploads a snapshot of the current metadata; defect: `md5`, `cut` or `no manifest`."""
        rows = []
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix="metadata/"):
            for listed in page.get("Contents", ()):
                modified = listed["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
                rows.append([BUCKET, listed["Key"], modified, listed["ETag"].strip('"')])
        files = []
        for i in range(parts):
            text = io.StringIO()
            csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows[i::parts])
            body = gzip.compress(text.getvalue().encode(), mtime=0)
            key = f"{REPORTS}/data/{date}-{i}.csv.gz"
            md5 = hashlib.md5(body).hexdigest()
            self.put(key, body[:-20] if defect == "cut" and i == parts - 1 else body)
            files.append({"key": key, "size": len(body), "MD5checksum": "0" * 32 if defect == "md5" else md5})
        manifest = {"sourceBucket": BUCKET, "fileFormat": "CSV", "files": files,
                    "fileSchema": "Bucket, Key, LastModifiedDate, ETag"}  # fmt: skip
        self.put(f"{REPORTS}/hive/dt={date}/symlink.txt", b"")
        if defect == "no manifest":
            self.put(f"{REPORTS}/{date}/manifest.checksum", b"")
        else:
            self.put(f"{REPORTS}/{date}/manifest.json", json.dumps(manifest).encode())


def url(key: str, body: bytes) -> str:
    """Returns the address of an object as the metadata write it, with its MD5."""
    return f"s3://{BUCKET}/{key}?md5={hashlib.md5(body).hexdigest()}"


@contextmanager
def serving() -> Iterator[Bucket]:
    """Starts moto's server with an empty public bucket."""
    import boto3
    import botocore
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        client = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
            config=botocore.config.Config(s3={"addressing_style": "path"}, max_pool_connections=32),
        )  # fmt: skip
        name = f"{BUCKET}-{next(_NUMBERS)}"
        client.create_bucket(Bucket=name)
        public = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
                  "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}  # fmt: skip
        client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [public]}))
        yield Bucket(f"http://127.0.0.1:{port}/{name}", client, name)
        client.close()
    finally:
        server.stop()


@dataclass
class Fault:
    """How a response differs from the object's; unset fields leave it as it is.

    status, headers, body: replace the object's; cut: bytes of the body after which the connection is closed; reset: the
    connection is reset before the response; length: added to Content-Length; change: the body is inverted;
    pause: half of the body is sent, the rest after `Proxy.resume`.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    reset: bool = False
    length: int = 0
    change: bool = False
    pause: bool = False


Rule = Callable[[str, int], Fault | None]
"""Key, and how often it has been requested (from 1), to the fault of the response."""


class Proxy:
    """Forwards requests to a bucket, injects the faults of its rule, and records the requests.

    requests: by key; headers: of every request, with its key; complete: complete responses by key;
    max_in_flight: the largest number of requests that were handled at the same time.
    """

    def __init__(self, upstream: str, rule: Rule = lambda key, n: None) -> None:
        self.rule = rule
        self.requests: Counter[str] = Counter()
        self.complete: Counter[str] = Counter()
        self.headers: list[tuple[str, dict[str, str]]] = []
        self.in_flight = self.max_in_flight = 0
        self.lock = threading.Lock()
        self.paused = threading.Event()
        self._resumed = threading.Event()
        self._until_pause: int | None = None
        host, _, path = upstream.removeprefix("http://").partition("/")
        self.upstream, self.prefix = host, f"/{path}/" if path else "/"
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{BUCKET}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        self._server.shutdown()
        self._server.server_close()

    def clear_records(self) -> None:
        with self.lock:
            self.requests.clear()
            self.complete.clear()
            self.headers.clear()

    def pause_after(self, n: int) -> None:
        """Stops in the middle of the n-th response from now, and of all that follow, until `resume`.

        `paused` is set as soon as half of the first of these responses has been sent.
        """
        with self.lock:
            self._until_pause = n
        self.paused.clear()
        self._resumed.clear()

    def resume(self) -> None:
        with self.lock:
            self._until_pause = None
        self._resumed.set()

    def record(self, key: str, headers: Mapping[str, str]) -> Fault:
        """Records a request and returns the fault of its response."""
        with self.lock:
            self.requests[key] += 1
            self.headers.append((key, dict(headers)))
            n = self.requests[key]
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            is_paused = False
            if self._until_pause is not None:
                self._until_pause -= 1
                is_paused = self._until_pause <= 0
        fault = self.rule(key, n)
        return fault or Fault(pause=is_paused)

    def wait_for_resume(self) -> None:
        self.paused.set()
        self._resumed.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None: ...


class _Answer(NamedTuple):
    """A response of the bucket."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar[Proxy]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        path = self.path.removeprefix(f"/{BUCKET}/")
        key = unquote(path)
        fault = self.proxy.record(key, self.headers)
        answer = None
        try:
            if not fault.reset and fault.status is None:
                answer = self._ask_upstream(path)
        finally:
            # Before the last byte is sent: with it the client may send its next request.
            with self.proxy.lock:
                self.proxy.in_flight -= 1
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
        elif answer is None:
            assert fault.status is not None
            self._send(_Answer(fault.status, fault.headers, fault.body or b""), fault)
        else:
            body = bytes(255 - byte for byte in answer.body) if fault.change else answer.body
            if fault.body is not None:
                body = fault.body
            self._send(_Answer(answer.status, {**answer.headers, **fault.headers}, body), fault)
            if answer.status == 200 and fault == Fault(pause=fault.pause):
                with self.proxy.lock:
                    self.proxy.complete[key] += 1

    def _ask_upstream(self, path: str) -> _Answer:
        forwarded = {k: v for k, v in self.headers.items() if k.lower() in ("range", "if-none-match")}
        # moto does not support If-Range.
        if_range = self.headers.get("If-Range")
        if if_range is not None and self._etag(path) != if_range:
            forwarded.pop("Range", None)
        upstream = http.client.HTTPConnection(self.proxy.upstream)
        upstream.request("GET", self.proxy.prefix + path, headers=forwarded)
        response = upstream.getresponse()
        body = response.read()
        upstream.close()
        names = ("ETag", "Content-Type", "Content-Range", "Last-Modified")
        headers = {name: value for name in names if (value := response.headers.get(name))}
        return _Answer(response.status, headers, body)

    def _etag(self, path: str) -> str | None:
        upstream = http.client.HTTPConnection(self.proxy.upstream)
        upstream.request("HEAD", self.proxy.prefix + path)
        response = upstream.getresponse()
        response.read()
        upstream.close()
        return response.headers.get("ETag")

    def _send(self, answer: _Answer, fault: Fault) -> None:
        body = answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + fault.length))
        self.end_headers()
        if fault.pause:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.proxy.wait_for_resume()
            body = body[len(body) // 2 :]
        self.wfile.write(body if fault.cut is None else body[: fault.cut])
        if fault.cut is not None or fault.length > 0:
            self.close_connection = True


def kill_after_responses(command: Sequence[str], proxy: Proxy, n: int, cwd: Path | None = None) -> bool:
    """Runs a command and kills it in the middle of the n-th response; returns false if it has finished before that.

    The moment depends on the number of responses alone, not on the speed of the machine.
    """
    proxy.pause_after(n)
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and not proxy.paused.is_set():
        time.sleep(0.01)
    killed = process.poll() is None
    if killed:
        process.kill()
    _, stderr = process.communicate()
    proxy.resume()
    assert killed or process.returncode == 0, stderr
    return killed


def roco_command(*words: str) -> list[str]:
    """Returns the command line of roco in this Python."""
    return [sys.executable, "-m", "roco", *words]
