"""An existing dataset as a source: a release of roco, or the published ROCOv2."""

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
from roco.release.format import CUI_MAPPING
from roco.release.problems import Problem
from roco.release.published import PublishedImage, PublishedTables, is_published, read_tables
from roco.release.read import Release
from roco.sources.archives.reader import STANDARD
from roco.sources.listing import Row, as_listing, listing_errors, require_folder

FIGURES = "figures.json"
"""The file of a package that replaces the XML: the images of the article as the dataset describes them."""

_PROBLEM = "!"
"""Begins the place of a problem with the dataset; no article key begins with it."""

_NOT_COPIED = {
    "id",
    "split",
    "figure_id",
    "archive",
    "origin",
    "drop",
    "drop_detail",
    "bytes",
    "thumbnail",
    "embedding",
}
_VERIFY = "roco verify"
_HINT = "give the folder that contains figures.parquet, or train_captions.csv and the other tables of ROCOv2"

_Figure = dict[str, Any]


class _Dataset(NamedTuple):
    """The figures by place (the article key), the image files by id, and the problems by place."""

    figures: dict[str, list[_Figure]]
    files: dict[str, ImageFile]
    problems: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ReleaseSource:
    """Lists one package per article of a dataset, and one per problem of its tables.

    The published ROCOv2 is read with its images in the zips, or unpacked to `train_images/train/`, `train_images/` or
    `train/`. Its ids, splits and concepts become `given_id`, `given_split`, `given_manual`, `given_concepts`; all
    other columns of a release of roco are copied. A table without a row for an image gives a row with that problem. An
    image without a file is dropped as `missing`, a file that no table lists as `scope`.
    """

    path: Path
    kind: ClassVar[str] = "release"

    @property
    def spec(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "path": str(self.path.absolute())}

    def listing(self, known: pa.Table | None) -> pa.Table:
        """Lists the articles; article and place are the article key. All tables are read each time."""
        with listing_errors(self.path):
            data = self._read()
        self.__dict__["_data"] = data
        rows = []
        for place, figures in data.figures.items():
            stamps = [data.files[figure["id"]].stamp if figure["file"] else None for figure in figures]
            is_pmcid = place.startswith("PMC") and place[3:].isdigit()
            facts = {"pmcid": place} if is_pmcid else {}
            rows.append(Row(place, digest([figures, stamps]), place, "", json.dumps(facts, sort_keys=True)))
        for place, problem in data.problems.items():
            rows.append(Row(place, digest([place, problem]), place, "", "{}"))
        if not rows:
            raise DataError(f"no images in {self.path}", _HINT)
        return as_listing(rows)

    def open(self, place: str) -> _Images:
        """Returns the images of one article; for the place of a problem, raises RejectedInput with it."""
        require_folder(self.path)
        if place in self._data.problems:
            raise RejectedInput(self._data.problems[place])
        figures = self._data.figures.get(place)
        if figures is None:
            raise RejectedInput(f"unknown article: {excerpt(place)}")
        return _Images(self, figures, self._data.files)

    def image(self, file: ImageFile) -> bytes:
        """Returns the bytes of one image; raises RejectedInput if it is missing, corrupt or too large."""
        if file.size > STANDARD.member:
            raise RejectedInput(f"image too large: {excerpt(file.name)} ({file.size:,} bytes)")
        try:
            return self._reader.read(file)
        except DataError as err:
            raise RejectedInput(err.message) from err

    @cached_property
    def _data(self) -> _Dataset:
        with listing_errors(self.path):
            return self._read()

    @cached_property
    def _reader(self) -> ImageReader:
        return ImageReader(self.path)

    def _read(self) -> _Dataset:
        """Reads the tables and lists the image files."""
        problems: list[Problem] = []
        if (self.path / "figures.parquet").is_file():
            described = _of_roco(self.path)
        elif is_published(self.path):
            tables = read_tables(self.path)
            _require_tables(self.path, tables)
            described = [(image.pmcid or image.id, _figure(image)) for image in tables.images.values()]
            problems += tables.problems
        else:
            raise DataError(f"not a dataset: {self.path}", _HINT)
        names = _names(self.path)
        index = index_images(self.path)
        for problem in index.unreadable:
            raise _unusable(self.path, problem)
        problems += index.problems

        figures: defaultdict[str, list[_Figure]] = defaultdict(list)
        for article, figure in described:
            file = index.files.get(figure["id"])
            found = {"article": article, "file": file.name if file else None}
            cuis = [*figure["concepts"], *figure["manual"]]
            figures[article].append(figure | found | {"names": {cui: names[cui] for cui in cuis if cui in names}})
        in_tables = {figure["id"] for _, figure in described}
        for id, file in index.files.items():
            if id not in in_tables:
                place = f"{_PROBLEM}{file.container}"
                figures[place].append({"id": id, "article": place, "file": file.name, "unlisted": True})
        for images in figures.values():
            images.sort(key=lambda figure: str(figure["id"]))

        by_place: dict[str, str] = {}
        for problem in problems:
            place = f"{_PROBLEM}{problem.where}"
            if place not in figures:
                by_place[place] = problem.what
        return _Dataset(dict(figures), index.files, by_place)


