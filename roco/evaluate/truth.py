"""What predictions are held against: one split of a release, or CSV files of captions, concepts and articles."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from roco.base.errors import DataError, UsageError
from roco.base.files import file_digest
from roco.base.limits import UNREADABLE, shown
from roco.evaluate import official, submission
from roco.evaluate.profiles import Profile
from roco.release.read import Release

Concepts = Mapping[str, frozenset[str]]
_ARTICLES = 512 << 20  # bytes of a table of articles


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Images in their order, and what is known of them; None where nothing is."""

    ids: tuple[str, ...]
    inputs: Mapping[str, str]  # what was read -> its SHA-256
    concepts: Concepts | None = None
    manual: Concepts | None = None
    captions: Mapping[str, str] | None = None
    articles: Mapping[str, str] | None = None
    lines: Mapping[str, int] | None = None  # of a CSV file
    names: Mapping[str, str] | None = None  # CUI -> canonical name

    def groups(self, ids: tuple[str, ...]) -> list[str]:
        """The article of each image; where articles are unknown, each image is one of its own."""
        return [(self.articles or {}).get(id) or id for id in ids]


def read_truth(
    given: str | Path | Mapping[str, object],
    kind: str,
    profile: Profile,
    *,
    compat: bool = False,
    manual: str | Path | Mapping[str, object] | None = None,
    articles: str | Path | Mapping[str, str] | None = None,
    split: str = "test",
) -> Truth:
    """Reads the truth: a folder is a release (ours or the published layout), a file is CSV, a mapping is itself."""
    inputs: dict[str, str] = {}
    if isinstance(given, Mapping):
        truth = _of_mapping(given, kind)
    elif Path(given).is_dir():
        truth = _of_release(Path(given), split)
    else:
        truth = _of_csv(Path(given), kind, profile, compat)
    inputs |= truth.inputs
    by_hand, placed = truth.manual, truth.articles
    if manual is not None:
        by_hand, digests = _manual(manual, profile, compat)
        inputs |= digests
    if articles is not None:
        placed = dict(articles) if isinstance(articles, Mapping) else articles_of(Path(articles))
        if not isinstance(articles, Mapping):
            inputs[str(articles)] = file_digest(Path(articles))
    if not truth.ids:
        raise DataError(f"the truth {given if not isinstance(given, Mapping) else ''} holds no image", "give --split")
    if by_hand is not None and (lost := [id for id in truth.ids if id not in by_hand]):
        raise DataError(
            f"{len(lost):,} images have no row in the manual concepts, first {shown(lost[0])}", "a row may be empty"
        )
    return replace(truth, inputs=inputs, manual=by_hand, articles=placed)


def ids_of(given: Path, kind: str, profile: Profile, split: str = "test") -> tuple[str, ...]:
    """The ids of the truth in its order."""
    if given.is_dir():
        return _of_release(given, split).ids
    table = submission.read(given, kind, profile, None, truth=True)
    submission.refuse(table.faults)
    return tuple(table.rows)


def _of_mapping(given: Mapping[str, object], kind: str) -> Truth:
    ids = tuple(map(str, given))
    if kind == "captions":
        return Truth(ids=ids, inputs={}, captions={str(id): str(text) for id, text in given.items()})
    return Truth(ids=ids, inputs={}, concepts=sets_of(given))


def sets_of(given: Mapping[str, object]) -> dict[str, frozenset[str]]:
    """Concepts of each image, from any collection of CUIs or a text in which `;` parts them."""
    cells = {str(id): value.split(";") if isinstance(value, str) else value for id, value in given.items()}
    return {id: frozenset(c for c in value if c) for id, value in cells.items()}  # type: ignore[attr-defined]


