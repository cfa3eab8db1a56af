"""Records from the E-utilities: every article has a row, faults are repeated, nothing is requested twice."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import Busy, DataError, UsageError
from roco.base.locks import hold
from roco.base.tables import LICENSE_COLUMNS
from roco.release.pubmed import read_pubmed, sidecar_path
from roco.sources.fetch.errors import BucketUnreachable, DownloadFailed
from roco.sources.fetch.pubmed import eutils
from roco.sources.fetch.pubmed.client import NcbiClient, Service
from roco.sources.fetch.pubmed.command import Result, pubmed
from tests.sources.fetch.conftest import QUICK
from tests.sources.fetch.pubmed.ncbi import Fault, Ncbi, article_set, record, write_release

KEY = "0123456789abcdef0123456789abcdef0123"
TYPES = ("Journal Article", "Case Reports")


def fetch(release: Path, ncbi: Ncbi, **options: Any) -> Result:
    given = {"contact": "me@example.org", "addresses": ncbi.addresses, "policy": QUICK, **options}
    return pubmed(release, **given)


def rows(release: Path) -> dict[str, dict[str, Any]]:
    table = read_pubmed(release)
    assert table is not None
    return {row["article_key"]: row for row in table.to_pylist()}


@pytest.fixture
def release(tmp_path: Path, ncbi: Ncbi) -> Path:
    """Five articles that MEDLINE knows: PMC1 to PMC5 with PMIDs 11 to 15."""
    ncbi.add(*(record(10 + n, *TYPES, mesh=["Humans", "Lung/*pathology"], pmcid=f"PMC{n}") for n in range(1, 6)))
    return write_release(tmp_path / "release", [(f"PMC{n}", 10 + n) for n in range(1, 6)])


@pytest.fixture
def two_per_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eutils, "IDS_PER_REQUEST", 2)


# --- what is requested and written ----------------------------------------------------------------------------


def test_types_and_headings_are_written_with_their_ids(release: Path, ncbi: Ncbi) -> None:
    result = fetch(release, ncbi)
    row = rows(release)["PMC3"]
    assert row["publication_types"] == [
        {"ui": "D016428", "name": "Journal Article"}, {"ui": "D002363", "name": "Case Reports"}
    ]  # fmt: skip
    assert row["mesh"][1] == {
        "ui": "D008168", "name": "Lung", "major": False,
        "qualifiers": [{"ui": "D000002", "name": "pathology", "major": True}],
    }  # fmt: skip
    assert (row["pmcid"], row["pmid"], row["medline_status"], row["status"]) == ("PMC3", "13", "MEDLINE", "found")
    assert row["source"] == f"{ncbi.address}/eutils/efetch.fcgi" and row["fetched"].endswith("Z")
    assert (result.articles, result.found, result.indexed, result.requests) == (5, 5, 5, 1)


def test_a_request_names_database_format_tool_and_contact_in_its_body(release: Path, ncbi: Ncbi) -> None:
    fetch(release, ncbi)
    (request,) = ncbi.requests
    assert (request.method, request.path) == ("POST", "/eutils/efetch.fcgi")
    assert request.values == {
        "db": "pubmed", "retmode": "xml", "id": "11,12,13,14,15", "tool": "roco", "email": "me@example.org"
    }  # fmt: skip
    assert "mailto:me@example.org" in request.headers["User-Agent"]


def test_a_request_asks_for_at_most_200_records(tmp_path: Path, ncbi: Ncbi) -> None:
    ncbi.add(*(record(n, "Letter") for n in range(1, 452)))
    release = write_release(tmp_path / "release", [(f"PMC{n}", n) for n in range(1, 452)])
    assert fetch(release, ncbi).found == 451
    assert [len(ids) for ids in ncbi.asked()] == [200, 200, 51]


def test_articles_without_a_pmid_get_it_from_the_converter(tmp_path: Path, ncbi: Ncbi) -> None:
    ncbi.add(record(11, *TYPES, pmcid="PMC1"), record(12, "Letter"))
    ncbi.pmids = {"PMC1": 11, "PMC3": None}
    release = write_release(tmp_path / "release", [("PMC1", None), ("PMC2", 12), ("PMC3", None), (None, None)])
    result = fetch(release, ncbi)
    converted, fetched = ncbi.requests
    assert (converted.method, converted.ids, fetched.ids) == ("GET", ["PMC1", "PMC3"], ["11", "12"])
    assert {key: (row["pmid"], row["reason"]) for key, row in rows(release).items()} == {
        "PMC1": ("11", None), "PMC2": ("12", None), "PMC3": (None, "no_pmid"), "own-3": (None, "no_pmid")
    }  # fmt: skip
    assert result.reasons == {"no_pmid": 2}
    assert fetch(release, ncbi).requests == 0


def test_the_published_layout_has_pmcids_only(tmp_path: Path, ncbi: Ncbi) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    for split in ("train", "valid", "test"):
        (folder / f"{split}_captions.csv").write_text(f"ID,Caption\nROCO_{split}_1,A chest.\n")
        (folder / f"{split}_concepts.csv").write_text(f"ID,CUIs\nROCO_{split}_1,C0817096\n")
        (folder / f"{split}_concepts_manual.csv").write_text(f"ID,CUIs\nROCO_{split}_1,C0817096\n")
    lines = [
        f"ROCO_{split}_1,PMC{n},CC BY A et al. (2020),https://x" for n, split in enumerate(("train", "valid", "test"))
    ]
    header = ",".join(LICENSE_COLUMNS)
    (folder / "license_information.csv").write_text("\n".join([header, *lines]).replace("PMC0", "PMC7") + "\n")
    ncbi.pmids = {"PMC7": 17, "PMC1": 11, "PMC2": 12}
    ncbi.add(record(11, "Letter"), record(12, "Letter"), record(17, "Letter"))
    assert fetch(folder, ncbi).found == 3
    assert set(rows(folder)) == {"PMC1", "PMC2", "PMC7"}


def test_the_release_of_a_run_folder_is_found(release: Path, ncbi: Ncbi, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    release.rename(run / "release")
    result = fetch(run, ncbi)
    assert result.path == run.resolve() / "release.pubmed.parquet"
    assert result.release == run / "release"


def test_a_pmid_of_another_article_is_a_row_with_that_reason(tmp_path: Path, ncbi: Ncbi) -> None:
    ncbi.add(record(11, "Letter", pmcid="PMC8"))
    release = write_release(tmp_path / "release", [("PMC1", 11)])
    assert fetch(release, ncbi).reasons == {"other_article": 1}
    assert rows(release)["PMC1"]["publication_types"] is None


def test_two_articles_with_one_pmid_both_have_a_row_and_it_is_requested_once(tmp_path: Path, ncbi: Ncbi) -> None:
    ncbi.add(record(11, "Letter"))
    release = write_release(tmp_path / "release", [("PMC1", 11), ("PMC1", 11), ("PMC2", 11)])
    assert fetch(release, ncbi).articles == 2
    assert ncbi.asked() == [["11"]]
    assert all(row["status"] == "found" for row in rows(release).values())


def test_of_a_record_that_arrives_twice_the_last_version_is_used(tmp_path: Path, ncbi: Ncbi) -> None:
    first, second = record(11, "Letter"), record(11, "Review", version=2)
    release = write_release(tmp_path / "release", [("PMC1", 11)])
    ncbi.rule = lambda ids, n: Fault(body=article_set(second, first, first))
    fetch(release, ncbi)
    assert [one["name"] for one in rows(release)["PMC1"]["publication_types"]] == ["Review"]


# --- missing records ------------------------------------------------------------------------------------------


def test_a_record_that_is_missing_twice_is_a_row_with_that_reason(release: Path, ncbi: Ncbi) -> None:
    del ncbi.records["12"]
    result = fetch(release, ncbi)
    assert ncbi.asked() == [["11", "12", "13", "14", "15"], ["12"]]
    assert (result.found, result.reasons) == (4, {"no_record": 1})
    assert fetch(release, ncbi).reasons == {"no_record": 1}
    assert len(ncbi.requests) == 2


def test_a_record_that_one_answer_lacks_is_requested_once_more(release: Path, ncbi: Ncbi) -> None:
    ncbi.rule = lambda ids, n: Fault(drop=(12, 14)) if n == 1 else None
    assert fetch(release, ncbi).found == 5
    assert ncbi.asked()[1:] == [["12", "14"]]


def test_records_of_other_pmids_are_not_used(release: Path, ncbi: Ncbi) -> None:
    others = article_set(*(record(n, "Review") for n in (21, 22, 11)))
    ncbi.rule = lambda ids, n: Fault(body=others) if n == 1 else None
    assert fetch(release, ncbi).found == 5
    assert ncbi.asked()[1] == ["12", "13", "14", "15"]
    assert len(rows(release)) == 5


def test_ids_of_which_none_exists_are_missing_although_the_status_is_400(release: Path, ncbi: Ncbi) -> None:
    text = b"<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR></eFetchResult>"
    ncbi.rule = lambda ids, n: Fault(status=400, body=text)
    assert fetch(release, ncbi).reasons == {"no_record": 5}


# --- faults ---------------------------------------------------------------------------------------------------

RATE = b'{"error":"API rate limit exceeded","count":"11"}'
FAULTS = {
    "429": Fault(429, {"Retry-After": "0"}, RATE),
    "503": Fault(503, body=b"busy"),
    "500": Fault(500, body=b"oops"),
    "502 page": Fault(502, body=b"<html>Bad gateway</html>"),
    "504": Fault(504),
    "reset": Fault(reset=True),
    "cut": Fault(cut=900),
    "hang up after the headers": Fault(cut=0),
    "rate limit with status 200": Fault(body=RATE),
    "error with status 200": Fault(body=b'{"error":"/lbsm/eutils_lb -> Neg","status":"ok"}'),
    "XML error with status 200": Fault(body=b"<?xml version='1.0'?><eFetchResult><ERROR>busy</ERROR></eFetchResult>"),
    "relayed error with status 400": Fault(400, body=b"<ERROR>Failed to connect to PubOne service</ERROR>"),
    "truncated XML with its length": Fault(body=article_set(record(11, *TYPES), record(12, *TYPES))[:-30]),
    "garbage": Fault(body=bytes(range(256)) * 10),
    "empty": Fault(body=b""),
    "login page": Fault(body=b"<!DOCTYPE html><html>Log in</html>"),
    "other XML": Fault(body=b"<feed/>"),
    "entities": Fault(body=b'<!DOCTYPE PubmedArticleSet [<!ENTITY a "b">]><PubmedArticleSet>&a;</PubmedArticleSet>'),
    "garbage as gzip": Fault(headers={"Content-Encoding": "gzip"}, body=b"garbage"),
    "redirect": Fault(302, {"Location": "http://elsewhere.example/"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_an_answer_that_cannot_be_used_is_requested_again_and_never_stored(
    release: Path, ncbi: Ncbi, fault: Fault, two_per_request: None
) -> None:
    ncbi.rule = lambda ids, n: fault if n in (2, 3) else None
    result = fetch(release, ncbi)
    assert result.found == 5
    assert ncbi.asked() == [["11", "12"], ["13", "14"], ["13", "14"], ["13", "14"], ["15"]]
    assert len(answers(release)) == 3


def answers(release: Path) -> list[dict[str, Any]]:
    path = release.parent / "release.pubmed-fetch" / "answers.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_server_that_fails_always_is_one_error_and_what_was_answered_is_kept(
    release: Path, ncbi: Ncbi, two_per_request: None
) -> None:
    ncbi.rule = lambda ids, n: Fault(500, body=b"oops") if n > 2 else None
    with pytest.raises(DownloadFailed) as failed:
        fetch(release, ncbi)
    assert failed.value.message == "record of PMID 15: status 500 (6 tries)"
    assert not sidecar_path(release).exists()
    ncbi.rule, ncbi.requests = lambda ids, n: None, []
    assert fetch(release, ncbi).found == 5
    assert ncbi.asked() == [["15"]]


def test_one_record_that_cannot_be_read_fails_alone(release: Path, ncbi: Ncbi, two_per_request: None) -> None:
    bad = article_set("<PubmedArticle></PubmedArticle>")
    ncbi.rule = lambda ids, n: Fault(body=bad) if "14" in ids else None
    result = fetch(release, ncbi)
    assert (result.found, result.reasons) == (4, {"unreadable": 1})
    (problem,) = result.problems
    assert problem.startswith("record of PMID 14: a record without a PMID (6 tries)")
    ncbi.rule, ncbi.requests = lambda ids, n: None, []
    assert fetch(release, ncbi).found == 5
    assert ncbi.asked() == [["14"]]


def test_the_retry_after_of_the_server_is_honoured(release: Path, ncbi: Ncbi) -> None:
    waits: list[float] = []
    client = NcbiClient(Service("me@example.org"), policy=QUICK, sleep=waits.append, now=lambda: 0.0)
    ncbi.rule = lambda ids, n: Fault(429, {"Retry-After": "7"}) if n == 1 else None
    assert b"PubmedArticleSet" in client.efetch(ncbi.addresses.endpoint, ["11"], bytes)
    client.close()
    assert 7.0 in waits


# --- interruptions --------------------------------------------------------------------------------------------


class Interrupting:
    """Interrupts after a number of answers."""

    def __init__(self, after: int) -> None:
        self.left = after

    def start(self, what: str, total: int | None, done: int = 0) -> None: ...
    def count(self, **amounts: int) -> None: ...
    def refresh(self) -> None: ...
    def close(self) -> None: ...

    def advance(self, n: int = 1) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_after_an_interruption_between_requests_none_is_repeated(
    release: Path, ncbi: Ncbi, after: int, two_per_request: None, tmp_path: Path
) -> None:
    write_release(
        release, [*((f"PMC{n}", 10 + n) for n in range(1, 6)), ("PMC6", None), ("PMC7", None), ("PMC8", None)]
    )
    ncbi.pmids = {"PMC6": 16}
    ncbi.add(record(16, "Letter"))
    with pytest.raises(KeyboardInterrupt):
        fetch(release, ncbi, progress=Interrupting(after))
    assert not sidecar_path(release).exists()
    assert fetch(release, ncbi).found == 6
    assert ncbi.asked() == [["PMC6", "PMC7"], ["PMC8"], ["11", "12"], ["13", "14"], ["15", "16"]]


@pytest.mark.parametrize("tenth", range(10))
def test_answers_that_were_cut_anywhere_are_completed(
    release: Path, ncbi: Ncbi, tenth: int, two_per_request: None
) -> None:
    fetch(release, ncbi)
    whole = read_pubmed(release)
    assert whole is not None
    path = release.parent / "release.pubmed-fetch" / "answers.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * tenth // 10])
    kept = path.read_bytes().count(b"\n")
    sidecar_path(release).unlink()
    ncbi.requests.clear()
    fetch(release, ncbi)
    again = read_pubmed(release)
    assert again is not None and again.drop(["fetched"]).equals(whole.drop(["fetched"]))
    assert len(ncbi.requests) == 3 - kept


def test_a_killed_process_is_resumed_without_repeating_a_stored_answer(tmp_path: Path, ncbi: Ncbi) -> None:
    ncbi.add(*(record(n, "Letter") for n in range(1, 452)))
    release = write_release(tmp_path / "release", [(f"PMC{n}", n) for n in range(1, 452)])
    ncbi.rule = lambda ids, n: Fault(wait=True) if n == 2 else None
    command = [sys.executable, "-m", "roco", "fetch", "pubmed", str(release), "--contact", "me@example.org"]
    command += ["--endpoint", ncbi.addresses.endpoint, "--converter", ncbi.addresses.converter]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        assert ncbi.waiting.wait(300)
        process.send_signal(signal.SIGKILL)
    ncbi.resume.set()
    first, second = ncbi.asked()
    assert fetch(release, ncbi).found == 451
    third, last = ncbi.asked()[2:]
    assert third == second and not set(first) & {*second, *last}


# --- later ----------------------------------------------------------------------------------------------------


def test_a_release_that_has_grown_requests_only_its_new_articles(release: Path, ncbi: Ncbi) -> None:
    fetch(release, ncbi)
    ncbi.add(record(16, "Review"))
    write_release(release, [*((f"PMC{n}", 10 + n) for n in range(2, 6)), ("PMC6", 16)])
    ncbi.requests.clear()
    fetch(release, ncbi)
    assert ncbi.asked() == [["16"]]
    assert set(rows(release)) == {"PMC2", "PMC3", "PMC4", "PMC5", "PMC6"}


def test_what_was_fetched_before_a_day_is_requested_again_and_later_answers_are_not(release: Path, ncbi: Ncbi) -> None:
    fetch(release, ncbi)
    assert fetch(release, ncbi, since="2000-01-01").requests == 0
    path = release.parent / "release.pubmed-fetch" / "answers.jsonl"
    path.write_text(path.read_text().replace('"time":"20', '"time":"19'))
    ncbi.add(record(11, "Retracted Publication"))
    assert fetch(release, ncbi).requests == 0
    assert fetch(release, ncbi, since="2000-01-01").requests == 1
    assert rows(release)["PMC1"]["publication_types"][0]["name"] == "Retracted Publication"
    assert fetch(release, ncbi, since="2000-01-01").requests == 0


def test_each_answer_has_a_receipt(release: Path, ncbi: Ncbi) -> None:
    fetch(release, ncbi)
    body = article_set(*(ncbi.records[str(n)] for n in range(11, 16)))
    (answer,) = answers(release)
    assert (answer["bytes"], answer["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert answer["source"] == f"{ncbi.address}/eutils/efetch.fcgi"


# --- key and errors -------------------------------------------------------------------------------------------


def test_the_key_is_sent_to_the_e_utilities_only_and_is_never_stored(tmp_path: Path, ncbi: Ncbi) -> None:
    ncbi.pmids = {"PMC1": 11}
    ncbi.add(record(11, "Letter"))
    release = write_release(tmp_path / "release", [("PMC1", None)])
    fetch(release, ncbi, key=f" {KEY}\n")
    converter, efetch = ncbi.requests
    assert KEY not in str(converter) and KEY not in efetch.path and KEY not in str(efetch.headers)
    assert efetch.values["api_key"] == KEY
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()


def test_a_rejected_key_is_one_error_without_the_key(release: Path, ncbi: Ncbi) -> None:
    body = json.dumps({"error": "API key invalid", "api-key": KEY, "type": "api-key"}).encode()
    ncbi.rule = lambda ids, n: Fault(400, body=body)
    with pytest.raises(UsageError) as rejected:
        fetch(release, ncbi, key=KEY)
    assert str(rejected.value).startswith("the service rejects the API key (--key)\n  check --key, ROCO_NCBI_KEY")
    assert KEY not in str(rejected.value) and len(ncbi.requests) == 1


def test_a_message_that_repeats_the_key_is_shown_without_it(release: Path, ncbi: Ncbi) -> None:
    ncbi.rule = lambda ids, n: Fault(500, body=json.dumps({"error": f"cannot handle api_key={KEY}"}).encode())
    with pytest.raises(DownloadFailed, match="cannot handle api_key=… ") as failed:
        fetch(release, ncbi, key=KEY)
    assert KEY not in str(failed.value)


def test_a_server_that_cannot_be_reached_is_one_error(release: Path, ncbi: Ncbi) -> None:
    ncbi.close()
    with pytest.raises(BucketUnreachable, match=r"cannot reach 127\.0\.0\.1") as unreachable:
        fetch(release, ncbi)
    assert "--endpoint" in unreachable.value.hint


def test_garbage_from_the_first_answer_on_is_one_error_after_six_tries(release: Path, ncbi: Ncbi) -> None:
    ncbi.rule = lambda ids, n: Fault(body=b"garbage")
    with pytest.raises(DownloadFailed, match="invalid XML"):
        fetch(release, ncbi)
    assert len(ncbi.requests) == 6


def test_a_release_without_any_id_is_one_error(tmp_path: Path, ncbi: Ncbi) -> None:
    release = write_release(tmp_path / "release", [(None, None)])
    with pytest.raises(DataError, match=r"no article of .* has a PubMed id or PMCID"):
        fetch(release, ncbi)
    assert not ncbi.requests


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contact": None}, "missing mail address"),
        ({"contact": "nobody"}, "invalid mail address"),
        ({"key": "no key at all"}, r"invalid API key \(--key\)"),
        ({"since": "yesterday"}, "invalid day"),
        ({"addresses": eutils.Addresses("http://example.org")}, r"invalid address \(--endpoint\)"),
        ({"addresses": eutils.Addresses(converter="ftp://x")}, r"invalid address \(--converter\)"),
    ],
)
def test_an_invalid_option_is_an_error_before_any_request(
    release: Path, ncbi: Ncbi, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        fetch(release, ncbi, **options)
    assert not ncbi.requests


def test_a_file_of_the_user_is_not_overwritten(release: Path, ncbi: Ncbi, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    with pytest.raises(UsageError, match="already exists, and is another file"):
        fetch(release, ncbi, out=tmp_path / "mine.csv")
    assert not ncbi.requests and (tmp_path / "mine.csv").read_text() == "mine"
    fetch(release, ncbi, out=tmp_path / "other.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mine.csv",
        "other.parquet",
        "other.pubmed-fetch",
        "release",
    ]


def test_a_second_process_is_refused(release: Path, ncbi: Ncbi) -> None:
    with hold(release.parent / "release.pubmed-fetch" / "lock"), pytest.raises(Busy, match="another process"):
        fetch(release, ncbi)
