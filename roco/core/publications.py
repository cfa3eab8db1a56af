"""What a run has published: the record of the folder `release`, and the ledgers from which the next one grows.

The record is written before a new folder takes its place, so that after a kill at any moment the files of the folder
show which record describes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.errors import CorruptFile, DataError
from roco.base.files import digest, file_digest, write_text
from roco.base.sealed_tables import read_table, write_table
from roco.base.table_digest import table_digest
from roco.core.folder import RunFolder
from roco.core.funnel import Flow
from roco.core.ledger import Ledger
from roco.core.manifest import load, sealed
from roco.core.release_folder import (
    CHECKSUMS,
    UNKNOWN_SIZE,
    Contents,
    Stamp,
    Stamps,
    inspect,
    listed_digests,
    n_unchanged,
    stamps_of,
)
from roco.core.stage import Publication


@dataclass(frozen=True)
class Record:
    """One published folder, and what it was made from.

    files: as they were written. states: the state after each table stage. base: digest of the ledger it grew from, None
    if it assigned everything anew. ledger: digest of its own ledger, None if the publication has none. flow: the flows
    of the table stages. options: of each stage, those that concern only what is new. in_place: false until the folder
    is known to be in its place.
    """

    files: Stamps
    states: tuple[str, ...]
    base: str | None
    ledger: str | None
    flow: tuple[Flow, ...]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    in_place: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "files": {name: list(stamp) for name, stamp in self.files.items()},
            "states": list(self.states),
            "base": self.base,
            "ledger": self.ledger,
            "flow": [flow.to_json() for flow in self.flow],
            "options": {name: dict(options) for name, options in self.options.items()},
            "in_place": self.in_place,
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Record:
        files = {name: Stamp(*stamp) for name, stamp in value["files"].items()}
        flow = tuple(Flow.of_json(one) for one in value["flow"])
        options = value.get("options", {})
        return cls(files, tuple(value["states"]), value["base"], value["ledger"], flow, options, value["in_place"])

    def changed_options(self, options: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Returns the options that differ from the recorded ones, as `stage.option`; new stages do not count."""
        changed = []
        for stage, now in options.items():
            before = self.options.get(stage, {})
            changed += [f"{stage}.{name}" for name, value in now.items() if name in before and before[name] != value]
        return changed


@dataclass(frozen=True)
class Current:
    """The last publication of the run, whether its folder is still there or not.

    record: None for a folder that this run has not written, such as a copy of another release. files: the files of the
    folder as they were written. ledger: digest of the ledger to grow from.
    """

    root: Path
    record: Record | None
    files: Stamps
    ledger: str | None

    @property
    def is_empty(self) -> bool:
        """Returns whether no figure was published."""
        return self.record is not None and not self.record.flow[-1].kept

    @cached_property
    def contents(self) -> Contents:
        """Returns what is in the folder now."""
        return inspect(self.root, self.files)


