"""What the bucket and NCBI answer, and the files of a folder of downloads."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roco.base.errors import RejectedInput, RocoError
from roco.base.progress import NullProgress
from roco.sources.cloud import CloudSource
from roco.sources.cloud_metadata import md5s, read_metadata, version_of
from roco.sources.fetch import inventory, listing
from roco.sources.fetch.article_ids import parse_ids
from roco.sources.fetch.json_log import read_log
from roco.sources.fetch.plan import plan_path, read_plan
from roco.sources.fetch.pubmed.answers import ANSWERS, Answers
from roco.sources.fetch.pubmed.articles import Article
from roco.sources.fetch.pubmed.baseline import read_baseline
from roco.sources.fetch.pubmed.eutils import _read_converted
from roco.sources.fetch.pubmed.medline import read_answer
from roco.sources.oa_file_list import newest_facts, read_index
from tests.attacks.metadata import METADATA
from tests.fuzz import binary, mutations
from tests.fuzz.target import Format, Target, require
from tests.fuzz.trap import made

KEYS = ("pmcid", "version", "pmid", "doi", "title", "citation", "license_code", "is_pmc_openaccess", "is_retracted",
        "xml_url", "media_urls", "PMC1", "PMC1.1", "s3://pmc-oa-opendata/PMC1.1/f1.jpg?md5=" + "a" * 32)  # fmt: skip


def make() -> Target:
    promise = (
        "any answer or file: what it lists, or an error; a metadata file describes only its own article, and a record "
        "that cannot be read is not used"
    )
    records = (
        "PubmedArticle",
        "MedlineCitation",
        "PMID",
        "MeshHeading",
        "DescriptorName",
        "QualifierName",
        "DeleteCitation",
    )
    lists = ("ListBucketResult", "Contents", "Key", "ETag", "Size", "CommonPrefixes", "Prefix", "NextContinuationToken")
    return Target("downloads", promise, (
        Format("metadata", _metadata, _read_metadata, mutations.json_text(KEYS)),
        Format("listing", lambda: [_LISTING], _read_listing, mutations.xml(lists, ("metadata/PMC1.1.json", "10"))),
        Format("manifest of an inventory", lambda: [_MANIFEST], _read_manifest, mutations.json_text(("CSV",
            "Key, ETag"))),
        Format("part of an inventory", lambda: [gzip.compress(_PART)], _read_part,
            binary.gzipped(mutations.text(('"metadata/PMC1.1.json"',)))),
        Format("list of files", lambda: [_FILE_LIST, _FILE_LIST.replace(b",", b"\t")], _file("oa_file_list.csv",
            _index), mutations.text(("PMC1", "CC BY"))),
        Format("records of PubMed", lambda: [_PUBMED], _read_pubmed, mutations.xml(records, ("Y", "D000001", "1"))),
        Format("answer of the converter", lambda: [_CONVERTED], _read_converter, mutations.json_text(("records",
            "pmid", "requested-id"))),
        Format("stored answers", lambda: [_ANSWERS], _file(ANSWERS, lambda path: Answers(path.parent)),
            mutations.text(("records", "pmids", "missing"))),
        Format("baseline", lambda: [gzip.compress(_PUBMED_SET)], _read_baseline,
            binary.gzipped(mutations.xml(records, ("1",)))),
        Format("receipts", lambda: [_RECEIPTS], _file("receipts.jsonl", lambda path: list(read_log(path, dict))),
            mutations.text(("key",))),
        Format("plan", lambda: [_PLAN], _read_plan, mutations.json_text(("ids", "selection", "rows"))),
        Format("list of ids", lambda: [b"PMC1\nPMC2.1\n# none\n"], _file("ids.txt",
            lambda path: parse_ids([str(path)])), mutations.text(("PMC1",))),
        Format("folder of the bucket", _metadata, _read_cloud, mutations.json_text(KEYS)),
    ))  # fmt: skip


_LISTING = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
<Contents><Key>metadata/PMC1.1.json</Key><LastModified>2025-01-01</LastModified><ETag>"a"</ETag><Size>10</Size></Contents>
<CommonPrefixes><Prefix>inventory-reports/</Prefix></CommonPrefixes><NextContinuationToken>x</NextContinuationToken></ListBucketResult>"""
_MANIFEST = json.dumps({
    "fileFormat": "CSV", "fileSchema": "Bucket, Key, ETag, LastModifiedDate",
    "files": [{"key": "inventory/data/1.csv.gz", "size": 1, "MD5checksum": "a" * 32}],
}).encode()  # fmt: skip
_PART = b""""b","metadata/PMC1.1.json","e","2025-01-01T00:00:00.000Z"
"b","metadata/PMC2.2.json","e","2025-01-01"
"b","x","e",""
"""
_FILE_LIST = b"""File,Article Citation,Accession ID,Last Updated (YYYY-MM-DD HH:MM:SS),PMID,License,Retracted
oa_package/00/00/PMC1.tar.gz,"J. 2020; 1:1",PMC1,2020-01-01 00:00:00,1,CC BY,no
oa_package/00/01/PMC2.tar.gz,J. 2020, 1,PMC2,2020-01-01 00:00:00,PMID:2,NO-CC CODE,yes
"""
_RECORD = """<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">1</PMID><Article><PublicationTypeList>

<PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList></Article>
<MeshHeadingList><MeshHeading>
<DescriptorName UI="D000001" MajorTopicYN="Y">Lung</DescriptorName>
<QualifierName UI="Q000001" MajorTopicYN="N">x</QualifierName>
</MeshHeading></MeshHeadingList></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="pmc">PMC1</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle>"""
_PUBMED = f'<?xml version="1.0"?><PubmedArticleSet>{_RECORD}</PubmedArticleSet>'.encode()
_DELETED = "<DeleteCitation><PMID Version='1'>2</PMID></DeleteCitation>"
_PUBMED_SET = f"<PubmedArticleSet>{_RECORD}{_DELETED}</PubmedArticleSet>".encode()
_CONVERTED = json.dumps({"status": "ok", "records": [{"requested-id": "PMC1", "pmcid": "PMC1", "pmid": 1}]}).encode()
_RECEIPT = {"time": "2026-11-30T00:00:00Z", "source": "s", "bytes": 1, "sha256": "a"}
_TOPICS = [["D000001", "Lung", True, [["Q000001", "x", False]]]]
_STORED = [["1", 1, "PMC1", "MEDLINE", [["D016428", "Journal Article"]], _TOPICS]]
_ANSWERS = b"".join(
    json.dumps(_RECEIPT | content).encode() + b"\n"
    for content in ({"records": _STORED, "missing": ["2"]}, {"pmids": {"PMC1": "1", "PMC2": None}})
)
_RECEIPTS = (
    b'{"key":"a","etag":"b","md5":"c","sha256":"d","bytes":1,"time":"t","snapshot":"s"}\n{"key":"a","removed":true}\n'
)
_PLAN = json.dumps({
    "options": {"endpoint": "https://x", "contact": "a@b.c", "selection": {}, "ids": [[1, None]], "packs": False,
    "connections": 16},
    "snapshot": "s", "manifest_sha256": "a", "notes": [], "versions": 1, "articles": 1, "wanted": 1, "unwanted": 0,
    "removed": 0,
    "to_download": 1, "excluded": {}, "estimate": {"files": 1, "bytes": 1, "sampled": 1, "requests_per_second": 1,
    "seconds": 1},
    "rows": "plan-a.parquet",
}).encode()  # fmt: skip


