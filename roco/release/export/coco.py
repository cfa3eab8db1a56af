"""Captions in the format of COCO, for pycocotools, torchvision and programs that import it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roco.release.export import loose
from roco.release.export.card import title
from roco.release.export.engine import PlannedFile, Writing
from roco.release.export.options import ExportOptions
from roco.release.export.rows import LicenseCount, ReleaseRows, license_of

_ABOUT = """\
`captions_SPLIT.json` has images, captions and licences as in COCO. The id of an image is its number in this release,
because programs expect numbers; its name in `file_name` is its id in every release. The paths begin in this folder:
`torchvision.datasets.CocoCaptions(root=".", annFile="captions_train.json")`. Every image also has an `attribution`.
"""

Licenses = dict[LicenseCount, int]


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the images, the captions of each split, and the files that describe them."""
    stated = sorted({license for license, _ in rows.totals.licenses})
    licenses = {license: number for number, license in enumerate(stated, 1)}
    files = [
        PlannedFile(f"captions_{split}.json", 0, functools.partial(_write, rows, split, licenses))
        for split in loose.splits(rows)
    ]
    return loose.plan(rows, files, "Captions in the format of COCO.", _ABOUT)


def _write(rows: ReleaseRows, split: str, licenses: Licenses, part: Path, writing: Writing) -> None:
    named = [{"id": number, "name": one.words, "url": one.address} for one, number in licenses.items()]
    with part.open("w", encoding="utf-8", newline="\n") as fh:
        fh.write(f'{{"info": {json.dumps(_info(rows), ensure_ascii=False)},\n"licenses": ')
        fh.writelines(loose.json_lines(named))
        fh.write(',\n"images": ')
        fh.writelines(loose.json_lines(_images(rows, split, licenses)))
        fh.write(',\n"annotations": ')
        fh.writelines(loose.json_lines(_annotations(rows, split)))
        fh.write("}\n")


def _info(rows: ReleaseRows) -> dict[str, Any]:
    """Returns what the release states about itself."""
    stated = {"description": title(rows), "version": rows.metadata.version, "date_created": rows.metadata.date}
    return {name: str(value) for name, value in stated.items() if value}


def _images(rows: ReleaseRows, split: str, licenses: Licenses) -> Iterator[dict[str, Any]]:
    for path, number, row in loose.placed(rows, split):
        size = {name: row[name] for name in ("width", "height") if row[name] is not None}
        license = licenses[license_of(row)]
        attribution = rows.description(row)["attribution"]
        yield {"id": number, "file_name": path, **size, "license": license, "attribution": attribution}


def _annotations(rows: ReleaseRows, split: str) -> Iterator[dict[str, Any]]:
    for _, number, row in loose.placed(rows, split):
        yield {"id": number, "image_id": number, "caption": row["caption"] or ""}
