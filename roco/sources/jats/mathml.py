"""Writes MathML formulas on one line. Without signs for fractions and roots, a half would read as 12."""

from __future__ import annotations

import re

from lxml import etree

from roco.sources.jats.tree import name_of

Element = etree._Element

# Copies of a formula in another notation, and what only takes up space.
_SKIPPED = frozenset({"annotation", "annotation-xml", "mphantom"})
_ONE_OPERAND = re.compile(r"[\w.]*|\(.*\)|√\w+")


def mathml_text(formula: Element) -> str:
    """Returns the characters of a formula without white space, which is only indentation there."""
    return "".join(_text(formula).split())


def _text(element: Element) -> str:
    name = name_of(element)
    parts = [part for part in element if name_of(part) and name_of(part) not in _SKIPPED]
    if name == "mfrac" and len(parts) == 2 and not _is_binomial(element):
        return f"{_operand(parts[0])}/{_operand(parts[1])}"
    if name == "msqrt":
        return f"√{_in_brackets(_content(element))}"
    return _content(element)


def _content(element: Element) -> str:
    pieces = [element.text or ""]
    for part in element:
        if name_of(part) and name_of(part) not in _SKIPPED:
            pieces.append(_text(part))
        pieces.append(part.tail or "")
    return "".join(pieces)


def _is_binomial(fraction: Element) -> bool:
    """Returns whether two terms stand above each other without a line."""
    return re.match(r"0+(?:[a-z%]|$)", fraction.get("linethickness", "")) is not None


def _operand(element: Element) -> str:
    return _in_brackets(_text(element))


def _in_brackets(text: str) -> str:
    """Returns a term in brackets unless it is a single number or name."""
    term = "".join(text.split())
    return term if _ONE_OPERAND.fullmatch(term) else f"({term})"
