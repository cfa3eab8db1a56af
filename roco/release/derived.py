"""Writes a release that is made from another one: a subset of its images, with the same ids, splits and bytes."""

from __future__ import annotations

import hashlib
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
from roco.base.json_text import parse_json
from roco.base.progress import Progress
from roco.base.readers import csv_rows, read_text
from roco.base.schema import SPLITS
from roco.base.tables import ATTRIBUTION_COLUMNS, CUI_MAPPING_COLUMNS, LICENSE_COLUMNS
from roco.base.version import __version__
from roco.release.contents import Contents, write_contents
from roco.release.derived_card import card, datasheet
from roco.release.embeddings import chosen
from roco.release.format import (
    ATTRIBUTION,
    CHECKSUMS,
    CUI_MAPPING,
    DATASHEET,
    DROPPED_COLUMNS,
    EMBEDDINGS,
    FIGURES,
    FUNNEL,
    GROUPS,
    LICENSES,
)
from roco.release.metadata import Metadata
from roco.release.new_folder import check_new, new_folder
from roco.release.previous import Tombstone
from roco.release.pruning import emptied_splits, lost_concepts, prune_figures
from roco.release.pubmed import carried, read_pubmed
from roco.release.read import Release
from roco.release.relations import RELATION_COLUMNS
from roco.release.rows import Rows
from roco.release.verify import verify_release
from roco.release.writers import write_checksums, write_json, write_zip

PRUNED = "concepts"
"""The reason in removed.parquet and tombstones.csv of images without a concept that train has."""

_UNTRAINED = "no concept that occurs in train"

