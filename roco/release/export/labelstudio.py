"""Tasks for Label Studio: image and caption, with the modality of the release as a prediction to correct."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from roco.release.export import loose
from roco.release.export.card import text_file
from roco.release.export.engine import PlannedFile
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows, label_names

LOCAL_FILES = "/data/local-files/?d={path}"
"""The address of a file in the folder that Label Studio serves."""

_ABOUT = """\
Create a project with `config.xml` as its labelling interface, then import `tasks_SPLIT.json`. Each task has image,
caption, id, licence and attribution, and the modality of the release as a prediction, whose `model_version` states
whether people assigned it (`release-label`) or a model did (`release-guess`).

The addresses of the images are those of `--image-url`. Without it, Label Studio serves this folder itself: start it
with `LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true` and `LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT` set to this folder,
and add the folder `images` as local storage of the project. A project should have at most 100,000 tasks.
"""


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the images, the tasks of each split, the interface, and the files that describe them."""
    address = options.image_url or LOCAL_FILES
    files = [text_file("config.xml", _config(label_names("modality", rows.totals)))]
    for split in loose.splits(rows):
        files.append(loose.json_list(f"tasks_{split}.json", functools.partial(_tasks, rows, split, address)))
    return loose.plan(rows, files, "Tasks for Label Studio.", _ABOUT)


def _config(labels: list[str]) -> str:
    choices = "".join(f"    <Choice value={quoteattr(label)}/>\n" for label in labels)
    return (
        '<View>\n  <Image name="image" value="$image"/>\n  <Text name="caption" value="$caption"/>\n'
        f'  <Choices name="modality" toName="image" choice="single">\n{choices}  </Choices>\n</View>\n'
    )


def _tasks(rows: ReleaseRows, split: str, address: str) -> Iterator[dict[str, Any]]:
    for path, _, row in loose.placed(rows, split):
        described = rows.description(row)
        names = ("caption", "license", "attribution")
        data = {"image": address.replace("{path}", quote(path)), "id": row["id"]}
        yield {"data": data | {name: described[name] for name in names}, "predictions": _predictions(row)}


def _predictions(row: Any) -> list[dict[str, Any]]:
    """Returns the modality as a prediction; none where it is unknown."""
    if row["modality"] is None:
        return []
    value = {"choices": [row["modality"]]}
    choice = {"from_name": "modality", "to_name": "image", "type": "choices", "value": value}
    origin = row["modality_from"]
    return [{"model_version": f"release-{origin}" if origin else "release", "result": [choice]}]