def _of_release(folder: Path, split: str) -> Truth:
    release = Release.open(folder)
    chosen = None if split == "all" else split
    wanted = ("id", "caption", "concepts", "concepts_manual", "article_key", "pmcid")
    table = release.table(chosen, [name for name in wanted if name in release.columns])
    column = {name: table[name].to_pylist() if name in table.column_names else None for name in wanted}
    ids = tuple(column["id"] or ())
    keys = column["article_key"] or column["pmcid"] or list(ids)
    by_hand = {id: frozenset(c or ()) for id, c in zip(ids, column["concepts_manual"] or [()] * len(ids), strict=True)}
    return Truth(
        ids=ids,
        inputs={str(path): file_digest(path) for path in release.table_files(chosen)},
        concepts={id: frozenset(c or ()) for id, c in zip(ids, column["concepts"] or [()] * len(ids), strict=True)},
        manual=by_hand if any(by_hand.values()) else None,  # a release that nobody has labelled says nothing by hand
        captions={id: c or "" for id, c in zip(ids, column["caption"] or [""] * len(ids), strict=True)},
        articles={id: key or id for id, key in zip(ids, keys, strict=True)},
        names=_names(release),
    )


def _names(release: Release) -> dict[str, str]:
    """Returns the canonical names of concepts; none where the table is unreadable, because scores do not need it."""
    try:
        return release.concept_names()
    except DataError:
        return {}


def _of_csv(path: Path, kind: str, profile: Profile, compat: bool) -> Truth:
    if not path.exists():
        raise DataError(f"{path} does not exist", "give a release, or a CSV file of the truth")
    inputs = {str(path): file_digest(path)}
    if compat:
        if kind == "captions":
            told = official.captions(path, profile, None)
            return Truth(ids=tuple(told), inputs=inputs, captions=told)
        found = official.concepts(path, profile, None)
        return Truth(ids=tuple(found), inputs=inputs, concepts={id: frozenset(cuis) for id, cuis in found.items()})
    table = submission.read(path, kind, profile, None, truth=True)
    faults = list(table.faults)
    lines = {id: entry.line for id, entry in table.rows.items()}
    if kind == "captions":
        submission.refuse(faults)
        captions = {id: entry.cell for id, entry in table.rows.items()}
        return Truth(ids=tuple(captions), inputs=inputs, captions=captions, lines=lines)
    concepts = submission.concepts_of(path, table, faults, may_be_empty=False)
    submission.refuse(faults, "; --compat scores as the official scripts do")
    return Truth(ids=tuple(concepts), inputs=inputs, concepts=concepts, lines=lines)


def _manual(
    given: str | Path | Mapping[str, object], profile: Profile, compat: bool
) -> tuple[Concepts, dict[str, str]]:
    if isinstance(given, Mapping):
        return sets_of(given), {}
    path = Path(given)
    if not path.is_file():
        raise DataError(f"{path} is no file", "give concepts_manual.csv of the split")
    inputs = {str(path): file_digest(path)}
    if compat:
        return {id: frozenset(cuis) for id, cuis in official.concepts(path, profile, None).items()}, inputs
    table = submission.read(path, "concepts", profile, None, truth=True)
    faults = list(table.faults)
    concepts = submission.concepts_of(path, table, faults)
    submission.refuse(faults)
    return concepts, inputs


def articles_of(path: Path) -> dict[str, str]:
    """ID -> PMCID of a table such as license_information.csv; names of columns may have blanks around them."""
    try:
        with path.open("rb") as fh:
            data = fh.read(_ARTICLES + 1)
        if len(data) > _ARTICLES:
            raise ValueError("too large")
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        header = [name.strip() for name in next(rows, [])]
        if "ID" not in header or "PMCID" not in header:
            raise UsageError(f"{path} has no columns ID and PMCID", "give license_information.csv")
        at, key = header.index("ID"), header.index("PMCID")
        return {row[at].strip(): row[key].strip() for row in rows if len(row) > max(at, key)}
    except UNREADABLE as err:
        raise DataError(f"{path} cannot be read: {shown(err)}", "give license_information.csv") from err
