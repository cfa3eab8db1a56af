"""Gives the figures their ids and writes the folder that others use: the files of the paper and what explains them."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError, RecipeError
from roco.base.files import file_digest, whole, write_json, write_text
from roco.base.formats import SUFFIX_OF_FORMAT
from roco.base.schema import COLUMNS, SPLITS, types
from roco.base.tables import (
    ATTRIBUTION_COLUMNS,
    CUI_MAPPING_COLUMNS,
    LICENSE_COLUMNS,
    SPLIT_TABLES,
    TOMBSTONE_COLUMNS,
)
from roco.core.stage import Finished, Publication, put
from roco.models.text import vocabulary
from roco.release.previous import earlier, seal
from roco.release.read import CHECKSUMS, LEAKAGE, REMOVED, TOMBSTONES, leakage
from roco.stages.publish.attribution import attribution_row, license_row
from roco.stages.publish.card import card
from roco.stages.publish.datasheet import citation, datasheet
from roco.stages.publish.groups import duplicates
from roco.stages.publish.tombstones import tombstones

_NOT_PUBLISHED = {"figure_id", "bytes", "thumbnail", "embedding", "drop", "drop_detail"}
_NUMBER = re.compile(r"[0-9]{1,15}$")
_ROWS_AT_ONCE = 10_000  # rows of a Parquet row group: what a reader has to hold


@dataclass(frozen=True, kw_only=True)
class Release(Publication):
    """Numbers the figures within each split and publishes them in the format of the paper (Data Records).

    The same figures get the same ids whichever layout they were read from. previous: folder of the release that this
    one grows from; images that were in it keep their ids, new ones go on from the highest number of their split, and
    no id is given twice: those of images that are gone stand in tombstones.csv with the reason. Raises DataError where
    an image is not the one that was measured, or a concept has no name.
    """

    needs = ("extract", "image")
    reads = ("article_key", "split")
    optional = ("pinned_id",)
    writes = types("id")

    prefix: str = "roco"
    vocabulary: Path | None = None
    previous: Path | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.prefix):
            hint = "use letters, digits, '.', '_' and '-'"
            raise RecipeError(f"release: the prefix {self.prefix!r} cannot begin a file name", hint)
        if "ID" in self.prefix:
            # ImageCLEF's loaders of 2023 to 2025 take a row for the header when `ID` is anywhere in its id.
            raise RecipeError(f"release: the prefix '{self.prefix}' holds 'ID'", "ImageCLEF's loaders skip such rows")

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.vocabulary or vocabulary.SHIPPED, *seal(self.previous))

    def __call__(self, batch: pa.Table) -> pa.Table:
        rows = batch.select(["figure_id", "article_key", "split", "drop", "pinned_id"]).to_pylist()
        ids: list[str | None] = [None] * len(rows)
        count = Counter[str]() if self.previous is None else earlier(self.previous).highest
        for row in rows:
            if number := _NUMBER.search(row["pinned_id"] or ""):
                count[row["split"]] = max(count[row["split"]], int(number[0]))
        for at in sorted((i for i, row in enumerate(rows) if row["drop"] is None), key=lambda i: _order(rows[i])):
            split = rows[at]["split"]
            if split not in SPLITS:
                raise RecipeError(f"the figure {rows[at]['figure_id']} is in no split", "put 'split' before 'release'")
            if rows[at]["pinned_id"]:
                ids[at] = rows[at]["pinned_id"]
                continue
            count[split] += 1
            ids[at] = f"{self.prefix}_{split}_{count[split]:06d}"
        return put(batch, "id", pa.array(ids, pa.string()))

    def publish(self, run: Finished, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        table = _figures(run)
        rows = table.select([name for name in table.column_names if name in _USED]).to_pylist()
        sizes = Counter(row["split"] for row in rows)
        funnel = {**run.funnel, "release": {split: sizes[split] for split in SPLITS}}
        for split in SPLITS:
            mine = [row for row in rows if row["split"] == split]
            _write_images(folder / f"{split}_images.zip", split, mine, run)
            _write_tables(folder, split, mine)
        self._write_mapping(folder / "cui_mapping.csv", rows)
        _write_csv(folder / "license_information.csv", LICENSE_COLUMNS, map(license_row, rows))
        _write_csv(folder / "attribution.csv", ATTRIBUTION_COLUMNS, map(attribution_row, rows))
        _write_parquet(folder / "figures.parquet", table)
        removed = _removed(run)
        _write_parquet(folder / "removed.parquet", removed)
        _write_parquet(folder / "duplicates.parquet", duplicates(run))
        before = None if self.previous is None else earlier(self.previous)
        gone = list(tombstones(before, rows, removed.to_pylist() if before else ()))
        _write_csv(folder / TOMBSTONES, TOMBSTONE_COLUMNS, gone)
        found = leakage(rows)
        write_json(folder / "funnel.json", funnel)
        write_json(folder / LEAKAGE, found)
        write_text(folder / "README.md", card(rows, funnel, run.recipe, found))
        write_text(folder / "DATASHEET.md", datasheet(rows, funnel, run.recipe, len(gone)))
        write_text(folder / "CITATION.cff", citation(rows, run.recipe))
        names = sorted(path.name for path in folder.iterdir())
        write_text(folder / CHECKSUMS, "".join(f"{file_digest(folder / name)}  {name}\n" for name in names))

    def _write_mapping(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        used = {cui for row in rows for name in ("concepts", "concepts_manual") for cui in row[name]}
        known = vocabulary.load(self.vocabulary).by_cui
        if unnamed := sorted(used - known.keys()):
            raise DataError(
                f"the vocabulary has no name for {', '.join(unnamed[:5])}{' …' if unnamed[5:] else ''}",
                "give the release the vocabulary that the concepts were found with: vocabulary = …",
            )
        _write_csv(path, CUI_MAPPING_COLUMNS, ([cui, known[cui].name] for cui in sorted(used)))


def _order(row: Mapping[str, Any]) -> tuple[str, str]:
    # By article first: within one article the ids of both layouts differ only in a prefix they all share.
    return row["article_key"] or "", row["figure_id"]


# --- rows --------------------------------------------------------------------------------------------------

_TEXTS = ("id", "split", "article_key", "pmcid", "doi", "license", "archive", "file", "format", "sha256", "modality")
_CREDITED = ("title", "journal", "license_url", "license_version", "license_port", "copyright")
_GROUPS = ("image_key", "duplicate_group", "similar_group")
_FOUND = ("modality_from", "identifying_fields", "n_frames", "declared")
_USED = {
    "figure_id",
    *_TEXTS,
    *_CREDITED,
    *_GROUPS,
    *_FOUND,
    "year",
    "authors",
    "caption",
    "concepts",
    "concepts_manual",
}


def _known(run: Finished) -> list[str]:
    """The columns that some stage of the run wrote: those of the schema in its order, then others by name."""
    written = set(run.columns) - _NOT_PUBLISHED
    return [name for name in COLUMNS if name in written] + sorted(written - COLUMNS.keys())


def _figures(run: Finished) -> pa.Table:
    """All that is known of the kept figures, in the order of the ids; what the files need and nobody wrote is null."""
    table = run.kept(_known(run))
    for name in sorted(_USED - set(table.column_names)):
        table = table.append_column(name, pa.nulls(len(table), COLUMNS[name].type))
    for name in ("concepts", "concepts_manual"):
        values = [value or [] for value in table[name].to_pylist()]
        table = put(table, name, pa.array(values, COLUMNS[name].type))
    table = put(table, "caption", pa.array([text or "" for text in table["caption"].to_pylist()], pa.string()))
    keys = table.select(["split", "id"]).to_pylist()
    order = sorted(range(len(keys)), key=lambda i: (SPLITS.index(keys[i]["split"]), keys[i]["id"]))
    names = ["id", "split", *(name for name in COLUMNS if name in table.column_names and name not in ("id", "split"))]
    names += [name for name in table.column_names if name not in names]
    return table.take(pa.array(order, pa.int64())).select(names)


def _removed(run: Finished) -> pa.Table:
    """Where each figure that left came from and why it left; no words of its article."""
    known = set(_known(run))
    table = run.removed([name for name in REMOVED if name in known])
    for name in REMOVED:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), pa.string()))
    pairs = zip(table["drop"].to_pylist(), table["drop_detail"].to_pylist(), strict=True)
    return put(table.select(list(REMOVED)), "drop_detail", pa.array([_bare(*pair) for pair in pairs], pa.string()))


_OF_THE_FILE = {"license", "retracted", "no_graphic", "missing", "video", "table", "scope", "caption", "unreadable",
                "duplicate", "concepts", "leak", "superseded", "article"}  # fmt: skip
_QUOTED = re.compile(r"""["“”„«»‘].*|(?<!\w)['’`].*""", re.DOTALL)
_NUMBERS = re.compile(r"\w+(?:[ :,]+(?:[<>=]=?|[-+]?\d[\d.,]*%?|[A-Z]{2,4}\d*))*")


