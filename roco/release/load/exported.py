"""The folder of an export as `roco.load` reads it: the columns and the images of its shards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError
from roco.base.json_text import parse_json
from roco.base.readers import UNREADABLE, read_text
from roco.base.schema import COLUMNS, SPLITS
from roco.base.terminal import excerpt
from roco.release.export.engine import RECORD
from roco.release.export.rows import FIELDS
from roco.release.folders import ID, ImageFile, ImageIndex
from roco.release.format import FIGURES
from roco.release.front_matter import HUB_SPLITS
from roco.release.load.parquet_places import image_places
from roco.release.load.tar_samples import UNREADABLE_TAR, samples

NAMES = {"image_id": "id", "cui": "concepts", "cui_manual": "concepts_manual"}
"""Fields of exports that are columns of a release under another name."""

_FIELD_OF = {NAMES.get(field, field): field for field in FIELDS}
_SHARD = re.compile(r"(?:data/)?([a-z]+)-[0-9]{5,6}(?:-of-[0-9]{5})?\.(?:parquet|tar)")
AGAIN = "run the same roco export again: it compares every file with export.json"
"""What to do with an export that is damaged."""


class Source(Protocol):
    """What figures are read from: a release, the published ROCOv2, or an export."""

    path: Path
    published: bool

    @property
    def columns(self) -> list[str]:
        """Returns the names of the columns of `table`."""

    @property
    def image_index(self) -> ImageIndex:
        """Returns the image files by id."""

    def table(self, split: None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns columns of all images, in the order of the ids."""


class Shard(NamedTuple):
    """A file with images of one split; bytes and images are those that export.json states."""

    name: str
    split: str
    n_bytes: int
    n_images: int


def open_export(path: Path) -> HfExport | TarExport | None:
    """Opens the folder of an export; returns None for a folder without export.json.

    Raises DataError for an export without shards of images, an incomplete one, and an invalid export.json.
    """
    if not (path / RECORD).is_file():
        return None
    try:
        record = parse_json(read_text(path / RECORD))
        format, is_complete = str(record["format"]), record["complete"] is True
        files = {str(name): (int(file["bytes"]), int(file["images"])) for name, file in record["files"].items()}
    except (*UNREADABLE, AttributeError, KeyError, TypeError) as err:
        raise DataError(f"{path / RECORD} is invalid", "export the release again, to a new folder") from err
    if format not in _KINDS:
        what = f"an export in the format '{excerpt(format)}' cannot be loaded: {path}"
        raise DataError(what, f"load its release, or an export in the format {' or '.join(_KINDS)}")
    if not is_complete:
        raise DataError(f"the export is incomplete: {path}", "run the same roco export again, which writes the rest")
    return _KINDS[format](path, list(_shards(files)))


def _shards(files: Mapping[str, tuple[int, int]]) -> Iterator[Shard]:
    """Yields the shards in the order of the release: train, valid, test, each by number."""
    split_of = {name: split for split, name in HUB_SPLITS.items()} | {split: split for split in SPLITS}
    found = []
    for name, (n_bytes, n_images) in files.items():
        match = _SHARD.fullmatch(name)
        if match and match[1] in split_of:
            found.append(Shard(name, split_of[match[1]], n_bytes, n_images))
    yield from sorted(found, key=lambda shard: (SPLITS.index(shard.split), shard.name))


class _Export:
    """What both formats have in common."""

    published = False

    def __init__(self, path: Path, shards: Sequence[Shard]) -> None:
        self.path = path
        self._shards = shards

    def _file(self, shard: Shard) -> Path:
        """Returns the path of a shard; raises DataError if it is missing or has another size."""
        path = self.path / shard.name
        if not path.is_file():
            raise DataError(f"the export is incomplete: missing file {path}", AGAIN)
        if path.stat().st_size != shard.n_bytes:
            what = f"{path} has {path.stat().st_size:,} bytes, not the {shard.n_bytes:,} of {RECORD}"
            raise DataError(what, AGAIN)
        return path

    def _unreadable(self, name: str, err: Exception) -> DataError:
        return DataError(f"{self.path / name}: unreadable: {excerpt(err) or type(err).__name__}", AGAIN)


