"""Compares two plans of a folder: articles that are new, changed, removed, retracted or relicensed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.sources.fetch.plan import REMOVED, UNWANTED, WANTED, Plan

KINDS = ("new", "changed", "removed", "retracted", "relicensed")
Row = dict[str, Any]
"""A row of a plan as a dictionary."""


class ChangedArticle(NamedTuple):
    """One article and what changed."""

    article: str
    detail: str


class Changes(NamedTuple):
    """Changed articles that are wanted or in the folder, each listed once under its most important change.

    unrelated: number of changed articles that are neither wanted nor in the folder.
    """

    previous_snapshot: str
    snapshot: str
    new: list[ChangedArticle]
    changed: list[ChangedArticle]
    removed: list[ChangedArticle]
    retracted: list[ChangedArticle]
    relicensed: list[ChangedArticle]
    unrelated: int

    def of_kind(self, kind: str) -> list[ChangedArticle]:
        articles: list[ChangedArticle] = getattr(self, kind)
        return articles

    @property
    def any(self) -> bool:
        return any(self.of_kind(kind) for kind in KINDS)

    def as_mapping(self) -> dict[str, Any]:
        by_kind = {kind: [changed._asdict() for changed in self.of_kind(kind)] for kind in KINDS}
        return {
            "previous_snapshot": self.previous_snapshot,
            "snapshot": self.snapshot,
            **by_kind,
            "unrelated": self.unrelated,
        }


def compare_plans(old: Plan, new: Plan) -> Changes:
    """Compares two plans by the ETags of the metadata; only articles with a different ETag are looked at."""
    numbers = _changed_numbers(old.table, new.table)
    old_rows, new_rows = _rows_by_article(old.table, numbers), _rows_by_article(new.table, numbers)
    by_kind: dict[str, list[ChangedArticle]] = {kind: [] for kind in KINDS}
    unrelated = 0
    for number in numbers.to_pylist():
        before, after = old_rows.get(number, []), new_rows.get(number, [])
        if not _concerns_folder(before) and not _concerns_folder(after):
            unrelated += 1
            continue
        kind, detail = _describe_change(before, after)
        by_kind[kind].append(ChangedArticle(f"PMC{number}", detail))
    return Changes(
        previous_snapshot=old.summary.snapshot, snapshot=new.summary.snapshot, unrelated=unrelated, **by_kind
    )


def _changed_numbers(old: pa.Table, new: pa.Table) -> pa.Array:
    """Returns the sorted numbers of articles with a version that was added, removed, or has another ETag."""
    keys = ["number", "version", "etag"]
    old = old.filter(pc.not_equal(old["state"], REMOVED)).select(keys)
    new = new.filter(pc.not_equal(new["state"], REMOVED)).select(keys)
    only_old = old.join(new, keys=keys, join_type="left anti")["number"]
    only_new = new.join(old, keys=keys, join_type="left anti")["number"]
    numbers = pc.unique(pa.chunked_array([*only_old.chunks, *only_new.chunks], pa.int64()))
    return numbers.take(pc.sort_indices(numbers))


def _rows_by_article(table: pa.Table, numbers: pa.Array) -> Mapping[int, list[Row]]:
    rows = table.filter(pc.is_in(table["number"], value_set=numbers)).to_pylist()
    return {number: list(group) for number, group in itertools.groupby(rows, lambda row: int(row["number"]))}


def _concerns_folder(rows: Sequence[Row]) -> bool:
    return bool(rows) and rows[0]["state"] in (WANTED, UNWANTED, REMOVED)


def _describe_change(before: Sequence[Row], after: Sequence[Row]) -> tuple[str, str]:
    """Returns kind and detail of the most important change of one article."""
    if not after or after[0]["state"] == REMOVED:
        return "removed", "no longer in the bucket"
    new = _chosen(after)
    if not before or before[0]["state"] == REMOVED:
        return "new", f"version {new['version']}"
    old = _chosen(before)
    if new["retracted"] and not old["retracted"]:
        return "retracted", "retracted"
    if new["license"] != old["license"]:
        return "relicensed", f"{old['license']} -> {new['license']}"
    if new["version"] != old["version"]:
        return "changed", f"version {old['version']} -> {new['version']}"
    if new["state"] != old["state"]:
        return "changed", f"{old['reason'] or 'wanted'} -> {new['reason'] or 'wanted'}"
    return "changed", "text" if new["xml_md5"] != old["xml_md5"] else "images or metadata"


def _chosen(rows: Sequence[Row]) -> Row:
    return next(row for row in rows if row["chosen"])
