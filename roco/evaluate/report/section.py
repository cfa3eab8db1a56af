"""The sections of a report before and after they are made: one for each table or figure of the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import cleandoc
from typing import NamedTuple

from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import svg


class Part(NamedTuple):
    """One section of the report before it is made.

    name: of its files and its anchor, such as `table-4`. number: in the paper, "" beyond the paper. make: returns the
    content, or raises NotAvailable; its docstring is the definition that readers see.
    """

    name: str
    number: str
    title: str
    make: Callable[[Inputs], Content]

    @property
    def definition(self) -> str:
        """Returns the definition of what is counted: the docstring of the function, in one paragraph."""
        return " ".join(cleandoc(self.make.__doc__ or "").split())

    @property
    def heading(self) -> str:
        return f"{self.number}. {self.title}" if self.number else self.title


class Section(NamedTuple):
    """One section as it was made: its content and its plots as SVG by name, or why it cannot be made.

    A section that cannot be made may still have content: what the paper prints.
    """

    part: Part
    content: Content | None
    missing: str = ""
    drawn: Mapping[str, str] = {}


def made(part: Part, inputs: Inputs) -> Section:
    """Makes one section; a section that cannot be made keeps its place with the reason."""
    missing = ""
    content: Content | None
    try:
        content = part.make(inputs)
    except NotAvailable as reason:
        content, missing = reason.content, str(reason)
    drawn = {plot.name: svg(plot) for plot in content.plots} if content else {}
    return Section(part, content, missing, drawn)
