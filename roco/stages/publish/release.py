"""The stage `release`: gives the figures their ids and writes the folder of the release."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roco.base.errors import DataError, RecipeError
from roco.base.files import file_digest
from roco.base.formats import SUFFIX_OF_FORMAT
from roco.base.schema import COLUMNS, SPLITS, types
from roco.core.contract import Contract, Need
from roco.core.ledger import Changes, Ledger
from roco.core.stage import Finished, Publication, put
from roco.models.images.backbone import Backbone
from roco.models.text.terms import table as terms
from roco.models.text.vocabulary import table as vocabulary
from roco.release.attribution import attribution_row, license_row
from roco.release.contents import Contents, write_contents
from roco.release.embeddings import table_of
from roco.release.format import (
    CHECKSUMS,
    DROPPED_COLUMNS,
    FIGURES,
)
from roco.release.metadata import Metadata
from roco.release.previous import (
    PreviousRelease,
    content_files,
    known_releases,
    read_previous,
    read_release,
)
from roco.release.rows import Rows
from roco.release.writers import (
    ZipThreads,
    with_escapes,
    write_checksums,
)
from roco.stages.publish.card import card
from roco.stages.publish.concept_names import concept_names
from roco.stages.publish.datasheet import datasheet
from roco.stages.publish.details import with_published_details
from roco.stages.publish.groups import duplicates
from roco.stages.publish.growth import check_growth, ledger_changes
from roco.stages.publish.guarantees import allowed_licenses
from roco.stages.publish.ids import assigned_ids
from roco.stages.publish.tombstones import Tombstones

_NOT_PUBLISHED = {"figure_id", "bytes", "thumbnail", "embedding", "text_lines", "drop", "drop_detail"}
_NUMBER = re.compile(r"[0-9]{1,15}$")


@dataclass(frozen=True, kw_only=True)
class Release(Publication):
    """Numbers the figures of each split and writes the release in the format of the paper.

    Source: section Data Records.
    Ids follow the order of the articles, so that both layouts of PMC's packages give the same ids. Images of the
    previous release, which is the one in the run folder, keep their ids; new images continue from the highest number of
    their split; retired ids, listed in tombstones.csv with the reason, are never given to other images. previous:
    folder of another release to grow from. prefix: the beginning of each new id.
    metadata: title, creators and contact, the section [release] of a recipe. embeddings: adds embeddings.parquet, which
    `roco index` and `roco train neighbours` read instead of the images. backbone: as in `embed`.
    Raises DataError where an image differs from the one that was measured, a concept has no name, or an image of the
    release in the run folder would get another id or split.
    """

    needs = ("extract", "image")
    reads = ("article_key", "split")
    optional = ("pinned_id",)
    writes = types("id")
    takes_ledger = True
    only_new = ("prefix",)
    version = 4

    prefix: str = "roco"
    previous: Path | None = None
    metadata: Metadata | None = None
    embeddings: bool = False
    backbone: Path | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.prefix):
            hint = "use letters, digits, '.', '_' and '-'; begin with a letter or digit"
            raise RecipeError(f"invalid prefix {self.prefix!r} (stage 'release')", hint)
        if "ID" in self.prefix:
            # ImageCLEF's loaders of 2023 to 2025 take each row with `ID` anywhere in its id for the header.
            hint = "ImageCLEF's loaders skip ids that contain 'ID'; choose another prefix"
            raise RecipeError(f"invalid prefix '{self.prefix}' (stage 'release'): it contains 'ID'", hint)

    @property
    def contract(self) -> Contract:
        contract = super().contract
        if not self.embeddings:
            return contract
        measure: Need = ("embed", {"backbone": self.backbone}) if self.backbone else "embed"
        return dataclasses.replace(contract, needs=(*contract.needs, measure))

    @property
    def content(self) -> tuple[Path, ...]:
        return (terms.SHIPPED, vocabulary.SHIPPED, *content_files(self.previous))

    def prepare(self) -> None:
        if self.previous is not None:
            read_previous(self.previous)

    def __call__(self, batch: pa.Table, ledger: Ledger | None = None) -> pa.Table:
        return put(batch, "id", assigned_ids(batch, self.prefix, self._previous(ledger)))

    def _previous(self, ledger: Ledger | None) -> PreviousRelease | None:
        return known_releases(self.previous, ledger.table if ledger else None)

    def ledger(self, folder: Path) -> pa.Table:
        return read_release(folder).ledger

    def changes(self, before: pa.Table, after: pa.Table) -> Changes:
        return ledger_changes(PreviousRelease(before), PreviousRelease(after))

    def figure_of(self, folder: Path, id: str) -> str | None:
        try:
            rows = pq.read_table(folder / FIGURES, columns=["figure_id"], filters=[("id", "=", id)])
        except (OSError, pa.ArrowException):
            return ""
        return str(rows["figure_id"][0].as_py()) if len(rows) else ""

    def publish(self, run: Finished, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        table = _figures(run)
        rows = Rows(table.select([name for name in table.column_names if name in _USED]))
        check_growth(run, table)

        with ZipThreads() as zips:
            for split in SPLITS:
                members = _members(split, rows.select(_OF_IMAGES).where("split", split), run)
                zips.write(folder / f"{split}_images.zip", members)
            write_contents(folder, self._contents(run, table, rows))

        write_checksums(folder)

    def _contents(self, run: Finished, table: pa.Table, rows: Rows) -> Contents:
        """Returns what the files other than the images contain."""
        retired = Tombstones(self._previous(run.ledger), table["id"])
        funnel = dict(run.funnel)
        allowed = allowed_licenses(run.recipe)
        if allowed:
            funnel["licenses"] = allowed  # `roco verify` accepts these
        grown_from = self._grown_from(run.ledger)
        if grown_from:
            funnel["grown_from"] = grown_from
        about = self.metadata or Metadata()
        credited, described = rows.select(_CREDITS), rows.select(_DESCRIBING)
        return Contents(
            rows=rows, figures=table, removed=retired.noting(_removed(run)), groups=duplicates(run),
            names=concept_names(rows.select(_NAMING)),
            embeddings=self._embeddings(run, table) if self.embeddings else None,
            licenses=map(license_row, credited), attribution=map(attribution_row, credited), tombstones=retired,
            funnel=funnel, about=about, made_by=run.recipe["roco"],
            card=lambda funnel, leaks: card(described, funnel, run.recipe, leaks, about),
            datasheet=lambda funnel, leaks: datasheet(described, funnel, run.recipe, len(retired), about),
        )  # fmt: skip

    def _embeddings(self, run: Finished, figures: pa.Table) -> pa.Table:
        """Returns the embeddings of the images, in the order of the ids."""
        found = run.kept(["id", "embedding"])
        found = found.take(pc.index_in(figures["id"], value_set=found["id"].combine_chunks()))
        network = Backbone.load(self.backbone)
        stated = {"name": network.name, "width": network.width} | network.preparation
        return table_of(found["id"], found["embedding"], stated)

    def _grown_from(self, ledger: Ledger | None) -> str:
        """Returns the SHA-256 of the checksums of the previous release; empty without one."""
        if ledger is not None:
            return ledger.release
        is_known = self.previous is not None and (self.previous / CHECKSUMS).is_file()
        return file_digest(self.previous / CHECKSUMS) if self.previous and is_known else ""


# --- rows --------------------------------------------------------------------------------------------------

_OF_IMAGES = ("id", "split", "figure_id", "archive", "file", "format", "sha256")
_CREDITS = (
    "id", "figure_id", "article_key", "pmcid", "doi", "license", "license_url", "license_version", "license_port",
    "title", "authors", "journal", "year", "copyright",
)  # fmt: skip
_NAMING = ("concepts", "concepts_manual", "mentions", "suggested", "given_names")
_DESCRIBING = (
    "split", "article_key", "year", "license", "format", "n_frames", "declared", "identifying_fields", "given_id",
    "modality", "modality_from", "concepts", "concepts_manual",
)  # fmt: skip
"""What card and datasheet count."""
_GROUPS = ("image_key", "duplicate_group", "similar_group")
_USED = {"caption", *_OF_IMAGES, *_CREDITS, *_NAMING, *_DESCRIBING, *_GROUPS}
"""The columns that the files beside figures.parquet are made of."""


def _known(run: Finished) -> list[str]:
    """Returns the columns that the stages wrote: those of the schema in its order, then others by name."""
    written = set(run.columns) - _NOT_PUBLISHED
    return [name for name in COLUMNS if name in written] + sorted(written - COLUMNS.keys())


def _figures(run: Finished) -> pa.Table:
    """Returns the kept figures in the order of the ids; columns that the files need and no stage wrote are null."""
    table = run.kept(_known(run))
    for name in sorted(_USED - set(table.column_names)):
        table = table.append_column(name, pa.nulls(len(table), COLUMNS[name].type))

    # The CSV tables cannot tell null from empty, so figures.parquet does not either.
    for name in ("concepts", "concepts_manual"):
        table = put(table, name, pc.coalesce(table[name], pa.scalar([], COLUMNS[name].type)))
    table = put(table, "caption", pc.fill_null(table["caption"], ""))

    keys = pa.table({"split": pc.index_in(table["split"], value_set=pa.array(SPLITS)), "id": table["id"]})
    order = pc.sort_indices(keys, [("split", "ascending"), ("id", "ascending")])
    first = ["id", "split"]
    of_schema = [name for name in COLUMNS if name in table.column_names and name not in first]
    others = [name for name in table.column_names if name not in COLUMNS]
    return table.take(order).select([*first, *of_schema, *others])


def _removed(run: Finished) -> Iterator[pa.Table]:
    """Yields origin and reason of each dropped figure; no text of its article."""
    known = set(_known(run))
    for batch in run.removed([name for name in DROPPED_COLUMNS if name in known]):
        for name in DROPPED_COLUMNS:
            if name not in batch.column_names:
                batch = batch.append_column(name, pa.nulls(len(batch), pa.string()))
        yield with_escapes(with_published_details(batch.select(list(DROPPED_COLUMNS)), run.reasons))


# --- files -------------------------------------------------------------------------------------------------

_CHANGED = "the source changed during the run: restore the file, or run again from the changed source"


def _members(split: str, rows: Rows, run: Finished) -> Iterator[tuple[str, bytes]]:
    """Yields name and bytes of each image of a split; raises DataError where the bytes are not those measured."""
    images = run.images(rows.table.select(["figure_id", "archive", "file"]))
    for row in rows:
        figure_id = row["figure_id"]
        data = next(images, None)
        if data is None:
            raise DataError(f"missing image: {figure_id}", _CHANGED)
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise DataError(f"image changed since it was measured: {figure_id}", _CHANGED)
        if row["format"] not in SUFFIX_OF_FORMAT:
            raise DataError(f"unknown image format {row['format']}: {figure_id}", _CHANGED)
        yield f"{split}/{row['id']}{SUFFIX_OF_FORMAT[row['format']]}", data