class _Images:
    """The package of one article: figures.json and the image files."""

    def __init__(self, source: ReleaseSource, figures: Sequence[_Figure], files: Mapping[str, ImageFile]):
        self._source = source
        self._json = json.dumps(figures, ensure_ascii=False, default=str).encode()
        self._files: dict[str, ImageFile] = {}
        for figure in figures:
            if figure["file"]:
                file = files[figure["id"]]
                self._files[file.name] = file
        self.xmls = [FIGURES]

    @property
    def files(self) -> list[tuple[str, int]]:
        sizes = {name: file.size for name, file in self._files.items()}
        sizes[FIGURES] = len(self._json)
        return sorted(sizes.items())

    def read(self, name: str) -> bytes:
        if name == FIGURES:
            return self._json
        if name not in self._files:
            raise RejectedInput(f"not in the dataset: {excerpt(name)}")
        return self._source.image(self._files[name])

    def close(self) -> None: ...


def _require_tables(root: Path, tables: PublishedTables) -> None:
    """Raises DataError for an unusable table, missing licences, and missing captions of a split with other files."""
    for problem in tables.unusable:
        raise _unusable(root, problem)
    for problem in tables.missing:
        name = problem.where
        split = name.partition("_")[0]
        has_split = name.endswith("_captions.csv") and any(root.glob(f"{split}_*"))
        if name == "license_information.csv" or has_split:
            raise _unusable(root, problem)


def _names(root: Path) -> dict[str, str]:
    """Returns the names of the dataset's CUIs; a dataset without cui_mapping.csv has none."""
    if not (root / CUI_MAPPING).is_file():
        return {}
    return Release.open(root).concept_names()


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
    """Returns the figures of a release by article; raises DataError if its table cannot be read."""
    release = Release.open(root)
    wanted = {name: COLUMNS[name].type for name in release.columns if name in COLUMNS}
    return [_figure_of_roco(root, row) for row in release.rows(wanted)]


def _figure_of_roco(root: Path, row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not row.get("id"):
        raise DataError(f"{root / 'figures.parquet'}: an image without an id", f"{_VERIFY} {root} shows details")
    manual = row.get("concepts_manual") or []
    known = {name: value for name, value in row.items() if name not in _NOT_COPIED and value is not None}
    figure = {
        **{name: row.get(name) for name in ("id", "split", "caption", "pmcid")},
        "attribution": None,
        "link": None,
        "concepts": [cui for cui in row.get("concepts") or () if cui not in manual],
        "manual": manual,
        "known": known,
    }
    return row.get("article_key") or row["id"], figure
