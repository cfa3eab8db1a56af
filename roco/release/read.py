"""A release as others find it: what lies in the folder, how it is read, and what can be wrong with it."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from roco.base.errors import DataError, UsageError, nearest
from roco.base.files import file_digest
from roco.base.formats import SUFFIX_OF_FORMAT
from roco.base.ids import is_cui
from roco.base.licenses import DEFAULT_LICENSES
from roco.base.limits import UNREADABLE, csv_rows, parquet_rows, read_text, zip_members
from roco.base.schema import SPLITS, types
from roco.base.tables import (
    ATTRIBUTION_COLUMNS,
    CUI_MAPPING_COLUMNS,
    LICENSE_COLUMNS,
    SPLIT_TABLES,
    TOMBSTONE_COLUMNS,
)
from roco.base.terminal import excerpt
from roco.release.folders import Fault, is_published
from roco.release.published import load_published, verify_published
from roco.release.retraction_lists import ids, read_list

REMOVED = (
    *("figure_id", "article_key", "image_key", "pmcid", "fig_id", "file", "sha256", "stage", "drop", "drop_detail"),
)
"""The columns of removed.parquet: where a figure came from and why it left, no text of the article."""

CHECKSUMS = "checksums.sha256"
TOMBSTONES = "tombstones.csv"
LEAKAGE = "leakage.json"
BOUND = ("figure_id", "article_key", "duplicate_group", "similar_group", "caption")
"""The columns by which images are tied."""
WORDS = 8
"""Words that a caption must have before the same caption ties two images: shorter ones say the same by chance."""
FILES = (
    *(f"{split}_{rest}" for split in SPLITS for rest in ("images.zip", *(f"{t}.csv" for t in SPLIT_TABLES))),
    *("cui_mapping.csv", "license_information.csv", "attribution.csv"),
    *("figures.parquet", "removed.parquet", "duplicates.parquet", TOMBSTONES),
    *("funnel.json", LEAKAGE, "README.md", "DATASHEET.md", "CITATION.cff"),
)
"""All files of a release but the checksums."""

_ID = re.compile(r"[A-Za-z0-9._-]+")
_LISTS = ("concepts", "concepts_manual")
_READ = types(*("id", "split", "figure_id", "article_key", "pmcid", "license", "sha256", "format", "caption"), *_LISTS)
_LISTED = 100  # problems of one file that are listed one by one
_CANNOT = "cannot be read"

_Left = Counter[tuple[str, str]]  # (stage, reason) -> rows


def bonds(row: Mapping[str, Any]) -> Iterator[str]:
    """What an image may not share with one of another split: article, similar group, words of a long caption."""
    yield f"article {row['article_key'] or row['figure_id']}"
    for kind in ("duplicate", "similar"):
        if row.get(f"{kind}_group"):
            yield f"{kind} {row[f'{kind}_group']}"
    words = (row.get("caption") or "").casefold().split()
    if len(words) >= WORDS:
        yield f"caption {hashlib.blake2b(' '.join(words).encode(), digest_size=16).hexdigest()}"


def leakage(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many articles, duplicate groups, similar groups and captions have images in more than one split."""
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for bond in bonds(row):
            splits[bond].add(row["split"])
    crossing = Counter(bond.partition(" ")[0] for bond, of in splits.items() if len(of) > 1)
    return {kind: crossing[kind] for kind in ("article", "duplicate", "similar", "caption")}


class Problem(NamedTuple):
    """One thing that is wrong with a release: what it is, and the file, row or image it was found in."""

    what: str
    where: str


class _Figure(NamedTuple):
    """What the other files must say of one image of figures.parquet."""

    figure_id: str
    split: str
    article: str
    pmcid: str
    license: str
    sha256: str
    member: str  # its name in the zip
    cells: dict[str, bytes]  # table -> digest of its cell there


def load(path: str | Path, split: str | None = None) -> pa.Table:
    """Reads the figures of a release, of all splits or of one, in the order of their ids.

    The published ROCOv2 is read as well, with the columns that its tables tell.
    """
    if split is not None and split not in SPLITS:
        raise UsageError(f"there is no split '{split}'", nearest(split, SPLITS))
    if is_published(Path(path)):
        return load_published(Path(path), split)
    root = _root(path)
    chosen = None if split is None else [("split", "==", split)]
    try:
        return pq.read_table(root / "figures.parquet", filters=chosen, partitioning=None)
    except UNREADABLE as err:
        raise DataError(f"{root / 'figures.parquet'} cannot be read", f"roco verify {root} says more") from err


