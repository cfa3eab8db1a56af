"""Finds the passages of an article that cite its figures: by a link, within a range of links, or in plain words.

`figures.figures_of` calls `mentions_of` once per article; `stages/extract_rows.py` writes the result to the column
`mentions_in_text`.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lxml import etree

from roco.base.errors import RejectedInput
from roco.sources.jats.citations import Cited, cited_in, is_range, without_series
from roco.sources.jats.cited_figures import CitedFigures, is_foreign
from roco.sources.jats.cited_papers import CitedPapers
from roco.sources.jats.nesting import GROUPS
from roco.sources.jats.text import Prose, prose_of, text_of, title_of
from roco.sources.jats.tree import child, name_of, tags

Element = etree._Element


class Mention(NamedTuple):
    """A passage that cites a figure.

    text: the paragraph, title, list item or table cell, white space folded
    section: titles of the sections around it, joined by " / "
    start, end: offsets of the first citation in the text
    kind: "direct" (a link to the figure), "range" (between the ends of a range such as "Figs 1–3") or "text" (plain
    words without a link)
    """

    text: str
    section: str
    start: int
    end: int
    kind: str


class _Citation(NamedTuple):
    """A citation of one figure in a passage; start, end, kind as in `Mention`."""

    figure: Element
    start: int
    end: int
    kind: str


class _Link(NamedTuple):
    """A link in a passage, and the figures that it points to."""

    figures: list[Element]
    start: int
    end: int


MOST = 32 << 20
"""Limit for the characters of all mentions of one article; real articles have some thousands.

