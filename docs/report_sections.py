"""The tables of docs/report.md: every table and figure of the paper with its function, its source and a check.

The check makes each section of a small dataset in the published layout and compares it with numbers counted by hand
(tests/evaluate/report/counted.csv).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from roco.evaluate.report import paper
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.contents import CHAPTERS
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.section import Part

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.evaluate.report.counted import cells, counted, counted_inputs  # noqa: E402  (the tests are no package)

GUIDELINES = "Tables S14 to S16 are the guidelines of the annotators: roco contains them as those of its tasks, which "
GUIDELINES += "[Labels](labels.md#tasks) lists."


def sections() -> str:
    """Returns the tables in Markdown: the sections of the paper, and those that the paper does not have."""
    parts = {part.number: part for chapter in CHAPTERS for part in chapter.parts if part.number}
    with tempfile.TemporaryDirectory() as folder:
        inputs = counted_inputs(Path(folder))
        lines = ["| paper | section of the paper | what it states | function | numbers of the example that agree |"]
        lines += ["|---|---|---|---|---|", *_of_paper(parts, inputs)]
    lines += ["", GUIDELINES, "", "What the paper does not have:", ""]
    lines += ["| section | definition | function |", "|---|---|---|"]
    for chapter in CHAPTERS:
        for part in chapter.parts:
            if not part.number:
                lines.append(f"| {_cell(part.title)} | {_cell(part.definition)} | {_function(part)} |")
    return "\n".join(lines)


def _of_paper(parts: dict[str, Part], inputs: Inputs) -> Iterator[str]:
    """Yields a row for each table and figure of the paper, in its order."""
    for number, source in paper.sources().items():
        part = parts.get(number)
        last = (_function(part), _check(part, inputs)) if part else ("–", "–")
        yield f"| {number} | {_cell(source.section)} | {_cell(source.text)} | {' | '.join(last)} |"


def _function(part: Part) -> str:
    """Returns the function of a section: its module and name; without the name if it is one of a family."""
    module = part.make.__module__.removeprefix("roco.evaluate.")
    name = part.make.__qualname__
    return f"`{module}`" if "<locals>" in name else f"`{module}.{name}`"


def _check(part: Part, inputs: Inputs) -> str:
    """Returns how many of the numbers counted by hand a section gives, or why the example has no such section."""
    try:
        content = part.make(inputs)
    except NotAvailable as reason:
        return f"not in the example: {_cell(str(reason))}"
    numbers = [one for one in counted() if one.part == part.name]
    agree = sum(cells(content, one.row, one.column)[:1] == [one.value] for one in numbers)
    return f"{agree} of {len(numbers)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
