"""What two plans of one folder differ in: articles that are new, changed, removed, retracted, relicensed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.sources.fetch.plan import Plan

KINDS = ("new", "changed", "removed", "retracted", "relicensed")


class Changed(NamedTuple):
    """One article that is not as it was."""

    article: str
    detail: str


class Changes(NamedTuple):
    """Articles that are here or wanted, by what became of them; each stands once, under what weighs most.

    elsewhere: how many changed that are neither.
    """

    was: str
    now: str
    new: list[Changed]
    changed: list[Changed]
    removed: list[Changed]
    retracted: list[Changed]
    relicensed: list[Changed]
    elsewhere: int

    def as_mapping(self) -> dict[str, Any]:
        named = {kind: [one._asdict() for one in getattr(self, kind)] for kind in KINDS}
        return {"was": self.was, "now": self.now, **named, "elsewhere": self.elsewhere}


def changes(old: Plan, new: Plan) -> Changes:
    """Compares by the ETags of metadata; an article is looked at only where one of its versions' differs."""
    numbers = _different(old.table, new.table)
    before, after = _by_article(old.table, numbers), _by_article(new.table, numbers)
    found: dict[str, list[Changed]] = {kind: [] for kind in KINDS}
    elsewhere = 0
    for number in numbers.to_pylist():
        one, other = before.get(number), after.get(number)
        if not any(rows and rows[0]["state"] in ("take", "follow", "gone") for rows in (one, other)):
            elsewhere += 1
            continue
        kind, detail = _kind(one, other)
        found[kind].append(Changed(f"PMC{number}", detail))
    was, now = (str(plan.told["snapshot"]) for plan in (old, new))
    return Changes(was=was, now=now, elsewhere=elsewhere, **found)


def _different(old: pa.Table, new: pa.Table) -> pa.Array:
    """Numbers of the articles of which some version came, went or has another ETag."""
    keys = ["number", "version", "etag"]
    one, other = (t.filter(pc.not_equal(t["state"], "gone")).select(keys) for t in (old, new))
    both = [a.join(b, keys=keys, join_type="left anti")["number"] for a, b in ((one, other), (other, one))]
    numbers = pc.unique(pa.chunked_array([c for column in both for c in column.chunks], pa.int64()))
    return numbers.take(pc.sort_indices(numbers))


def _by_article(table: pa.Table, numbers: pa.Array) -> Mapping[int, list[dict[str, Any]]]:
    rows = table.filter(pc.is_in(table["number"], value_set=numbers)).to_pylist()
    return {number: list(group) for number, group in itertools.groupby(rows, lambda row: int(row["number"]))}


def _kind(was: list[dict[str, Any]] | None, now: list[dict[str, Any]] | None) -> tuple[str, str]:
    if not now or now[0]["state"] == "gone":
        return "removed", "in the bucket no more"
    newest = next(row for row in now if row["chosen"])
    if not was or was[0]["state"] == "gone":
        return "new", f"version {newest['version']}"
    last = next(row for row in was if row["chosen"])
    if newest["retracted"] and not last["retracted"]:
        return "retracted", "retracted"
    if newest["license"] != last["license"]:
        return "relicensed", f"{last['license']} -> {newest['license']}"
    if newest["version"] != last["version"]:
        return "changed", f"version {last['version']} -> {newest['version']}"
    if newest["state"] != last["state"]:
        return "changed", f"{last['reason'] or 'wanted'} -> {newest['reason'] or 'wanted'}"
    return "changed", "text" if newest["xml_md5"] != last["xml_md5"] else "images or metadata"
