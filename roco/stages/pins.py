"""Tells the images of an earlier release again, so that they keep id and split for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from roco.base.schema import SPLITS, types
from roco.core.stage import Decision, put
from roco.release.previous import Kept, earlier, seal


@dataclass(frozen=True, kw_only=True)
class Pins(Decision):
    """Gives each image that is in the earlier release its id and split there; others have none.

    An image is the same while its article and its bytes are (image_key): a new version of the article, another id of
    the figure and another name of the file change nothing. Where the bytes are gone, the image of the same article
    under the same name stands for it (`pinned_by` = file). An id is given once: of equal images of one article the
    one with the same figure_id has it, else the first. previous: folder of the release; none pins nothing.
    given: images of a dataset that is a source (`kind = "release"`) keep the id and split that they have there. An id
    that the earlier release has or had, or that a source named first has, is another image's: then the split alone is
    kept.
    """

    needs = ("image",)
    reads = ("article_key", "image_key", "file", "archive")
    optional = ("given_id", "given_split")
    writes = types("pinned_id", "pinned_split", "pinned_by")
    scope = "table"
    version = 3

    previous: Path | None = None
    given: bool = False

    @property
    def content(self) -> tuple[Path, ...]:
        return seal(self.previous)

    def __call__(self, batch: pa.Table) -> pa.Table:
        pins: dict[int, tuple[str | None, str, str]] = {}
        taken: set[str] = set()
        if self.previous is not None:
            before = earlier(self.previous)
            pins, taken = dict(_matched(batch, before.kept)), {*before.kept, *before.gone}
        if self.given:
            pins = dict(_as_given(batch, taken)) | pins
        found = [pins.get(i, (None, None, None)) for i in range(len(batch))]
        for at, name in enumerate(self.writes):
            batch = put(batch, name, pa.array([values[at] for values in found], pa.string()))
        return batch


def _as_given(batch: pa.Table, taken: set[str]) -> Iterator[tuple[int, tuple[str | None, str, str]]]:
    """Row -> id and split of the dataset it was read from; of two datasets with the same id the first keeps it."""
    rows = batch.select(["given_id", "given_split", "archive"]).to_pylist()
    for i in sorted(range(len(rows)), key=lambda i: (_source(rows[i]["archive"]), i)):
        id, split = rows[i]["given_id"], rows[i]["given_split"]
        if id and split in SPLITS:
            yield i, (None if id in taken else id, split, "given")
            taken.add(id)


def _source(archive: str | None) -> int:
    """The number of the source that a place begins with where there are several (see `sources/several.py`)."""
    number = (archive or "").partition("/")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0


def _matched(batch: pa.Table, kept: dict[str, Kept]) -> dict[int, tuple[str, str, str]]:
    """Row -> id, split and what told it, for each released image that there still is."""
    rows = batch.select(["figure_id", "article_key", "image_key", "file"]).to_pylist()
    ids = {name: _by(name, kept) for name in ("image", "file")}
    pins: dict[int, tuple[str, str, str]] = {}
    given: set[str] = set()
    for how, known in ids.items():
        for i in sorted(range(len(rows)), key=lambda i: _same_first(rows[i], kept, known, how)):
            free = [id for id in known.get(_key(rows[i], how), ()) if id not in given]
            if i not in pins and free:
                same = [id for id in free if kept[id].figure_id == rows[i]["figure_id"]]
                id = (same or free)[0]
                given.add(id)
                pins[i] = (id, kept[id].split, how)
    return pins


def _by(how: str, kept: dict[str, Kept]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for id in sorted(kept):
        found.setdefault(_key(kept[id]._asdict(), how), []).append(id)
    return found


def _key(row: dict[str, Any], how: str) -> Any:
    return row["image_key"] if how == "image" else (row["article_key"], row["file"])


def _same_first(row: dict[str, Any], kept: dict[str, Kept], known: dict[Any, list[str]], how: str) -> tuple[bool, str]:
    same = any(kept[id].figure_id == row["figure_id"] for id in known.get(_key(row, how), ()))
    return not same, row["figure_id"]
