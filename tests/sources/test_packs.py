"""Packs of article versions: which pack counts, what is read again, and what a damaged pack gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from roco.base.errors import DataError, RejectedInput
from roco.sources import packs
from roco.sources.packs import FOLDER, Pack, Packed, Packs, entries, forget, write_pack

Write = Callable[..., Pack]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    packs._entries.cache_clear()
    yield
    packs._entries.cache_clear()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a pack of article versions to the source; every version has an XML with the given text."""

    def put(number: int, keys: Sequence[str], text: str = "<article/>") -> Pack:
        versions = {}
        for key in keys:
            path = tmp_path / "loose" / str(number) / key / f"{key}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            versions[key] = [path]
        folder = tmp_path / FOLDER
        folder.mkdir(exist_ok=True)
        return write_pack(folder, number, versions)

    return put


@pytest.fixture
def indexes_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the indexes that are read from the disk, in order."""
    read: list[str] = []
    original = packs.read_table
    monkeypatch.setattr(packs, "read_table", lambda path: read.append(path.name) or original(path))
    return read


def read(pack: Pack, key: str) -> bytes:
    package = Packed(pack, key)
    try:
        return package.read(f"{key}.xml")
    finally:
        package.close()


def test_of_two_packs_with_the_same_version_the_later_one_counts(write: Write, tmp_path: Path) -> None:
    write(1, ["PMC5.1"], "<article>old</article>")
    write(2, ["PMC5.1"], "<article>new</article>")
    pack = Packs(tmp_path).find("PMC5.1")
    assert pack is not None and read(pack, "PMC5.1") == b"<article>new</article>"
    assert Packs(tmp_path).keys["PMC5.1"] == pack


def test_only_indexes_whose_range_includes_the_article_are_read(
    write: Write, tmp_path: Path, indexes_read: list[str]
) -> None:
    first, second = write(1, ["PMC10.1", "PMC19.1"]), write(2, ["PMC20.1", "PMC29.1"])
    indexes_read.clear()
    assert Packs(tmp_path).find("PMC15.1") is None
    assert indexes_read == [first.path.name]
    assert Packs(tmp_path).find("PMC29.1") == second
    assert indexes_read == [first.path.name, second.path.name]


def test_an_unchanged_index_is_read_once(write: Write, indexes_read: list[str]) -> None:
    pack = write(1, ["PMC1.1"])
    indexes_read.clear()
    for _ in range(3):
        assert list(entries(pack)) == ["PMC1.1"]
    assert indexes_read == [pack.path.name]


def test_a_rewritten_index_is_read_again(write: Write) -> None:
    pack = write(1, ["PMC1.1", "PMC2.1"])
    assert list(entries(pack)) == ["PMC1.1", "PMC2.1"]
    forget(pack, ["PMC1.1"])
    os.utime(pack.path, ns=(1, 1))  # a clock of coarse resolution may give both files the same time
    assert list(entries(pack)) == ["PMC2.1"]


def test_the_least_recently_used_index_is_removed_from_the_cache(write: Write, indexes_read: list[str]) -> None:
    assert packs._entries.cache_info().maxsize == packs.OPEN_INDEXES
    written = [write(n, [f"PMC{n}.1"]) for n in range(1, packs.OPEN_INDEXES + 2)]
    for pack in written[: packs.OPEN_INDEXES]:
        entries(pack)
    entries(written[0])  # used again, so the second is now the oldest
    entries(written[-1])
    indexes_read.clear()
    entries(written[0])
    assert indexes_read == []
    entries(written[1])
    assert indexes_read == [written[1].path.name]


def test_a_modified_tar_is_rejected_when_it_is_read(write: Write) -> None:
    pack = write(1, ["PMC1.1"])
    pack.tar.write_bytes(pack.tar.read_bytes().replace(b"<article/>", b"<articlE/>"))
    with pytest.raises(RejectedInput, match="differs from the pack's index"):
        read(pack, "PMC1.1")


def test_a_missing_tar_is_rejected_and_a_corrupt_index_stops_the_run(write: Write) -> None:
    pack = write(1, ["PMC1.1"])
    pack.tar.unlink()
    with pytest.raises(RejectedInput, match="is missing, although its index exists"):
        read(pack, "PMC1.1")
    pack.path.write_bytes(pack.path.read_bytes()[:-9])
    with pytest.raises(DataError, match="is truncated or modified"):
        entries(pack)
