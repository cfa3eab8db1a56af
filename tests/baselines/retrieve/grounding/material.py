"""Hits made by hand, and a reader of prompts that knows only their lines."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from roco.baselines.retrieve.hits import Hit

FIELDS = ["id", "caption", "concepts", "licence"]


def hit(caption: str, number: int = 1, **values: Any) -> Hit:
    """Returns a hit with a caption."""
    known: dict[str, Any] = {
        "rank": number, "score": 1 / number, "id": f"image_{number}", "split": "train", "caption": caption,
        "concepts": ("C0040405", "C9999999"), "names": ("X-Ray Computed Tomography", "C9999999"), "license": "CC-BY-NC",
        "attribution": f"CC BY-NC Doe {number} et al. (2020)", "link": f"https://example.org/{number}/",
        "pmcid": f"PMC{number}", "article": f"PMC{number}", "year": 2020,
    }  # fmt: skip
    return Hit(**{**known, **values})


class Structure(NamedTuple):
    """What a reader of a prompt sees: sources with their fields, the numbers of the attribution block, the question."""

    numbers: list[int]
    fields: list[list[str]]
    values: list[dict[str, str]]
    credited: list[int]
    question: str


def parsed(body: str) -> Structure:
    """Returns the structure of a prompt without its rules; fails where a line is none that a prompt may have."""
    lines = body.split("\n")
    opened, closed = lines.index("<sources>"), lines.index("</sources>")
    first, last = lines.index("<attribution>"), lines.index("</attribution>")
    assert opened == 0 < closed < first < last == len(lines) - 4
    assert [lines.count(line) for line in ("<sources>", "</sources>", "<attribution>", "</attribution>")] == [1] * 4
    assert lines[closed + 1] == lines[last + 1] == ""
    numbers: list[int] = []
    fields: list[list[str]] = []
    values: list[dict[str, str]] = []
    for line in lines[opened + 1 : closed]:
        head = re.fullmatch(r"\[([0-9]+)\]", line)
        if head:
            numbers.append(int(head[1]))
            fields.append([])
            values.append({})
            continue
        name, _, value = line.partition(": ")
        fields[-1].append(name)
        values[-1][name] = json.loads(value)
    credits = [re.match(r"\[([0-9]+)\] ", line) for line in lines[first + 1 : last]]
    name, _, question = lines[last + 2].partition(": ")
    assert name == "question"
    return Structure(numbers, fields, values, [int(credit[1]) for credit in credits if credit], json.loads(question))
