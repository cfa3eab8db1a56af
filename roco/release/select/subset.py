"""Writes a selection as a release: the same ids, splits and image bytes, with a record of how it was selected."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import UsageError
from roco.base.files import file_digest
from roco.base.json_text import parse_json
from roco.base.progress import NullProgress, Progress
from roco.base.readers import read_text
from roco.base.terminal import printable
from roco.base.version import __version__
from roco.release.card_parts import TITLE
from roco.release.derived import (
    Derived,
    check_parent,
    check_valid,
    groups_of,
    leave_out,
    parent_digest,
    parent_funnel,
    parent_tombstones,
    write,
)
from roco.release.format import SELECT
from roco.release.metadata import Metadata
from roco.release.read import Release
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import Selection, choose, counts

NOT_SELECTED = "not_selected"
"""The reason in removed.parquet and tombstones.csv of images that the query does not select."""

_LONGEST_SQL = 600  # characters of it in the card; select.json has all


def select(
    release: str | Path,
    out: str | Path,
    options: SelectOptions,
    relations: str | Path | None = None,
    prune: bool = False,
    progress: Progress | None = None,
) -> tuple[Selection, dict[str, Any]]:
    """Writes some images of a release as a release; returns what was selected, and its select.json.

    out: a folder that does not exist. options: what to select. relations: a CSV file with the columns child and parent,
    for descendants of concepts. prune: removes concepts from valid and test that no selected image of train has, and
    images without any other concept. Raises UsageError or DataError, and then nothing is written.
    """
    opened = Release.open(release)
    if not options.stated():
        raise UsageError("nothing to select by", "give --where or another option: roco select --help lists them")
    with opened:
        check_parent(opened, Path(out))
        # Before the slow checks: a condition may be mistyped.
        selection = choose(opened, options, None if relations is None else Path(relations))
        check_valid(opened, progress or NullProgress())
        record = write_subset(selection, Path(out), prune, progress or NullProgress())
    return selection, record


def write_subset(selection: Selection, out: Path, prune: bool, progress: Progress) -> dict[str, Any]:
    """Writes a selection of a release that has been checked; returns the content of select.json."""
    parent = selection.release
    table = parent.table()
    is_selected = pc.is_in(table["id"], value_set=pa.array(selection.ids, pa.string()))
    if not pc.any(is_selected).as_py():
        raise UsageError("no image is selected", "relax the condition: --count shows how many images it selects")
    rest = leave_out(table, is_selected, "select", NOT_SELECTED, "", prune)
    kept = rest.figures
    digest, of_parent = parent_digest(parent), parent_funnel(parent)
    funnel: dict[str, Any] = {
        "source": {"kind": "release", "images": len(table)},
        "counts": {},
        "stages": rest.stages,
        "selected_from": digest,
    }
    if "licenses" in of_parent:
        funnel["licenses"] = of_parent["licenses"]  # `roco verify` accepts these
    record = _record(selection, counts(kept), digest, prune)
    content = Derived(
        figures=kept,
        removed=pa.concat_tables(rest.removed),
        groups=groups_of(parent, kept["id"].combine_chunks(), keep_dropped=False),
        tombstones=[*parent_tombstones(parent), *rest.tombstones],
        funnel=funnel,
        about=_about(parent, len(kept), len(table)),
        heading="A subset of another release",
        note=_note(selection, len(kept), len(table), digest, prune),
        records={SELECT: record},
    )
    write(parent, out, content, progress)
    return record


# --- what it is ----------------------------------------------------------------------------------------------


def _about(parent: Release, images: int, of: int) -> Metadata:
    """Returns the metadata of a subset: the creators of its parent, but neither its version nor its DOI."""
    about = parent.metadata
    title = about.title or TITLE
    facts = [f"version {about.version}"] if about.version else []
    facts += [f"https://doi.org/{about.doi}"] if about.doi else []
    of_which = f" ({', '.join(facts)})" if facts else ""
    first = f"Subset with {images:,} of the {of:,} images of the release '{title}'{of_which}."
    description = f"{first} {about.description}" if about.description else first
    subset = title if title.endswith(" (subset)") else f"{title} (subset)"
    return dataclasses.replace(about, title=subset, description=description, version=None, date=None, doi=None)


def _note(selection: Selection, images: int, of: int, digest: str, prune: bool) -> str:
    sql = printable(selection.sql, keep="\n")
    if len(sql) > _LONGEST_SQL:
        sql = f"{sql[:_LONGEST_SQL]} …"
    shown = "".join(f"    {line}\n" for line in sql.splitlines())
    pruned = " Concepts that no image of train has were removed from valid and test." if prune else ""
    return (
        f"This release contains {images:,} of the {of:,} images of another one, with the same ids, splits and bytes. "
        f"`roco select` selected them by this query:\n\n{shown}\n"
        f"`{SELECT}` contains the query, and the numbers of images before and after. The checksums of the other "
        f"release have the SHA-256 `{digest}`. `tombstones.csv` and `removed.parquet` list its other images, so that "
        f"no id is given to another image.{pruned}"
    )


def _record(selection: Selection, after: Mapping[str, Mapping[str, int]], digest: str, prune: bool) -> dict[str, Any]:
    """Returns the content of select.json; of a subset of a subset, it contains that of the parent."""
    about, path = selection.release.metadata, selection.release.path
    parent: dict[str, Any] = {"checksums_sha256": digest, "images": selection.images}
    for name in ("title", "version", "doi"):
        if getattr(about, name) is not None:
            parent[name] = getattr(about, name)
    if (path / SELECT).is_file():
        parent["select"] = parse_json(read_text(path / SELECT))
    record = {
        "sql": selection.sql,
        "flags": selection.flags.stated(),
        "prune": prune,
        "parent": parent,
        "before": selection.before,
        "after": after,
        "concepts_lost_by_train": {} if prune else selection.lost,
        "splits_emptied": list(selection.emptied),
        "roco": __version__,
    }
    if selection.pubmed is not None:
        record["pubmed"] = selection.pubmed
    if selection.relations is not None:
        record["relations_sha256"] = file_digest(selection.relations)
    return record