def verify(
    path: str | Path, licenses: Collection[str] = DEFAULT_LICENSES, retracted: Iterable[Path] = ()
) -> list[Problem]:
    """Looks at every file of a release and says what is wrong; an empty list when nothing is.

    licenses: those that may be in it. retracted: lists of retracted papers, none of which
    may be in it. Images and tables are streamed; nothing is unpacked to the disk. Of the published
    ROCOv2 what can be told without checksums is checked.
    """
    if is_published(Path(path)):
        return _by_file(verify_published(Path(path), licenses, retracted))
    root = _root(path)
    problems = _guarded(CHECKSUMS, _check_files(root))
    if not (root / "figures.parquet").is_file():
        return problems
    figures: dict[str, _Figure] = {}
    problems += _guarded("figures.parquet", _read_figures(root / "figures.parquet", figures, licenses))
    for listed in retracted:
        problems += _guarded("figures.parquet", _check_retracted(root / "figures.parquet", listed))
    if any(p.what.startswith(_CANNOT) and p.where == "figures.parquet" for p in problems):
        return problems  # there is nothing to hold the other files against
    used: set[str] = set()
    left: _Left = Counter()
    checks: dict[str, Callable[[Path], Iterator[Problem]]] = {
        "figures.parquet": lambda path: _check_articles(path, figures)
    }
    for split in SPLITS:
        mine = {id: figure for id, figure in figures.items() if figure.split == split}
        checks |= {f"{split}_{table}.csv": _table_check(table, mine, used) for table in SPLIT_TABLES}
        checks[f"{split}_images.zip"] = _zip_check(mine)
    checks |= {
        "cui_mapping.csv": lambda path: _check_mapping(path, used),
        "license_information.csv": lambda path: _check_licenses(path, figures),
        "attribution.csv": lambda path: _check_attribution(path, figures),
        "removed.parquet": lambda path: _check_removed(path, figures, left),
        "funnel.json": lambda path: _check_funnel(path, figures, left),
        TOMBSTONES: lambda path: _check_tombstones(path, figures),
        LEAKAGE: lambda path: _check_leakage(path, root),
        "duplicates.parquet": _check_duplicates,
    }
    for name, check in checks.items():
        if (root / name).is_file():
            problems += _guarded(name, check(root / name))
    return problems


def license_words(license: str) -> str:
    """A licence as the attribution writes it: `CC BY-NC` for `CC-BY-NC`."""
    return license.replace("CC-", "CC ", 1)


def _root(path: str | Path) -> Path:
    root = Path(path)
    if (root / "figures.parquet").is_file() or (root / CHECKSUMS).is_file():
        return root
    if (root / "release" / "figures.parquet").is_file():
        raise DataError(f"{root} is a run, not its release", f"give {root / 'release'}")
    what = "is not a release" if root.is_dir() else "is not a folder"
    raise DataError(f"{root} {what}", f"give the folder that holds figures.parquet and {CHECKSUMS}")


def _by_file(faults: Iterable[Fault]) -> list[Problem]:
    """Faults as problems: of very many of one file the first are enough."""
    found: list[Problem] = []
    count = Counter[str]()
    for fault in faults:
        name = fault.where.partition(",")[0]
        count[name] += 1
        if count[name] <= _LISTED:
            found.append(Problem(*fault))
        elif count[name] == _LISTED + 1:
            found.append(Problem(f"has more than {_LISTED} problems; only the first are listed", name))
    return found


def _guarded(where: str, problems: Iterator[Problem]) -> list[Problem]:
    """The problems of one file: an unreadable file is one, and of very many the first are enough."""
    found: list[Problem] = []
    try:
        found.extend(itertools.islice(problems, _LISTED))
        if next(problems, None) is not None:
            found.append(Problem(f"has more than {_LISTED} problems; only the first are listed", where))
    except UNREADABLE as err:
        found.append(Problem(f"{_CANNOT}: {excerpt(err) or type(err).__name__}", where))
    return found


