"""Requests the records of articles from the E-utilities, and PMIDs of articles without one from PMC's converter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from roco.base.errors import RejectedInput
from roco.base.ids import clean_pmcid, clean_pmid
from roco.base.json_text import parse_json
from roco.base.progress import Progress
from roco.sources.fetch.pubmed.answers import TIMES_MISSING, Answers
from roco.sources.fetch.pubmed.articles import Article
from roco.sources.fetch.pubmed.client import BadAnswer, NcbiClient
from roco.sources.fetch.pubmed.medline import Record, read_answer

ENDPOINT = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
CONVERTER = "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/"
IDS_PER_REQUEST = 200


class Addresses(NamedTuple):
    """The addresses of the E-utilities, and of PMC's converter of ids."""

    endpoint: str = ENDPOINT
    converter: str = CONVERTER


def request_pmids(
    articles: Sequence[Article], answers: Answers, client: NcbiClient, address: str, progress: Progress
) -> None:
    """Requests the PMIDs of the articles that have a PMCID only, as far as they were not requested before."""
    wanted = [article.pmcid for article in articles if article.pmcid and not article.pmid]
    pmcids = [pmcid for pmcid in dict.fromkeys(wanted) if not answers.knows_pmid_of(pmcid)]
    if not pmcids:
        return
    progress.start("PubMed ids", len(wanted), done=len(wanted) - len(pmcids))
    for attempt in range(TIMES_MISSING):
        for batch in _batches(pmcids):
            pmids, body = client.convert(address, batch, _read_converted)
            found = {pmcid: pmids[pmcid] for pmcid in batch if pmcid in pmids}
            # What the last answer lacks has no PMID, either.
            known = {**dict.fromkeys(batch), **found} if attempt == TIMES_MISSING - 1 else found
            answers.add_pmids(known, body, address)
            progress.advance(len(known))
        pmcids = [pmcid for pmcid in pmcids if not answers.knows_pmid_of(pmcid)]


def request_records(
    pmids: Sequence[str], answers: Answers, client: NcbiClient, endpoint: str, progress: Progress
) -> list[str]:
    """Requests the records of some PMIDs that are not stored; returns one line for each that cannot be read.

    A record that is missing in an answer is requested once more, in another request.
    """
    distinct = list(dict.fromkeys(pmids))
    unknown = [pmid for pmid in distinct if answers.record(pmid) is None]
    unreadable: dict[str, str] = {}
    if unknown:
        progress.start("articles", len(distinct), done=len(distinct) - len(unknown))
    for _ in range(TIMES_MISSING):
        for batch in _batches(unknown):
            unreadable |= _request(batch, answers, client, endpoint)
            progress.advance(sum(answers.record(pmid) is not None for pmid in batch))
        unknown = [pmid for pmid in unknown if pmid not in unreadable and answers.record(pmid) is None]
    return list(unreadable.values())


def _request(pmids: list[str], answers: Answers, client: NcbiClient, endpoint: str) -> dict[str, str]:
    """Requests some records and stores the answer; returns what is wrong with each that cannot be read.

    A request that fails is divided, so that one record fails alone.
    """
    try:
        records, body = client.efetch(endpoint, pmids, _read_records)
    except BadAnswer as err:
        if len(pmids) == 1:
            return {pmids[0]: err.message}
        half = len(pmids) // 2
        first, second = pmids[:half], pmids[half:]
        return _request(first, answers, client, endpoint) | _request(second, answers, client, endpoint)
    answers.add_records(pmids, records, body, f"{endpoint}/efetch.fcgi")
    return {}


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), IDS_PER_REQUEST):
        yield list(ids[start : start + IDS_PER_REQUEST])


def _read_records(body: bytes) -> tuple[list[Record], bytes]:
    return read_answer(body), body


def _read_converted(body: bytes) -> tuple[dict[str, str | None], bytes]:
    """Returns the PMID of each PMCID in an answer, None where there is none, and the answer itself."""
    try:
        found = [(_asked_id(record), record.get("pmid")) for record in parse_json(body)["records"]]
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise RejectedInput("not an answer of the converter of ids") from err
    return {pmcid: clean_pmid(str(pmid or "")) for pmcid, pmid in found if pmcid is not None}, body


def _asked_id(record: dict[str, Any]) -> str | None:
    return clean_pmcid(str(record.get("requested-id") or record.get("pmcid") or ""))[0]
