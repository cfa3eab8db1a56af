"""Writes the files of a release other than its images and its checksums, whatever the release is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from roco.base.schema import SPLITS
from roco.base.tables import ATTRIBUTION_COLUMNS, CUI_MAPPING_COLUMNS, LICENSE_COLUMNS, TOMBSTONE_COLUMNS
from roco.release.citation import citation
from roco.release.embeddings import with_row, write_embeddings
from roco.release.format import (
    ATTRIBUTION,
    CARD,
    CITATION,
    CUI_MAPPING,
    DATASHEET,
    DROPPED,
    DROPPED_COLUMNS,
    EMBEDDINGS,
    FIGURES,
    FUNNEL,
    GROUPS,
    LEAKAGE,
    LICENSES,
    METADATA,
    TOMBSTONES,
)
from roco.release.leakage import leakage
from roco.release.metadata import Metadata
from roco.release.rows import Rows
from roco.release.writers import write_batches, write_csv, write_json, write_parquet, write_split_tables, write_text

Cells = Iterable[Sequence[str]]


_REMOVED = pa.schema([(name, pa.string()) for name in DROPPED_COLUMNS])


class Texts(Protocol):
    """Makes the text of card or datasheet: from the complete funnel, and from what is counted for leakage.json."""

    def __call__(self, funnel: Mapping[str, Any], leaks: Mapping[str, int]) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the files of a release contain.

    rows: of each image, in order, the columns that tables of the paper, citation and leakage are made of. figures,
    groups, embeddings: the Parquet files; no embeddings: None. removed: the rows of removed.parquet, in batches, which
    are written before tombstones and texts. names, licenses, attribution, tombstones: rows of CSV files. funnel:
    funnel.json without the sizes of the splits. made_by: the version of roco that is cited.
    """

    rows: Rows
    figures: pa.Table
    removed: Iterable[pa.Table]
    groups: pa.Table
    embeddings: pa.Table | None
    names: Cells
    licenses: Cells
    attribution: Cells
    tombstones: Cells
    funnel: Mapping[str, Any]
    about: Metadata
    made_by: str
    card: Texts
    datasheet: Texts


def write_contents(folder: Path, content: Contents) -> None:
    """Writes the tables, numbers and texts of a release to its folder."""
    # The tables of the paper.
    for split in SPLITS:
        write_split_tables(folder, split, content.rows.where("split", split))
    write_csv(folder / CUI_MAPPING, CUI_MAPPING_COLUMNS, content.names)
    write_csv(folder / LICENSES, LICENSE_COLUMNS, content.licenses)
    write_csv(folder / ATTRIBUTION, ATTRIBUTION_COLUMNS, content.attribution)

    # All columns of the kept figures, the dropped figures, the groups, and the retired ids.
    write_parquet(folder / FIGURES, content.figures)
    write_batches(folder / DROPPED, content.removed, _REMOVED)
    write_parquet(folder / GROUPS, content.groups)
    if content.embeddings is not None:
        write_embeddings(folder / EMBEDDINGS, content.embeddings)
    write_csv(folder / TOMBSTONES, TOMBSTONE_COLUMNS, content.tombstones)

    # Numbers, and the texts that contain them.
    sizes = Counter(content.rows.table["split"].to_pylist())
    funnel = {**content.funnel, "release": {split: sizes[split] for split in SPLITS}}
    leaks = leakage(content.figures)
    write_json(folder / FUNNEL, funnel)
    write_json(folder / LEAKAGE, leaks)
    write_json(folder / METADATA, content.about.to_json())
    card = content.card(funnel, leaks)
    write_text(folder / CARD, card if content.embeddings is None else with_row(card))
    write_text(folder / DATASHEET, content.datasheet(funnel, leaks))
    write_text(folder / CITATION, citation(content.rows, content.made_by, content.about))