def _check_files(root: Path) -> Iterator[Problem]:
    there = {entry.name: entry for entry in root.iterdir()}
    listed: dict[str, str] = {}
    if CHECKSUMS in there:
        for line in read_text(root / CHECKSUMS).splitlines():
            digest, _, name = line.partition("  ")
            if not re.fullmatch(r"[0-9a-f]{64}", digest) or not name or name in listed:
                yield Problem(f"is not a line of sha256sum: {excerpt(line)}", CHECKSUMS)
            listed[name] = digest
    for name in sorted({*FILES, CHECKSUMS, *listed} - there.keys()):
        yield Problem("the file is missing", excerpt(name))
    for name, entry in sorted(there.items()):
        if entry.is_symlink() or not entry.is_file():
            yield Problem("is not a plain file", excerpt(name))
        elif name != CHECKSUMS and name not in listed:
            yield Problem(f"the file is not in {CHECKSUMS}", excerpt(name))
        elif name != CHECKSUMS and file_digest(entry) != listed[name]:
            yield Problem(f"the file is not as in {CHECKSUMS}", excerpt(name))


def _read_figures(path: Path, figures: dict[str, _Figure], licenses: Collection[str]) -> Iterator[Problem]:
    ids: dict[str, str] = {}
    for row in parquet_rows(path, _READ):
        id, figure_id = row["id"] or "", row["figure_id"] or ""
        where = f"{path.name}, {excerpt(id)}"
        if not _ID.fullmatch(id):
            yield Problem("the id is malformed", where)
        if id in figures:
            yield Problem("the id stands twice", where)
        if ids.setdefault(figure_id, id) != id:
            yield Problem(f"the same figure as {excerpt(ids[figure_id])}", where)
        if row["license"] not in licenses:
            yield Problem(f"the licence {excerpt(row['license'])} is not allowed", where)
        if row["split"] not in SPLITS or row["format"] not in SUFFIX_OF_FORMAT:
            yield Problem(f"no such split or format: {excerpt(row['split'])}, {excerpt(row['format'])}", where)
        else:
            figures[id] = _figure(row)


def _check_retracted(path: Path, listed: Path) -> Iterator[Problem]:
    out = frozenset(read_list(listed))
    known = [name for name in ("pmcid", "doi", "pmid") if name in pq.read_schema(path).names]
    for row in parquet_rows(path, types("id", *known)):
        if out.intersection(ids({**dict.fromkeys(("pmcid", "doi", "pmid")), **row})):
            yield Problem(f"the article is retracted, says {listed.name}", f"{path.name}, {excerpt(row['id'])}")


def _figure(row: dict[str, Any]) -> _Figure:
    cells = {name: _mark(";".join(map(str, row[name] or ()))) for name in _LISTS}
    cells["captions"] = _mark(row["caption"] or "")
    return _Figure(
        figure_id=row["figure_id"] or "",
        split=row["split"],
        article=row["article_key"] or "",
        pmcid=row["pmcid"] or "",
        license=row["license"] or "",
        sha256=row["sha256"] or "",
        member=f"{row['split']}/{row['id']}{SUFFIX_OF_FORMAT[row['format']]}",
        cells=cells,
    )


def _mark(cell: str) -> bytes:
    return hashlib.blake2b(cell.encode(), digest_size=16).digest()


def _check_articles(path: Path, figures: dict[str, _Figure]) -> Iterator[Problem]:
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for figure in figures.values():
        splits[figure.article].add(figure.split)
    for article, of in sorted(splits.items()):
        if len(of) > 1:
            yield Problem(f"the article is in {' and '.join(sorted(of))}", f"{path.name}, {excerpt(article)}")


