"""The plan: every article of a snapshot with what is made of it, before anything large moves."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError, RejectedInput
from roco.base.files import file_digest, read_table, write_json, write_table
from roco.base.formats import IMAGE_EXTENSIONS, extension_of
from roco.sources.cloud_metadata import Version, md5s, read_metadata, unread_version, version_of
from roco.sources.fetch.inventory import Inventory, listing
from roco.sources.fetch.kept import Kept, side_by_side
from roco.sources.fetch.tree import PACK, STATE, Tree
from roco.sources.fetch.wants import Wants, judge
from roco.sources.fetch.wire import Got, Wire, why_gone

SAMPLE = 200
"""Articles whose objects are listed, so that the size of all can be told; of fewer all are."""
BANDWIDTH = 100e6
"""Bits a second that the time is reckoned with."""

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("version", pa.int32()),
        ("etag", pa.string()),
        ("place", pa.int64()),  # of its metadata among those kept, -1 where there are none
        ("sha256", pa.string()),  # of its metadata
        ("chosen", pa.bool_()),  # stands for its article
        ("state", pa.string()),  # of the article: take, follow (here, wanted no more), skip, gone
        ("reason", pa.string()),  # why it is not wanted
        ("detail", pa.string()),
        ("license", pa.string()),
        ("retracted", pa.bool_()),
        ("xml_md5", pa.string()),
        ("media", pa.int32()),  # images that its metadata name
        ("pack", pa.int32()),  # the pack it goes to, null where it is here or goes to none
        ("here", pa.bool_()),  # as it should be, when the plan was made
    ]
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `roco fetch` is asked for; kept beside the plan, so that `run` and `update` need not be told again."""

    endpoint: str
    contact: str
    wants: Wants
    ids: tuple[tuple[int, int | None], ...] | None = None
    packs: bool = False
    connections: int = 16

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Options:
        ids = told.get("ids")
        plain = {k: v for k, v in told.items() if k not in ("wants", "ids")}
        pairs = None if ids is None else tuple((n, v) for n, v in ids)
        return cls(**plain, wants=Wants.of(told["wants"]), ids=pairs)

    def as_mapping(self) -> dict[str, Any]:
        return {**self.__dict__, "wants": self.wants.as_mapping()}


class Plan(NamedTuple):
    """A plan as it lies in a folder: options, the snapshot it is made from, totals, and `SCHEMA`, a row a version."""

    options: Options
    told: dict[str, Any]
    table: pa.Table


def about(folder: Path) -> Path:
    """The file that a plan is known by; it names the one with the rows."""
    return folder / STATE / "plan.json"


def read_plan(folder: Path) -> Plan:
    """The plan of a folder; raises DataError where there is none or it is damaged."""
    path = about(folder)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Plan(Options.of(told["options"]), told, read_table(path.with_name(str(told["rows"])))[0])
    except (FileNotFoundError, NotADirectoryError) as err:
        raise DataError(f"there is no plan in {folder}", f"roco fetch plan {folder}  makes one") from err
    except (DataError, ValueError, KeyError, TypeError) as err:
        said = err.message if isinstance(err, DataError) else f"{path} cannot be read"
        raise DataError(said, f"roco fetch plan {folder}  makes it anew; metadata are not fetched again") from err


def make_plan(
    folder: Path, options: Options, inventory: Inventory, wire: Wire, receipt: Callable[[Got], None],
    progress: Callable[[int, int], None] = lambda n, of: None,
) -> Plan:  # fmt: skip
    """Gets the metadata that are not here and judges every article; `write_plan` puts it in place of the last."""
    kept, tree = Kept(folder / STATE / "metadata"), Tree(folder)
    began, lacking = time.monotonic(), kept.lacking(inventory.table)
    done = itertools.count(1)
    kept.fetch(wire, lacking, receipt, lambda: progress(next(done), len(lacking)))
    rate = len(lacking) / max(0.05, time.monotonic() - began) if len(lacking) else 0.0
    rows = list(_rows(inventory, kept, tree, options))
    columns = zip(*rows, strict=True) if rows else ([] for _ in SCHEMA)
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
    told: dict[str, Any] = {
        "options": options.as_mapping(),
        "snapshot": inventory.name,
        "manifest_sha256": inventory.sha256,
        "notes": list(inventory.notes),
        **_totals(rows),
    }
    todo = [row for row in rows if row.chosen and row.state in ("take", "follow") and not row.here]
    told["estimate"] = _estimate(wire, todo, rate)
    return Plan(options, told, table)


def write_plan(folder: Path, plan: Plan) -> None:
    """Puts a plan in place of the last; a kill at any moment leaves one of the two."""
    path = about(folder)
    lying = path.with_name(".rows.parquet")
    write_table(lying, plan.table, {})
    name = f"plan-{file_digest(lying)[:16]}.parquet"
    os.replace(lying, path.with_name(name))  # noqa: PTH105 - one name for the tests that kill here
    write_json(path, {**plan.told, "rows": name})
    for other in path.parent.glob("plan-*.parquet"):
        if other.name != name:
            other.unlink()


class _Row(NamedTuple):
    """A row of `SCHEMA`."""

    number: int
    version: int
    etag: str
    place: int
    sha256: str | None
    chosen: bool
    state: str
    reason: str | None
    detail: str | None
    license: str | None
    retracted: bool
    xml_md5: str | None
    media: int
    pack: int | None
    here: bool


