"""Checks of a release of roco: checksums, then every file against figures.parquet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from roco.base.files import checksum_lines, file_digest
from roco.base.progress import Progress
from roco.base.readers import read_text
from roco.base.schema import SPLITS
from roco.base.tables import SPLIT_TABLES
from roco.base.terminal import excerpt
from roco.release.embeddings import check_embeddings
from roco.release.format import (
    ATTRIBUTION,
    CHECKSUMS,
    CUI_MAPPING,
    DROPPED,
    EMBEDDINGS,
    FIGURES,
    FILES,
    FUNNEL,
    GROUPS,
    LEAKAGE,
    LICENSES,
    METADATA,
    TOMBSTONES,
)
from roco.release.metadata import read_metadata
from roco.release.problems import MISSING_FILE, Problem, problems_of_file
from roco.release.verify_counts import (
    DroppedTable,
    check_funnel,
    check_groups,
    check_leakage,
    check_tombstones,
    recipe_licenses,
)
from roco.release.verify_figures import FigureTable, check_articles, check_retracted
from roco.release.verify_tables import check_attribution, check_licenses, check_names, check_table, check_zip


def verify_release(
    root: Path,
    licenses: Collection[str] | None,
    retracted: Iterable[Path],
    progress: Progress,
    *,
    with_images: bool = True,
) -> list[Problem]:
    """Checks every file of a release of roco and returns what is wrong.

    licenses: the allowed licences, by default those that the recipe of the release allows, as funnel.json states them;
    retracted: lists of retracted papers. The checksums show which files have
    changed. with_images: without it, the zips are not read: a command that copies images checks those that it copies.
    The other checks compare the files with each other and report what was wrong from the start.
    """
    problems = problems_of_file(CHECKSUMS, _check_checksums(root, progress, with_images))

    def check(name: str, found: Iterator[Problem]) -> None:
        # A missing file is reported once, by the check of the checksums.
        if (root / name).is_file():
            problems.extend(problems_of_file(name, found))

    # figures.parquet comes first: the other files are compared with it.
    progress.start(f"reading {FIGURES}", None)
    table = FigureTable()
    path = root / FIGURES
    check(FIGURES, table.read(path, licenses or recipe_licenses(root / FUNNEL)))
    if not table.complete:
        return problems
    for listed in retracted:
        check(FIGURES, check_retracted(path, listed))
    check(FIGURES, check_articles(table.figures))

    # The tables and images of each split.
    if with_images:
        progress.start("images", len(table.figures))
    for split in SPLITS:
        of_split = {id: figure for id, figure in table.figures.items() if figure.split == split}
        for kind in SPLIT_TABLES:
            name = f"{split}_{kind}.csv"
            check(name, check_table(root / name, kind, of_split))
        name = f"{split}_images.zip"
        if with_images:
            check(name, check_zip(root / name, of_split, progress))

    # The tables of all images.
    progress.start("comparing the tables", None)
    check(CUI_MAPPING, check_names(root / CUI_MAPPING, table.cuis))
    check(LICENSES, check_licenses(root / LICENSES, table.figures))
    check(ATTRIBUTION, check_attribution(root / ATTRIBUTION, table.figures))
    check(TOMBSTONES, check_tombstones(root / TOMBSTONES, table.figures))
    check(GROUPS, check_groups(root / GROUPS, path))
    check(LEAKAGE, check_leakage(root / LEAKAGE, path))

    check(METADATA, _check_metadata(root / METADATA))
    check(EMBEDDINGS, check_embeddings(root, table.figures))

    # The funnel must agree with the numbers of kept and dropped figures.
    dropped = DroppedTable()
    check(DROPPED, dropped.read(root / DROPPED, table.figures))
    check(FUNNEL, check_funnel(root / FUNNEL, table.figures, dropped.counts))
    return problems


def _check_checksums(root: Path, progress: Progress, with_images: bool) -> Iterator[Problem]:
    """Compares the files of the folder with checksums.sha256, and with the files that a release must have."""
    entries = {entry.name: entry for entry in root.iterdir()}
    digests: dict[str, str] = {}
    if CHECKSUMS in entries:
        for line in checksum_lines(read_text(root / CHECKSUMS)):
            digest, _, name = line.partition("  ")
            if not re.fullmatch(r"[0-9a-f]{64}", digest) or not name or name in digests:
                yield Problem(f"invalid line: {excerpt(line)}", CHECKSUMS)
            digests[name] = digest
    for name in sorted({*FILES, CHECKSUMS, *digests} - entries.keys()):
        yield Problem(MISSING_FILE, excerpt(name))
    for name, entry in sorted(entries.items()):
        progress.start(f"checksum of {name}", None)
        if entry.is_symlink() or not entry.is_file():
            yield Problem("not a regular file", excerpt(name))
        elif name == CHECKSUMS:
            continue
        elif name not in digests:
            yield Problem(f"unexpected file (not in {CHECKSUMS})", excerpt(name))
        elif not with_images and name.endswith("_images.zip"):
            continue
        elif file_digest(entry) != digests[name]:
            yield Problem(f"checksum differs from {CHECKSUMS}", excerpt(name))


def _check_metadata(path: Path) -> Iterator[Problem]:
    try:
        read_metadata(path)
    except ValueError as err:
        yield Problem(f"invalid: {excerpt(err)}", METADATA)
