"""Shards for WebDataset: tar files in which the parts of a sample follow each other, image, caption and metadata.

Readers take the name of a part up to its first dot for the key of the sample, so an id must not contain one.
"""

from __future__ import annotations

import functools
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from roco.base.errors import DataError
from roco.base.terminal import excerpt
from roco.release.export.card import copied_files, license_file, text_file
from roco.release.export.engine import PlannedFile, Writing
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows, Shard, image_name
from roco.release.export.webdataset_card import card

LONGEST_ID = 90  # characters: the name of a member of a USTAR archive has at most 100

SIZES = "sizes.json"
INFO = "_info.json"


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the shards of each split, the files with their sizes, and those that describe them."""
    check_ids(rows)
    shards = rows.shards(options.shard_bytes)
    planned = []
    for shard in shards:
        planned.append(PlannedFile(shard_name(shard), shard.n_images, functools.partial(_write_shard, rows, shard)))
    names: dict[str, list[str]] = {}
    for shard in shards:
        names.setdefault(shard.split, []).append(shard_name(shard))
    return [
        *planned,
        text_file(SIZES, _json({shard_name(shard): shard.n_images for shard in shards})),
        text_file(INFO, _json(_info(shards))),
        *copied_files(rows),
        license_file(rows),
        text_file("README.md", card(rows, names)),
    ]


def shard_name(shard: Shard) -> str:
    """Returns the name of a shard: `train-000000.tar`."""
    return f"{shard.split}-{shard.number:06d}.tar"


def check_ids(rows: ReleaseRows) -> None:
    """Raises DataError for an id that readers would cut off, or that is too long for the format."""
    hint = "build the release with another prefix (option of the stage `release`), or export it as hf"
    dotted, longest = excerpt(rows.totals.dotted_id), rows.totals.longest_id
    if dotted:
        raise DataError(f"id with a dot: '{dotted}'; WebDataset reads it only up to the dot", hint)
    if len(longest) > LONGEST_ID:
        raise DataError(f"id of more than {LONGEST_ID} characters: '{excerpt(longest)}'", hint)


def _info(shards: list[Shard]) -> dict[str, Any]:
    """Returns the sizes of all shards as timm reads them."""
    splits: dict[str, Any] = {}
    for shard in shards:
        split = splits.setdefault(
            shard.split, {"name": shard.split, "num_samples": 0, "filenames": [], "shard_lengths": []}
        )
        split["num_samples"] += shard.n_images
        split["filenames"].append(shard_name(shard))
        split["shard_lengths"].append(shard.n_images)
    return {"splits": splits}


def _write_shard(rows: ReleaseRows, shard: Shard, part: Path, writing: Writing) -> None:
    """Writes a USTAR archive: headers by tarfile, data directly, which takes a fifth less time than addfile."""
    with part.open("wb") as archive:
        for row in rows.rows(shard):
            for name, data in _parts(rows, row):
                member = tarfile.TarInfo(name)  # owner 0, mode 0644, no date: the same bytes on every machine
                member.size = len(data)
                archive.write(member.tobuf(tarfile.USTAR_FORMAT))
                archive.write(data)
                archive.write(bytes(-len(data) % tarfile.BLOCKSIZE))
            writing.advance(1)
        archive.write(bytes(2 * tarfile.BLOCKSIZE))  # the end of an archive
        archive.write(bytes(-archive.tell() % tarfile.RECORDSIZE))


def _parts(rows: ReleaseRows, row: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yields name and bytes of the parts of a sample: image, caption, metadata."""
    described = rows.description(row)
    yield image_name(row), rows.image(row)
    yield f"{row['id']}.txt", described["caption"].encode()
    yield f"{row['id']}.json", json.dumps(described, sort_keys=True, ensure_ascii=False).encode()


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
