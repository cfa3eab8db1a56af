"""The command `roco fetch pubmed` as a function: writes the PubMed sidecar of a release."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import Busy, UsageError
from roco.base.files import full_disk
from roco.base.locks import hold
from roco.base.progress import NullProgress, Progress
from roco.base.version import __version__
from roco.release.pubmed import (
    DELETED,
    FOUND,
    MISSING,
    NO_PMID,
    NO_RECORD,
    OTHER_ARTICLE,
    SCHEMA,
    SUFFIX,
    UNREADABLE_RECORD,
    check_replaceable,
    sidecar_path,
    write_file,
)
from roco.sources.fetch.pubmed.answers import Answers
from roco.sources.fetch.pubmed.articles import Article, articles_of, release_of
from roco.sources.fetch.pubmed.baseline import Baseline, read_baseline
from roco.sources.fetch.pubmed.client import NcbiClient, Service, checked_key
from roco.sources.fetch.pubmed.eutils import Addresses, request_pmids, request_records
from roco.sources.fetch.pubmed.medline import Record
from roco.sources.fetch.retry import RetryPolicy

STATE_SUFFIX = ".pubmed-fetch"
"""The folder with the answers is beside the sidecar: `release.pubmed-fetch` for `release.pubmed.parquet`."""

ROWS_AT_ONCE = 2000

_MAIL_ADDRESS = re.compile(r"[^\s@()<>,;]+@[^\s@()<>,;]+")
_ADDRESS = re.compile(r"https://[^/\s@]+\S*|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?(?:/\S*)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was written. reasons: articles without a record by reason. requests: those that were sent.

    indexed: articles with MeSH headings. untyped: records without a publication type. notes: what is conspicuous.
    problems: one line for each record that could not be read.
    """

    release: Path
    path: Path
    articles: int
    found: int
    indexed: int
    untyped: int
    reasons: dict[str, int]
    requests: int = 0
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_mapping(self) -> dict[str, Any]:
        return {**vars(self), "release": str(self.release), "path": str(self.path)}


def pubmed(
    release: Path, out: Path | None = None, *, contact: str | None = None, key: str | None = None,
    addresses: Addresses | None = None, since: str | None = None, baseline: Path | None = None,
    progress: Progress | None = None, policy: RetryPolicy | None = None,
) -> Result:  # fmt: skip
    """Writes publication types and MeSH headings of the articles of a release into a file beside it.

    release: its folder, or that of a run. out: another file. contact: mail address, which NCBI asks for; key: API key.
    since: a day; what was fetched before it is requested again. baseline: a folder of MEDLINE's files, which are read
    instead of requests. Raises UsageError and DataError; what was answered is stored, so that the same call resumes.
    """
    folder = release_of(release)
    path = out or sidecar_path(folder)
    check_replaceable(path)
    if baseline is not None:
        articles = articles_of(folder)
        read = read_baseline(baseline, articles, progress or NullProgress())
        rows = (_row_of_baseline(article, read) for article in articles)
        return _write(folder, path, rows, {"files": read.files}, notes=read.notes)
    service = _checked(contact, key, addresses or Addresses(), since)
    articles = articles_of(folder)
    with _locked(path) as state:
        return _request(folder, path, articles, state, service, addresses or Addresses(), since or "", progress, policy)


def _request(
    folder: Path, path: Path, articles: Sequence[Article], state: Path, service: Service, addresses: Addresses,
    since: str, progress: Progress | None, policy: RetryPolicy | None,
) -> Result:  # fmt: skip
    shown = progress or NullProgress()
    client, answers = NcbiClient(service, policy=policy), Answers(state, since)
    try:
        request_pmids(articles, answers, client, addresses.converter, shown)
        completed = [_with_pmid(article, answers) for article in articles]
        pmids = [article.pmid for article in completed if article.pmid]
        problems = request_records(pmids, answers, client, addresses.endpoint, shown)
        rows = (_row_of_answers(article, answers) for article in completed)
    finally:
        answers.close()
        client.close()
        shown.close()
    return _write(folder, path, rows, {}, requests=client.requests, problems=problems)


def _with_pmid(article: Article, answers: Answers) -> Article:
    if article.pmid or not article.pmcid:
        return article
    return article._replace(pmid=answers.pmid_of(article.pmcid))


# --- rows ----------------------------------------------------------------------------------------------------


