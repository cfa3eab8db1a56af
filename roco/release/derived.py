"""Writes a release that is made from another one: a subset of its images, with the same ids, splits and bytes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest
from roco.base.formats import SUFFIX_OF_FORMAT
from roco.base.progress import Progress
from roco.base.readers import csv_rows, read_text
from roco.base.schema import SPLITS
from roco.base.tables import ATTRIBUTION_COLUMNS, CUI_MAPPING_COLUMNS, LICENSE_COLUMNS, TOMBSTONE_COLUMNS
from roco.base.version import __version__
from roco.release.citation import citation
from roco.release.derived_card import card, datasheet
from roco.release.format import (
    ATTRIBUTION,
    CARD,
    CHECKSUMS,
    CITATION,
    CUI_MAPPING,
    DATASHEET,
    DROPPED,
    DROPPED_COLUMNS,
    FIGURES,
    FUNNEL,
    GROUPS,
    LEAKAGE,
    LICENSES,
    METADATA,
    TOMBSTONES,
)
from roco.release.leakage import TIE_COLUMNS, leakage
from roco.release.metadata import Metadata
from roco.release.new_folder import check_new, new_folder
from roco.release.previous import Tombstone
from roco.release.pubmed import carry, read_pubmed
from roco.release.read import Release
from roco.release.verify import verify_release
from roco.release.writers import (
    write_checksums,
    write_csv,
    write_json,
    write_parquet,
    write_split_tables,
    write_text,
    write_zip,
)

_CARD_COLUMNS = (
    *("id", "split", "article_key", "year", "license", "modality", "modality_from", "caption", "concepts"),
    *("concepts_manual", "identifying_fields", "n_frames", "declared", "format", "sha256", *TIE_COLUMNS),
)


@dataclass(frozen=True, kw_only=True)
class Derived:
    """What a release that is made from another one contains.

    figures: the rows of figures.parquet, in their order. removed: of removed.parquet. groups: of duplicates.parquet.
    tombstones: all of them. funnel: funnel.json without the sizes of the splits. about: metadata. heading, note: a
    heading, and what card and datasheet state below it about the parent. records: further files of JSON, by name.
    """

    figures: pa.Table
    removed: pa.Table
    groups: pa.Table
    tombstones: Sequence[Tombstone]
    funnel: Mapping[str, Any]
    about: Metadata
    heading: str
    note: str
    records: Mapping[str, Any] = field(default_factory=dict)


def check_parent(parent: Release, out: Path, progress: Progress) -> None:
    """Raises UsageError if the folder cannot be written, DataError if the release is invalid; reads no image."""
    check_new(out, parent.path)
    if parent.published:
        hint = 'make it a source (kind = "release") and select from the release of roco that a run makes of it'
        raise DataError(f"not a release of roco: {parent.path} has no {FIGURES}", hint)
    problems = verify_release(parent.path, None, [], progress, with_images=False)
    if problems:
        first, more = problems[0], len(problems) - 1
        others = f", and {more:,} more" if more else ""
        hint = f"run roco verify {parent.path} for details; restore the release before you go on"
        raise DataError(f"invalid release {parent.path}: {first.where}: {first.what}{others}", hint)


def write(parent: Release, out: Path, content: Derived, progress: Progress) -> None:
    """Writes the folder of a release whose images are some of those of its parent; the parent is not changed.

    The PubMed sidecar of the parent, if it has one, is restricted to the articles and written beside the folder.
    Raises DataError if an image is missing, corrupt or not the one that figures.parquet describes.
    """
    table = content.figures
    rows = table.select([name for name in dict.fromkeys(_CARD_COLUMNS) if name in table.column_names]).to_pylist()
    if not rows:
        raise UsageError("no image is left", "select more images: a release needs at least one")
    ids = {row["id"] for row in rows}
    cuis = {cui for row in rows for cui in (*row["concepts"], *row["concepts_manual"])}
    sizes = Counter(row["split"] for row in rows)
    funnel = {**content.funnel, "release": {split: sizes[split] for split in SPLITS}}
    leaks = leakage({**dict.fromkeys(TIE_COLUMNS), **row} for row in rows)
    pubmed = read_pubmed(parent.path)
    with new_folder(out) as folder:
        # The tables of the paper, and the images.
        progress.start("images", len(rows))
        for split in SPLITS:
            of_split = [row for row in rows if row["split"] == split]
            write_zip(folder / f"{split}_images.zip", _members(parent, of_split, progress))
            write_split_tables(folder, split, of_split)
        for name, header, kept in (
            (CUI_MAPPING, CUI_MAPPING_COLUMNS, cuis),
            (LICENSES, LICENSE_COLUMNS, ids),
            (ATTRIBUTION, ATTRIBUTION_COLUMNS, ids),
        ):
            write_csv(folder / name, header, _rows_of(parent.path / name, header, kept))
        # All columns, what is gone, and the numbers.
        write_parquet(folder / FIGURES, table)
        write_parquet(folder / DROPPED, content.removed)
        write_parquet(folder / GROUPS, content.groups)
        retired = sorted(content.tombstones, key=lambda tombstone: tombstone.id)
        write_csv(folder / TOMBSTONES, TOMBSTONE_COLUMNS, retired)
        for name, value in {
            FUNNEL: funnel,
            LEAKAGE: leaks,
            METADATA: content.about.to_json(),
            **content.records,
        }.items():
            write_json(folder / name, value)
        # The texts.
        text = card(parent.card, rows, funnel, leaks, content.about, content.heading, content.note)
        write_text(folder / CARD, text)
        of_parent = read_text(parent.path / DATASHEET)
        write_text(folder / DATASHEET, datasheet(of_parent, rows, content.heading, content.note))
        write_text(folder / CITATION, citation(rows, __version__, content.about))
        write_checksums(folder)
    if pubmed is not None:
        carry(pubmed, out, {row["article_key"] for row in rows})


def _members(parent: Release, rows: Sequence[Mapping[str, Any]], progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Yields name and bytes of each image of a split."""
    for row in rows:
        data = parent.image(row["id"])
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            hint = f"run roco verify {parent.path} for details; restore the release before you go on"
            raise DataError(f"invalid release {parent.path}: image {row['id']} differs from {FIGURES} (SHA-256)", hint)
        yield f"{row['split']}/{row['id']}{SUFFIX_OF_FORMAT[row['format']]}", data
        progress.advance()


