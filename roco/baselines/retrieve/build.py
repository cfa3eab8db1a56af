"""Makes the index of a release: embeddings of its images, the words of its texts, and a row for each image."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.progress import Progress
from roco.base.tables import CUI_MAPPING_COLUMNS
from roco.baselines import scores
from roco.baselines.neighbours.embed import embed
from roco.baselines.neighbours.stored_backbone import stated_backbone
from roco.baselines.retrieve.folder import VECTORS, WORDS, write_manifest
from roco.baselines.retrieve.hits import COLUMNS
from roco.baselines.retrieve.words import Words
from roco.baselines.training.data import digest_of
from roco.baselines.training.state import State
from roco.models import arrays
from roco.models.images.backbone import Backbone
from roco.release.attribution import source_address
from roco.release.format import CUI_MAPPING, FIGURES
from roco.release.load.dataset import Dataset, load
from roco.release.new_folder import check_new, new_folder
from roco.release.read import Release

_NO_COLUMNS = {"embedding", "layout"}


def index(
    release: str | Path, out: str | Path, *, backbone: str | Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Writes the index of a release to a new folder; returns its counts.

    backbone: an ONNX file with a card, by default the shipped one. Images that are missing or unreadable have no
    embedding, and are found by words only. Embeddings are stored in OUT.indexing until the index is complete: an
    interrupted indexing goes on from there. Raises UsageError if `out` exists.
    """
    out = Path(out)
    check_new(out, Path(release))
    data = load(release)
    network = Backbone.load(None if backbone is None else Path(backbone))
    digest = digest_of(data)
    with State.opened(out, {"data": digest, "backbone": network.preparation}, "indexing") as state:
        embedded = embed(data, network, state.folder, skip_unreadable=True, progress=progress)
        names = _names(data)
        counts = {
            "images": len(data),
            "embedded": int(embedded.has.sum()),
            "unreadable": [one.id for one in embedded.unreadable],
        }
        with new_folder(out) as folder:
            pq.write_table(table_of(data), folder / FIGURES, compression="zstd")
            with (folder / CUI_MAPPING).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([CUI_MAPPING_COLUMNS, *sorted(names.items())])
            arrays.write(folder / VECTORS, {"vectors": embedded.vectors, "has": embedded.has})
            words = Words.of(texts_of(data, names))
            values = {name: getattr(words, name) for name in ("starts", "documents", "counts", "lengths")}
            terms = np.frombuffer("\n".join(words.terms).encode(), np.uint8)
            arrays.write(folder / WORDS, {"terms": terms} | values)
            manifest = {"encoder": stated_backbone(network), "release": {"sha256": digest}, "counts": counts}
            write_manifest(folder, manifest)
        state.remove()
    return counts


def table_of(data: Dataset) -> pa.Table:
    """Returns the table of an index: the columns of the release that filters can read, attribution and link."""
    table = data.to_arrow([name for name in data.columns if name not in _NO_COLUMNS])
    nested = [field.name for field in table.schema if _is_nested(field.type)]
    table = table.drop_columns(nested)
    own = {
        "article_key": pa.array(scores.article_keys(data), pa.string()),
        "attribution": pa.array(data.attributions(), pa.string()),
        "link": pa.array(_links(data), pa.string()),
    }
    for name in COLUMNS:
        if name in own:
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, own[name])
        elif name not in table.column_names:
            kind = {"concepts": pa.list_(pa.string()), "year": pa.int32()}.get(name, pa.string())
            table = table.append_column(name, pa.nulls(len(table), kind))
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


def texts_of(data: Dataset, names: dict[str, str]) -> list[str]:
    """Returns the text of each image: caption, names of concepts, title, and the passages that cite the figure."""
    columns = [name for name in ("caption", "concepts", "title", "mentions_in_text") if name in data.columns]
    texts = []
    for row in data.to_arrow(columns).to_pylist():
        concepts = [names.get(cui, cui) for cui in row.get("concepts") or ()]
        passages = [one["text"] or "" for one in row.get("mentions_in_text") or ()]
        texts.append("\n".join([row.get("caption") or "", *concepts, row.get("title") or "", *passages]))
    return texts


def _names(data: Dataset) -> dict[str, str]:
    """Returns the names of concepts; a dataset without the table has none."""
    path = data.figures.path
    return Release(path, published=False).concept_names() if (path / CUI_MAPPING).is_file() else {}
