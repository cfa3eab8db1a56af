"""Reads the ground truth: one split of a release, or CSV files of captions, concepts and articles."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from roco.base.errors import DataError, InvalidSubmission, UsageError
from roco.base.files import file_digest
from roco.base.readers import UNREADABLE
from roco.base.terminal import excerpt
from roco.evaluate import official, submission
from roco.evaluate.profiles import Profile
from roco.release.read import Release

Source = str | Path | Mapping[str, object]
"""A file, a release folder, or a mapping of image IDs to captions or CUIs."""
Articles = str | Path | Mapping[str, str]
"""A CSV file with the columns ID and PMCID, or a mapping of image IDs to articles."""
Concepts = Mapping[str, frozenset[str]]
_MAX_ARTICLES = 512 << 20  # bytes of a table of articles


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The images of the ground truth in their order, and what is known about them; None where nothing is known.

    inputs: the SHA-256 of each file that was read. lines: the line of each image, if the ground truth is a CSV file.
    names: the canonical name of each CUI.
    """

    ids: tuple[str, ...]
    inputs: Mapping[str, str]
    concepts: Concepts | None = None
    manual: Concepts | None = None
    captions: Mapping[str, str] | None = None
    articles: Mapping[str, str] | None = None
    lines: Mapping[str, int] | None = None
    names: Mapping[str, str] | None = None

    def articles_of(self, ids: Sequence[str]) -> list[str]:
        """Returns the article of each image; an image whose article is unknown counts as an article of its own."""
        articles = self.articles or {}
        return [articles.get(id) or id for id in ids]

    def article(self, id: str) -> str | None:
        """Returns the article of an image, None if it is unknown."""
        return None if self.articles is None else self.articles.get(id)

    def concepts_of(self, ids: Sequence[str]) -> list[frozenset[str]]:
        """Returns the concepts of each image; raises KeyError if the ground truth has none."""
        concepts = self.concepts or {}
        return [concepts[id] for id in ids]

    def captions_of(self, ids: Sequence[str]) -> list[str]:
        """Returns the caption of each image; raises KeyError if the ground truth has none."""
        captions = self.captions or {}
        return [captions[id] for id in ids]


def read_truth(
    source: Source,
    kind: str,
    profile: Profile,
    *,
    compat: bool = False,
    has_compat: bool = True,
    manual: Source | None = None,
    articles: Articles | None = None,
    split: str = "test",
) -> Truth:
    """Reads the ground truth from a release folder (roco's or the published layout), a CSV file or a mapping.

    kind: "captions" or "concepts". has_compat: whether the caller offers `compat`, so that a hint may
    name it. manual, articles: take precedence over those of a release. Raises DataError if there is no image, or an
    image without a row in the manual concepts.
    """
    if isinstance(source, Mapping):
        truth = _of_mapping(source, kind)
    elif Path(source).is_dir():
        truth = _of_release(Path(source), split)
        if compat:
            truth = replace(truth, concepts=_with_pseudo_concepts(truth.concepts or {}))
    else:
        truth = _of_csv(Path(source), kind, profile, compat, has_compat)
    if not truth.ids:
        name = "" if isinstance(source, Mapping) else f" ({source})"
        raise DataError(f"the ground truth has no images{name}", "choose another split with --split")
    if manual is not None:
        concepts, digests = _manual_concepts(manual, profile, compat)
        truth = replace(truth, manual=concepts, inputs={**truth.inputs, **digests})
    if articles is not None:
        placed, digests = read_articles(articles)
        truth = replace(truth, articles=placed, inputs={**truth.inputs, **digests})
    if truth.manual is not None:
        missing = [id for id in truth.ids if id not in truth.manual]
        if missing:
            raise DataError(
                f"the manual concepts have no row for {len(missing):,} images, first {excerpt(missing[0])}",
                "add a row for each image; its cell may be empty",
            )
    return truth


def read_ids(path: Path, kind: str, profile: Profile, split: str = "test") -> tuple[str, ...]:
    """Returns the image IDs of the ground truth, in its order."""
    if path.is_dir():
        return _of_release(path, split).ids
    table = submission.read(path, kind, profile, None, truth=True)
    if not table.problems:
        return tuple(table.rows)
    try:
        # ImageCLEF's own files may have another header or delimiter; the ids are all that is needed here.
        read = official.concepts if kind == "concepts" else official.captions
        return tuple(read(path, profile, None))
    except InvalidSubmission:
        submission.refuse(table.problems)
        raise


def read_articles(articles: Articles) -> tuple[Mapping[str, str], dict[str, str]]:
    """Returns the article of each image, and the SHA-256 of the file they were read from."""
    if isinstance(articles, Mapping):
        return articles, {}
    path = Path(articles)
    return _articles_of_csv(path), {str(path): file_digest(path)}


def concept_sets(concepts: Mapping[str, object]) -> dict[str, frozenset[str]]:
    """Returns the CUIs of each image as sets, from collections of CUIs or text separated by `;`."""
    sets: dict[str, frozenset[str]] = {}
    for id, value in concepts.items():
        cuis = value.split(";") if isinstance(value, str) else cast("Sequence[str]", value)
        sets[str(id)] = frozenset(cui for cui in cuis if cui)
    return sets


