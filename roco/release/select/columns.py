"""The columns of a release that a condition may name: those of figures.parquet, and those of its PubMed sidecar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.files import file_digest
from roco.release.pubmed import FOUND, SELECTABLE, image_columns, read_pubmed, sidecar_path
from roco.release.read import Release


def known_columns(release: Release) -> list[str]:
    """Returns the names of the columns: those of the sidecar only if it exists."""
    has_sidecar = sidecar_path(release.path).is_file()
    return [*release.columns, *(SELECTABLE if has_sidecar else ())]


def read_columns(release: Release, names: Sequence[str]) -> pa.Table:
    """Returns some columns of all images; raises DataError if the table or the sidecar cannot be read."""
    from_sidecar = [name for name in names if name in SELECTABLE]
    if not from_sidecar:
        return release.table(columns=names)
    others = [name for name in names if name not in SELECTABLE]
    table = release.table(columns=[*others, *({"article_key"} - set(others))])
    pubmed = read_pubmed(release.path)
    assert pubmed is not None  # otherwise its columns are not known
    of_images = image_columns(pubmed, table["article_key"], from_sidecar)
    for name in from_sidecar:
        table = table.append_column(name, of_images[name])
    return table.select(names)


def pubmed_record(release: Release, names: Sequence[str]) -> dict[str, Any] | None:
    """Returns what a selection states of the sidecar, None if it reads no column of it.

    sha256: of the file. articles_without_record: articles of the release of which the sidecar has no record, so that
    its columns are null.
    """
    if not set(names) & SELECTABLE.keys():
        return None
    pubmed = read_pubmed(release.path)
    assert pubmed is not None
    articles = pc.unique(release.table(columns=["article_key"])["article_key"])
    found = pubmed.filter(pc.equal(pubmed["status"], FOUND))["article_key"].combine_chunks()
    without = len(articles) - (pc.sum(pc.is_in(articles, value_set=found)).as_py() or 0)
    return {"sha256": file_digest(sidecar_path(release.path)), "articles_without_record": without}
