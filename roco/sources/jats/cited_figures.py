"""Looks up the figures that a link, a number or a range cites.

Called by `mentions.py`, once for the article and once for its translation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lxml import etree

from roco.sources.jats.nesting import number_in_article, wholes_of
from roco.sources.jats.scope import located_in
from roco.sources.jats.tree import name_of, tags

Element = etree._Element

# Parts whose citations are not those of the article itself: translations, replies, references, rights.
_FOREIGN = tags("sub-article", "response", "ref-list", "front-stub", "title-group", "permissions")
# Values of ref-type with which a link points to something in a caption, instead of to the figure.
_LINKS_TO_OTHER_THINGS = frozenset({"aff", "bibr", "corresp", "disp-formula", "fn", "list", "table", "table-fn"})


class CitedFigures:
    """The figures of a document itself: in document order, by id, and by the number of their label."""

    def __init__(
        self, document: Element, owners: Iterable[Element], images: Mapping[Element, Sequence[Element]]
    ) -> None:
        self.all: list[Element] = []
        self.by_id: defaultdict[str, list[Element]] = defaultdict(list)
        self.by_inner_id: defaultdict[str, list[Element]] = defaultdict(list)  # ids in the caption and the label
        self.by_number: defaultdict[str, list[Element]] = defaultdict(list)
        for owner in owners:
            if name_of(owner) not in ("fig", "fig-group") or is_foreign(owner, document):
                continue
            self.all.append(owner)
            for element in self._elements_with_id(owner, images.get(owner, ())):
                if element.get("id"):
                    self.by_id[str(element.get("id"))].append(owner)
            for element in _within(owner):
                if element.get("id"):
                    self.by_inner_id[str(element.get("id"))].append(owner)
            number = number_in_article(owner)
            if number:
                self.by_number[number].append(owner)
        self.numbered = {figure for figures in self.by_number.values() for figure in figures}
        self._position = {figure: i for i, figure in enumerate(self.all)}

    def add_linked(self, figures: Iterable[Element]) -> None:
        """Adds figures of another document, which only a link to their id cites."""
        ids = {figure: str(figure.get("id") or "") for figure in figures}
        for figure, id in ids.items():
            if id and id not in self.by_id:
                self.by_id[id] = [figure]

    @staticmethod
    def _elements_with_id(owner: Element, images: Sequence[Element]) -> Iterator[Element]:
        """Yields the elements whose id a link to the figure may use: what is around it, its panels and graphics."""
        yield owner
        yield from wholes_of(owner)
        if name_of(owner) == "fig-group":
            yield from owner.iterchildren("{*}fig")
        yield from images
        yield from owner.iterchildren("{*}alternatives")

    def linked(self, ref: Element) -> list[Element]:
        """Returns the figures that an <xref> points to; its `rid` may contain several ids."""
        rid = ref.get("rid") or ""
        if rid in self.by_id:
            return self.by_id[rid]
        by_id = [self.by_id] if ref.get("ref-type") in _LINKS_TO_OTHER_THINGS else [self.by_id, self.by_inner_id]
        return [figure for one in rid.split() for ids in by_id for figure in ids.get(one, ())]

    def numbered_for(self, number: str, passage: Element) -> list[Element]:
        """Returns the figures with a number; of several, those in the same box or appendix, else those of the body."""
        figures = self.by_number.get(number, [])
        for place in (located_in(passage), None):
            in_place = [figure for figure in figures if located_in(figure) == place]
            if in_place:
                return in_place
        return figures

    def between(self, first: Element, last: Element) -> list[Element]:
        """Returns the figures between two figures of the document."""
        if first not in self._position or last not in self._position:
            return []
        return self.all[self._position[first] + 1 : self._position[last]]


def _within(figure: Element) -> Iterator[Element]:
    """Yields the elements in the captions and labels of a figure."""
    for part in figure.iterchildren("{*}caption", "{*}label"):
        yield from part.iter("{*}*")


def is_foreign(element: Element, document: Element) -> bool:
    """Returns whether an element is in a part of the document that is not the document's own text."""
    return next(element.iterancestors(*_FOREIGN), None) not in (None, document)
