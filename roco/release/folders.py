"""A dataset as it lies on disk: the published ROCOv2 in the folders people end up with, or a release of roco."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.formats import FORMAT_OF_EXTENSION
from roco.base.ids import clean_pmcid
from roco.base.limits import UNREADABLE, check_directory, csv_rows
from roco.base.schema import SPLITS
from roco.base.tables import LICENSE_COLUMNS, SPLIT_TABLES
from roco.base.terminal import excerpt

_IMAGE_SUFFIXES = tuple(f".{extension}" for extension in FORMAT_OF_EXTENSION)
_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
# The archives hold a folder named like the split; unpacked by hand, it lies in one named like the archive, or in none.
_FOLDERS = ("{split}_images/{split}", "{split}_images", "{split}", "images/{split}", "{split}/images")


MISSING = "the file is missing"
UNUSABLE = ("cannot be read", "the first line is")
"""How faults begin for which a whole file cannot be used."""


class Fault(NamedTuple):
    """What is wrong in a table or among the images, and where."""

    what: str
    where: str


class Told(NamedTuple):
    """What the tables say of one image; null where they say nothing."""

    id: str
    split: str
    caption: str | None = None
    concepts: tuple[str, ...] | None = None
    manual: tuple[str, ...] | None = None
    pmcid: str | None = None
    attribution: str | None = None
    link: str | None = None


class Picture(NamedTuple):
    """Where the file of an image lies: in a zip, or loose; mark changes when it does."""

    name: str  # ID and extension
    split: str
    container: str  # the zip or the folder, relative to the dataset
    member: str  # its name there
    size: int
    mark: str


def is_published(root: Path) -> bool:
    """Whether a folder holds the tables of the published layout, and not those of a release of roco."""
    ours = any((root / name).exists() for name in ("figures.parquet", "checksums.sha256"))
    return not ours and any((root / f"{split}_{table}.csv").is_file() for split in SPLITS for table in SPLIT_TABLES)


def tables(root: Path) -> tuple[dict[str, Told], list[Fault]]:
    """What the tables of the published layout say of each image, by id, and what is wrong with them."""
    found: dict[str, Told] = {}
    faults: list[Fault] = []
    for split in SPLITS:
        for table, header in SPLIT_TABLES.items():
            name = f"{split}_{table}.csv"
            seen: set[str] = set()
            for where, (id, cell) in _cells(root / name, header, faults):
                one = found.setdefault(id, Told(id, split))
                if one.split != split:
                    faults.append(Fault(f"the id is in {one.split} too", where))
                elif id in seen:
                    faults.append(Fault("the id stands twice", where))
                else:
                    found[id] = one._replace(**_value(table, cell))
                seen.add(id)
    licensed: set[str] = set()
    for where, (id, pmcid, attribution, link) in _cells(root / "license_information.csv", LICENSE_COLUMNS, faults):
        if id not in found or id in licensed:
            faults.append(Fault("the id stands twice" if id in licensed else "no other table has the id", where))
            continue
        licensed.add(id)
        article, _ = clean_pmcid(pmcid)
        found[id] = found[id]._replace(pmcid=article, attribution=attribution.strip(), link=link.strip())
    return found, faults


def pictures(root: Path) -> tuple[dict[str, Picture], list[Fault]]:
    """The image files of a dataset by id: those of its zips, and where there is no zip those that lie in folders."""
    found: dict[str, Picture] = {}
    faults: list[Fault] = []
    for split in SPLITS:
        archive = root / f"{split}_images.zip"
        try:
            for picture in _zipped(archive, split) if archive.is_file() else _loose(root, split):
                id = picture.name.rpartition(".")[0]
                if id in found:
                    where = f"{picture.container}, {excerpt(picture.member)}"
                    faults.append(Fault("the image stands twice", where))
                else:
                    found[id] = picture
        except UNREADABLE as err:
            faults.append(Fault(f"cannot be read: {excerpt(err) or type(err).__name__}", archive.name))
    return found, faults


def _cells(path: Path, header: tuple[str, ...], faults: list[Fault]) -> Iterator[tuple[str, list[str]]]:
    """Place and cells of each row that can be used."""
    if not path.is_file():
        faults.append(Fault(MISSING, path.name))
        return
    try:
        for line, cells, complaint in csv_rows(path, header, exact=False):
            where = f"{path.name}, line {line}"
            if cells is None:
                faults.append(Fault(complaint, where))
                continue
            id = _stem(cells[0].strip())
            if not _ID.fullmatch(id):
                faults.append(Fault(f"the id is malformed: {excerpt(id)}", where))
            else:
                yield f"{path.name}, {id}", [id, *cells[1:]]
    except UNREADABLE as err:
        faults.append(Fault(f"cannot be read: {excerpt(err) or type(err).__name__}", path.name))


def _stem(name: str) -> str:
    """The id, where a table names the file."""
    return name.rpartition(".")[0] if name.lower().endswith(_IMAGE_SUFFIXES) else name


def _value(table: str, cell: str) -> dict[str, Any]:
    if table == "captions":
        return {"caption": cell}
    cuis = tuple(dict.fromkeys(cui for part in cell.split(";") if (cui := part.strip())))
    return {"concepts" if table == "concepts" else "manual": cuis}


def _zipped(path: Path, split: str) -> Iterator[Picture]:
    with path.open("rb") as fh:
        check_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            for info in archive.infolist():
                name = info.filename.rpartition("/")[2]
                if not info.is_dir() and not info.filename.startswith("__MACOSX/") and _is_picture(name):
                    mark = f"{info.file_size}:{info.CRC:08x}"
                    yield Picture(name, split, path.name, info.filename, info.file_size, mark)


def _loose(root: Path, split: str) -> Iterator[Picture]:
    for pattern in _FOLDERS:
        folder = root / pattern.format(split=split)
        if not folder.is_dir() or not folder.resolve().is_relative_to(root.resolve()):
            continue
        files = sorted(entry for entry in folder.iterdir() if _is_picture(entry.name) and not entry.is_symlink())
        for file in files:
            stat = file.stat()
            container = folder.relative_to(root).as_posix()
            yield Picture(file.name, split, container, file.name, stat.st_size, f"{stat.st_size}:{stat.st_mtime_ns}")
        if files:
            return


def _is_picture(name: str) -> bool:
    stem, dot, _ = name.rpartition(".")
    return bool(dot and not name.startswith(".") and name.lower().endswith(_IMAGE_SUFFIXES) and _ID.fullmatch(stem))
