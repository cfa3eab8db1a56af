"""A bucket on loopback: moto's S3 server, laid out as PMC's is, behind a proxy that can fail in every way."""

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
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

BUCKET = "pmc-oa-opendata"
_NUMBERS = itertools.count(1)
REPORTS = "inventory-reports/pmc-oa-opendata/metadata"


@dataclass
class Bucket:
    """endpoint: of the bucket itself; client: boto3's, to change what is in it.

    Servers of one process share what they hold, so each bucket has a name of its own.
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
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def lay_out(self, cloud: Path) -> None:
        """Puts a cloud layout into the bucket."""
        for path in sorted(cloud.rglob("*")):
            if path.is_file():
                self.put(path.relative_to(cloud).as_posix(), path.read_bytes())

    def article(self, key: str, xml: bytes, media: Mapping[str, bytes], **meta: Any) -> dict[str, Any]:
        """Puts one version of an article, with metadata as PMC has them."""
        pmcid, _, number = key.partition(".")
        told = {
            "pmcid": pmcid, "version": int(number), "pmid": None, "doi": None, "title": "T", "citation": "J. 2020",
            "is_pmc_openaccess": True, "is_manuscript": False, "is_historical_ocr": False, "is_retracted": False,
            "license_code": "CC BY", "xml_url": url(f"{key}/{key}.xml", xml),
            "media_urls": [url(f"{key}/{name}", body) for name, body in media.items()],
        } | meta  # fmt: skip
        self.put(f"{key}/{key}.xml", xml)
        for name, body in media.items():
            self.put(f"{key}/{name}", body)
        self.metadata(key, told)
        return told

    def metadata(self, key: str, told: Mapping[str, Any]) -> None:
        body = json.dumps(told, indent=1, sort_keys=True).encode()
        self.put(f"{key}/{key}.json", body)
        self.put(f"metadata/{key}.json", body)

    def inventory(self, date: str, parts: int = 2, wrong: str = "") -> None:
        """Writes a snapshot of the metadata as they are now; wrong: `md5`, `cut` or `no manifest`."""
        rows = []
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix="metadata/"):
            for one in page.get("Contents", ()):
                when = one["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.000Z")
                rows.append([BUCKET, one["Key"], when, one["ETag"].strip('"')])
        files = []
        for i in range(parts):
            text = io.StringIO()
            csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows[i::parts])
            body = gzip.compress(text.getvalue().encode(), mtime=0)
            key = f"{REPORTS}/data/{date}-{i}.csv.gz"
            md5 = hashlib.md5(body).hexdigest()
            self.put(key, body[:-20] if wrong == "cut" and i == parts - 1 else body)
            files.append({"key": key, "size": len(body), "MD5checksum": "0" * 32 if wrong == "md5" else md5})
        manifest = {"sourceBucket": BUCKET, "fileFormat": "CSV", "files": files,
                    "fileSchema": "Bucket, Key, LastModifiedDate, ETag"}  # fmt: skip
        self.put(f"{REPORTS}/hive/dt={date}/symlink.txt", b"")
        if wrong == "no manifest":
            self.put(f"{REPORTS}/{date}/manifest.checksum", b"")
        else:
            self.put(f"{REPORTS}/{date}/manifest.json", json.dumps(manifest).encode())


def url(key: str, body: bytes) -> str:
    return f"s3://{BUCKET}/{key}?md5={hashlib.md5(body).hexdigest()}"


@contextmanager
def serving() -> Iterator[Bucket]:
    """Moto's server with an empty bucket that anyone may read."""
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
    """How an answer is spoilt; what is not set is as it should be.

    status, headers, body: instead of the object's; cut: bytes of the body after which the connection ends; reset: the
    connection is reset before any answer; length: added to Content-Length; drip: seconds between single bytes;
    change: the body is turned into another of the same length.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    reset: bool = False
    length: int = 0
    drip: float = 0.0
    change: bool = False


Rule = Callable[[str, int], Fault | None]
"""Key and how often it has been asked for, from 1 on, to what goes wrong."""


class Proxy:
    """Hands requests on to a bucket, but for the faults that its rule names; and keeps account.

    asked: how often each key was asked for; heads: the request's headers, of every request; full: how often each
    object was sent in full; most: connections at once.
    """

    def __init__(self, upstream: str, rule: Rule = lambda key, n: None) -> None:
        self.rule = rule
        self.asked: Counter[str] = Counter()
        self.full: Counter[str] = Counter()
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.now = self.most = 0
        self.lock = threading.Lock()
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
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        with self.lock:
            self.asked.clear()
            self.full.clear()
            self.heads.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None: ...


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar[Proxy]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None: ...

    def setup(self) -> None:
        super().setup()
        with self.proxy.lock:
            self.proxy.now += 1
            self.proxy.most = max(self.proxy.most, self.proxy.now)

    def finish(self) -> None:
        with self.proxy.lock:
            self.proxy.now -= 1
        with suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        path = self.path.removeprefix(f"/{BUCKET}/")
        key = unquote(path)
        with self.proxy.lock:
            self.proxy.asked[key] += 1
            self.proxy.heads.append((key, dict(self.headers)))
            n = self.proxy.asked[key]
        fault = self.proxy.rule(key, n) or Fault()
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
            return
        if fault.status is not None:
            self._say(fault.status, dict(fault.headers), fault.body or b"", fault)
            return
        upstream = http.client.HTTPConnection(self.proxy.upstream, timeout=30)
        wanted = {k: v for k, v in self.headers.items() if k.lower() in ("range", "if-range", "if-none-match")}
        if "if-range" in {k.lower() for k in wanted}:  # which moto does not know
            upstream.request("HEAD", self.proxy.prefix + path)
            answer = upstream.getresponse()
            answer.read()
            if answer.headers.get("ETag") != self.headers["If-Range"]:
                wanted.pop("Range", None)
            wanted.pop("If-Range")
            upstream.close()
        upstream.request("GET", self.proxy.prefix + path, headers=wanted)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        if fault.change:
            body = bytes(255 - b for b in body)
        names = ("ETag", "Content-Type", "Content-Range", "Last-Modified")
        headers = {name: value for name in names if (value := answer.headers.get(name))} | dict(fault.headers)
        if fault.body is not None:
            body = fault.body
        self._say(answer.status, headers, body, fault)
        if answer.status == 200 and fault == Fault():
            with self.proxy.lock:
                self.proxy.full[key] += 1

    def _say(self, status: int, headers: Mapping[str, str], body: bytes, fault: Fault) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + fault.length))
        self.end_headers()
        if fault.drip:
            for i in range(len(body)):
                self.wfile.write(body[i : i + 1])
                self.wfile.flush()
                time.sleep(fault.drip)
            return
        self.wfile.write(body if fault.cut is None else body[: fault.cut])
        if fault.cut is not None or fault.length > 0:
            self.close_connection = True
