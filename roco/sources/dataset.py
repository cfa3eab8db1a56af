"""An earlier dataset as a source: a release of roco, or the published ROCOv2."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.schema import COLUMNS
from roco.base.terminal import excerpt
from roco.release.folders import ImageFile, ImageReader, index_images
from roco.release.problems import Problem
from roco.release.published import PublishedImage, PublishedTables, is_published, read_tables
from roco.release.read import Release
from roco.sources.archives.reader import STANDARD
from roco.sources.folder import Row, as_listing, demand_folder, listed

FIGURES = "figures.json"
"""The member of a package that stands where others have the XML: what the dataset says of the article's images."""

_ODD = "!"  # before the place of what is wrong with the dataset, which no article key begins with
_NOT_TOLD = {"id", "split", "figure_id", "archive", "origin", "drop", "drop_detail", "bytes", "thumbnail", "embedding"}
_VERIFY = "roco verify"
_HINT = "name the folder that holds figures.parquet, or train_captions.csv and the other tables of ROCOv2"


class _Dataset(NamedTuple):
    """Images by place, those that no table names, and what is wrong by place."""

    figures: dict[str, list[dict[str, Any]]]
    files: dict[str, ImageFile]
    faults: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ReleaseSource:
    """Lists one package for each article of a dataset, and one for each thing that is wrong with its tables.

    The published ROCOv2 is read with its images in the zips, or unpacked to `train_images/train/`, `train_images/`
    or `train/`. What people and machines said in it comes as `given_id`, `given_split`, `given_manual` and
    `given_concepts`; a release of roco brings all else that it knows of its articles too. A table that lacks an image
    says so in a row; a missing image is a row that leaves as `missing`, and an image that no table names as `scope`.
    """

    path: Path
    kind: ClassVar[str] = "release"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Article and place are the key of the article; all is looked at every time, for a table may have changed."""
        with listed(self.path):
            data = self._read()
        self.__dict__["_data"] = data
        rows = []
        for place, figures in data.figures.items():
            marks = [data.files[f["id"]].stamp if f["file"] else None for f in figures]
            facts = {"pmcid": place} if place.startswith("PMC") and place[3:].isdigit() else {}
            told = json.dumps(facts, sort_keys=True)
            rows.append(Row(place, digest([figures, marks]), place, "", told))
        rows += [Row(place, digest([place, why]), place, "", "{}") for place, why in data.faults.items()]
        if not rows:
            raise DataError(f"there is no image in {self.path}", _HINT)
        return as_listing(rows)

    def open(self, place: str) -> _Images:
        """The images of one article; raises RejectedInput for what is wrong with a table, with the reason."""
        demand_folder(self.path)
        if place in self._data.faults:
            raise RejectedInput(self._data.faults[place])
        figures = self._data.figures.get(place)
        if figures is None:
            raise RejectedInput(f"{excerpt(place)} is no article of the dataset")
        return _Images(self, figures, self._data.files)

    def image(self, file: ImageFile) -> bytes:
        """Returns the bytes of one image; raises RejectedInput where it is missing, corrupt or too large."""
        if file.size > STANDARD.member:
            raise RejectedInput(f"image too large: {excerpt(file.name)} ({file.size:,} bytes)")
        try:
            return self._reader.read(file)
        except DataError as err:
            raise RejectedInput(err.message) from err

    @cached_property
    def _data(self) -> _Dataset:
        with listed(self.path):
            return self._read()

    @cached_property
    def _reader(self) -> ImageReader:
        return ImageReader(self.path)

    def _read(self) -> _Dataset:
        if (self.path / "figures.parquet").is_file():
            told, wrong = _of_roco(self.path), list[Problem]()
        elif is_published(self.path):
            tables = read_tables(self.path)
            _demand_tables(self.path, tables)
            told = [(one.pmcid or one.id, _figure(one)) for one in tables.images.values()]
            wrong = list(tables.problems)
        else:
            raise DataError(f"not a dataset: {self.path}", _HINT)
        index = index_images(self.path)
        for problem in index.unreadable:
            raise _unusable(self.path, problem)
        files = index.files
        figures: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key, figure in told:
            picture = files.get(figure["id"])
            figure |= {"article": key, "file": picture.name if picture else None}
            figures[key].append(figure)
        known = {figure["id"] for _, figure in told}
        wrong += index.problems
        for id, picture in files.items():
            if id not in known:
                place = f"{_ODD}{picture.container}"
                figures[place].append({"id": id, "article": place, "file": picture.name, "untold": True})
        faults = {f"{_ODD}{fault.where}": fault.what for fault in wrong}
        for place in figures:
            figures[place].sort(key=lambda figure: str(figure["id"]))
        return _Dataset(dict(figures), files, {place: why for place, why in faults.items() if place not in figures})


class _Images:
    """The package of one article: what the dataset says of its images, and their files."""

    def __init__(self, source: ReleaseSource, figures: Sequence[Mapping[str, Any]], files: Mapping[str, ImageFile]):
        self._source = source
        self._told = json.dumps(figures, ensure_ascii=False, default=str).encode()
        self._files = {files[f["id"]].name: files[f["id"]] for f in figures if f["file"]}
        self.xmls = [FIGURES]

    @property
    def files(self) -> list[tuple[str, int]]:
        every = {name: picture.size for name, picture in self._files.items()} | {FIGURES: len(self._told)}
        return sorted(every.items())

    def read(self, name: str) -> bytes:
        if name == FIGURES:
            return self._told
        if name not in self._files:
            raise RejectedInput(f"no {excerpt(name)} in the dataset")
        return self._source.image(self._files[name])

    def close(self) -> None: ...


def _demand_tables(root: Path, tables: PublishedTables) -> None:
    """Raises DataError where a table cannot be used; a split of which the dataset has no file may be missing."""
    for problem in tables.unusable:
        raise _unusable(root, problem)
    for problem in tables.missing:
        name = problem.where
        split = name.partition("_")[0]
        has_split = name.endswith("_captions.csv") and any(root.glob(f"{split}_*"))
        if name == "license_information.csv" or has_split:
            raise _unusable(root, problem)


def _unusable(root: Path, problem: Problem) -> DataError:
    name = problem.where.partition(",")[0]
    return DataError(f"{root / name}: {problem.what}", f"restore the published file; {_VERIFY} {root} shows details")


def _figure(one: PublishedImage) -> dict[str, Any]:
    manual = list(one.manual or ())
    return {
        **{name: getattr(one, name) for name in ("id", "split", "caption", "pmcid", "attribution", "link")},
        "concepts": [cui for cui in one.concepts or () if cui not in manual],
        "manual": manual,
        "known": {},
    }


def _of_roco(root: Path) -> list[tuple[str, dict[str, Any]]]:
    """Returns the figures of a release by article; raises DataError where its table cannot be read."""
    release = Release.open(root)
    wanted = {name: COLUMNS[name].type for name in release.columns if name in COLUMNS}
    return [_figure_of_roco(root, row) for row in release.rows(wanted)]


def _figure_of_roco(root: Path, row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not row.get("id"):
        raise DataError(f"{root / 'figures.parquet'}: an image without an id", f"{_VERIFY} {root} shows details")
    manual = row.get("concepts_manual") or []
    known = {name: value for name, value in row.items() if name not in _NOT_TOLD and value is not None}
    figure = {
        **{name: row.get(name) for name in ("id", "split", "caption", "pmcid")},
        "attribution": None,
        "link": None,
        "concepts": [cui for cui in row.get("concepts") or () if cui not in manual],
        "manual": manual,
        "known": known,
    }
    return row.get("article_key") or row["id"], figure
