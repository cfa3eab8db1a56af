"""The parts of a report: what one table or figure of the paper contains, and how it compares with the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING, NamedTuple

from roco.evaluate.report.plots import Plot, svg
from roco.evaluate.report.render import Cell, ReportTable

if TYPE_CHECKING:
    from roco.evaluate.report.inputs import Inputs


class NotAvailable(Exception):
    """A section cannot be made from this dataset; the message says which input is missing."""


class Compared(NamedTuple):
    """One number of this dataset beside the paper's; paper is the number as printed there, "" if it prints none."""

    what: str
    ours: Cell
    paper: str
    note: str = ""

    @property
    def agrees(self) -> bool | None:
        """Returns whether our number, rounded as the paper rounds, is the paper's; None without a number to compare."""
        printed = self.paper.replace(",", "").removesuffix("%").strip()
        try:
            expected = float(printed)
        except ValueError:
            return None
        if not isinstance(self.ours, int | float):
            return None
        decimals = len(printed.partition(".")[2])
        return bool(abs(self.ours - expected) <= 0.5 * 10**-decimals + 1e-9)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One image that a reader looks at: its thumbnail (JPEG), None where a licence forbids a copy, and its texts.

    group: what it is an example of, such as a modality or a reason. link: the article.
    """

    group: str
    title: str
    caption: str = ""
    credit: str = ""
    link: str = ""
    thumbnail: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a section contains; notes are sentences below it."""

    tables: tuple[ReportTable, ...] = ()
    plots: tuple[Plot, ...] = ()
    compared: tuple[Compared, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()


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
    """One section as it was made: its content and its plots as SVG by name, or why it cannot be made."""

    part: Part
    content: Content | None
    missing: str = ""
    drawn: Mapping[str, str] = {}


def made(part: Part, inputs: Inputs) -> Section:
    """Makes one section; a section that cannot be made keeps its place with the reason."""
    try:
        content = part.make(inputs)
        return Section(part, content, drawn={plot.name: svg(plot) for plot in content.plots})
    except NotAvailable as reason:
        return Section(part, None, str(reason))
