"""The rows of an index: the columns of a release that hits, filters and words need."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from roco.base.errors import DataError
from roco.baselines import scores
from roco.baselines.retrieve.hits import COLUMNS
from roco.release.attribution import source_address
from roco.release.format import CUI_MAPPING
from roco.release.load.dataset import Dataset
from roco.release.read import Release

EMBEDDED, MISSING, UNREADABLE = "embedded", "missing", "unreadable"
INDEXED = "indexed_image"
"""The column that states whether the image of a row is embedded, missing or unreadable."""

_NO_COLUMNS = {"embedding", "layout"}
_OF_IMAGE = ("sha256", "phash", "phash_fine")
_KINDS = {"concepts": pa.list_(pa.string()), "year": pa.int32()}


def table_of(data: Dataset) -> pa.Table:
    """Returns the table of an index: the columns of the release that filters can read, attribution, link and hashes."""
    table = data.to_arrow([name for name in data.columns if name not in _NO_COLUMNS])
    nested = [field.name for field in table.schema if _is_nested(field.type)]
    table = table.drop_columns(nested)
    own = {
        "article_key": pa.array(scores.article_keys(data), pa.string()),
        "attribution": pa.array(data.attributions(), pa.string()),
        "link": pa.array(_links(data), pa.string()),
    }
    if "sha256" not in table.column_names:
        own["sha256"] = pa.array(_hashes(data), pa.string())
    for name in (*COLUMNS, *_OF_IMAGE):
        if name in own:
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, own[name])
        elif name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), _KINDS.get(name, pa.string())))
    return table


def _is_nested(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind):
        return bool(kind.value_type != pa.string())
    return bool(pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _links(data: Dataset) -> list[str]:
    known = [name for name in ("pmcid", "doi") if name in data.columns]
    if not known:
        return [""] * len(data)
    return [source_address({"pmcid": None, "doi": None} | row) for row in data.to_arrow(known).to_pylist()]


def _hashes(data: Dataset) -> list[str | None]:
    """Returns the SHA-256 of each image file; None for one that is missing or cannot be read."""
    known = data.figures.image_files()

    def hash_of(id: str) -> str | None:
        if id not in known:
            return None
        try:
            return hashlib.sha256(data.figures.image(id).bytes()).hexdigest()
        except DataError:
            return None

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(hash_of, data.column("id").to_pylist()))


def texts_of(data: Dataset, names: dict[str, str]) -> list[str]:
    """Returns the text of each image: caption, names of concepts, title, and the passages that cite the figure."""
    columns = [name for name in ("caption", "concepts", "title", "mentions_in_text") if name in data.columns]
    texts = []
    for row in data.to_arrow(columns).to_pylist():
        concepts = [names.get(cui, cui) for cui in row.get("concepts") or ()]
        passages = [one["text"] or "" for one in row.get("mentions_in_text") or ()]
        texts.append("\n".join([row.get("caption") or "", *concepts, row.get("title") or "", *passages]))
    return texts


def concept_names(data: Dataset) -> dict[str, str]:
    """Returns the names of concepts; a dataset without the table has none."""
    path = data.figures.path
    return Release(path, published=False).concept_names() if (path / CUI_MAPPING).is_file() else {}
