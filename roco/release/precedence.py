"""Which image wins where only one of several can stay: images that somebody already has precede new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

PREVIOUS = 0
"""An image of the previous release."""

RETIRED = 1
"""An image whose id a previous release has retired, and that is in the source again."""

DATASET = 2
"""An image of a dataset that is a source; those of the next source have DATASET + 1, and so on."""

NEW = 1 << 30
"""An image of an article that is new."""

PRECEDENCE_COLUMNS = ("pinned_by", "given_id", "archive")
"""The columns that `precedence` reads."""

PINNED_BY = {"image": PREVIOUS, "file": PREVIOUS, "retired": RETIRED}
"""The precedence of images of previous releases by the column `pinned_by`."""


def precedence(row: Mapping[str, Any]) -> int:
    """Returns the precedence of an image; the smallest wins. row: the columns PRECEDENCE_COLUMNS."""
    pinned = PINNED_BY.get(row["pinned_by"])
    if pinned is not None:
        return pinned
    if row["given_id"]:
        return DATASET + source_number(row["archive"])
    return NEW


def source_number(archive: str | None) -> int:
    """Returns the number of the source, with which `archive` starts if there are several (`sources/several.py`)."""
    number = (archive or "").partition("/")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0


def precedences(table: pa.Table) -> NDArray[np.int64]:
    """Returns the precedence of each row of a table with the columns PRECEDENCE_COLUMNS."""
    # Most rows of a large run are new and need no look.
    found = np.full(len(table), NEW, np.int64)
    known = pc.or_(pc.is_valid(table["pinned_by"]), pc.is_valid(table["given_id"]))
    rows = np.flatnonzero(np.asarray(known))
    some = table.select(list(PRECEDENCE_COLUMNS)).take(pa.array(rows)).to_pylist()
    found[rows] = [precedence(row) for row in some]
    return found
