"""Reads the PMCIDs that a user names: words, lists with commas, and files with one per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from roco.base.errors import DataError, UsageError
from roco.base.ids import clean_pmcid

ArticleId = tuple[int, int | None]
"""Number of a PMCID, and version if one version is meant."""

_HEADERS = ("pmcid", "accessionid", "id")
_HINT = "such as PMC10009416, or PMC10009416.1 for one version"


def parse_ids(words: Iterable[str]) -> tuple[ArticleId, ...]:
    """Returns the ids in words, comma-separated lists and files, without duplicates.

    Raises UsageError for a word, DataError for a line of a file, that is not a PMCID.
    """
    ids: dict[ArticleId, None] = {}
    for word in words:
        is_file = _parse(word) is None and Path(word).is_file()
        ids |= dict.fromkeys(_ids_in_file(Path(word)) if is_file else _ids_in_word(word))
    if not ids:
        raise UsageError("--ids names no article", _HINT)
    return tuple(ids)


def _ids_in_word(word: str) -> Iterator[ArticleId]:
    for part in word.split(","):
        id = _parse(part.strip())
        if id is None:
            raise UsageError(f"neither a PMCID nor a file: {part[:40]!r}", _HINT)
        yield id


def _ids_in_file(path: Path) -> Iterator[ArticleId]:
    """Yields the first column of a file; empty lines, comments (#) and a header line are ignored."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    for n, line in enumerate(lines, 1):
        cells = line.partition("#")[0].replace(",", " ").split()
        if not cells or (n == 1 and cells[0].lower() in _HEADERS):
            continue
        id = _parse(cells[0])
        if id is None:
            raise DataError(f"invalid PMCID {cells[0][:40]!r} ({path}, line {n})", _HINT)
        yield id


def _parse(text: str) -> ArticleId | None:
    pmcid, version = clean_pmcid(text)
    return None if pmcid is None else (int(pmcid.removeprefix("PMC")), version)
