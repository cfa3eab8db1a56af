"""Records from MEDLINE's files: later files replace and delete, memory is bounded, corrupt files are errors."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError
from roco.release.pubmed import read_pubmed, sidecar_path
from roco.sources.fetch.pubmed import medline
from roco.sources.fetch.pubmed.command import Result, pubmed
from tests.sources.fetch.pubmed.ncbi import article_set, deleted, record, write_release


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "medline").mkdir()
    return tmp_path / "medline"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_release(tmp_path / "release", [("PMC1", 11), ("PMC2", 12), ("PMC3", None), ("PMC4", 14), (None, None)])


def put(folder: Path, number: int, *records: str, year: int = 26) -> Path:
    path = folder / f"pubmed{year}n{number:04}.xml.gz"
    path.write_bytes(gzip.compress(article_set(*records), mtime=0))
    return path


def read(release: Path, folder: Path) -> Result:
    return pubmed(release, baseline=folder)


def types(release: Path) -> dict[str, list[str] | str]:
    """Returns the types of each article, or the reason for which it has no record."""
    table = read_pubmed(release)
    assert table is not None
    return {row["article_key"]: row["reason"] or _names(row["publication_types"]) for row in table.to_pylist()}


def _names(listed: Iterable[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in listed]


def test_articles_are_found_by_pmcid_or_pmid_and_the_others_have_a_reason(release: Path, folder: Path) -> None:
    put(folder, 1, record(11, "Review"), record(99, "Letter"), record(13, "Letter", pmcid="PMC3"))
    put(folder, 2, record(12, "Case Reports", mesh=["Lung"], pmcid="PMC2"))
    result = read(release, folder)
    assert types(release) == {
        "PMC1": ["Review"], "PMC2": ["Case Reports"], "PMC3": ["Letter"], "PMC4": "no_record", "own-4": "no_pmid"
    }  # fmt: skip
    assert (result.found, result.indexed, result.requests) == (3, 1, 0)
    table = read_pubmed(release)
    assert table is not None
    rows = {row["article_key"]: row for row in table.to_pylist()}
    assert (rows["PMC3"]["pmid"], rows["PMC3"]["source"]) == ("13", "pubmed26n0001.xml.gz")


def test_a_later_file_replaces_a_record_and_deletes_one(release: Path, folder: Path) -> None:
    put(folder, 2, record(11, "Review"), record(12, "Review"), record(14, "Review"))
    put(folder, 10, record(11, "Retracted Publication"), deleted(12, 14, 99))
    put(folder, 11, record(14, "Letter"))
    put(folder, 1, record(11, "Letter"), record(12, "Letter"))
    read(release, folder)
    assert types(release)["PMC1"] == ["Retracted Publication"]
    assert types(release)["PMC2"] == "deleted"
    assert types(release)["PMC4"] == ["Letter"]


def test_an_older_version_neither_replaces_nor_deletes_a_newer_one(release: Path, folder: Path) -> None:
    put(folder, 1, record(11, "Review", version=2))
    put(folder, 2, record(11, "Letter", version=1), deleted(11))
    read(release, folder)
    assert types(release)["PMC1"] == ["Review"]


def test_the_record_that_names_the_pmcid_is_preferred_to_a_wrong_pmid(release: Path, folder: Path) -> None:
    put(
        folder,
        1,
        record(11, "Letter", pmcid="PMC8"),
        record(21, "Review", pmcid="PMC1"),
        record(12, "Letter", pmcid="PMC9"),
    )
    read(release, folder)
    assert (types(release)["PMC1"], types(release)["PMC2"]) == (["Review"], "other_article")


def test_plain_files_are_read_and_other_files_ignored(release: Path, folder: Path) -> None:
    (folder / "pubmed26n0001.xml").write_bytes(article_set(record(11, "Review")))
    (folder / "pubmed26n0001.xml.gz.md5").write_text("MD5")
    (folder / "README.txt").write_text("x")
    assert read(release, folder).found == 1


def test_missing_files_are_noted(release: Path, folder: Path) -> None:
    for number in (1, 2, 5):
        put(folder, number, record(11, "Review"))
    assert read(release, folder).notes == ["2 of 5 files are missing, the first is number 0003"]


def test_files_of_two_years_are_refused(release: Path, folder: Path) -> None:
    put(folder, 1, record(11, "Review"))
    put(folder, 1, record(11, "Review"), year=25)
    with pytest.raises(DataError, match="files of several years: pubmed25, pubmed26"):
        read(release, folder)


def test_a_folder_without_files_of_medline_is_an_error(release: Path, folder: Path) -> None:
    with pytest.raises(DataError, match="no files of MEDLINE"):
        read(release, folder)
    with pytest.raises(DataError, match="no such folder"):
        read(release, folder / "none")


@pytest.mark.parametrize("defect", ["cut", "flipped", "no gzip", "cut XML", "other root"])
def test_a_corrupt_file_is_named_and_nothing_is_written(release: Path, folder: Path, defect: str) -> None:
    path = put(folder, 1, *(record(n, "Review", mesh=["Lung"]) for n in range(1, 200)))
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 64
    path.write_bytes(
        {
            "cut": data[:-30],
            "flipped": bytes(flipped),
            "no gzip": b"<html>",
            "cut XML": gzip.compress(gzip.decompress(data)[:-100]),
            "other root": gzip.compress(b"<DescriptorRecordSet/>"),
        }[defect]
    )
    with pytest.raises(DataError, match=r"corrupt file .*pubmed26n0001\.xml\.gz"):
        read(release, folder)
    assert not sidecar_path(release).exists()


def test_a_record_without_an_end_is_rejected_before_it_fills_the_memory(
    release: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(medline, "MAX_RECORD", 1 << 20)
    endless = "<PubmedArticle><MedlineCitation>" + "<Author>x</Author>" * 200_000
    (folder / "pubmed26n0001.xml").write_bytes(article_set().replace(b"</PubmedArticleSet>", endless.encode()))
    with pytest.raises(DataError, match="a record of more than"):
        read(release, folder)


def test_many_records_do_not_stay_in_memory() -> None:
    """The root of the tree keeps no finished record."""
    reader = medline.MedlineReader()
    body = article_set(*(record(n, "Review") for n in range(1, 3000)))
    largest = n = 0
    for start in range(0, len(body), 4096):
        n += len(list(reader.feed(body[start : start + 4096])))
        largest = max(largest, 0 if reader._root is None else len(reader._root))
    assert (n, largest < 20) == (2999, True)