def _bare(reason: str, detail: str | None) -> str | None:
    """A detail without words of the article: quotations are cut off.

    Reasons that are found by reading (a credit line, a language, a person's note) keep a word with numbers alone.
    """
    if detail is None:
        return None
    text = _QUOTED.sub("…", " ".join(detail.split()))
    if reason not in _OF_THE_FILE:
        text = text.partition(":")[0]
        return text if _NUMBERS.fullmatch(text) else None
    return text if len(text) <= 100 else f"{text[:99]}…"


# --- files -------------------------------------------------------------------------------------------------


def _write_images(path: Path, split: str, rows: Sequence[Mapping[str, Any]], run: Finished) -> None:
    def members() -> Iterator[tuple[str, bytes]]:
        for row, data in _images(rows, run):
            if row["format"] not in SUFFIX_OF_FORMAT:
                raise DataError(f"the image of {row['figure_id']} is of the format {row['format']}", _DIFFERS)
            yield f"{split}/{row['id']}{SUFFIX_OF_FORMAT[row['format']]}", data

    stored_zip(path, members())


def stored_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes a zip of names and bytes, stored as they are; the same members give the same bytes."""
    with whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            # The name and the date are all that zips of equal images could differ in.
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)


_DIFFERS = "its file changed behind the run's back: bring the old one back, or run again from the changed source"


def _images(rows: Sequence[Mapping[str, Any]], run: Finished) -> Iterator[tuple[Mapping[str, Any], bytes]]:
    """Each row with the bytes of its image, which are the ones that were measured."""
    places = {name: pa.string() for name in ("figure_id", "archive", "file")}
    found = run.images(pa.table({n: pa.array([row[n] for row in rows], t) for n, t in places.items()}))
    for row in rows:
        data = next(found, None)
        if data is None:
            raise DataError(f"there is no image for {row['figure_id']}", _DIFFERS)
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise DataError(f"the image of {row['figure_id']} is not the one that was measured", _DIFFERS)
        yield row, data


def _write_tables(folder: Path, split: str, rows: Sequence[Mapping[str, Any]]) -> None:
    for name, header in SPLIT_TABLES.items():
        if name == "captions":
            cells = ([row["id"], row["caption"]] for row in rows)
        else:
            cells = ([row["id"], ";".join(row[name])] for row in rows)
        _write_csv(folder / f"{split}_{name}.csv", header, cells)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    write_text(path, "".join(",".join(map(_cell, cells)) + "\n" for cells in (header, *rows)))


def _cell(text: str) -> str:
    # By hand: whether csv.writer quotes a lone carriage return depends on the version of Python.
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def _write_parquet(path: Path, table: pa.Table) -> None:
    # Arrow's own schema names the elements of a list by whether the column was made or read: other bytes, same table.
    with whole(path) as part:
        pq.write_table(table, part, compression="zstd", row_group_size=_ROWS_AT_ONCE, store_schema=False)