_CARD_COLUMNS = (
    *("id", "split", "article_key", "year", "license", "modality", "modality_from", "caption", "concepts"),
    *("concepts_manual", "identifying_fields", "n_frames", "declared", "format", "sha256", *RELATION_COLUMNS),
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


def check_parent(parent: Release, out: Path) -> None:
    """Raises UsageError if the folder cannot be written, DataError if the parent is not a release of roco."""
    check_new(out, parent.path)
    if parent.published:
        hint = 'make it a source (kind = "release") and select from the release of roco that a run makes of it'
        raise DataError(f"not a release of roco: {parent.path} has no {FIGURES}", hint)


def check_valid(parent: Release, progress: Progress) -> None:
    """Raises DataError if a release does not verify. Images are not read here: each is checked when it is copied."""
    problems = verify_release(parent.path, None, [], progress, with_images=False)
    if problems:
        first, more = problems[0], len(problems) - 1
        others = f", and {more:,} more" if more else ""
        raise DataError(f"invalid release {parent.path}: {first.where}: {first.what}{others}", _restore(parent))


def _restore(parent: Release) -> str:
    return f"run roco verify {parent.path} for details; restore the release before you go on"


# --- images that stay, images that leave ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Remainder:
    """The images of a release that stay when others leave.

    figures: the rows of those that stay. stages, removed, tombstones: what funnel.json, removed.parquet and
    tombstones.csv contain about those that leave. pruned: ids of images without any other concept. lost: concepts of
    valid and test that only images of train had which leave, with their numbers of images; empty if they are pruned.
    """

    figures: pa.Table
    stages: list[dict[str, Any]]
    removed: list[pa.Table]
    tombstones: list[Tombstone]
    pruned: list[str]
    lost: dict[str, int]
    emptied: list[str]


def leave_out(table: pa.Table, is_kept: pa.Array, stage: str, reason: str, detail: str, prune: bool) -> Remainder:
    """Returns what stays of a release without some images.

    is_kept: for each row of the table. stage, reason, detail: in the files about the others. prune: removes concepts
    from valid and test that no image of train has any more, and images without any other concept.
    """
    kept, others = table.filter(is_kept), table.filter(pc.invert(is_kept))
    stages = [_stage(stage, len(table), len(kept), reason)]
    removed = [removed_rows(others, stage, reason, detail or None)]
    tombstones = retired(others, reason, detail)
    lost, emptied = lost_concepts(table, kept), emptied_splits(table, kept)
    without = kept.slice(0, 0)
    if prune:
        lost = {}
        kept, without = prune_figures(kept)
        stages.append(_stage("prune", len(kept) + len(without), len(kept), PRUNED))
        removed.append(removed_rows(without, "prune", PRUNED, _UNTRAINED))
        tombstones += retired(without, PRUNED, _UNTRAINED)
    return Remainder(
        figures=kept, stages=stages, removed=removed, tombstones=tombstones, pruned=without["id"].to_pylist(),
        lost=lost, emptied=emptied,
    )  # fmt: skip


def named_concepts(release: Release, lost: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
    """Yields CUI, name and number of images of each lost concept, the most frequent first."""
    names = release.concept_names() if lost else {}
    for cui, number in sorted(lost.items(), key=lambda one: (-one[1], one[0])):
        yield cui, names.get(cui, "unnamed"), number


def _stage(name: str, rows: int, kept: int, reason: str) -> dict[str, Any]:
    dropped = {reason: rows - kept} if rows > kept else {}
    return {"stage": name, "kind": "decision", "in": rows, "kept": kept, "dropped": dropped}


# --- writing -------------------------------------------------------------------------------------------------


def write(parent: Release, out: Path, content: Derived, progress: Progress) -> None:
    """Writes the folder of a release whose images are some of those of its parent; the parent is not changed.

    The PubMed sidecar of the parent, if it has one, is restricted to the articles and written beside the folder.
    Raises DataError if an image is missing, corrupt or not the one that figures.parquet describes.
    """
    table = content.figures
    rows = Rows(table.select([name for name in dict.fromkeys(_CARD_COLUMNS) if name in table.column_names]))
    if not rows:
        raise UsageError("no image is left", "select more images: a release needs at least one")
    pubmed = read_pubmed(parent.path)
    articles = {row["article_key"] for row in rows}
    # Around the folder: the release has its sidecar as soon as it has its name.
    with carried(pubmed, out, articles) as carry, new_folder(out) as folder:
        progress.start("images", len(rows))
        for split in SPLITS:
            write_zip(folder / f"{split}_images.zip", _members(parent, rows.where("split", split), progress))
        progress.start("writing the tables", None)
        write_contents(folder, _contents(parent, content, rows))
        for name, value in content.records.items():
            write_json(folder / name, value)
        write_checksums(folder)
        carry()


def _contents(parent: Release, content: Derived, rows: Rows) -> Contents:
    """Returns what the files contain: of the tables of the parent, the rows of the images that stay."""
    ids = {row["id"] for row in rows}
    cuis = {cui for row in rows for cui in (*row["concepts"], *row["concepts_manual"])}
    of_card, of_datasheet = parent.card, read_text(parent.path / DATASHEET)
    heading, note, about = content.heading, content.note, content.about
    return Contents(
        rows=rows, figures=content.figures, removed=[content.removed], groups=content.groups,
        embeddings=chosen(parent.path / EMBEDDINGS, content.figures["id"].combine_chunks()),
        names=_rows_of(parent.path / CUI_MAPPING, CUI_MAPPING_COLUMNS, cuis),
        licenses=_rows_of(parent.path / LICENSES, LICENSE_COLUMNS, ids),
        attribution=_rows_of(parent.path / ATTRIBUTION, ATTRIBUTION_COLUMNS, ids),
        tombstones=sorted(content.tombstones),
        funnel=content.funnel, about=about, made_by=__version__,
        card=lambda funnel, leaks: card(of_card, rows, funnel, leaks, about, heading, note),
        datasheet=lambda funnel, leaks: datasheet(of_datasheet, rows, heading, note),
    )  # fmt: skip


def _members(parent: Release, rows: Rows, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Yields name and bytes of each image of a split."""
    for row in rows:
        data = parent.image(row["id"])
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            what = f"invalid release {parent.path}: image {row['id']} differs from {FIGURES} (SHA-256)"
            raise DataError(what, _restore(parent))
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
    funnel: dict[str, Any] = parse_json(read_text(parent.path / FUNNEL))
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