def _metadata() -> list[bytes]:
    plain = {
        "pmcid": "PMC1", "version": 1, "pmid": "1", "doi": "10.1/x", "title": "A case", "citation": "J. 2020",
        "license_code": "CC BY",
        "is_pmc_openaccess": True, "is_manuscript": False, "is_historical_ocr": False, "is_retracted": False,
        "xml_url": "s3://pmc-oa-opendata/PMC1.1/PMC1.1.xml?md5=" + "a" * 32,
        "media_urls": ["s3://pmc-oa-opendata/PMC1.1/f1.jpg?md5=" + "a" * 32],
    }  # fmt: skip
    return [json.dumps(plain).encode(), *(data.replace(b"{n}", b"1") for data in made(METADATA, 20_000))]


def _read_metadata(data: bytes, folder: Path) -> None:
    meta = read_metadata(data, "PMC1.1")
    version = version_of("PMC1.1", meta, "digest")
    require(version.number == 1 and version.facts["pmcid"] == "PMC1", "metadata describe their own article")
    require(all(version.media or ()) and all(md5s("PMC1.1", meta)), "media have names")
    json.dumps(version.facts)


def _read_cloud(data: bytes, folder: Path) -> None:
    version = folder / "PMC1.1"
    version.mkdir()
    (version / "PMC1.1.json").write_bytes(data)
    (version / "PMC1.1.xml").write_bytes(b"<article/>")
    (version / "f1.jpg").write_bytes(b"x")
    source = CloudSource(path=folder)
    listed = source.listing(None)
    require(len(listed) == 1, "a folder of one article lists one article")
    for row in listed.to_pylist():
        require(row["article"] == "PMC1", "an article is named after its folder")
        with contextlib.closing(source.open(row["place"])) as package:
            for name, _ in package.files:
                require(name in ("PMC1.1.json", "PMC1.1.xml", "f1.jpg"), "no file outside the folder is listed")
            for name in ("../PMC1.1/f1.jpg", "/etc/passwd", "f1.jpg", "../../f1.jpg"):
                with contextlib.suppress(RejectedInput):
                    require(package.read(name) in (b"x", b"<article/>", data), "no file outside the folder is read")


