"""Checks a folder of downloaded articles against its receipts, without the network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError
from roco.base.progress import NullProgress, Progress
from roco.sources.fetch.articles_folder import ArticlesFolder
from roco.sources.fetch.json_log import read_log
from roco.sources.fetch.receipts import RECEIPTS


class Problem(NamedTuple):
    """A file that differs from its receipt; where: its key."""

    where: str
    what: str


def verify(folder: Path, progress: Progress | None = None) -> list[Problem]:
    """Returns the files of all articles that are corrupt, missing or unexpected, by their last receipts.

    Raises DataError where the folder has no receipts.
    """
    path = folder / RECEIPTS
    if not path.is_file():
        raise DataError(f"no receipts in {folder}", "check the path: roco fetch run writes them")
    receipts = dict(read_log(path, lambda record: (str(record["key"]), record)))
    articles = ArticlesFolder(folder)
    problems: list[Problem] = []
    present = [
        f"PMC{n}.{version}" for n, versions in sorted(articles.versions().items()) for version in sorted(versions)
    ]
    progress = progress or NullProgress()
    progress.start("articles", len(present))
    for key in present:
        problems += _check_version(articles, key, receipts)
        progress.advance()
    known = set(present)
    for path_in_bucket, record in receipts.items():
        key, _, name = path_in_bucket.partition("/")
        if key in known and "sha256" in record and name not in articles.file_names(key):
            problems.append(Problem(path_in_bucket, "missing"))
    return sorted(problems)


def _check_version(articles: ArticlesFolder, key: str, receipts: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    for name in sorted(articles.file_names(key)):
        where = f"{key}/{name}"
        # Metadata are downloaded once for the plan and copied into the folder of their version.
        receipt = receipts.get(f"metadata/{name}" if name == f"{key}.json" else where)
        data = articles.read_file(key, name)
        if data is None:
            yield Problem(where, "unreadable, or different from the index of its pack")
        elif receipt is None or "sha256" not in receipt:
            yield Problem(where, "unexpected: no receipt")
        elif hashlib.sha256(data).hexdigest() != receipt["sha256"]:
            yield Problem(where, "corrupt: SHA-256 differs from the receipt")
