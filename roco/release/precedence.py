"""Which image wins where only one of several can stay: images that somebody already has precede new ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.base.columns import Column, Indices, has_text

PREVIOUS = 0
"""An image of the previous release."""

RETIRED = 1
"""An image whose id a previous release has retired, and that is in the source again."""

DATASET = 2
"""An image of a dataset that is a source; those of the next source have DATASET + 1, and so on."""

NEW = 1 << 30
"""An image of an article that is new."""

PRECEDENCE_COLUMNS = ("pinned_by", "given_id", "archive")
"""The columns that `precedences` reads."""

PINNED_BY = {"image": PREVIOUS, "file": PREVIOUS, "retired": RETIRED}
"""The precedence of images of previous releases by the column `pinned_by`."""


def precedences(table: pa.Table) -> Indices:
    """Returns the precedence of each row of a table with the columns PRECEDENCE_COLUMNS; the smallest wins."""
    found = np.full(len(table), NEW, np.int64)
    # Most rows of a large run are new and need no look.
    given = np.flatnonzero(has_text(table["given_id"]))
    found[given] = DATASET + source_numbers(table["archive"].take(pa.array(given)))
    for by, precedence in PINNED_BY.items():
        found[np.asarray(pc.fill_null(pc.equal(table["pinned_by"], by), False))] = precedence
    return found


def source_numbers(archives: Column) -> Indices:
    """Returns the number of each source, with which `archive` starts if there are several (`sources/several.py`)."""
    numbers = pc.extract_regex(archives, "^(?P<number>[0-9]{1,8})(?:/|$)")
    return np.asarray(pc.fill_null(pc.struct_field(numbers, "number").cast(pa.int64()), 0), np.int64)