class HfExport(_Export):
    """An export for the Hugging Face Hub: all columns of the release, and those fields that only the shards have."""

    @cached_property
    def columns(self) -> list[str]:
        """Returns the names of the columns of figures.parquet, then of further fields such as attribution."""
        try:
            names = list(pq.read_schema(self._figures).names)
        except UNREADABLE as err:
            raise self._unreadable(self._figures.name, err) from err
        return [*names, *(name for name in _FIELD_OF if name not in names)]

    def table(self, split: None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns columns of all images, in the order of the ids."""
        wanted = self.columns if columns is None else list(columns)
        try:
            of_release = set(pq.read_schema(self._figures).names)
            read = dict.fromkeys(["id", *(name for name in wanted if name in of_release)])
            table = pq.read_table(self._figures, columns=list(read), partitioning=None)
        except UNREADABLE as err:
            raise self._unreadable(self._figures.name, err) from err
        further = [name for name in wanted if name not in of_release]
        if further:
            shards = pa.concat_tables([self._columns(shard, ["image_id", *further]) for shard in self._shards])
            if shards["image_id"].to_pylist() != table["id"].to_pylist():
                raise DataError(f"the shards have other images than {self._figures}", AGAIN)
            for name in further:
                table = table.append_column(name, shards[name])
        return table.select(wanted)

    @cached_property
    def image_index(self) -> ImageIndex:
        """Returns the image files by id; of each image, its length is read."""
        index = ImageIndex()
        for shard in self._shards:
            path = self._file(shard)
            table = self._columns(shard, ["image_id", "image.path"])
            names = table["image"].combine_chunks().field("path").to_pylist()
            try:
                rows = zip(table["image_id"].to_pylist(), names, image_places(path), strict=True)
                for id, name, place in rows:
                    if not id or not ID.fullmatch(id) or not name or name.rpartition(".")[0] != id:
                        raise ValueError(f"invalid name of an image: {excerpt(name)}")
                    index.files[id] = ImageFile(name, shard.split, shard.name, name, place.packed, "", place)
            except UNREADABLE as err:
                raise self._unreadable(shard.name, err) from err
        return index

    @property
    def _figures(self) -> Path:
        return self.path / "metadata" / FIGURES

    def _columns(self, shard: Shard, names: Sequence[str]) -> pa.Table:
        try:
            with pq.ParquetFile(self._file(shard)) as file:
                return file.read(columns=list(names))
        except UNREADABLE as err:
            raise self._unreadable(shard.name, err) from err


class TarExport(_Export):
    """An export for WebDataset: the fields of the JSON part of each sample, and the split of its shard."""

    columns = ["id", "split", *(name for name in _FIELD_OF if name != "id")]

    def table(self, split: None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Returns columns of all images, in the order of the shards."""
        return self._read[0] if columns is None else self._read[0].select(list(columns))

    @property
    def image_index(self) -> ImageIndex:
        """Returns the image files by id."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[pa.Table, ImageIndex]:
        """Returns all columns and the image files: one pass over the headers and the JSON parts of all shards."""
        schema = pa.schema([(name, _type(name)) for name in self.columns])
        index = ImageIndex()
        tables = [schema.empty_table()]
        for shard in self._shards:
            path = self._file(shard)
            rows: list[dict[str, Any]] = []
            try:
                for file, fields in samples(path, shard.name, shard.split):
                    id = file.name.rpartition(".")[0]
                    index.files[id] = file
                    rows.append({name: fields.get(field) for name, field in _FIELD_OF.items()} | {"split": file.split})
                if len(rows) != shard.n_images:
                    raise ValueError(f"{len(rows):,} images, not {shard.n_images:,}")
                tables.append(pa.Table.from_pylist(rows, schema))
            except UNREADABLE_TAR as err:
                raise self._unreadable(shard.name, err) from err
        return pa.concat_tables(tables), index


def _type(name: str) -> pa.DataType:
    """Returns the type of a column: that of a release, or of a field that only exports have."""
    return COLUMNS[name].type if name in COLUMNS else FIELDS[_FIELD_OF[name]].type


_KINDS: Mapping[str, type[HfExport] | type[TarExport]] = {"hf": HfExport, "webdataset": TarExport}
