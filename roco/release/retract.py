"""Takes images down: writes the next release without them; their ids are retired for good."""

from __future__ import annotations

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roco.base.errors import DataError, UsageError, nearest
from roco.base.ids import clean_doi, clean_pmcid, clean_pmid
from roco.base.json_text import parse_json
from roco.base.packed import lines
from roco.base.progress import NullProgress, Progress
from roco.base.readers import read_text
from roco.base.terminal import excerpt
from roco.release.derived import (
    Derived,
    check_parent,
    check_valid,
    groups_of,
    leave_out,
    named_concepts,
    parent_digest,
    parent_funnel,
    parent_tombstones,
    write,
)
from roco.release.format import CROISSANT, DROPPED, FILES, METADATA
from roco.release.previous import TAKEDOWN, Tombstone
from roco.release.read import Release

MOST_BYTES = 100 << 20
LONGEST_REASON = 500
_ARTICLE = ("article_key", "pmcid", "doi", "pmid")
_GROUPS = ("sha256", "duplicate_group", "similar_group")
_HEADERS = ("id", "image", "article", "pmcid", "doi", "pmid")


@dataclass(frozen=True)
class Retraction:
    """What was taken down.

    ids: of the images. similar: ids of images that stay, although they have the bytes or a group in common with one.
    lost: CUI, name and number of images of concepts of valid and test that train no longer has; none if they were
    pruned. pruned: ids of images that pruning left without a concept. emptied: splits without an image.
    """

    ids: list[str]
    similar: list[str]
    lost: list[tuple[str, str, int]]
    pruned: list[str]
    emptied: list[str]


def read_ids(path: Path) -> list[str]:
    """Reads ids of images or articles: the first cell of each line; blank lines, `#` and a header are skipped."""
    if not path.exists():
        hint = "check the path; the file has one id per line"
        raise DataError(f"{path} does not exist (--ids)", hint)
    ids: dict[str, None] = {}
    for number, line in enumerate(lines(path, MOST_BYTES)):
        cell = line.partition(",")[0].strip().strip('"')
        is_header = number == 0 and cell.lower() in _HEADERS
        if cell and not cell.startswith("#") and not is_header:
            ids.setdefault(cell)
    if not ids:
        raise DataError(f"no ids in {path}", "write one id per line: of an image, or the PMCID or DOI of an article")
    return list(ids)


def retract(
    release: str | Path,
    out: str | Path,
    ids: Path | Sequence[str],
    reason: str,
    date: str | None = None,
    version: str | None = None,
    prune: bool = False,
    progress: Progress | None = None,
) -> Retraction:
    """Writes the next release without some images, whose tombstones state date and reason; the old one is unchanged.

    out: a folder that does not exist. ids: of images, or PMCID, DOI or PubMed id of articles, of which all images are
    taken down; or the Path of a file with one in each line. reason: published in tombstones.csv, so name nobody. date:
    `2026-11-30`, today by default. version: of the new release. prune: removes concepts from valid and test that
    train no longer has, and images without any other concept. Raises UsageError for an unknown id, and DataError for
    an invalid release; then nothing is written.
    """
    words = _checked_reason(reason)
    day = _checked_date(date)
    listed = read_ids(ids) if isinstance(ids, Path) else [ids] if isinstance(ids, str) else list(ids)
    if not listed:
        raise UsageError("no ids", "list ids of images, or PMCIDs or DOIs of articles")
    reported = progress or NullProgress()
    with Release.open(release) as parent:
        check_parent(parent, Path(out))
        table = parent.table()
        tombstones = parent_tombstones(parent)
        wanted = _meant(listed, table, tombstones)  # before the slow checks: an id may be mistyped
        check_valid(parent, reported)
        is_kept = pc.invert(pc.is_in(table["id"], value_set=pa.array(sorted(wanted), pa.string())))
        gone = table.filter(pc.invert(is_kept))
        if len(gone) == len(table):
            raise UsageError("every image would be taken down", "withdraw the whole release instead")
        if not len(gone) and all(stone.reason == TAKEDOWN for stone in tombstones if stone.id in wanted):
            raise UsageError("all of these images have been taken down before (--ids)", "there is nothing to do")
        detail = f"{day}: {words}"
        rest = leave_out(table, is_kept, "retract", TAKEDOWN, detail, prune)
        funnel, digest = parent_funnel(parent), parent_digest(parent)
        # The stage is listed with 0 images, too, when only tombstones of a subset change.
        rest.stages[0]["dropped"] = {TAKEDOWN: len(gone)}
        funnel |= {"stages": [*funnel["stages"], *rest.stages], "grown_from": digest}
        before = pq.read_table(parent.path / DROPPED)
        content = Derived(
            figures=rest.figures,
            removed=pa.concat_tables([before, *(part.cast(before.schema) for part in rest.removed)]),
            groups=groups_of(parent, rest.figures["id"].combine_chunks(), keep_dropped=True),
            tombstones=[*_for_good(tombstones, wanted, detail), *rest.tombstones],
            funnel=funnel,
            about=dataclasses.replace(parent.metadata, version=version, date=date, doi=None),
            heading="What changed",
            note=_note(len(gone), day, digest, prune),
            records=_records(parent),
        )
        write(parent, Path(out), content, reported)
        similar = _similar(gone, rest.figures)
        lost = list(named_concepts(parent, rest.lost))
        return Retraction(gone["id"].to_pylist(), similar, lost, rest.pruned, rest.emptied)