class _Client:
    """Answers every request with the same bytes."""

    endpoint = "https://bucket"
    connections = 1

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.n = 0

    def get(self, key: str, **options: Any) -> Any:
        self.n += 1
        if self.n > 3:  # a listing whose every page names a next page
            raise RocoError("no more pages")
        if "validate" in options:
            options["validate"](self.data)
        return self


def _read_listing(data: bytes, folder: Path) -> None:
    for listed in listing.list_objects(_Client(data), ""):  # type: ignore[arg-type]
        require(listed.size >= 0, "a size is not negative")
    inventory._list_article(_Client(data), 1)  # type: ignore[arg-type]


def _read_manifest(data: bytes, folder: Path) -> None:
    inventory._read_manifest(data)


def _read_part(data: bytes, folder: Path) -> None:
    table = inventory._read_part(data, ["Bucket", "Key", "ETag", "LastModifiedDate"])
    require(table.schema == inventory.SCHEMA, "a part has the columns of an inventory")


def _file(name: str, read: Callable[[Path], object]) -> Callable[[bytes, Path], None]:
    def write_and_read(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        read(path)

    return write_and_read


def _index(path: Path) -> None:
    rows = list(read_index(path))
    newest_facts(rows)
    require(all(row.pmcid.startswith("PMC") for row in rows), "a row has a PMCID")


def _read_pubmed(data: bytes, folder: Path) -> None:
    for record in read_answer(data):
        json.dumps(record)


def _read_converter(data: bytes, folder: Path) -> None:
    for pmcid, pmid in _read_converted(data)[0].items():
        require(pmcid.startswith("PMC") and (pmid is None or pmid.isdigit()), "ids are valid")


def _read_baseline(data: bytes, folder: Path) -> None:
    (folder / "pubmed26n0001.xml.gz").write_bytes(data)
    read_baseline(folder, [Article("PMC1", "PMC1", None)], NullProgress())


def _read_plan(data: bytes, folder: Path) -> None:
    path = plan_path(folder)
    path.parent.mkdir()
    path.write_bytes(data)
    read_plan(folder)