def _check_ids(
    path: Path,
    header: tuple[str, ...],
    figures: dict[str, _Figure],
    check: Callable[[_Figure, list[str]], Iterator[str]],
) -> Iterator[Problem]:
    """Every figure has one row; `check` says what is wrong with the row's other cells."""
    seen: set[str] = set()
    for line, cells, complaint in csv_rows(path, header):
        if cells is None:
            yield Problem(complaint, f"{path.name}, line {line}")
            continue
        id, where = cells[0], f"{path.name}, {excerpt(cells[0])}"
        if id in seen:
            yield Problem("the id stands twice", where)
        elif id not in figures:
            yield Problem("the id is unknown to figures.parquet, or belongs to another split", where)
        else:
            yield from (Problem(what, where) for what in check(figures[id], cells[1:]))
        seen.add(id)
    yield from (Problem("the id is missing", f"{path.name}, {excerpt(id)}") for id in figures if id not in seen)


def _table_check(table: str, mine: dict[str, _Figure], used: set[str]) -> Callable[[Path], Iterator[Problem]]:
    def check(figure: _Figure, cells: list[str]) -> Iterator[str]:
        if _mark(cells[0]) != figure.cells[table]:
            yield "differs from figures.parquet"
        if table == "captions" or not cells[0]:
            return
        cuis = cells[0].split(";")
        used.update(cuis)
        yield from (f"malformed CUI '{excerpt(cui)}'" for cui in cuis if not is_cui(cui))
        if len(set(cuis)) < len(cuis):
            yield "a CUI stands twice"

    return lambda path: _check_ids(path, SPLIT_TABLES[table], mine, check)


def _check_licenses(path: Path, figures: dict[str, _Figure]) -> Iterator[Problem]:
    def check(figure: _Figure, cells: list[str]) -> Iterator[str]:
        pmcid, attribution, _ = cells
        if pmcid != figure.pmcid:
            yield f"the PMCID is '{excerpt(figure.pmcid)}' in figures.parquet"
        if not attribution.startswith(license_words(figure.license) + " "):
            yield f"the licence is '{excerpt(figure.license)}' in figures.parquet"

    return _check_ids(path, LICENSE_COLUMNS, figures, check)


def _check_attribution(path: Path, figures: dict[str, _Figure]) -> Iterator[Problem]:
    def check(figure: _Figure, cells: list[str]) -> Iterator[str]:
        if cells[5] != license_words(figure.license):
            yield f"the licence is '{excerpt(figure.license)}' in figures.parquet"

    return _check_ids(path, ATTRIBUTION_COLUMNS, figures, check)


def _check_mapping(path: Path, used: set[str]) -> Iterator[Problem]:
    named: set[str] = set()
    for line, cells, complaint in csv_rows(path, CUI_MAPPING_COLUMNS):
        if cells is None:
            yield Problem(complaint, f"{path.name}, line {line}")
            continue
        cui, name = cells
        if not is_cui(cui):
            yield Problem(f"malformed CUI '{excerpt(cui)}'", f"{path.name}, line {line}")
        if cui in named:
            yield Problem("the CUI stands twice", f"{path.name}, {excerpt(cui)}")
        if name.strip():
            named.add(cui)
    yield from (Problem("the CUI has no name", f"{path.name}, {excerpt(cui)}") for cui in sorted(used - named))


def _zip_check(mine: dict[str, _Figure]) -> Callable[[Path], Iterator[Problem]]:
    wanted = {figure.member: figure.sha256 for figure in mine.values()}

    def check(path: Path) -> Iterator[Problem]:
        seen: set[str] = set()
        for name, sha256, complaint in zip_members(path):
            where = f"{path.name}, {excerpt(name)}"
            if name in seen or name not in wanted:
                yield Problem("the image stands twice" if name in seen else "the image is one too many", where)
            elif complaint:
                yield Problem(f"the image {complaint}", where)
            elif sha256 != wanted[name]:
                yield Problem("the image is not the one of figures.parquet", where)
            seen.add(name)
        missing = (name for name in wanted if name not in seen)
        yield from (Problem("the image is missing", f"{path.name}, {name}") for name in missing)

    return check


def _check_removed(path: Path, figures: dict[str, _Figure], left: _Left) -> Iterator[Problem]:
    for name in pq.read_schema(path).names:
        if name not in REMOVED:
            yield Problem(f"the column '{excerpt(name)}' must not be there: no text of what left", path.name)
    kept = {figure.figure_id for figure in figures.values()}
    for row in parquet_rows(path, {"stage": pa.string()} | types("figure_id", "drop")):
        where = f"{path.name}, {excerpt(row['figure_id'])}"
        left[row["stage"] or "", row["drop"] or ""] += 1
        if not row["drop"]:
            yield Problem("the figure left without a reason", where)
        # Of an article that came in two packages, one stays and the other leaves under the same ids.
        if row["figure_id"] in kept and row["drop"] != "superseded":
            yield Problem("the figure left, and is in figures.parquet", where)


