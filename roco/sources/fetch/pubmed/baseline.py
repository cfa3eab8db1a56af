"""Reads the records of articles from MEDLINE's baseline and update files: pubmed26n0001.xml.gz and so on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError, RejectedInput
from roco.base.packed import open_bytes
from roco.base.progress import Progress
from roco.sources.fetch.json_log import timestamp
from roco.sources.fetch.pubmed.articles import Article
from roco.sources.fetch.pubmed.medline import Deletion, Record, read_records

MOST_BYTES = 8 << 30
"""Bytes of a file, decompressed; NLM's have some 200 MB."""

_NAME = re.compile(r"pubmed([0-9]{2})n([0-9]{4,6})\.xml(?:\.gz)?")


class FoundRecord(NamedTuple):
    """A record, and the file that contains its latest version."""

    record: Record
    file: str


class Baseline(NamedTuple):
    """What the files contain of some articles. by_pmid, by_pmcid: records; deleted: PMIDs that an update file deletes.

    files: number of files. notes: what is conspicuous about them. read_at: when they were read, UTC.
    """

    by_pmid: dict[str, FoundRecord]
    by_pmcid: dict[str, FoundRecord]
    deleted: dict[str, str]
    files: int
    notes: list[str]
    read_at: str


def read_baseline(folder: Path, articles: Iterable[Article], progress: Progress) -> Baseline:
    """Reads all files of a folder in their order; a later file replaces or deletes records of an earlier one.

    One record is in memory at a time, and those of the articles. Raises DataError for a folder without such files, with
    files of several years, and for a file that is corrupt.
    """
    files = _files(folder)
    wanted = {id for article in articles for id in (article.pmid, article.pmcid) if id}
    baseline = Baseline({}, {}, {}, len(files), _gaps([number for number, _ in files]), timestamp())
    progress.start("files of MEDLINE", len(files))
    for _, path in files:
        try:
            _read_file(path, wanted, baseline)
        except RejectedInput as err:
            raise DataError(
                f"corrupt file {path}: {err.message}", "download it again, then repeat the command"
            ) from err
        progress.advance()
    baseline.by_pmcid.update({one.record.pmcid: one for one in baseline.by_pmid.values() if one.record.pmcid})
    return baseline


def _read_file(path: Path, wanted: Collection[str], baseline: Baseline) -> None:
    def is_wanted(pmid: str, pmcid: str | None) -> bool:
        return pmid in wanted or pmcid in wanted or pmid in baseline.by_pmid

    with open_bytes(path, MOST_BYTES) as stream:
        for one in read_records(stream, is_wanted):
            if isinstance(one, Deletion):
                _delete(one, path.name, baseline)
            else:
                _add(one, path.name, baseline)


def _add(record: Record, file: str, baseline: Baseline) -> None:
    known = baseline.by_pmid.get(record.pmid)
    if known is None or record.version >= known.record.version:
        baseline.by_pmid[record.pmid] = FoundRecord(record, file)
        baseline.deleted.pop(record.pmid, None)


def _delete(deletion: Deletion, file: str, baseline: Baseline) -> None:
    known = baseline.by_pmid.get(deletion.pmid)
    if known is not None and deletion.version >= known.record.version:
        del baseline.by_pmid[deletion.pmid]
        baseline.deleted[deletion.pmid] = file


def _files(folder: Path) -> list[tuple[int, Path]]:
    """Returns numbers and paths of the files in their order; raises DataError if it is not clear which they are."""
    if not folder.is_dir():
        raise DataError(f"no such folder: {folder}", "give the folder of pubmed26n0001.xml.gz and so on")
    found: dict[int, Path] = {}
    years: set[str] = set()
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        years.add(match[1])
        number = int(match[2])
        if number in found and len(years) == 1:
            raise DataError(f"{folder} contains {found[number].name} and {path.name}", "remove one of them")
        found[number] = path
    if not found:
        raise DataError(f"no files of MEDLINE in {folder}", "their names are such as pubmed26n0001.xml.gz")
    if len(years) > 1:
        named = ", ".join(f"pubmed{year}" for year in sorted(years))
        hint = "keep the files of one year: the baseline of each year is complete"
        raise DataError(f"{folder} contains files of several years: {named}", hint)
    return sorted(found.items())


def _gaps(numbers: list[int]) -> list[str]:
    """Returns a note if files are missing between the first one of the baseline and the last one of the folder."""
    missing = numbers[-1] - len(numbers)
    if missing <= 0:
        return []
    first = next(number for number in range(1, numbers[-1]) if number not in set(numbers))
    return [f"{missing:,} of {numbers[-1]:,} files are missing, the first is number {first:04}"]
