"""What a section of a report contains: tables, plots, images, and how its numbers compare with the paper's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from roco.evaluate.report.plots import Plot
from roco.evaluate.report.render import Cell, ReportTable


class NotAvailable(Exception):
    """A section cannot be made from this dataset; the message says which input is missing.

    content: what can be shown without it, such as the rows of the paper.
    """

    def __init__(self, message: str, content: Content | None = None) -> None:
        super().__init__(message)
        self.content = content


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
        try:
            ours = float(self.ours if self.ours is not None else "")  # a year is a text: it has no thousands separator
        except ValueError:
            return None
        decimals = len(printed.partition(".")[2])
        return bool(abs(ours - expected) <= 0.5 * 10**-decimals + 1e-9)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One image that a reader looks at: its thumbnail (JPEG) or why there is none, and its texts.

    group: what it is an example of, such as a modality or a reason. link: the article.
    """

    group: str
    title: str
    caption: str = ""
    credit: str = ""
    link: str = ""
    thumbnail: bytes | None = None
    no_image: str = ""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a section contains; notes are sentences below it."""

    tables: tuple[ReportTable, ...] = ()
    plots: tuple[Plot, ...] = ()
    compared: tuple[Compared, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