def _check_funnel(path: Path, figures: dict[str, _Figure], left: _Left) -> Iterator[Problem]:
    stages, release = _funnel(path)
    told: _Left = Counter()
    before: int | None = None
    for stage, rows_in, kept, dropped in stages:
        where = f"{path.name}, {excerpt(stage)}"
        told.update({(stage, reason): n for reason, n in dropped.items()})
        if rows_in != kept + sum(dropped.values()):
            yield Problem(f"{rows_in} rows in are not {kept} kept and {sum(dropped.values())} dropped", where)
        if before is not None and rows_in != before:
            yield Problem(f"{rows_in} rows in, but {before} were kept before it", where)
        before = kept
    if (before or 0) != len(figures):
        yield Problem(f"{before or 0} rows are kept, but figures.parquet has {len(figures)}", path.name)
    for stage, reason in sorted(told.keys() | left.keys()):
        if told[stage, reason] != left[stage, reason]:
            what = f"{told[stage, reason]} dropped, but {left[stage, reason]} in removed.parquet"
            yield Problem(what, f"{path.name}, {excerpt(stage)}: {excerpt(reason)}")
    splits = Counter(figure.split for figure in figures.values())
    if release != {split: splits[split] for split in SPLITS}:
        yield Problem("the sizes of the splits are not those of figures.parquet", path.name)


def _check_tombstones(path: Path, figures: dict[str, _Figure]) -> Iterator[Problem]:
    seen: set[str] = set()
    for line, cells, complaint in csv_rows(path, TOMBSTONE_COLUMNS):
        if cells is None:
            yield Problem(complaint, f"{path.name}, line {line}")
        elif cells[0] in figures or cells[0] in seen:
            what = "is in figures.parquet too" if cells[0] in figures else "stands twice"
            yield Problem(f"the id {what}", f"{path.name}, {excerpt(cells[0])}")
        else:
            seen.add(cells[0])


def _check_duplicates(path: Path) -> Iterator[Problem]:
    """Every image of the release that has a group stands in the table of groups."""
    told = {row["figure_id"] or "" for row in parquet_rows(path, types("figure_id"))}
    schema = pq.read_schema(path.with_name("figures.parquet"))
    groups = [name for name in ("duplicate_group", "similar_group") if name in schema.names]
    for row in parquet_rows(path.with_name("figures.parquet"), types("figure_id", *groups)):
        if any(row[name] for name in groups) and row["figure_id"] not in told:
            yield Problem("the image has a group, and is not in it", f"{path.name}, {excerpt(row['figure_id'])}")


def _check_leakage(path: Path, root: Path) -> Iterator[Problem]:
    wanted = [name for name in BOUND if name in pq.read_schema(root / "figures.parquet").names]
    rows = parquet_rows(root / "figures.parquet", types("split", *wanted))
    found = leakage({**dict.fromkeys(BOUND), **row} for row in rows)
    told = json.loads(read_text(path))
    if told != found:
        yield Problem(f"{told!r} in two splits, but {found!r} in figures.parquet"[:300], path.name)


def _funnel(path: Path) -> tuple[list[tuple[str, int, int, dict[str, int]]], Any]:
    """Name, rows in, rows kept and rows dropped by reason of each stage; and images by split."""
    funnel = json.loads(read_text(path))
    try:
        stages = [(str(s["stage"]), s["in"], s["kept"], dict(s["dropped"])) for s in funnel["stages"]]
        whole = all(type(n) is int for _, i, kept, dropped in stages for n in (i, kept, *dropped.values()))
        if whole:
            return stages, funnel["release"]
    except (TypeError, KeyError, AttributeError) as err:
        raise ValueError(f"it has not the form of a funnel: {err!r}") from err
    raise ValueError("it has not the form of a funnel: a count is no whole number")
