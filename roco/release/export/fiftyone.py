"""A table for FiftyOne: the path of an image, its split, caption, labels and concepts.

Its own JSON format follows an internal schema that changes with its version; a table and ten lines of code do not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from roco.release.export import loose
from roco.release.export.engine import PlannedFile
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows

TABLE = "samples.csv"
COLUMNS = (
    *("filepath", "split", "image_id", "caption", "modality", "modality_from", "region", "direction"),
    *("cui", "license", "attribution"),
)

_ABOUT = """\
`samples.csv` has a row for every image: `filepath` begins in this folder, `cui` has UMLS concepts separated by `;`, and
an unknown label is an empty cell. This Python loads it into FiftyOne:

```python
import csv
import fiftyone as fo

dataset = fo.Dataset("radiology")
with open("samples.csv", encoding="utf-8", newline="") as table:
    rows = list(csv.DictReader(table))
for row in rows:
    sample = fo.Sample(row["filepath"], tags=[row["split"]], image_id=row["image_id"], caption=row["caption"])
    for name in ("modality", "region", "direction"):
        if row[name]:
            sample[name] = fo.Classification(label=row[name])
    concepts = [fo.Classification(label=cui) for cui in row["cui"].split(";") if cui]
    sample["concepts"] = fo.Classifications(classifications=concepts)
    sample["license"], sample["attribution"] = row["license"], row["attribution"]
    dataset.add_sample(sample)
```
"""


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the images, the table of all of them, and the files that describe them."""
    files = [loose.table(TABLE, COLUMNS, functools.partial(_records, rows), ",")]
    return loose.plan(rows, files, "A table for FiftyOne.", _ABOUT)


def _records(rows: ReleaseRows) -> Iterator[list[str]]:
    for path, _, row in loose.placed(rows):
        described = rows.description(row) | {"filepath": path, "split": row["split"]}
        described["cui"] = ";".join(described["cui"])
        yield [described[name] or "" for name in COLUMNS]
