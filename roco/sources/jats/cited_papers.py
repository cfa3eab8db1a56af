"""Looks up the authors of the papers that an article cites, in its list of references.

Called by `mentions.py`, to tell "Figure 1 of Doe" from "Figure 1 of Europe".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.text import text_of

Element = etree._Element

_FIRST_WORD = re.compile(r"[\W\d_]*([^\W\d_][\w'’-]*)")  # of a reference, after its label and number


class CitedPapers:
    """The papers in the list of references of an article; read only if somebody asks."""

    def __init__(self, document: Element) -> None:
        """document: the article, or its translation, which may have the list of the article."""
        self._article = next(document.iterancestors("{*}article"), document)

    def has_author(self, name: str) -> bool:
        """Returns whether a name, with or without first names and "van der", is that of an author."""
        return _last_word(name) in self._surnames

    @cached_property
    def _surnames(self) -> frozenset[str]:
        """The last words of all surnames, lower case."""
        return frozenset(map(_last_word, self._names()))

    def _names(self) -> Iterator[str]:
        for reference in self._article.iter("{*}ref"):
            surnames = list(reference.iter("{*}surname", "{*}string-name"))
            if surnames:
                yield from map(text_of, surnames)
                continue
            # Without markup, a reference begins with its first author: "12. Doe J, Roe R. Imaging of …".
            first_word = _FIRST_WORD.match(fold(text_of(reference)))
            if first_word:
                yield first_word[1]


def _last_word(name: str) -> str:
    words = fold(name).split()
    return words[-1].casefold() if words else ""
