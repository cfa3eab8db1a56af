"""Tables for open_clip: the path of an image and its caption, separated by a tab."""

from __future__ import annotations

import functools
import re
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

NOT_TEXT = re.compile(r"[\s\d+\-.eE]*|[+-]?inf(inity)?|true|false", re.IGNORECASE | re.ASCII)
"""What pandas takes for a number or a truth value, if all captions of a part of the table look like that: it would turn
`007` into 7. The pattern matches more than pandas takes, such as dates, which does no harm."""

NO_BREAK_SPACE = "\u00a0"

COLUMNS = ("filepath", "title", "image_id", "license", "attribution")

_ABOUT = """\
`SPLIT.tsv` has the columns `filepath` and `title`, separated by a tab, which open_clip expects, then `image_id`,
`license` and `attribution`. The paths begin in this folder, and open_clip resolves them from the working folder: run it
here, `python -m open_clip_train.main --dataset-type csv --train-data train.tsv …`.

open_clip reads the tables with pandas, which takes captions such as `NA` and `None` for missing values, and captions
such as `007` and `True` for numbers and truth values. Such a caption ends with a no-break space here, which tokenizers
remove.
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
    is_text = caption not in MISSING and not NOT_TEXT.fullmatch(caption)
    return caption if is_text else caption + NO_BREAK_SPACE


def _records(rows: ReleaseRows, split: str) -> Iterator[tuple[str, ...]]:
    for path, _, row in loose.placed(rows, split):
        described = rows.description(row)
        yield path, title(described["caption"]), row["id"], described["license"] or "", described["attribution"]