def _rows_of(path: Path, header: tuple[str, ...], kept: Collection[str]) -> Iterator[list[str]]:
    """Yields the rows of a table of the parent whose first cell is kept."""
    for _, cells, _ in csv_rows(path, header):
        if cells is not None and cells[0] in kept:
            yield cells


# --- parts of the parent -------------------------------------------------------------------------------------


def parent_funnel(parent: Release) -> dict[str, Any]:
    """Returns funnel.json of a release that has been checked."""
    funnel: dict[str, Any] = json.loads(read_text(parent.path / FUNNEL))
    return funnel


def parent_digest(parent: Release) -> str:
    """Returns the SHA-256 of the checksums of a release, which identifies it."""
    return file_digest(parent.path / CHECKSUMS)


def parent_tombstones(parent: Release) -> list[Tombstone]:
    return [Tombstone(*cells) for cells in parent.tombstones()]


def groups_of(parent: Release, ids: pa.Array, *, keep_dropped: bool) -> pa.Table:
    """Returns the rows of duplicates.parquet of some images; keep_dropped: and those of figures that were dropped."""
    table = pq.read_table(parent.path / GROUPS)
    kept = pc.is_in(table["id"], value_set=ids)
    return table.filter(pc.or_(kept, pc.is_null(table["id"])) if keep_dropped else kept)


def removed_rows(figures: pa.Table, stage: str, reason: str, detail: str | None) -> pa.Table:
    """Returns rows of removed.parquet for images that were in a release."""
    columns = {}
    for name in DROPPED_COLUMNS:
        is_known = name in figures.column_names
        columns[name] = figures[name] if is_known else pa.nulls(len(figures), pa.string())
    for name, value in {"stage": stage, "drop": reason, "drop_detail": detail}.items():
        columns[name] = pa.array([value] * len(figures), pa.string())
    return pa.table(columns)


def retired(figures: pa.Table, reason: str, detail: str) -> list[Tombstone]:
    """Returns the tombstones of images that were in a release."""
    names = [name for name in Tombstone._fields[:6] if name in figures.column_names]
    blank = dict.fromkeys(Tombstone._fields[:6], "")
    tombstones = []
    for row in figures.select(names).to_pylist():
        known = {name: value or "" for name, value in row.items()}
        tombstones.append(Tombstone(**{**blank, **known}, reason=reason, detail=detail))
    return tombstones
