"""What the cards of exports for the Hugging Face Hub have in common: front matter, licences, origin of the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from roco.base.text import yaml_string
from roco.release.export.card import LICENSE_TEXT, license_table, provenance, release_sections, title
from roco.release.export.rows import ReleaseRows
from roco.release.front_matter import HUB_SPLITS, size_category

_TEXT = """
# {title}

{description}{images:,} images of {articles:,} articles, with caption, UMLS concepts, licence and attribution. The
images have their original bytes.

## Loading

{loading}
`attribution.csv` has the parts of the attribution in columns of their own, `cui_mapping.csv` the names of all concepts.

## Licences

{licenses}
Each image keeps the licence of its article: see `license`, `license_url`, `commercial_ok` and `attribution`, and
[{license_text}]({license_text}).

## Where the numbers come from

{provenance}
{sections}"""


def text(rows: ReleaseRows, loading: str) -> str:
    """Returns the text below the front matter; loading: how to load the files, and what they contain."""
    description = rows.metadata.description
    return _TEXT.format(
        title=title(rows),
        description=f"{description}\n\n" if description else "",
        images=rows.totals.n_images,
        articles=len(rows.totals.articles),
        loading=loading,
        licenses=license_table(rows),
        license_text=LICENSE_TEXT,
        provenance=provenance(rows),
        sections=release_sections(rows),
    )


def front_matter(rows: ReleaseRows, declared: Iterable[str]) -> str:
    """Returns the front matter with its two fences; declared: the lines about files and features."""
    return "\n".join(["---", *_facts(rows), *declared, "---", ""])


def data_files(config: str, shards: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yields the lines that declare the files of the default configuration, so that no other file is read with them."""
    yield "configs:"
    yield f"- config_name: {config}"
    yield "  default: true"
    yield "  data_files:"
    for split, names in shards.items():
        yield f"  - split: {HUB_SPLITS[split]}"
        yield "    path:"
        yield from (f"    - {name}" for name in names)


def _facts(rows: ReleaseRows) -> Iterator[str]:
    totals = rows.totals
    licenses = sorted({license.license.lower() for license, _ in totals.licenses})
    versions = sorted({license.words.lower().replace(" ", "-") for license, _ in totals.licenses})
    yield f"pretty_name: {yaml_string(title(rows))}"
    # A list of licences would offer a choice of them, whereas each image has its own.
    yield "license: other"
    yield f"license_name: {'-and-'.join(licenses)}-by-image"
    yield f"license_link: {LICENSE_TEXT}"
    yield from _list("language", sorted(totals.languages))
    yield from _list("task_categories", ["image-to-text", "image-classification"])
    yield from _list("tags", ["medical", "radiology", *versions])
    yield from _list("size_categories", [size_category(totals.n_images)])
    yield from _list("source_datasets", ["original"])


def _list(key: str, values: Sequence[str]) -> Iterator[str]:
    """Yields a list of YAML, nothing for an empty one; quoted, because `no` is Norwegian and, in YAML, false."""
    if values:
        yield f"{key}:"
        yield from (f"- {yaml_string(value)}" for value in values)
