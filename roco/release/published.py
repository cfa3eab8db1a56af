"""The published ROCOv2, and datasets in its layout: loaded as a release of roco is, and checked as far as it goes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.formats import SIGNATURES
from roco.base.ids import is_cui
from roco.base.limits import UNREADABLE, check_directory, csv_rows
from roco.base.schema import SPLITS, types
from roco.base.tables import CUI_MAPPING_COLUMNS
from roco.base.terminal import excerpt
from roco.models.text.licenses import normalise
from roco.release.folders import MISSING, UNUSABLE, Fault, Picture, Told, pictures, tables
from roco.release.retraction_lists import read_list

_LICENSE = re.compile(r"(CC[ -]BY(?:[ -](?:NC|ND|SA))*|CC ?0)\b", re.IGNORECASE)
_COLUMNS = types("id", "split", "article_key", "pmcid", "file", "caption", "license", "concepts", "concepts_manual")


def load_published(root: Path, split: str | None = None) -> pa.Table:
    """The images of the published layout, with the columns of figures.parquet that its tables tell, sorted by id.

    Raises DataError where a table is missing or cannot be read.
    """
    found, faults = tables(root)
    if broken := [f for f in faults if f.what.startswith((*UNUSABLE, MISSING))]:
        raise DataError(f"{root / broken[0].where}: {broken[0].what}", f"roco verify {root} says more")
    files, _ = pictures(root)
    rows = [_row(one, files.get(one.id)) for one in found.values() if split in (None, one.split)]
    rows.sort(key=lambda row: (SPLITS.index(row["split"]), row["id"]))
    return pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS.items()))


def verify_published(root: Path, licenses: Collection[str], retracted: Iterable[Path] = ()) -> Iterator[Fault]:
    """Says what is wrong: rows, ids and images that do not fit together, CUIs, licences, retracted articles.

    There are no checksums in this layout, so that an image is only known to be whole where a zip has its CRC.
    """
    found, faults = tables(root)
    files, more = pictures(root)
    yield from (*faults, *more)
    out = frozenset(id for listed in retracted for id in read_list(listed))
    used: set[str] = set()
    for one in found.values():
        yield from _check(one, files.get(one.id), licenses, out)
        used.update(one.concepts or (), one.manual or ())
    for id in files.keys() - found.keys():
        yield Fault("the image is one too many", f"{files[id].container}, {excerpt(files[id].member)}")
    yield from _mapping(root / "cui_mapping.csv", used)
    yield from _bytes(root, files)


def _row(one: Told, picture: Picture | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "split": one.split,
        "article_key": one.pmcid or one.id,
        "pmcid": one.pmcid,
        "file": picture.name if picture else None,
        "caption": one.caption or "",
        "license": _license(one.attribution),
        "concepts": list(one.concepts or ()),
        "concepts_manual": list(one.manual or ()),
    }


def _license(attribution: str | None) -> str:
    start = _LICENSE.match(attribution or "")
    return normalise(start[1].upper() if start else None).id


def _check(one: Told, picture: Picture | None, licenses: Collection[str], out: Collection[str]) -> Iterator[Fault]:
    told = {"captions": one.caption, "concepts": one.concepts, "concepts_manual": one.manual}
    for table, value in told.items():
        if value is None:
            yield Fault("the id is missing", f"{one.split}_{table}.csv, {one.id}")
    if one.caption is not None and not one.caption.strip():
        yield Fault("the caption is empty", f"{one.split}_captions.csv, {one.id}")
    if one.concepts is not None and not one.concepts:
        yield Fault("no concept", f"{one.split}_concepts.csv, {one.id}")
    for table, cuis in (("concepts", one.concepts), ("concepts_manual", one.manual)):
        for cui in cuis or ():
            if not is_cui(cui):
                yield Fault(f"malformed CUI '{excerpt(cui)}'", f"{one.split}_{table}.csv, {one.id}")
    where = f"license_information.csv, {one.id}"
    if one.attribution is None:
        yield Fault("the id is missing", where)
    elif (license := _license(one.attribution)) not in licenses:
        yield Fault(f"the licence {license} is not allowed", where)
    elif one.pmcid is None:
        yield Fault("no PMCID", where)
    if one.pmcid and f"pmcid:{one.pmcid}" in out:
        yield Fault("the article is retracted", where)
    if picture is None or picture.split != one.split:
        said = "the image is missing" if picture is None else f"the image is among those of {picture.split}"
        yield Fault(said, f"{one.split}_images, {one.id}")


def _mapping(path: Path, used: Collection[str]) -> Iterator[Fault]:
    named: set[str] = set()
    if not path.is_file():
        yield Fault(MISSING, path.name)
        return
    try:
        for line, cells, complaint in csv_rows(path, CUI_MAPPING_COLUMNS, exact=False):
            if cells is None:
                yield Fault(complaint, f"{path.name}, line {line}")
            elif cells[0] in named:
                yield Fault("the CUI stands twice", f"{path.name}, {excerpt(cells[0])}")
            elif cells[1].strip():
                named.add(cells[0])
    except UNREADABLE as err:
        yield Fault(f"cannot be read: {excerpt(err) or type(err).__name__}", path.name)
    yield from (Fault("the CUI has no name", f"{path.name}, {cui}") for cui in sorted(set(used) - named))


def _bytes(root: Path, files: Mapping[str, Picture]) -> Iterator[Fault]:
    """Images that are damaged, or none: each member of a zip is read to its CRC, of a loose file its beginning."""
    zips: dict[str, list[Picture]] = {}
    for picture in files.values():
        if picture.container.endswith(".zip"):
            zips.setdefault(picture.container, []).append(picture)
            continue
        try:
            with (root / picture.container / picture.member).open("rb") as fh:
                start = fh.read(16)
        except OSError as err:
            start, said = b"", f"cannot be read: {err.strerror}"
        else:
            said = "is no image"
        if not start.startswith(SIGNATURES):
            yield Fault(f"the image {said}", f"{picture.container}, {excerpt(picture.member)}")
    for name, members in zips.items():
        yield from _members(root / name, members)


def _members(path: Path, members: Iterable[Picture]) -> Iterator[Fault]:
    room = 20 * path.stat().st_size + (1 << 20)  # JPEGs hardly shrink; what grows more is a bomb
    with path.open("rb") as fh:
        check_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            for picture in members:
                where = f"{path.name}, {excerpt(picture.member)}"
                room -= picture.size
                if room < 0:
                    yield Fault("the zip unpacks to more than 20 times its size", where)
                    return
                try:
                    with archive.open(picture.member) as member:
                        start = member.read(16)
                        while member.read(1 << 20):
                            pass
                except UNREADABLE as err:
                    yield Fault(f"the image is damaged: {excerpt(err)}", where)
                else:
                    if not start.startswith(SIGNATURES):
                        yield Fault("the image is no image", where)
