"""Checks of the published ROCOv2, as far as its layout allows: it has no checksums and no table of all images."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from roco.base.formats import SIGNATURES
from roco.base.ids import is_cui
from roco.base.progress import Progress
from roco.base.readers import UNREADABLE, check_zip_directory, csv_rows
from roco.base.tables import CUI_MAPPING_COLUMNS
from roco.base.terminal import excerpt
from roco.release.folders import ImageFile, index_images
from roco.release.format import CUI_MAPPING, LICENSES
from roco.release.problems import MISSING_FILE, Problem, first_of_each_file, unreadable
from roco.release.published import PublishedImage, read_tables
from roco.release.retraction_lists import read_list


def verify_published(
    root: Path, licenses: Collection[str], retracted: Iterable[Path], progress: Progress
) -> list[Problem]:
    """Checks tables and images of the published layout and returns what is wrong.

    Finds rows, ids and images that do not match, invalid CUIs, licences that are not allowed, and retracted articles.
    Images in zips are read to compare their CRC; of loose image files only the first bytes can be checked.
    """
    return first_of_each_file(_problems(root, licenses, retracted, progress))


def _problems(
    root: Path, licenses: Collection[str], retracted: Iterable[Path], progress: Progress
) -> Iterator[Problem]:
    tables = read_tables(root)
    index = index_images(root)
    yield from (*tables.unusable, *tables.missing, *tables.problems)
    yield from (*index.unreadable, *index.problems)

    retracted_ids = frozenset(id for listed in retracted for id in read_list(listed))
    used_cuis: set[str] = set()
    for image in tables.images.values():
        yield from _check_tables(image)
        yield from _check_article(image, licenses, retracted_ids)
        yield from _check_file(image, index.files.get(image.id))
        used_cuis.update(image.concepts or (), image.manual or ())
    for id, file in index.files.items():
        if id not in tables.images:
            yield Problem("unexpected image", file.where)
    yield from _check_names(root / CUI_MAPPING, used_cuis)
    yield from _check_bytes(root, index.files, progress)


def _check_tables(image: PublishedImage) -> Iterator[Problem]:
    """Checks that each table has a valid row for the image."""
    cells = {"captions": image.caption, "concepts": image.concepts, "concepts_manual": image.manual}
    for table, cell in cells.items():
        if cell is None:
            yield Problem("missing id", f"{image.split}_{table}.csv, {image.id}")
    if image.caption is not None and not image.caption.strip():
        yield Problem("empty caption", f"{image.split}_captions.csv, {image.id}")
    if image.concepts is not None and not image.concepts:
        yield Problem("no concepts", f"{image.split}_concepts.csv, {image.id}")
    for table, cuis in (("concepts", image.concepts), ("concepts_manual", image.manual)):
        for cui in cuis or ():
            if not is_cui(cui):
                yield Problem(f"invalid CUI '{excerpt(cui)}'", f"{image.split}_{table}.csv, {image.id}")


def _check_article(
    image: PublishedImage, licenses: Collection[str], retracted_ids: Collection[str]
) -> Iterator[Problem]:
    """Checks licence and article of the image."""
    where = f"{LICENSES}, {image.id}"
    if image.attribution is None:
        yield Problem("missing id", where)
    elif image.license not in licenses:
        yield Problem(f"licence not allowed: {image.license}", where)
    elif image.pmcid is None:
        yield Problem("missing or invalid PMCID", where)
    if image.pmcid and f"pmcid:{image.pmcid}" in retracted_ids:
        yield Problem("retracted article", where)


def _check_file(image: PublishedImage, file: ImageFile | None) -> Iterator[Problem]:
    """Checks that the image file is among those of its split."""
    where = f"{image.split}_images, {image.id}"
    if file is None:
        yield Problem("missing image", where)
    elif file.split != image.split:
        yield Problem(f"image in the wrong split ({file.split})", where)


def _check_names(path: Path, used: Collection[str]) -> Iterator[Problem]:
    """Checks that cui_mapping.csv has one name for each CUI in use."""
    if not path.is_file():
        yield Problem(MISSING_FILE, path.name)
        return
    named: set[str] = set()
    try:
        for line, cells, complaint in csv_rows(path, CUI_MAPPING_COLUMNS, exact=False):
            if cells is None:
                yield Problem(complaint, f"{path.name}, line {line}")
            elif cells[0] in named:
                yield Problem("duplicate CUI", f"{path.name}, {excerpt(cells[0])}")
            elif cells[1].strip():
                named.add(cells[0])
    except UNREADABLE as err:
        yield unreadable(err, path.name)
    for cui in sorted(set(used) - named):
        yield Problem("CUI without a name", f"{path.name}, {excerpt(cui)}")


def _check_bytes(root: Path, files: Mapping[str, ImageFile], progress: Progress) -> Iterator[Problem]:
    """Finds image files that are corrupt or contain something else."""
    by_zip: dict[str, list[ImageFile]] = {}
    progress.start("images", len(files))
    for file in files.values():
        if file.container.endswith(".zip"):
            by_zip.setdefault(file.container, []).append(file)
        else:
            yield from _check_loose(root, file)
            progress.advance()
    for name, members in by_zip.items():
        yield from _check_members(root / name, members, progress)


def _check_loose(root: Path, file: ImageFile) -> Iterator[Problem]:
    try:
        with (root / file.container / file.member).open("rb") as fh:
            start = fh.read(16)
    except OSError as err:
        yield Problem(f"unreadable image: {err.strerror}", file.where)
        return
    if not start.startswith(SIGNATURES):
        yield Problem("not an image", file.where)


def _check_members(path: Path, files: list[ImageFile], progress: Progress) -> Iterator[Problem]:
    # Images hardly shrink in a zip: one that unpacks to much more than its own size is an attack.
    budget = 20 * path.stat().st_size + (1 << 20)
    with path.open("rb") as fh:
        check_zip_directory(fh)
        with zipfile.ZipFile(fh) as archive:
            for file in files:
                progress.advance()
                budget -= file.size
                if budget < 0:
                    yield Problem("zip unpacks to more than 20 times its size", file.where)
                    return
                try:
                    start = _read_to_end(archive, file.member)
                except UNREADABLE as err:
                    yield Problem(f"corrupt image: {excerpt(err)}", file.where)
                    continue
                if not start.startswith(SIGNATURES):
                    yield Problem("not an image", file.where)


def _read_to_end(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns the first bytes of a member; zipfile compares the CRC when the last bytes are read."""
    with archive.open(name) as member:
        start = member.read(16)
        while member.read(1 << 20):
            pass
    return start
