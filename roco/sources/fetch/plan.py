"""The plan of a folder: its options, the snapshot it was made from, totals, and one row for each article version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.files import file_digest, write_json
from roco.base.json_text import parse_json
from roco.base.sealed_tables import read_table, write_table
from roco.sources.fetch.articles_folder import STATE_FOLDER
from roco.sources.fetch.selection import Selection

# States of an article in a plan.
WANTED = "wanted"
UNWANTED = (
    "unwanted"  # in the folder, no longer wanted; kept up to date, so that a run drops its images with the reason
)
EXCLUDED = "excluded"  # neither wanted nor in the folder
REMOVED = "removed"  # in the folder, no longer in the bucket

SCHEMA = pa.schema(
    [
        ("number", pa.int64()),  # of the PMCID
        ("version", pa.int32()),
        ("etag", pa.string()),  # of the metadata
        ("metadata_position", pa.int64()),  # in the metadata cache, -1 if not stored
        ("metadata_sha256", pa.string()),
        ("chosen", pa.bool_()),  # represents its article
        ("state", pa.string()),  # of the article
        ("reason", pa.string()),  # why the article is not wanted
        ("detail", pa.string()),
        ("license", pa.string()),
        ("retracted", pa.bool_()),
        ("xml_md5", pa.string()),
        ("images", pa.int32()),  # number of images in its metadata
        ("pack", pa.int32()),  # number of the pack to write it to, null for none
        ("up_to_date", pa.bool_()),  # already complete in the folder when the plan was made
    ]
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `roco fetch plan`, stored in the plan so that `run` and `update` use the same ones."""

    endpoint: str
    contact: str
    selection: Selection
    ids: tuple[tuple[int, int | None], ...] | None = None
    packs: bool = False
    connections: int = 16

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Options:
        """Reads what `as_mapping` returned, after a round trip through JSON."""
        ids = values["ids"]
        return cls(
            endpoint=values["endpoint"],
            contact=values["contact"],
            selection=Selection.from_mapping(values["selection"]),
            ids=None if ids is None else tuple((number, version) for number, version in ids),
            packs=values["packs"],
            connections=values["connections"],
        )

    def as_mapping(self) -> dict[str, Any]:
        return {**vars(self), "selection": self.selection.as_mapping()}


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An upper bound of what will be downloaded.

    sampled: articles whose objects were listed for it; seconds: at `requests_per_second` and 100 Mbit/s.
    """

    files: int
    bytes: int
    sampled: int
    requests_per_second: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The snapshot of a plan, and numbers of articles by state.

    notes: snapshots that could not be used, or missing ids.
    to_download: wanted and unwanted articles that are not up to date.
    excluded: by reason.
    """

    snapshot: str
    manifest_sha256: str
    notes: tuple[str, ...]
    versions: int
    articles: int
    wanted: int
    unwanted: int
    removed: int
    to_download: int
    excluded: dict[str, int]
    estimate: Estimate

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Summary:
        """Reads what `dataclasses.asdict` returned, after a round trip through JSON."""
        names = [name for name in cls.__dataclass_fields__ if name not in ("notes", "estimate")]
        plain = {name: values[name] for name in names}
        return cls(**plain, notes=tuple(values["notes"]), estimate=Estimate(**values["estimate"]))


class Plan(NamedTuple):
    """A plan; table: `SCHEMA`, one row for each version, by number and version."""

    options: Options
    summary: Summary
    table: pa.Table

    def as_mapping(self) -> dict[str, Any]:
        """Returns everything but the rows."""
        return {"options": self.options.as_mapping(), **asdict(self.summary)}


def plan_path(folder: Path) -> Path:
    """Returns the main file of a plan; it names the file with the rows."""
    return folder / STATE_FOLDER / "plan.json"


def read_plan(folder: Path) -> Plan:
    """Reads the plan of a folder; raises DataError where it is missing or invalid."""
    path = plan_path(folder)
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
        table = read_table(path.with_name(str(values["rows"])))[0]
        return Plan(Options.from_mapping(values["options"]), Summary.from_mapping(values), table)
    except (FileNotFoundError, NotADirectoryError) as err:
        raise DataError(f"no plan in {folder}", f"create one: roco fetch plan {folder}") from err
    except (DataError, OSError, ValueError, KeyError, TypeError) as err:
        message = err.message if isinstance(err, DataError) else f"invalid plan: {path}"
        hint = f"create a new one: roco fetch plan {folder} (metadata are not downloaded again)"
        raise DataError(message, hint) from err


def write_plan(folder: Path, plan: Plan) -> None:
    """Replaces the plan of a folder; a kill at any moment leaves the previous plan or the new one.

    The rows are written first, under a name of their own; writing the main file, which names them, switches the plan.
    """
    path = plan_path(folder)
    unnamed = path.with_name(".rows.parquet")
    write_table(unnamed, plan.table, {})
    name = f"plan-{file_digest(unnamed)[:16]}.parquet"
    os.replace(unnamed, path.with_name(name))  # noqa: PTH105 - the tests that kill a process patch os.replace
    write_json(path, {**plan.as_mapping(), "rows": name})
    for previous in path.parent.glob("plan-*.parquet"):
        if previous.name != name:
            previous.unlink()
