"""Tables for open_clip: the path of an image and its caption, separated by a tab."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from roco.release.export import loose
from roco.release.export.engine import PlannedFile
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows

MISSING = frozenset(
    [
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
        *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
"""What pandas, with which open_clip reads the tables, takes for a missing value, quoted or not."""

COLUMNS = ("filepath", "title", "image_id", "license", "attribution")

_ABOUT = """\
`SPLIT.tsv` has the columns `filepath` and `title`, separated by a tab, which open_clip expects, then `image_id`,
`license` and `attribution`. The paths begin in this folder, and open_clip resolves them from the working folder: run it
here, `python -m open_clip_train.main --dataset-type csv --train-data train.tsv …`.

open_clip reads the tables with pandas, which takes captions such as `NA` and `None` for missing values. Such a caption
ends with a space here, which the tokenizer of open_clip removes.
"""


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the images, the table of each split, and the files that describe them."""
    files = [
        loose.table(f"{split}.tsv", COLUMNS, functools.partial(_records, rows, split), "\t")
        for split in loose.splits(rows)
    ]
    return loose.plan(rows, files, "Captions in the format of open_clip.", _ABOUT)


def title(caption: str) -> str:
    """Returns a caption that pandas reads as text."""
    return f"{caption} " if caption in MISSING else caption


def _records(rows: ReleaseRows, split: str) -> Iterator[tuple[str, ...]]:
    for path, _, row in loose.placed(rows, split):
        described = rows.description(row)
        yield path, title(described["caption"]), row["id"], described["license"] or "", described["attribution"]
