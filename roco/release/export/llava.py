"""Instruction data for LLaVA and for LLaMA-Factory: a question with the image, answered by the caption."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from roco.release.export import loose
from roco.release.export.card import text_file
from roco.release.export.engine import PlannedFile
from roco.release.export.options import ExportOptions
from roco.release.export.rows import ReleaseRows

PROMPTS = (
    "Describe this medical image.",
    "Write a caption for this radiology image.",
    "What does this image show?",
    "Describe the findings in this image.",
    "Summarize what can be seen in this image.",
)
"""The questions; the id of an image decides which one it gets, in every release."""

TOKEN = "<image>"
_WRITTEN_TOKEN = "< image >"

_ABOUT = """\
| file | for |
|---|---|
| `llava_SPLIT.json` | LLaVA and its descendants: `id`, `image`, `conversations` |
| `llamafactory_SPLIT.json`, `dataset_info.json` | LLaMA-Factory: `messages`, and `images` as a list |
| `prompts.json` | the questions; the SHA-256 of the id, modulo their number, selects one |
| `images/SPLIT/NUMBER/` | the images with their original bytes; the paths in the JSON files begin in this folder |

Every record has exactly one `<image>`, and licence and attribution of the image. A caption that contains `<image>` has
`< image >` instead.
"""


def plan(rows: ReleaseRows, options: ExportOptions) -> list[PlannedFile]:
    """Returns the images, the records of each split for both programs, the questions, and the files about them."""
    splits = loose.splits(rows)
    info = {f"roco_{split}": _info(f"llamafactory_{split}.json") for split in splits}
    files = [text_file("prompts.json", _json(PROMPTS)), text_file("dataset_info.json", _json(info))]
    for split in splits:
        files.append(loose.json_list(f"llava_{split}.json", functools.partial(_llava, rows, split)))
        files.append(loose.json_list(f"llamafactory_{split}.json", functools.partial(_llamafactory, rows, split)))
    return loose.plan(rows, files, "Instruction data in the format of LLaVA and of LLaMA-Factory.", _ABOUT)


def prompt(id: str) -> str:
    """Returns the question for an image, which depends on its id alone."""
    return PROMPTS[int(hashlib.sha256(id.encode()).hexdigest(), 16) % len(PROMPTS)]


def _llava(rows: ReleaseRows, split: str) -> Iterator[dict[str, Any]]:
    for path, _, row in loose.placed(rows, split):
        question, answer, origin = _turns(rows, row)
        turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
        yield {"id": row["id"], "image": path, "conversations": turns, **origin}


def _llamafactory(rows: ReleaseRows, split: str) -> Iterator[dict[str, Any]]:
    for path, _, row in loose.placed(rows, split):
        question, answer, origin = _turns(rows, row)
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        # A list: LLaMA-Factory counts the letters of a string as images.
        yield {"id": row["id"], "messages": turns, "images": [path], **origin}


def _turns(rows: ReleaseRows, row: Any) -> tuple[str, str, dict[str, Any]]:
    """Returns question and answer, and the fields that every record has."""
    described = rows.description(row)
    answer = described["caption"].replace(TOKEN, _WRITTEN_TOKEN)
    origin = {name: described[name] for name in ("license", "attribution")}
    return f"{TOKEN}\n{prompt(row['id'])}", answer, origin


def _info(name: str) -> dict[str, Any]:
    """Returns the entry of a file in dataset_info.json, as LLaMA-Factory documents it."""
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "messages", "images": "images"}
    return {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