Each passage counts once for every figure that it cites, because it is stored once for each.
"""

_CELLS = ("td", "th")
_TEXT_PASSAGES = ("p", "title", "list-item", "def", "term")
_PASSAGES = tags(*_TEXT_PASSAGES, *_CELLS)
_TEXT_PASSAGES_AND_LINKS = tags(*_TEXT_PASSAGES, "xref")
_SECTIONS = ("sec", "app", "ack", "boxed-text", "abstract", "trans-abstract", "glossary", "notes")
# A cheap test for "1–3", "2 to 4", which is rarely true: only then the pattern of all citations is searched.
_MAY_BE_RANGE = re.compile(r"\d[A-Za-z]?\)?\s*(?:[\u2010-\u2015\u2212-]|[a-zé]{1,7}\s)\s*[SAsa]?\d")
_ORDER_OF_KINDS = {"direct": 0, "range": 1, "text": 2}
_LINKS_TO_FIGURES = ("fig", "figure", "other")
# What has a label of its own at the start of its caption, such as "Figure 1" of a supplement.
_LABELLED = tags("supplementary-material", "media", "table-wrap")


def mentions_of(
    document: Element,
    owners: Iterable[Element],
    images: Mapping[Element, Sequence[Element]],
    in_words: frozenset[str] | None = None,
    linked: Iterable[Element] = (),
) -> dict[Element, tuple[Mention, ...]]:
    """Returns, for each figure of a document itself, the passages that cite it, each once, in document order.

    document: the article, or its translation; owners: the elements that may be figures; linked: figures of the article
    that its translation may cite by a link; images: the graphics of each; in_words: numbers that the article cites
    without a link (see `citations.worded_numbers`), None if unknown. Raises RejectedInput if the mentions exceed MOST.
    """
    figures = CitedFigures(document, owners, images)
    figures.add_linked(linked)
    if not figures.by_id and not figures.all:
        return {}
    cited_as = {*figures.by_number, *map(without_series, figures.by_number)}
    search_words = in_words is None or not in_words.isdisjoint(cited_as)
    papers = CitedPapers(document)
    passages = _passages_with_words(document) if search_words else _passages_with_links(document, figures)

    mentions: defaultdict[Element, dict[str, Mention]] = defaultdict(dict)  # by figure and text
    sections: dict[Element | None, str] = {}
    length = 0
    for passage in passages:
        if is_foreign(passage, document):
            continue
        prose = prose_of(passage)
        figures_around = set(passage.iterancestors(*GROUPS))
        for citation in _citations(passage, prose, figures, papers, search_words):
            # A figure's own caption does not cite it. The first citation of a passage is the most certain one.
            if citation.figure in figures_around or prose.text in mentions[citation.figure]:
                continue
            section = _section(passage, sections)
            mention = Mention(prose.text, section, citation.start, citation.end, citation.kind)
            mentions[citation.figure][prose.text] = mention
            length += len(prose.text)
            if length > MOST:
                raise RejectedInput(f"XML: the passages that cite figures have more than {MOST} characters")
    return {figure: tuple(by_text.values()) for figure, by_text in mentions.items() if by_text}


# --- which passages to read


def _passages_with_words(document: Element) -> Iterator[Element]:
    """Yields the passages with a link or with the word for a figure, each once; of table cells only those with a link.

    Tables have many cells, and hardly any of them cites a figure in words.
    """
    yielded: set[Element] = set()
    for element in document.iter(*_TEXT_PASSAGES_AND_LINKS):
        if name_of(element) == "xref":
            passage = _passage_of(element)
        else:
            text = str(etree.tostring(element, encoding="unicode", method="text", with_tail=False)).lower()
            if "fig" not in text and "abb" not in text:
                continue
            passage = element
        if passage not in yielded:
            yielded.add(passage)
            yield passage


def _passages_with_links(document: Element, figures: CitedFigures) -> Iterable[Element]:
    """Returns the passages with a link to a figure, each once."""
    return dict.fromkeys(_passage_of(ref) for ref in document.iter(*tags("xref")) if figures.linked(ref))


def _passage_of(ref: Element) -> Element:
    """Returns the passage around a link: the nearest known element, else its parent, such as an unknown heading."""
    parent = ref.getparent()
    return next(ref.iterancestors(*_PASSAGES), ref if parent is None else parent)


# --- which figures a passage cites


def _citations(
    passage: Element, prose: Prose, figures: CitedFigures, papers: CitedPapers, search_words: bool
) -> list[_Citation]:
    """Returns the citations of a passage without those of passages inside it, the most certain kind first."""
    links: list[_Link] = []
    for ref, start, end in prose.refs:
        linked = figures.linked(ref)
        if linked and _passage_of(ref) is passage:
            links.append(_Link(linked, start, end))

    citations = [_Citation(figure, link.start, link.end, "direct") for link in links for figure in link.figures]
    citations += _linked_ranges(prose.text, links, figures)
    if search_words or _MAY_BE_RANGE.search(prose.text):
        citations += _worded_citations(passage, prose, figures, papers)
    return sorted(citations, key=lambda citation: (_ORDER_OF_KINDS[citation.kind], citation.start))


def _linked_ranges(text: str, links: Sequence[_Link], figures: CitedFigures) -> Iterator[_Citation]:
    """Yields the figures between two links joined by a dash or "to", if the figures have no numbers in their labels.

    Figures with numbers are found by `_in_words`, from the numbers between the two.
    """
    for link, next_link in itertools.pairwise(links):
        first, last = link.figures[-1], next_link.figures[0]
        have_numbers = figures.numbered.issuperset((first, last))
        if not have_numbers and is_range(text[link.end : next_link.start]):
            for figure in figures.between(first, last):
                yield _Citation(figure, link.start, next_link.end, "range")


def _worded_citations(
    passage: Element, prose: Prose, figures: CitedFigures, papers: CitedPapers
) -> Iterator[_Citation]:
    inner_texts = [prose_of(element).text for element in passage.iter(*_PASSAGES) if element is not passage]
    links_to_papers = {start for ref, start, _ in prose.refs if ref.get("ref-type") == "bibr"}
    for words, cited in cited_in(prose.text, papers.has_author, links_to_papers):
        # A list contains its items: what an item cites is the item's.
        if not any(words in text for text in inner_texts):
            yield from _in_words(cited, passage, prose.refs, figures)


def _in_words(
    cited: Sequence[Cited], passage: Element, refs: Sequence[tuple[Element, int, int]], figures: CitedFigures
) -> Iterator[_Citation]:
    """Yields the figures that "Figs 1, 3–5" cites, in plain words or in the words of a link."""
    may_be_label = next(passage.iterancestors(*_LABELLED), None) is not None
    for one in cited:
        if may_be_label and one.start == 0:
            continue
        links_around: list[Element] = []
        if not one.between:
            links_around = [ref for ref, start, end in refs if start <= one.start and one.end <= end]
        # "Fig. 2" as the text of a link to something else, such as a supplement, is not this article's Figure 2.
        if any((link.get("ref-type") or "fig").lower() not in _LINKS_TO_FIGURES for link in links_around):
            continue
        is_of_range = one.between or (one.to and bool(links_around))
        for figure in figures.numbered_for(one.number, passage):
            yield _Citation(figure, one.start, one.end, "range" if is_of_range else "text")


# --- where a passage is


def _section(passage: Element, known: dict[Element | None, str]) -> str:
    """Returns the titles of the sections around a passage, the outermost first; known: caches them by parent."""
    parent = passage.getparent()
    if parent not in known:
        known[parent] = " / ".join(reversed(list(_titles_inside_out(passage))))
    return known[parent]


def _titles_inside_out(passage: Element) -> Iterator[str]:
    for ancestor in passage.iterancestors():
        name = name_of(ancestor)
        if name in _SECTIONS:
            title = _section_title(ancestor)
            if title:
                yield title
        elif name == "caption":
            label = text_of(child(ancestor.getparent(), "label"))
            yield f"caption of {label}" if label else "caption"


def _section_title(section: Element) -> str:
    """Returns the title of a section, else its label; a box has its title in its caption."""
    title = child(section, "title")
    heading = title_of(title if title is not None else child(section, "label"))
    if heading:
        return heading
    if "abstract" in name_of(section):
        return "Abstract"
    return title_of(child(section, "caption", "title"))
