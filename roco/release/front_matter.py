"""The front matter of the dataset card: YAML that the Hugging Face Hub and the library `datasets` read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from roco.base.schema import SPLITS
from roco.base.tables import ATTRIBUTION_COLUMNS, CUI_MAPPING_COLUMNS, LICENSE_COLUMNS, SPLIT_TABLES
from roco.base.text import yaml_string
from roco.release.format import ATTRIBUTION, CUI_MAPPING, LICENSES

Row = Mapping[str, Any]

HUB_SPLITS = {"train": "train", "valid": "validation", "test": "test"}
"""Our splits -> the names that the Hub gives them."""

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
)

_FRONT_MATTER = """\
---
pretty_name: {title}
license: other
license_name: {license_name}
license_link: license_information.csv
{languages}task_categories:
- image-to-text
- image-classification
tags:
- medical
- radiology
size_categories:
- {size}
{tables}---
"""


class _Table:
    """A table that `datasets` loads: its name, its columns, and its files by split."""

    def __init__(self, name: str, columns: Sequence[str], files: Mapping[str, str]) -> None:
        self.name, self.columns, self.files = name, columns, files

    def config(self) -> list[str]:
        """Returns the lines that declare the files, so that no file is read as part of another table or split."""
        lines = [f"- config_name: {self.name}"]
        if self.name == "captions":
            lines.append("  default: true")
        # Without this, the captions `NA`, `None` and `null`, and empty cells, are read as missing values.
        lines.append("  na_filter: false")
        lines.append("  data_files:")
        for split, file in self.files.items():
            lines += [f"  - split: {split}", f"    path: {file}"]
        return lines

    def features(self) -> list[str]:
        """Returns the lines that declare the columns as text, so that no id or year is read as a number."""
        lines = [f"- config_name: {self.name}", "  features:"]
        for column in self.columns:
            lines += [f"  - name: {yaml_string(column)}", "    dtype: string"]
        return lines


def front_matter(title: str, rows: Sequence[Row], languages: Iterable[str]) -> str:
    """Returns the front matter with its two fences.

    rows: split, license, concepts and concepts_manual of each image; languages: of the captions.
    """
    return _FRONT_MATTER.format(
        title=yaml_string(title),
        license_name=_license_name(rows),
        languages=_list("language", languages),
        size=size_category(len(rows)),
        tables=_tables(rows),
    )


def size_category(images: int) -> str:
    """Returns the range in which a number of images lies, as the Hub writes it: `10K<n<100K`."""
    return next((name for limit, name in _SIZES if images < limit), "100M<n<1B")


def _tables(rows: Sequence[Row]) -> str:
    """Returns the declarations of the CSV tables; a table or split without rows is not declared.

    `datasets` infers one file format for all tables from the first one, and cannot load a split without rows.
    """
    tables = []
    splits = {row["split"] for row in rows}
    for name, columns in SPLIT_TABLES.items():
        files = {HUB_SPLITS[split]: f"{split}_{name}.csv" for split in SPLITS if split in splits}
        tables.append(_Table(name, columns, files))
    has_concepts = any(row["concepts"] or row["concepts_manual"] for row in rows)
    if has_concepts:
        tables.append(_whole(CUI_MAPPING, CUI_MAPPING_COLUMNS))
    tables.append(_whole(LICENSES, LICENSE_COLUMNS))
    tables.append(_whole(ATTRIBUTION, ATTRIBUTION_COLUMNS))
    if not rows:
        return ""
    configs = [line for table in tables for line in table.config()]
    features = [line for table in tables for line in table.features()]
    return "\n".join(["configs:", *configs, "dataset_info:", *features]) + "\n"


def _whole(file: str, columns: Sequence[str]) -> _Table:
    """Returns a table that is not divided: its only split has the name of the table."""
    name = file.removesuffix(".csv")
    return _Table(name, columns, {name: file})


def _license_name(rows: Iterable[Row]) -> str:
    licenses = sorted({(row["license"] or "none").lower() for row in rows})
    return "-and-".join(licenses or ["none"]) + "-by-image"


def _list(key: str, values: Iterable[str]) -> str:
    """Returns a list of YAML, nothing for an empty one; quoted, because `no` is Norwegian and, in YAML, false."""
    lines = [f"- {yaml_string(value)}\n" for value in values]
    return "".join([f"{key}:\n", *lines]) if lines else ""