def _of_mapping(source: Mapping[str, object], kind: str) -> Truth:
    ids = tuple(map(str, source))
    if kind == "captions":
        return Truth(ids=ids, inputs={}, captions={str(id): str(caption) for id, caption in source.items()})
    return Truth(ids=ids, inputs={}, concepts=concept_sets(source))


def _of_release(folder: Path, split: str) -> Truth:
    release = Release.open(folder)
    chosen = None if split == "all" else split
    names = ("id", "caption", "concepts", "concepts_manual", "article_key", "pmcid")
    table = release.table(chosen, [name for name in names if name in release.columns])
    columns = {name: table[name].to_pylist() if name in table.column_names else None for name in names}
    ids: tuple[str, ...] = tuple(columns["id"] or ())
    nothing: list[None] = [None] * len(ids)
    captions = zip(ids, columns["caption"] or nothing, strict=True)
    concepts = zip(ids, columns["concepts"] or nothing, strict=True)
    manual_concepts = zip(ids, columns["concepts_manual"] or nothing, strict=True)
    articles = zip(ids, columns["article_key"] or columns["pmcid"] or nothing, strict=True)
    manual = {id: frozenset(cuis or ()) for id, cuis in manual_concepts}
    return Truth(
        ids=ids,
        inputs={str(path): file_digest(path) for path in release.table_files(chosen)},
        concepts={id: frozenset(cuis or ()) for id, cuis in concepts},
        # A release without labelled images has the column, but no manual concepts to score.
        manual=manual if any(manual.values()) else None,
        captions={id: caption or "" for id, caption in captions},
        articles={id: article or id for id, article in articles},
        names=_concept_names(release),
    )


def _with_pseudo_concepts(concepts: Concepts) -> Concepts:
    """Returns the concepts as the official scripts read them: an empty cell is one concept with an empty name."""
    return {id: cuis or frozenset([""]) for id, cuis in concepts.items()}


def _concept_names(release: Release) -> dict[str, str]:
    """Returns the canonical name of each CUI; nothing if the table is unreadable, because scores do not need it."""
    try:
        return release.concept_names()
    except DataError:
        return {}


def _of_csv(path: Path, kind: str, profile: Profile, compat: bool, has_compat: bool) -> Truth:
    if not path.exists():
        raise DataError(f"{path} does not exist", "give a release, or a CSV file with the ground truth")
    inputs = {str(path): file_digest(path)}
    if compat and kind == "captions":
        captions = official.captions(path, profile, None)
        return Truth(ids=tuple(captions), inputs=inputs, captions=captions)
    if compat:
        concepts = {id: frozenset(cuis) for id, cuis in official.concepts(path, profile, None).items()}
        return Truth(ids=tuple(concepts), inputs=inputs, concepts=concepts)
    table = submission.read(path, kind, profile, None, truth=True)
    lines = {id: row.line for id, row in table.rows.items()}

    def as_it_is() -> str:
        return official.hint(path, kind, profile, None) if has_compat else ""

    if kind == "captions":
        submission.refuse(table.problems, as_it_is)
        captions = {id: row.cell for id, row in table.rows.items()}
        return Truth(ids=tuple(captions), inputs=inputs, captions=captions, lines=lines)
    cells = submission.concept_cells(path, table, may_be_empty=False)
    submission.refuse(table.problems + cells.problems, as_it_is)
    return Truth(ids=tuple(cells.concepts), inputs=inputs, concepts=cells.concepts, lines=lines)


def _manual_concepts(source: Source, profile: Profile, compat: bool) -> tuple[Concepts, dict[str, str]]:
    """Returns the manual concepts of each image, and the SHA-256 of the file they were read from."""
    if isinstance(source, Mapping):
        return concept_sets(source), {}
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path} is not a file", "give concepts_manual.csv of the split")
    inputs = {str(path): file_digest(path)}
    if compat:
        return {id: frozenset(cuis) for id, cuis in official.concepts(path, profile, None).items()}, inputs
    table = submission.read(path, "concepts", profile, None, truth=True)
    cells = submission.concept_cells(path, table)
    submission.refuse(table.problems + cells.problems, lambda: official.hint(path, "concepts", profile, None))
    return cells.concepts, inputs


def _articles_of_csv(path: Path) -> dict[str, str]:
    """Returns the PMCID of each image from a table such as license_information.csv.

    Spaces around names and values are ignored, because the published tables have them.
    """
    remedy = "give license_information.csv, or a CSV file with these columns"
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_ARTICLES + 1)
        if len(data) > _MAX_ARTICLES:
            raise ValueError(f"larger than {_MAX_ARTICLES >> 20} MB")
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        header = [name.strip() for name in next(rows, [])]
        if "ID" not in header or "PMCID" not in header:
            raise UsageError(f"{path} has no columns ID and PMCID", remedy)
        id_column, article_column = header.index("ID"), header.index("PMCID")
        articles = {}
        for row in rows:
            if len(row) > max(id_column, article_column):
                articles[row[id_column].strip()] = row[article_column].strip()
        return articles
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {excerpt(err)}", "give license_information.csv") from err
