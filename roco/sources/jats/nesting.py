"""Finds the groups and figures of which a figure is a part: it shares their caption, label, number and rights.

Called by `captions.py`, `figures.py` and `mentions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from roco.sources.jats.citations import number_of
from roco.sources.jats.text import text_of, title_of
from roco.sources.jats.tree import child, name_of, tags

Element = etree._Element

GROUPS = tags("fig", "fig-group")
"""Elements that contain the parts of a figure, or several figures."""


def wholes_of(figure: Element) -> Iterator[Element]:
    """Yields the groups around a figure and the figures of which it is a part, the innermost first.

    A figure with a number of its own is no part of the figure around it: Figure 2 inside of Figure 1.
    """
    for whole in figure.iterancestors(*GROUPS):
        if name_of(whole) == "fig" and _have_different_numbers(figure, whole):
            return
        yield whole


def _have_different_numbers(figure: Element, other: Element) -> bool:
    numbers = own_number(figure), own_number(other)
    return None not in numbers and numbers[0] != numbers[1]


def own_number(figure: Element) -> str | None:
    """Returns the number in a figure's own label, else at the start of its caption; None if there is none."""
    label = child(figure, "label")
    if label is not None:
        return number_of(title_of(label))
    first_words = re.match(r"\S+\s+\S+", text_of(child(figure, "caption")))
    return number_of(first_words[0]) if first_words else None


def number_in_article(figure: Element) -> str | None:
    """Returns the number by which the text cites a figure: its own, else that of the whole of which it is a part."""
    for holder in (figure, *wholes_of(figure)):
        number = own_number(holder)
        if number:
            return number
    return None
