"""Checks of the CSV tables and the zips of a release against figures.parquet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from roco.base.ids import is_cui
from roco.base.progress import Progress
from roco.base.readers import csv_rows, zip_members
from roco.base.tables import ATTRIBUTION_COLUMNS, CUI_MAPPING_COLUMNS, LICENSE_COLUMNS, SPLIT_TABLES
from roco.base.terminal import excerpt
from roco.release.format import FIGURES, license_words
from roco.release.problems import Problem
from roco.release.verify_figures import Figure, cell_digest


def check_table(path: Path, table: str, figures: Mapping[str, Figure]) -> Iterator[Problem]:
    """Checks captions, concepts or manual concepts of one split; figures: the images of this split."""

    def check(figure: Figure, cells: list[str]) -> Iterator[str]:
        cell = cells[0]
        if cell_digest(cell) != figure.cells[table]:
            yield f"differs from {FIGURES}"
        if table == "captions" or not cell:
            return
        cuis = cell.split(";")
        for cui in cuis:
            if not is_cui(cui):
                yield f"invalid CUI '{excerpt(cui)}'"
        if len(set(cuis)) < len(cuis):
            yield "duplicate CUI"

    return _check_rows(path, SPLIT_TABLES[table], figures, check)


def check_licenses(path: Path, figures: Mapping[str, Figure]) -> Iterator[Problem]:
    """Checks PMCID and licence of each image in license_information.csv."""

    def check(figure: Figure, cells: list[str]) -> Iterator[str]:
        pmcid, attribution, _ = cells
        if pmcid != figure.pmcid:
            yield f"PMCID differs from {FIGURES} ('{excerpt(figure.pmcid)}')"
        if not attribution.startswith(license_words(figure.license) + " "):
            yield f"licence differs from {FIGURES} ('{excerpt(figure.license)}')"

    return _check_rows(path, LICENSE_COLUMNS, figures, check)


def check_attribution(path: Path, figures: Mapping[str, Figure]) -> Iterator[Problem]:
    """Checks the licence of each image in attribution.csv."""
    license_cell = ATTRIBUTION_COLUMNS.index("License") - 1  # without the id

    def check(figure: Figure, cells: list[str]) -> Iterator[str]:
        if cells[license_cell] != license_words(figure.license):
            yield f"licence differs from {FIGURES} ('{excerpt(figure.license)}')"

    return _check_rows(path, ATTRIBUTION_COLUMNS, figures, check)


def check_names(path: Path, used: Collection[str]) -> Iterator[Problem]:
    """Checks that cui_mapping.csv has one name for each CUI in use."""
    named: set[str] = set()
    for line, cells, complaint in csv_rows(path, CUI_MAPPING_COLUMNS):
        if cells is None:
            yield Problem(complaint, f"{path.name}, line {line}")
            continue
        cui, name = cells
        if not is_cui(cui):
            yield Problem(f"invalid CUI '{excerpt(cui)}'", f"{path.name}, line {line}")
        if cui in named:
            yield Problem("duplicate CUI", f"{path.name}, {excerpt(cui)}")
        if name.strip():
            named.add(cui)
    for cui in sorted(set(used) - named):
        yield Problem("CUI without a name", f"{path.name}, {excerpt(cui)}")


def check_zip(path: Path, figures: Mapping[str, Figure], progress: Progress) -> Iterator[Problem]:
    """Checks that a zip contains the images of its split, each once, with the SHA-256 of figures.parquet."""
    digests = {figure.member: figure.sha256 for figure in figures.values()}
    checked: set[str] = set()
    for name, sha256, complaint in zip_members(path):
        where = f"{path.name}, {excerpt(name)}"
        if name in checked:
            yield Problem("duplicate image", where)
        elif name not in digests:
            yield Problem("unexpected image", where)
        elif sha256 is None:
            yield Problem(f"invalid image: {complaint}", where)
        elif sha256 != digests[name]:
            yield Problem(f"image differs from {FIGURES} (SHA-256)", where)
        checked.add(name)
        progress.advance()
    for name in digests:
        if name not in checked:
            yield Problem("missing image", f"{path.name}, {name}")


def _check_rows(
    path: Path,
    header: tuple[str, ...],
    figures: Mapping[str, Figure],
    check: Callable[[Figure, list[str]], Iterator[str]],
) -> Iterator[Problem]:
    """Checks that every image has one row; `check` yields what is wrong with the cells after the id."""
    checked: set[str] = set()
    for line, cells, complaint in csv_rows(path, header):
        if cells is None:
            yield Problem(complaint, f"{path.name}, line {line}")
            continue
        id, *others = cells
        where = f"{path.name}, {excerpt(id)}"
        if id in checked:
            yield Problem("duplicate id", where)
        elif id not in figures:
            yield Problem(f"unknown id (not in {FIGURES}, or in another split)", where)
        else:
            for what in check(figures[id], others):
                yield Problem(what, where)
        checked.add(id)
    for id in figures:
        if id not in checked:
            yield Problem("missing id", f"{path.name}, {excerpt(id)}")
