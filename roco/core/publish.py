"""Writes what a run publishes beside the folder `release`, and puts it in its place when it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from roco.base.files import sync_all
from roco.core.ledger import Changes
from roco.core.publications import Current, Publications, Record
from roco.core.release_folder import carry_over, inspect, remove, replace_folder, stamps_of, unfinished
from roco.core.stage import Finished, Publication


@dataclass(frozen=True)
class Published:
    """The published folder.

    changes: how it differs from the one before; None if nothing was written, or nothing was published before. carried:
    what others wrote in the folder before: its name there, and its name now. only_new: changed options, as
    `stage.option`, that have no effect on what was published before.
    """

    path: Path
    changes: Changes | None = None
    carried: Mapping[str, str] = field(default_factory=dict)
    only_new: tuple[str, ...] = ()


def publish(
    finished: Finished, stage: Publication, publications: Publications, previous: Current | None, draft: Record
) -> Published:
    """Writes the folder of a publication and replaces the previous one, which is kept until then.

    draft: the record of the publication, still without its files and its ledger.
    """
    target = publications.folder.release
    new = unfinished(target)
    remove(new)
    stage.publish(finished, new)
    sync_all(path for path in sorted(new.rglob("*")) if path.is_file())

    before = publications.ledger(previous.ledger) if previous and previous.ledger else None
    table = stage.ledger(new)
    changes = None if before is None or table is None else stage.changes(before.table, table)
    ledger = None if table is None else publications.store(table, new)
    record = replace(draft, files=stamps_of(new), ledger=ledger)
    publications.expect(record)
    # What others wrote is linked into the new folder first, so that it is never missing; the folder is inspected again,
    # because somebody may have written in it since the run began.
    carried = carry_over(target, inspect(target, previous.files), new) if previous else {}
    replace_folder(target, new)
    publications.confirm(record)
    return Published(target, changes, carried)