class Publications:
    """The records and ledgers of a run folder."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def current(self, stage: Publication | None) -> Current | None:
        """Returns the last publication; None before the first one.

        stage: reads the ledger of a folder that this run has not written; without it, such a folder is ignored. Raises
        DataError if `release` is something else, which must not be replaced.
        """
        root = self.folder.release
        records = self._load()
        if root.is_symlink() or (root.exists() and not root.is_dir()):
            if stage is None:
                return None
            raise DataError(f"not a folder: {root}", "move it away: the release is written there")
        if not root.exists() or not any(root.iterdir()):
            # It was deleted or moved away; what it assigned is still valid.
            known = [record for record in records if record.in_place]
            return Current(root, known[-1], known[-1].files, known[-1].ledger) if known else None
        record = _best_match(root, records)
        if record is not None and not self._is_other_release(root, record, stage):
            return Current(root, record, record.files, record.ledger)
        return None if stage is None else self._of_others(root, stage)

    def _is_other_release(self, root: Path, record: Record, stage: Publication | None) -> bool:
        """Returns whether a folder with some files of a record is another release, such as an older one put back."""
        if stage is None or _has_checksums_of(record, root):
            return False
        ledger = self.ledger(record.ledger) if record.ledger else None
        try:
            return ledger is not None and not ledger.table.equals(stage.ledger(root))
        except DataError:
            return False  # it is damaged, not another one

    def _of_others(self, root: Path, stage: Publication) -> Current:
        """Returns what is known of a folder that this run has not written."""
        digests = listed_digests(root)
        if not digests:
            raise DataError(f"not a release that this run can replace: {root} has no {CHECKSUMS}", self._move_away)
        try:
            table = stage.ledger(root)
        except DataError as err:
            message = f"not a release that this run can grow from: {root}: {err.message}"
            raise DataError(message, self._move_away) from err
        files = {name: Stamp(sha256, UNKNOWN_SIZE, 0) for name, sha256 in digests.items()}
        files[CHECKSUMS] = Stamp(file_digest(root / CHECKSUMS), UNKNOWN_SIZE, 0)
        return Current(root, None, files, None if table is None else self.store(table, root))

    @property
    def _move_away(self) -> str:
        return f"move it out of {self.folder.root}, because the release is written there"

    # --- records ----------------------------------------------------------------------------------------------------

    def expect(self, record: Record) -> None:
        """Records a folder that is about to take its place, beside the one that is there."""
        self._save([*(one for one in self._load() if one.in_place), record])

    def confirm(self, record: Record) -> None:
        """Records that a folder is in its place, and removes what only previous ones needed."""
        self._save([replace(record, in_place=True)])
        needed = {self.folder.ledger(one) for one in (record.base, record.ledger) if one}
        for path in self.folder.published.parent.glob("*.parquet"):
            if path not in needed:
                path.unlink()

    def refresh(self, record: Record) -> None:
        """Records the size and time of files that have not changed, so that they need not be read again.

        If one of the two files with the records was lost or damaged, it is written again from the other.
        """
        if load(self.folder.published) != load(self.folder.published_copy):
            self._save(self._load())
        root = self.folder.release
        if not record.in_place or n_unchanged(root, record.files, by_content=False) < len(record.files):
            stamps = {name: stamp for name, stamp in stamps_of(root).items() if name in record.files}
            self.confirm(replace(record, files=stamps))

    def _load(self) -> list[Record]:
        saved = load(self.folder.published) or load(self.folder.published_copy)
        return [Record.of_json(value) for value in saved.get("records", [])]

    def _save(self, records: Iterable[Record]) -> None:
        text = sealed({"records": [record.to_json() for record in records]})
        for path in (self.folder.published, self.folder.published_copy):
            write_text(path, text)

    # --- ledgers ----------------------------------------------------------------------------------------------------

    def store(self, table: pa.Table, release: Path) -> str:
        """Stores the ledger of a published folder; returns its digest."""
        table = table.combine_chunks()
        checksums = release / CHECKSUMS
        described = file_digest(checksums) if checksums.is_file() else ""
        name = digest([table_digest(table), described])
        write_table(self.folder.ledger(name), table, {"digest": name, "release": described})
        return name

    def restore(self, current: Current, stage: Publication | None) -> str | None:
        """Returns the digest of the ledger to grow from; one whose file is lost is read from the folder again."""
        if current.ledger is None or self.ledger(current.ledger) is not None:
            return current.ledger
        lost = self.folder.ledger(current.ledger)
        try:
            table = stage.ledger(current.root) if stage else None
        except DataError as err:
            hint = f"restore {lost} or {current.root}; to assign new ids: roco run RECIPE --new-ids"
            raise DataError(f"the ids of the last release are lost: cannot read {lost}", hint) from err
        if table is None:
            raise DataError(f"cannot read {lost}", "run without --until, which reads the ids from the release")
        return self.store(table, current.root)

    def ledger(self, name: str) -> Ledger | None:
        """Returns a stored ledger; None if its file is missing or corrupt."""
        try:
            table, meta = read_table(self.folder.ledger(name))
        except (FileNotFoundError, CorruptFile):
            return None
        return Ledger(table, meta["release"]) if meta["digest"] == name else None


def _best_match(root: Path, records: list[Record]) -> Record | None:
    """Returns the record with the most files as they are in the folder; None if no file is from any of them."""
    for record in records:
        if _has_checksums_of(record, root):
            return record
    for by_content in (False, True):
        counts = [n_unchanged(root, record.files, by_content=by_content) for record in records]
        if any(counts):
            return records[counts.index(max(counts))]
    return None


def _has_checksums_of(record: Record, root: Path) -> bool:
    """Returns whether the checksums of a folder are those of a record, which may have none."""
    checksums = {name: stamp for name, stamp in record.files.items() if name == CHECKSUMS}
    return n_unchanged(root, checksums, by_content=True) == 1
