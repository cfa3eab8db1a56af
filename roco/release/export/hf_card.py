"""README.md of an export for the Hugging Face Hub: YAML for `datasets`, then what the columns mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roco.base.text import yaml_string
from roco.release.export.card import field_table
from roco.release.export.engine import ExportedFile
from roco.release.export.hub_card import data_files, front_matter, text
from roco.release.export.rows import ReleaseRows
from roco.release.format import FIGURES
from roco.release.front_matter import HUB_SPLITS

METADATA_CONFIG = "metadata"
METADATA_SPLIT = "figures"

_LOADING = """\
```python
from datasets import load_dataset

folder = "path/to/this/folder"
train = load_dataset(folder, split="train", streaming=True)               # starts at once, copies nothing
captions = load_dataset(folder, columns=["image_id", "caption", "cui"])   # reads no image
figures = load_dataset(folder, "{metadata}", split="{figures}")            # all metadata of the release
```

Without `streaming` and `columns`, `datasets` copies all images to its cache. After
`cast_column("image", Image(decode=False))`, the rows have the original bytes. The split `valid` of the release is
called `validation` here.

## Columns

`image` contains the bytes of the image and its file name.

{fields}"""


def card(
    rows: ReleaseRows,
    shards: Mapping[str, Sequence[str]],
    features: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, ExportedFile],
) -> str:
    """Returns the text of README.md.

    shards: names of the files of each split; features: of each column, as `datasets` names them; files: those written.
    """
    loading = _LOADING.format(metadata=METADATA_CONFIG, figures=METADATA_SPLIT, fields=field_table())
    declared = [*data_files("default", shards), *_metadata_files(), *_info(rows, shards, features, files)]
    return front_matter(rows, declared) + text(rows, loading)


def _metadata_files() -> Iterator[str]:
    yield f"- config_name: {METADATA_CONFIG}"
    yield "  data_files:"
    yield f"  - split: {METADATA_SPLIT}"
    yield f"    path: {METADATA_CONFIG}/{FIGURES}"


def _info(
    rows: ReleaseRows,
    shards: Mapping[str, Sequence[str]],
    features: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, ExportedFile],
) -> Iterator[str]:
    """Yields the lines that declare features and sizes."""
    totals = rows.totals
    yield "dataset_info:"
    yield "- config_name: default"
    yield "  features:"
    for name, feature in features.items():
        yield f"  - name: {name}"
        yield from _feature(feature)
    yield "  splits:"
    for split in shards:
        yield f"  - name: {HUB_SPLITS[split]}"
        yield f"    num_bytes: {sum(totals.sizes[split])}"
        yield f"    num_examples: {totals.images[split]}"
    yield f"  download_size: {sum(files[name].n_bytes for names in shards.values() for name in names)}"
    yield f"  dataset_size: {totals.n_bytes}"


def _feature(feature: Mapping[str, Any]) -> Iterator[str]:
    """Yields the lines that declare a column; the words are those that `datasets` of any version reads."""
    kind = feature["_type"]
    if kind == "Image":
        yield "    dtype: image"
    elif kind == "Sequence":
        yield f"    sequence: {feature['feature']['dtype']}"
    elif kind == "ClassLabel":
        yield "    dtype:"
        yield "      class_label:"
        yield "        names:"
        for number, label in enumerate(feature["names"]):
            yield f"          '{number}': {yaml_string(label)}"
    else:
        yield f"    dtype: {feature['dtype']}"