def _row_of_answers(article: Article, answers: Answers) -> dict[str, Any]:
    if article.pmid is None:
        return _missing(article, NO_PMID, "", "")
    stored = answers.record(article.pmid)
    if stored is None:
        return _missing(article, UNREADABLE_RECORD, "", "")
    if stored.record is None:
        return _missing(article, NO_RECORD, stored.fetched, stored.source)
    return _row(article, stored.record, stored.fetched, stored.source)


def _row_of_baseline(article: Article, baseline: Baseline) -> dict[str, Any]:
    """Returns the row of the record that names the article's PMCID, else of that with its PMID."""
    by_pmcid = baseline.by_pmcid.get(article.pmcid or "")
    found = by_pmcid or baseline.by_pmid.get(article.pmid or "")
    if found is not None:
        return _row(article._replace(pmid=found.record.pmid), found.record, baseline.read_at, found.file)
    if article.pmid in baseline.deleted:
        return _missing(article, DELETED, baseline.read_at, baseline.deleted[article.pmid])
    return _missing(article, NO_RECORD if article.pmid else NO_PMID, baseline.read_at, "")


def _row(article: Article, record: Record, fetched: str, source: str) -> dict[str, Any]:
    """Returns the row of a record, unless it names the PMCID of another article: then the PMID is wrong."""
    if article.pmcid and record.pmcid and record.pmcid != article.pmcid:
        return _missing(article, OTHER_ARTICLE, fetched, source)
    return {**article._asdict(), **record.content(), "status": FOUND, "fetched": fetched, "source": source}


def _missing(article: Article, reason: str, fetched: str, source: str) -> dict[str, Any]:
    when = {"fetched": fetched or None, "source": source or None}
    return {**article._asdict(), "status": MISSING, "reason": reason, **when}


def _write(
    folder: Path, path: Path, rows: Iterator[dict[str, Any]], meta: dict[str, Any], *, requests: int = 0,
    notes: Sequence[str] = (), problems: Sequence[str] = (),
) -> Result:  # fmt: skip
    tables, reasons = [], Counter[str]()
    found = indexed = untyped = 0
    while part := list(islice(rows, ROWS_AT_ONCE)):
        tables.append(pa.Table.from_pylist([{"article_key": row["key"], **row} for row in part], SCHEMA))
        reasons.update(row["reason"] for row in part if row["status"] == MISSING)
        with_record = [row for row in part if row["status"] == FOUND]
        found += len(with_record)
        indexed += sum(bool(row["mesh"]) for row in with_record)
        untyped += sum(not row["publication_types"] for row in with_record)
    table = pa.concat_tables(tables)
    write_file(path, table, {**meta, "roco": __version__, "reasons": dict(reasons)})
    return Result(
        release=folder, path=path, articles=len(table), found=found, indexed=indexed, untyped=untyped,
        reasons=dict(sorted(reasons.items())), requests=requests, notes=list(notes), problems=list(problems),
    )  # fmt: skip


# --- options -------------------------------------------------------------------------------------------------


def _checked(contact: str | None, key: str | None, addresses: Addresses, since: str | None) -> Service:
    """Returns how NCBI is asked; raises UsageError for invalid options."""
    if contact is None:
        hint = "add --contact you@example.org, or set ROCO_CONTACT; --baseline DIR reads files instead"
        raise UsageError("missing mail address: NCBI asks users to identify themselves", hint)
    if not _MAIL_ADDRESS.fullmatch(contact) or not contact.isprintable():
        raise UsageError(f"invalid mail address {contact!r} (--contact)", "set --contact you@example.org")
    for option, address in zip(("--endpoint", "--converter"), addresses, strict=True):
        if not _ADDRESS.fullmatch(address):
            # Not repeated in the message: an address with a password in it is not for logs.
            hint = "give an address that begins with https://, or http://127.0.0.1:PORT"
            raise UsageError(f"invalid address ({option})", hint)
    if since is not None and not _DAY.fullmatch(since):
        raise UsageError(f"invalid day {since!r} (--since)", "write it as 2026-11-30")
    return Service(contact, checked_key(key))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """Yields the folder of the answers beside a sidecar, held by this process alone."""
    state = path.with_name(path.name.removesuffix(SUFFIX).removesuffix(".parquet") + STATE_SUFFIX)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(state / "lock"))
        except Busy as err:
            raise Busy(f"another process is fetching into {state}", "wait until it is done, or stop it") from err
        except OSError as err:
            raise full_disk(err, state) from err
        yield state
