"""NCBI on loopback: efetch and the converter of ids, with faults; and small releases whose articles it knows."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from roco.sources.fetch.pubmed.eutils import Addresses

DOCTYPE = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
UI = {"Journal Article": "D016428", "Case Reports": "D002363", "Review": "D016454", "Lung": "D008168"}


def record(
    pmid: int,
    *types: str,
    mesh: Iterable[str] = (),
    pmcid: str | None = None,
    status: str = "MEDLINE",
    version: int = 1,
) -> str:
    """Returns a record; mesh: descriptors, `*` before a major one, and `/` before each qualifier."""
    listed = "".join(f'<PublicationType UI="{UI.get(one, "D000001")}">{one}</PublicationType>' for one in types)
    headings = ""
    for heading in mesh:
        names = [
            _term("DescriptorName" if not i else "QualifierName", name) for i, name in enumerate(heading.split("/"))
        ]
        headings += f"<MeshHeading>{''.join(names)}</MeshHeading>"
    ids = f'<ArticleId IdType="pubmed">{pmid}</ArticleId>'
    ids += f'<ArticleId IdType="pmc">{pmcid}</ArticleId>' if pmcid else ""
    cited = '<ArticleIdList><ArticleId IdType="pmc">PMC999</ArticleId></ArticleIdList>'
    references = f"<ReferenceList><Reference>{cited}</Reference></ReferenceList>"
    return (
        f'<PubmedArticle><MedlineCitation Status="{status}" Owner="NLM"><PMID Version="{version}">{pmid}</PMID>'
        f"<Article><ArticleTitle>A <i>title</i> &amp; more</ArticleTitle><PublicationTypeList>{listed}"
        f"</PublicationTypeList></Article><MeshHeadingList>{headings}</MeshHeadingList></MedlineCitation>"
        f"<PubmedData><ArticleIdList>{ids}</ArticleIdList>{references}</PubmedData></PubmedArticle>"
    )


def _term(tag: str, name: str) -> str:
    major = "Y" if name.startswith("*") else "N"
    bare = name.removeprefix("*")
    return f'<{tag} UI="{UI.get(bare, "D000002")}" MajorTopicYN="{major}">{bare}</{tag}>'


def deleted(*pmids: int) -> str:
    ids = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in pmids)
    return f"<DeleteCitation>{ids}</DeleteCitation>"


def article_set(*records: str) -> bytes:
    return f"{DOCTYPE}<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>".encode()


def write_release(folder: Path, articles: Iterable[tuple[str | None, int | None]]) -> Path:
    """Writes a release with one image for each PMCID and PMID; without a PMCID the article_key is a name."""
    rows = []
    for n, (pmcid, pmid) in enumerate(articles):
        of_article = {"article_key": pmcid or f"own-{n}", "pmcid": pmcid, "pmid": None if pmid is None else str(pmid)}
        rows.append({"id": f"roco_{n:06}", **of_article, "split": "train", "license": "CC-BY"})
    folder.mkdir(parents=True, exist_ok=True)
    names = ("id", "article_key", "pmcid", "pmid", "split", "license")
    pq.write_table(
        pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names])), folder / "figures.parquet"
    )
    return folder


@dataclass
class Fault:
    """How an answer differs: status, headers and body replace it; cut: bytes after which the connection is closed;
    reset: it is reset before the answer; drop: PMIDs that the answer lacks; wait: it is not sent until `resume`."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    reset: bool = False
    drop: tuple[int, ...] = ()
    wait: bool = False


@dataclass
class Request:
    """One request. method, path; ids in their order; values: of the form or query."""

    method: str
    path: str
    ids: list[str]
    values: dict[str, str]
    headers: dict[str, str]


class Ncbi:
    """A server that knows some records and ids, and records the requests.

    records: XML by PMID. pmids: PMID by PMCID. rule: ids of a request, and its number from 1, to the fault.
    """

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.pmids: dict[str, int | None] = {}
        self.rule: Callable[[list[str], int], Fault | None] = lambda ids, n: None
        self.requests: list[Request] = []
        self.waiting = threading.Event()
        self.resume = threading.Event()
        handler = type("Handler", (_Handler,), {"ncbi": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def addresses(self) -> Addresses:
        return Addresses(f"{self.address}/eutils", f"{self.address}/idconv/")

    def add(self, *records: str) -> None:
        for one in records:
            self.records[one.split('<PMID Version="')[1].split(">")[1].split("<")[0]] = one

    def asked(self) -> list[list[str]]:
        """Returns the ids of each request."""
        return [request.ids for request in self.requests]

    def close(self) -> None:
        self.resume.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request, fault: Fault) -> bytes:
        if request.path.startswith("/idconv"):
            return json.dumps({"status": "ok", "records": [self._converted(id) for id in request.ids]}).encode()
        known = [id for id in request.ids if id in self.records and int(id) not in fault.drop]
        return article_set(*(self.records[id] for id in known))

    def _converted(self, pmcid: str) -> dict[str, Any]:
        pmid = self.pmids.get(pmcid)
        if pmid is None:
            return {"requested-id": pmcid, "pmcid": pmcid, "status": "error", "errmsg": "Identifier not found in PMC"}
        return {"requested-id": pmcid, "pmcid": pmcid, "pmid": pmid, "doi": "10.1000/x"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None: ...


class _Handler(BaseHTTPRequestHandler):
    ncbi: ClassVar[Ncbi]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are sent one after the other: 40 ms for each answer otherwise

    def log_message(self, format: str, *args: Any) -> None: ...

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._serve("POST", form)

    def do_GET(self) -> None:
        self._serve("GET", urlsplit(self.path).query)

    def _serve(self, method: str, text: str) -> None:
        values = {name: one[0] for name, one in parse_qs(text).items()}
        ids = values.get("id", values.get("ids", "")).split(",")
        request = Request(method, self.path, ids, values, dict(self.headers))
        self.ncbi.requests.append(request)
        fault = self.ncbi.rule(ids, len(self.ncbi.requests)) or Fault()
        if fault.wait:
            self.ncbi.waiting.set()
            self.ncbi.resume.wait()
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
            return
        body = self.ncbi.answer(request, fault) if fault.body is None else fault.body
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if fault.cut is None else body[: fault.cut])
        if fault.cut is not None:
            self.close_connection = True