def _for_good(tombstones: Iterable[Tombstone], wanted: Collection[str], detail: str) -> Iterator[Tombstone]:
    """Yields the tombstones of a release; an image that a subset does not contain may be taken down as well."""
    for tombstone in tombstones:
        if tombstone.id in wanted and tombstone.reason != TAKEDOWN:
            yield tombstone._replace(reason=TAKEDOWN, detail=detail)
        else:
            yield tombstone


def _note(images: int, day: str, digest: str, prune: bool) -> str:
    verb = "image was" if images == 1 else "images were"
    pruned = " Concepts that no image of train has were removed from valid and test." if prune else ""
    return (
        f"On {day}, {images:,} {verb} taken down: `tombstones.csv` lists them with the reason `{TAKEDOWN}`. Their ids "
        f"are not used again. Please delete your copies of them.{pruned} Nothing else changed since the previous "
        f"release, whose checksums have the SHA-256 `{digest}`."
    )


def _records(parent: Release) -> dict[str, Any]:
    """Returns further JSON files of the release, such as select.json: they describe how it was made.

    croissant.json of a downloaded deposit is none of them: it describes the files of the old release.
    """
    names = sorted(path.name for path in parent.path.glob("*.json"))
    written = (*FILES, METADATA, CROISSANT)
    return {name: parse_json(read_text(parent.path / name)) for name in names if name not in written}


# --- input ---------------------------------------------------------------------------------------------------


def _checked_reason(reason: str) -> str:
    words = " ".join(reason.split())
    if not words:
        raise UsageError("empty reason (--reason)", 'state why, without naming anybody: --reason "consent withdrawn"')
    if len(words) > LONGEST_REASON or not words.isprintable():
        raise UsageError(
            f"invalid reason '{excerpt(words, 60)}' (--reason)", f"write at most {LONGEST_REASON} characters"
        )
    return words


def _checked_date(date: str | None) -> str:
    if date is None:
        return datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        if datetime.date.fromisoformat(date).isoformat() == date:
            return date
    except ValueError:
        pass
    raise UsageError(f"invalid date '{excerpt(date, 40)}' (--date)", "write year, month and day: 2026-11-30")


def _meant(ids: Iterable[str], table: pa.Table, tombstones: Iterable[Tombstone]) -> set[str]:
    """Returns the ids of images that are meant: of the release, and of tombstones that may come back as yet.

    Raises UsageError for an id that is neither, nor that of an article with such an image.
    """
    columns = [name for name in _ARTICLE if name in table.column_names]
    known: defaultdict[str, set[str]] = defaultdict(set)
    for row in table.select(["id", *columns]).to_pylist():
        for key in (row["id"], *(row[name] for name in columns)):
            if key:
                known[key].add(row["id"])
    for tombstone in tombstones:
        for key in (tombstone.id, tombstone.article_key):
            known[key].add(tombstone.id)
    wanted: set[str] = set()
    unknown = []
    for id in ids:
        found = [known[key] for key in _keys(id) if key in known]
        if not found:
            unknown.append(id)
        wanted.update(*found)
    if unknown:
        more = f", and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
        what = f"no image or article has the id '{excerpt(unknown[0], 60)}'{more} (--ids)"
        raise UsageError(what, nearest(unknown[0], known))
    return wanted


def _keys(id: str) -> list[str]:
    """Returns the keys of an image or article: as written, and PMCID, DOI or PubMed id in the form of the columns."""
    pmcid = clean_pmcid(id)[0] if id.upper().startswith("PMC") else None
    return [key for key in (id, pmcid, clean_doi(id), clean_pmid(id)) if key]


def _similar(gone: pa.Table, kept: pa.Table) -> list[str]:
    """Returns the images that stay and have the bytes or a group in common with one that was taken down."""
    similar: set[str] = set()
    for name in _GROUPS:
        if name in gone.column_names:
            groups = pc.drop_null(pc.unique(gone[name]))
            similar.update(kept.filter(pc.is_in(kept[name], value_set=groups))["id"].to_pylist())
    return sorted(similar)
