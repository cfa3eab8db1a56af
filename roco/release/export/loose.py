"""What the formats with image files have in common: original bytes in `images/SPLIT/NUMBER/`, records beside them.

A folder has at most a thousand images, so that file managers open it, and export.json has one entry for all of them.
"""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.schema import SPLITS
from roco.release.export import card
from roco.release.export.engine import PlannedFile, Writing
from roco.release.export.rows import ReleaseRows, Shard, image_name

IMAGES_PER_FOLDER = 1000


class Placed(NamedTuple):
    """An image of an export: its path in the folder, its number in the release from 1 on, and its row."""

    path: str
    number: int
    row: Mapping[str, Any]


def plan(rows: ReleaseRows, files: Iterable[PlannedFile], title: str, about: str) -> list[PlannedFile]:
    """Returns the folders of images, then `files`, then those that every export contains, with a README.md."""
    folders = [
        PlannedFile(_folder(shard), shard.n_images, functools.partial(_write_images, rows, shard))
        for shard in _shards(rows)
    ]
    text = f"# {card.title(rows)}\n\n{title}\n\n{about}\n{card.provenance(rows)}\n{card.release_sections(rows)}"
    described = [*card.copied_files(rows), card.license_file(rows), card.text_file("README.md", text)]
    return [*folders, *files, *described]


def splits(rows: ReleaseRows) -> list[str]:
    """Returns the splits that have images."""
    return [split for split in SPLITS if rows.totals.images[split]]


def placed(rows: ReleaseRows, split: str | None = None) -> Iterator[Placed]:
    """Yields the images of a split, or of all, in the order of the release."""
    for shard in _shards(rows):
        if split in (None, shard.split):
            for number, row in enumerate(rows.rows(shard), shard.start + 1):
                yield Placed(_folder(shard) + image_name(row), number, row)


def json_list(name: str, records: Callable[[], Iterable[Mapping[str, Any]]]) -> PlannedFile:
    """Returns a file with a JSON list, one record in a line."""
    return PlannedFile(name, 0, functools.partial(_write_list, records))


def table(
    name: str, columns: Iterable[str], records: Callable[[], Iterable[Iterable[Any]]], separator: str
) -> PlannedFile:
    """Returns a table with quoted cells, which line breaks and separators survive."""
    return PlannedFile(name, 0, functools.partial(_write_table, list(columns), records, separator))


def json_lines(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yields the text of a JSON list in pieces, so that it is never in memory as a whole."""
    separator = "[\n"
    for record in records:
        yield separator + json.dumps(record, ensure_ascii=False)
        separator = ",\n"
    yield "[]" if separator == "[\n" else "\n]"


# --- writing --------------------------------------------------------------------------------------------------------


def _shards(rows: ReleaseRows) -> list[Shard]:
    shards: list[Shard] = []
    at = 0
    for split in SPLITS:
        stop = at + rows.totals.images[split]
        starts = range(at, stop, IMAGES_PER_FOLDER)
        shards += [
            Shard(split, number, len(starts), start, min(start + IMAGES_PER_FOLDER, stop))
            for number, start in enumerate(starts)
        ]
        at = stop
    return shards


def _folder(shard: Shard) -> str:
    return f"images/{shard.split}/{shard.number:03d}/"


def _write_images(rows: ReleaseRows, shard: Shard, part: Path, writing: Writing) -> None:
    for row in rows.rows(shard):
        (part / image_name(row)).write_bytes(rows.image(row))
        writing.advance(1)


def _write_list(records: Callable[[], Iterable[Mapping[str, Any]]], part: Path, writing: Writing) -> None:
    with part.open("w", encoding="utf-8", newline="\n") as fh:
        fh.writelines(json_lines(records()))
        fh.write("\n")


def _write_table(
    columns: list[str], records: Callable[[], Iterable[Iterable[Any]]], separator: str, part: Path, writing: Writing
) -> None:
    with part.open("w", encoding="utf-8", newline="") as fh:
        writer = csv.writer(fh, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(records())
