"""README.md of an export for WebDataset: YAML for `datasets`, and what the parts of a sample are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from roco.release.export.card import field_table
from roco.release.export.hub_card import data_files, front_matter, text
from roco.release.export.rows import FIELDS, ReleaseRows

_LOADING = """\
The shards contain three parts of each image, one after the other: `ID.jpg` or `ID.png` (the original bytes), `ID.txt`
(the caption) and `ID.json` (all fields). `sizes.json` and `_info.json` give the number of images of each shard.

```python
import webdataset as wds

train = wds.WebDataset("path/to/this/folder/{example}", shardshuffle=False).decode("pil")
for image, caption, fields in train.to_tuple("{images}", "txt", "json"):
    ...
```

`datasets` reads the shards as well; it has a column for each format of images, and one of them is set in each row.

{fields}"""


def card(rows: ReleaseRows, shards: Mapping[str, Sequence[str]]) -> str:
    """Returns the text of README.md; shards: names of the files of each split."""
    suffixes = [suffix[1:] for suffix in rows.suffixes]
    first = next(iter(shards.values()))
    example = first[0] if len(first) == 1 else f"{first[0][:-10]}{{{first[0][-10:-4]}..{first[-1][-10:-4]}}}.tar"
    loading = _LOADING.format(example=example, images=";".join(suffixes), fields=field_table())
    declared = [*data_files("default", shards), *_features(suffixes)]
    return front_matter(rows, declared) + text(rows, loading)


def _features(suffixes: Sequence[str]) -> Iterator[str]:
    """Yields the lines that declare all parts: undeclared ones are guessed from the first five samples."""
    yield "dataset_info:"
    yield "- config_name: default"
    yield "  features:"
    for name in ("__key__", "__url__", "txt"):
        yield f"  - name: {name}"
        yield "    dtype: string"
    for suffix in suffixes:
        yield f"  - name: {suffix}"
        yield "    dtype: image"
    yield "  - name: json"
    yield "    struct:"
    for name, field in sorted(FIELDS.items()):
        yield f"    - name: {name}"
        is_list = pa.types.is_list(field.type)
        yield "      sequence: string" if is_list else f"      dtype: {field.type}"
