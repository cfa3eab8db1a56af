"""Checks a fetched tree against its receipts, without the network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError
from roco.sources.fetch import ledger
from roco.sources.fetch.receipts import RECEIPTS
from roco.sources.fetch.tree import Tree


class Problem(NamedTuple):
    where: str
    what: str


def verify(folder: Path) -> list[Problem]:
    """Every file of every article against the SHA-256 of its last receipt; and every receipt for a file that is there.

    Raises DataError where there are no receipts.
    """
    path = folder / RECEIPTS
    if not path.is_file():
        raise DataError(f"there are no receipts in {folder}", "was it made by roco fetch?")
    last: dict[str, dict[str, Any]] = {str(told["key"]): told for told in ledger.read(path) if "key" in told}
    tree = Tree(folder)
    found: list[Problem] = []
    there = set()
    for number, versions in sorted(tree.versions().items()):
        for version in sorted(versions):
            key = f"PMC{number}.{version}"
            there.add(key)
            found += _version(tree, key, last)
    for key, told in last.items():
        place, _, name = key.partition("/")
        if place in there and "sha256" in told and name not in tree.names(place):
            found.append(Problem(key, "is gone, and was fetched"))
    return sorted(found)


def _version(tree: Tree, key: str, last: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for name in sorted(tree.names(key)):
        where = f"{key}/{name}"
        told = last.get(f"metadata/{name}" if name == f"{key}.json" else where)
        data = tree.read(key, name)
        if data is None:
            yield Problem(where, "cannot be read, or is not what the pack's index promises")
        elif told is None or "sha256" not in told:
            yield Problem(where, "was never fetched: there is no receipt")
        elif hashlib.sha256(data).hexdigest() != told["sha256"]:
            yield Problem(where, "is not what was fetched: its SHA-256 is another")
