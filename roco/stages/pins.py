"""Recognises the images of the previous release, so that they keep their id and split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from roco.base.schema import SPLITS, types
from roco.base.text import escaped
from roco.core.contract import Reason
from roco.core.ledger import Ledger
from roco.core.stage import Decision, drop, put
from roco.release.precedence import source_number
from roco.release.previous import (
    TAKEDOWN,
    PreviousRelease,
    ReleasedImage,
    Tombstone,
    content_files,
    known_releases,
    read_previous,
)


@dataclass(frozen=True, kw_only=True)
class Pins(Decision):
    """Gives each image of the previous release the id and split that it has there; new images get none.

    An image is recognised by its article and bytes (image_key); a new version of the article, another figure_id or
    another file name change nothing. If no image has these bytes, the image of the same article with the same
    file name takes its place (`pinned_by` = file). Each id is assigned once: of equal images of one article the one
    with the same figure_id gets it, otherwise the first one. An image that a previous release has retired, and that is
    in the source again with the same bytes, gets its id and split back (`pinned_by` = retired).

    The previous release is the one in the run folder, if there is one. previous: folder of another release, which takes
    precedence. given: images of a source with `kind = "release"` keep the id and split they have there. If that id
    belongs or belonged to another image of the previous release, or to an image of a source that is listed first, only
    the split is kept. An image that the publisher of a previous release has taken down (`roco retract`) is dropped, and
    so is one of the same article with its file name.
    """

    needs = ("image",)
    reads = ("article_key", "image_key", "file", "archive")
    optional = ("given_id", "given_split")
    writes = types("pinned_id", "pinned_split", "pinned_by")
    reasons = {"takedown": Reason("taken down from a previous release")}
    scope = "table"
    takes_ledger = True
    version = 5

    previous: Path | None = None
    given: bool = True

    @property
    def content(self) -> tuple[Path, ...]:
        return content_files(self.previous)

    def prepare(self) -> None:
        if self.previous is not None:
            read_previous(self.previous)

    def __call__(self, batch: pa.Table, ledger: Ledger | None = None) -> pa.Table:
        pins: dict[int, _Pin] = {}
        taken: set[str] = set()
        previous = known_releases(self.previous, ledger.table if ledger else None)
        if previous is not None:
            pins = _recognised(batch, previous)
            taken = {*previous.images, *previous.tombstones}
        if self.given:
            for row, pin in _given(batch, taken).items():
                pins.setdefault(row, pin)
        assigned = [pins.get(row, _NO_PIN) for row in range(len(batch))]
        columns = {
            "pinned_id": [pin.id for pin in assigned],
            "pinned_split": [pin.split for pin in assigned],
            "pinned_by": [pin.by for pin in assigned],
        }
        for name, values in columns.items():
            batch = put(batch, name, pa.array(values, pa.string()))
        return batch if previous is None else _without_takedowns(batch, previous)


def _without_takedowns(batch: pa.Table, previous: PreviousRelease) -> pa.Table:
    """Drops the images that were taken down, by their bytes or file name; detail: date and reason of the takedown."""
    details: dict[_Identity, str] = {}
    for tombstone in previous.tombstones.values():
        if tombstone.reason == TAKEDOWN:
            for identity in (tombstone.image_key, (tombstone.article_key, tombstone.file) if tombstone.file else None):
                if identity:
                    details[identity] = tombstone.detail
    if not details:
        return batch
    found = []
    for row in batch.select(["article_key", "image_key", "file"]).to_pylist():
        file = (row["article_key"], escaped(row["file"] or ""))
        found.append(details.get(row["image_key"], details.get(file)))
    return drop(batch, pa.array([detail is not None for detail in found]), "takedown", pa.array(found, pa.string()))


class _Pin(NamedTuple):
    """The values of the columns that `pins` writes, for one image; by: how it was recognised."""

    id: str | None
    split: str | None
    by: str | None


_NO_PIN = _Pin(None, None, None)


def _given(batch: pa.Table, taken: set[str]) -> dict[int, _Pin]:
    """Maps rows to the id and split of the dataset they were read from; taken: ids that cannot be assigned again."""
    rows = batch.select(["given_id", "given_split", "archive"]).to_pylist()
    taken = set(taken)
    pins: dict[int, _Pin] = {}
    for i in sorted(range(len(rows)), key=lambda i: (source_number(rows[i]["archive"]), i)):
        id, split = rows[i]["given_id"], rows[i]["given_split"]
        if id and split in SPLITS:
            pins[i] = _Pin(None if id in taken else id, split, "given")
            taken.add(id)
    return pins


def _recognised(batch: pa.Table, previous: PreviousRelease) -> dict[int, _Pin]:
    """Maps the rows of images that previous releases contain to their id and split."""
    rows = batch.select(["figure_id", "article_key", "image_key", "file"]).to_pylist()
    pins: dict[int, _Pin] = {}
    assigned: set[str] = set()
    for by, (identity, known) in _recognisers(previous).items():
        ids: defaultdict[_Identity, list[str]] = defaultdict(list)
        for id in sorted(known):
            ids[identity(known[id]._asdict())].append(id)

        # Figures that had an id before choose first, so that equal images of one article do not swap their ids.
        had_id = [any(known[id].figure_id == row["figure_id"] for id in ids.get(identity(row), ())) for row in rows]
        for i in sorted(range(len(rows)), key=lambda i: (not had_id[i], rows[i]["figure_id"])):
            free = [id for id in ids.get(identity(rows[i]), ()) if id not in assigned]
            if i in pins or not free:
                continue
            own = [id for id in free if known[id].figure_id == rows[i]["figure_id"]]
            id = own[0] if own else free[0]
            assigned.add(id)
            pins[i] = _Pin(id, known[id].split, by)
    return pins


_Identity = str | tuple[str | None, str | None] | None
_Identify = Callable[[Mapping[str, Any]], _Identity]
_Known = Mapping[str, ReleasedImage] | Mapping[str, Tombstone]


def _recognisers(previous: PreviousRelease) -> dict[str, tuple[_Identify, _Known]]:
    """Returns how images are recognised, most reliable first: `pinned_by` -> what identifies an image, images by id."""

    def by_bytes(row: Mapping[str, Any]) -> _Identity:
        return row["image_key"] or None

    def by_file(row: Mapping[str, Any]) -> _Identity:
        return row["article_key"], escaped(row["file"] or "")

    return {
        "image": (by_bytes, previous.images),
        "file": (by_file, previous.images),
        "retired": (by_bytes, previous.tombstones),
    }
