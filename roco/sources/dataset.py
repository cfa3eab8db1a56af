"""An earlier dataset as a source: a release of roco, or the published ROCOv2."""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError, RejectedInput
from roco.base.files import digest
from roco.base.limits import UNREADABLE, parquet_rows
from roco.base.schema import COLUMNS
from roco.base.terminal import excerpt
from roco.release.folders import MISSING, UNUSABLE, Fault, Picture, Told, is_published, pictures, tables
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
    pictures: dict[str, Picture]
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
            marks = [data.pictures[f["id"]].mark if f["file"] else None for f in figures]
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
        return _Images(self, figures, self._data.pictures)

    def image(self, picture: Picture) -> bytes:
        """The bytes of one image; raises RejectedInput where they cannot be had."""
        if picture.size > STANDARD.member:
            raise RejectedInput(f"{excerpt(picture.name)} is too large: {picture.size} bytes")
        try:
            if picture.container.endswith(".zip"):
                with self._zip(picture.container).open(picture.member) as fh:
                    data = fh.read(picture.size + 1)
            else:
                with (self.path / picture.container / picture.member).open("rb") as fh:
                    data = fh.read(picture.size + 1)
        except UNREADABLE as err:
            raise RejectedInput(
                f"{excerpt(picture.name)} cannot be read: {excerpt(err) or type(err).__name__}"
            ) from err
        except KeyError as err:
            raise RejectedInput(f"{excerpt(picture.name)} is gone") from err
        if len(data) != picture.size:
            raise RejectedInput(f"{excerpt(picture.name)} has changed since the dataset was listed")
        return data

    @cached_property
    def _data(self) -> _Dataset:
        with listed(self.path):
            return self._read()

    def _zip(self, name: str) -> zipfile.ZipFile:
        zips: dict[str, zipfile.ZipFile] = self.__dict__.setdefault("_zips", {})
        if name not in zips:
            zips[name] = zipfile.ZipFile(self.path / name)
        return zips[name]

    def _read(self) -> _Dataset:
        if (self.path / "figures.parquet").is_file():
            told, wrong = _of_roco(self.path), list[Fault]()
        elif is_published(self.path):
            told, wrong = _of_tables(self.path)
            _demand_tables(self.path, wrong)
            wrong = [fault for fault in wrong if fault.what != MISSING]
        else:
            raise DataError(f"{self.path} is no dataset", _HINT)
        files, more = pictures(self.path)
        _demand_tables(self.path, more)
        figures: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key, figure in told:
            picture = files.get(figure["id"])
            figure |= {"article": key, "file": picture.name if picture else None}
            figures[key].append(figure)
        known = {figure["id"] for _, figure in told}
        wrong += more
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

    def __init__(self, source: ReleaseSource, figures: Sequence[Mapping[str, Any]], files: Mapping[str, Picture]):
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


def _demand_tables(root: Path, faults: Sequence[Fault]) -> None:
    """Raises DataError where a whole file cannot be used; of a split that is not there at all nothing is asked."""
    for fault in faults:
        name = fault.where.partition(",")[0]
        split = name.partition("_")[0]
        absent = fault.what == MISSING and (
            name == "license_information.csv" or (name.endswith("_captions.csv") and any(root.glob(f"{split}_*")))
        )
        if absent or fault.what.startswith(UNUSABLE):
            raise DataError(
                f"{root / name}: {fault.what}", f"bring it back as it was published; {_VERIFY} {root} says more"
            )


def _of_tables(root: Path) -> tuple[list[tuple[str, dict[str, Any]]], list[Fault]]:
    found, faults = tables(root)
    return [(one.pmcid or one.id, _figure(one)) for one in found.values()], faults


def _figure(one: Told) -> dict[str, Any]:
    manual = list(one.manual or ())
    return {
        **{name: getattr(one, name) for name in ("id", "split", "caption", "pmcid", "attribution", "link")},
        "concepts": [cui for cui in one.concepts or () if cui not in manual],
        "manual": manual,
        "known": {},
    }


def _of_roco(root: Path) -> list[tuple[str, dict[str, Any]]]:
    """The figures of a release by article; raises DataError where its table cannot be read."""
    path = root / "figures.parquet"
    try:
        return list(_rows_of_roco(path))
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", f"roco verify {root} says more") from err


def _rows_of_roco(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    there = pq.read_schema(path).names
    wanted = {name: COLUMNS[name].type for name in there if name in COLUMNS}
    for row in parquet_rows(path, wanted):
        if not row.get("id"):
            raise ValueError("an image has no id")
        manual = row.get("concepts_manual") or []
        known = {name: value for name, value in row.items() if name not in _NOT_TOLD and value is not None}
        yield (
            row.get("article_key") or row["id"],
            {
                **{name: row.get(name) for name in ("id", "split", "caption", "pmcid")},
                "attribution": None,
                "link": None,
                "concepts": [cui for cui in row.get("concepts") or () if cui not in manual],
                "manual": manual,
                "known": known,
            },
        )
