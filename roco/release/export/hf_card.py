"""README.md of an export for the Hugging Face Hub: YAML for `datasets`, then what the columns and numbers mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from roco.base.schema import SPLITS
from roco.base.text import yaml_string
from roco.release.export.card import LICENSE_TEXT, field_table, license_table, provenance, release_sections, title
from roco.release.export.engine import ExportedFile
from roco.release.export.rows import ReleaseRows
from roco.release.format import FIGURES
from roco.release.front_matter import HUB_SPLITS, size_category

METADATA_CONFIG = "metadata"
METADATA_SPLIT = "figures"

_TEXT = """\
# {title}

{description}{images:,} images of {articles:,} articles, with caption, UMLS concepts, licence and attribution. The
images have their original bytes.

## Loading

```python
from datasets import load_dataset

folder = "path/to/this/folder"
train = load_dataset(folder, split="train", streaming=True)             # starts at once, copies nothing
captions = load_dataset(folder, columns=["image_id", "caption", "cui"])   # reads no image
figures = load_dataset(folder, "{metadata}", split="{figures}")            # all metadata of the release
```

Without `streaming` and `columns`, `datasets` copies all images to its cache. After
`cast_column("image", Image(decode=False))`, the rows have the original bytes. The split `valid` of the release is
called `validation` here.

## Columns

`image` contains the bytes of the image and its file name.

{fields}
`attribution.csv` has the parts of the attribution in columns of their own, `cui_mapping.csv` the names of all concepts.

## Licences

{licenses}
Each image keeps the licence of its article: see the columns `license`, `license_url`, `commercial_ok` and
`attribution`, and [{license_text}]({license_text}).

## Where the numbers come from

{provenance}
{sections}"""


def card(
    rows: ReleaseRows,
    shards: Mapping[str, Sequence[str]],
    features: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, ExportedFile],
) -> str:
    """Returns the text of README.md.

    shards: names of the files of each split; features: of each column, as `datasets` names them; files: those written.
    """
    description = rows.metadata.description
    text = _TEXT.format(
        title=title(rows),
        description=f"{description}\n\n" if description else "",
        images=rows.totals.n_images,
        articles=len(rows.totals.articles),
        metadata=METADATA_CONFIG,
        figures=METADATA_SPLIT,
        fields=field_table(),
        licenses=license_table(rows),
        license_text=LICENSE_TEXT,
        provenance=provenance(rows),
        sections=release_sections(rows),
    )
    return "\n".join(["---", *_front_matter(rows, shards, features, files), "---", "", text])


def _front_matter(
    rows: ReleaseRows,
    shards: Mapping[str, Sequence[str]],
    features: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, ExportedFile],
) -> Iterator[str]:
    totals = rows.totals
    yield f"pretty_name: {yaml_string(title(rows))}"
    yield "license: other"
    licenses = sorted({license.license.lower() for license, _ in totals.licenses})
    yield f"license_name: {'-and-'.join(licenses)}-by-image"
    yield f"license_link: {LICENSE_TEXT}"
    yield from _list("language", sorted(totals.languages))
    yield from _list("task_categories", ["image-to-text", "image-classification"])
    yield from _list(
        "tags",
        ["medical", "radiology", *sorted({license.words.lower().replace(" ", "-") for license, _ in totals.licenses})],
    )
    yield from _list("size_categories", [size_category(totals.n_images)])
    yield from _list("source_datasets", ["original"])
    yield "configs:"
    yield "- config_name: default"
    yield "  default: true"
    yield "  data_files:"
    for split, names in shards.items():
        yield f"  - split: {HUB_SPLITS[split]}"
        yield "    path:"
        yield from (f"    - {name}" for name in names)
    yield f"- config_name: {METADATA_CONFIG}"
    yield "  data_files:"
    yield f"  - split: {METADATA_SPLIT}"
    yield f"    path: {METADATA_CONFIG}/{FIGURES}"
    yield "dataset_info:"
    yield "- config_name: default"
    yield "  features:"
    for name, feature in features.items():
        yield f"  - name: {name}"
        yield from _feature(feature)
    yield "  splits:"
    for split in SPLITS:
        if split in shards:
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


def _list(key: str, values: Sequence[str]) -> Iterator[str]:
    """Yields a list of YAML, nothing for an empty one; quoted, because `no` is Norwegian and, in YAML, false."""
    if values:
        yield f"{key}:"
        yield from (f"- {yaml_string(value)}" for value in values)
