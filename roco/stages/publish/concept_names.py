"""The names of the concepts of a release, for cui_mapping.csv."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from roco.base.errors import DataError
from roco.models.text.shipped_names import shipped_names


def concept_names(rows: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Returns each CUI in use with its canonical name, sorted.

    rows: concepts, concepts_manual, mentions, suggested and given_names of each image. Of several names, that of the
    shipped tables is used, then that of a dataset that is a source, then that of the linker, each the first in the
    order of the rows. Raises DataError for a concept without a name.
    """
    used: set[str] = set()
    found: dict[str, str] = {}
    given: dict[str, str] = {}
    for row in rows:
        used.update(row["concepts"], row["concepts_manual"])
        for one in (*(row["mentions"] or ()), *(row["suggested"] or ())):
            if one.get("name"):
                found.setdefault(one["cui"], one["name"])
        for one in row["given_names"] or ():
            if one["name"]:
                given.setdefault(one["cui"], one["name"])
    names = {**found, **given, **shipped_names()}
    unnamed = sorted(used - names.keys())
    if unnamed:
        more = " …" if len(unnamed) > 5 else ""
        raise DataError(
            f"no name for {', '.join(unnamed[:5])}{more} (stage 'release')",
            "add them to the vocabulary of stage 'mentions', or let your linker describe its concepts",
        )
    return [[cui, names[cui]] for cui in sorted(used)]