class _Read(NamedTuple):
    """A version with its metadata read."""

    etag: str
    place: int
    sha256: str | None
    version: Version
    xml_md5: str | None
    status: int


def _rows(inventory: Inventory, kept: Kept, tree: Tree, options: Options) -> Iterator[_Row]:
    """The rows of all articles, by number and version; those that are here and in the bucket no more stand last."""
    here = tree.versions()
    pack, n = (tree.next_pack() if options.packs else None), 0
    seen = set()
    for number, versions in _articles(inventory.table, kept):
        seen.add(number)
        for row in _article(number, versions, number in here, tree, options.wants):
            yield row if row.here or row.state == "skip" or pack is None else row._replace(pack=pack + n // PACK)
        n += pack is not None and row.state != "skip" and not row.here
    covered = here if inventory.numbers is None else {n: here[n] for n in inventory.numbers if n in here}
    for number in sorted(covered.keys() - seen):
        for version in sorted(covered[number]):
            yield _Row(number, version, "", -1, None, version == max(covered[number]), "gone", "gone",
                       "in the bucket no more", None, False, None, 0, None, True)  # fmt: skip


def _articles(table: pa.Table, kept: Kept) -> Iterator[tuple[int, list[_Read]]]:
    """The versions of each article with their metadata, in the order of the table."""
    keys = ["number", "version", "etag"]
    joined = table.join(kept.index(), keys=keys, join_type="left outer")
    joined = joined.sort_by([("number", "ascending"), ("version", "ascending")])
    rows = (row for batch in joined.to_batches(max_chunksize=100_000) for row in batch.to_pylist())
    for number, group in itertools.groupby(rows, lambda row: row["number"]):
        yield number, [_read(row, kept) for row in group]


def _read(row: Mapping[str, Any], kept: Kept) -> _Read:
    key, place = f"PMC{row['number']}.{row['version']}", -1 if row["place"] is None else row["place"]
    body, status = kept.body(place) if place >= 0 else (None, 0)
    if body is None:
        said = f"the object of its metadata {why_gone(status)}"
        return _Read(row["etag"], place, None, unread_version(key, said), None, status)
    sha256 = hashlib.sha256(body).hexdigest()
    try:
        meta = read_metadata(body, key)
    except RejectedInput as err:
        return _Read(row["etag"], place, sha256, unread_version(key, err.message), None, status)
    md5 = md5s(key, meta).get(f"{key}.xml")
    return _Read(row["etag"], place, sha256, version_of(key, meta, sha256), md5, status)


def _article(number: int, versions: Sequence[_Read], here: bool, tree: Tree, wants: Wants) -> list[_Row]:
    judged = judge([one.version for one in versions], wants)
    state = "take" if judged.reason is None else "follow" if here and judged.reason != "metadata" else "skip"
    keys = {f"PMC{number}.{one.version.number}": one.sha256 for one in versions if one.sha256}
    there = here and state != "skip" and tree.holds(keys, f"PMC{number}.{judged.chosen.number}")
    return [
        _Row(
            number, one.version.number, one.etag, one.place, one.sha256, one.version is judged.chosen, state,
            judged.reason, judged.detail, judged.license, judged.retracted, one.xml_md5,
            sum(1 for name in one.version.media or () if extension_of(name) in IMAGE_EXTENSIONS), None, there,
        )
        for one in versions
    ]  # fmt: skip


def _totals(rows: Sequence[_Row]) -> dict[str, Any]:
    chosen = [row for row in rows if row.chosen]
    states = Counter(row.state for row in chosen)
    return {
        "versions": len(rows),
        "articles": len(chosen),
        "take": states["take"],
        "follow": states["follow"],
        "gone": states["gone"],
        "todo": sum(row.state in ("take", "follow") and not row.here for row in chosen),
        "skip": dict(sorted(Counter(row.reason or "" for row in chosen if row.state == "skip").items())),
    }


def _estimate(wire: Wire, todo: Sequence[_Row], rate: float) -> dict[str, Any]:
    """Files and bytes at most, for which figures use which image only the XML will tell; by a sample of articles."""
    sample = todo if len(todo) <= SAMPLE else random.Random(0).sample(todo, SAMPLE)
    sizes: list[tuple[int, int]] = []

    def size(row: _Row) -> None:
        key = f"PMC{row.number}.{row.version}"
        found = [(name.lower(), n) for name, _, n, _ in listing(wire, f"{key}/")]
        xml = f"{key.lower()}/{key.lower()}.xml"
        wanted = [n for name, n in found if name == xml or extension_of(name) in IMAGE_EXTENSIONS]
        sizes.append((len(wanted), sum(wanted)))

    began = time.monotonic()
    side_by_side(wire, size, iter(sample))
    rate = rate or len(sample) / max(0.05, time.monotonic() - began)
    share = len(todo) / max(1, len(sizes))
    count, size_of_all = (round(share * sum(one[i] for one in sizes)) for i in (0, 1))
    seconds = max(count / max(1.0, rate), 8 * size_of_all / BANDWIDTH) if todo else 0.0
    return {"files": count, "bytes": size_of_all, "sampled": len(sizes), "rate": round(rate), "seconds": round(seconds)}
