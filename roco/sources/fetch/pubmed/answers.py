"""What NCBI has answered so far: one line per request, with its receipt; so that nothing is requested twice."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.ids import clean_pmcid, clean_pmid
from roco.sources.fetch.json_log import JsonLog, read_log, timestamp
from roco.sources.fetch.pubmed.medline import Record

ANSWERS = "answers.jsonl"
TIMES_MISSING = 2
"""A record that is missing in as many answers does not exist; in one answer, it may have been lost."""


class Stored(NamedTuple):
    """A stored record, None where none exists; when and from where it was fetched."""

    record: Record | None
    fetched: str
    source: str


class _Answer(NamedTuple):
    """One line. missing: the PMIDs without a record. pmids: by PMCID, None for an article that has none."""

    time: str
    source: str
    records: list[Record]
    missing: list[str]
    pmids: dict[str, str | None]

    @classmethod
    def of_json(cls, line: dict[str, Any]) -> _Answer:
        """Reads a line; raises ValueError, TypeError or AttributeError for an invalid one."""
        pmids = {clean_pmcid(pmcid)[0]: clean_pmid(pmid) for pmcid, pmid in line.get("pmids", {}).items()}
        return cls(
            time=str(line.get("time", "")),
            source=str(line.get("source")),
            records=[Record.of_json(values) for values in line.get("records", ())],
            missing=[str(pmid) for pmid in line.get("missing", ())],
            pmids={pmcid: pmid for pmcid, pmid in pmids.items() if pmcid is not None},
        )


class Answers:
    """The answers in a folder. A kill at any moment loses at most the request in flight.

    since: a day, `2026-11-30`; older answers are not used, so that they are requested again.
    """

    def __init__(self, folder: Path, since: str = "") -> None:
        self._log = JsonLog(folder / ANSWERS)
        self._records: dict[str, Stored] = {}
        self._missing: Counter[str] = Counter()
        self._last_missing: dict[str, Stored] = {}
        self._pmids: dict[str, str | None] = {}
        for answer in read_log(folder / ANSWERS, _Answer.of_json):
            if answer.time >= since:
                self._add(answer)

    def record(self, pmid: str) -> Stored | None:
        """Returns what is known of a PMID; None as long as it must be requested."""
        if pmid in self._records:
            return self._records[pmid]
        return self._last_missing[pmid] if self._missing[pmid] >= TIMES_MISSING else None

    def knows_pmid_of(self, pmcid: str) -> bool:
        """Returns whether the PMID of a PMCID was requested."""
        return pmcid in self._pmids

    def pmid_of(self, pmcid: str) -> str | None:
        """Returns the PMID of a PMCID; None if the article has no PMID, or it was not requested."""
        return self._pmids.get(pmcid)

    def add_records(self, pmids: list[str], records: Iterable[Record], body: bytes, source: str) -> None:
        """Stores the answer to a request for some PMIDs; records of other PMIDs are not used."""
        wanted = set(pmids)
        best: dict[str, Record] = {}
        for record in records:
            known = best.get(record.pmid)
            if record.pmid in wanted and (known is None or record.version > known.version):
                best[record.pmid] = record
        missing = [pmid for pmid in pmids if pmid not in best]
        self._append({"records": list(best.values()), "missing": missing}, body, source)

    def add_pmids(self, pmids: dict[str, str | None], body: bytes, source: str) -> None:
        """Stores the PMIDs of some PMCIDs, None for those that have none."""
        self._append({"pmids": pmids}, body, source)

    def close(self) -> None:
        self._log.sync()
        self._log.close()

    def _append(self, content: dict[str, Any], body: bytes, source: str) -> None:
        receipt = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        line = {"time": timestamp(), "source": source, **receipt, **content}
        self._log.append(line)
        self._add(_Answer.of_json(line))

    def _add(self, answer: _Answer) -> None:
        for record in answer.records:
            self._records[record.pmid] = Stored(record, answer.time, answer.source)
        for pmid in answer.missing:
            self._missing[pmid] += 1
            self._last_missing[pmid] = Stored(None, answer.time, answer.source)
        self._pmids.update(answer.pmids)
