"""Where the text of an article cites its figures: by a link, within a range of links, or in plain words."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lxml import etree

from roco.sources.jats_text import Prose, child, name_of, prose_of, tags, text_of, title_of

Element = etree._Element


class Mention(NamedTuple):
    """A passage that cites a figure.

    text: the paragraph, title, list item or cell, white space folded; section: titles of the sections around it,
    joined by " / "; start, end: offsets in text of the first citation; kind: "direct" by a link of its own,
    "range" between the ends of a range such as "Figs 1–3", "text" in plain words without a link.
    """

    text: str
    section: str
    start: int
    end: int
    kind: str


_CELLS = ("td", "th")
_WALKED_NAMES = ("p", "title", "list-item", "def", "term")
_TELLS = tags(*_WALKED_NAMES, *_CELLS)
_WALKED = tags(*_WALKED_NAMES, "xref")
_FOREIGN = tags("sub-article", "response", "ref-list", "front-stub", "title-group", "permissions")
_RANK = {"direct": 0, "range": 1, "text": 2}

_WORD = r"(?:fig(?:ure|ura)?s?|abb(?:ildung(?:en)?)?)\b\.?"
_NUMBER = r"[SA]?\d{1,3}(?:\.\d{1,2})?(?!\d)"
_PANEL = r"(?:(?:[a-z]|\s?\([a-z]\)|\s(?-i:[A-H]))(?![^\W_])|(?![^\W\d_]))"  # none, and then no "1st"
_TO = r"\s*(?:[\u2010-\u2015\u2212-]|\b(?:to|through|until|a|al|até|bis)\b)\s*"
_AND = r"\s*(?:[,&/+]|\b(?:and|y|e|et|und)\b)\s*"
_CITED = re.compile(
    rf"\b{_WORD}\s*({_NUMBER}{_PANEL}(?:(?:{_TO}|{_AND})+(?:{_NUMBER}{_PANEL}|(?-i:[A-Hb-h])\b(?!['’])))*)"
    r"(?!\s*[\u2010-\u2015-]\s*(?:figure )?supplement|\s+(?:of|in|from) (?:\[|refs?\b))",
    re.I,
)
_ITEM = re.compile(rf"(?P<to>{_TO})?(?:{_AND})*(?P<number>{_NUMBER}){_PANEL}", re.I)
_LABEL = re.compile(rf"{_WORD}\s*({_NUMBER})\W*", re.I)
# Each begins with plain letters, which the search jumps to: one pattern for all would look at every byte.
_IN_BYTES = [
    re.compile(word + rb"\.?(?:\s|<[^>]*>|&[#\w]+;|\xc2\xa0)*[SA]?\d")
    for word in (rb"ig(?:ure|ura)?s?", rb"IG(?:URE|URA)?S?", rb"bb(?:ildung(?:en)?)?")
]
_INLINE = (b"<b", b"<i", b"</b", b"</i", b"<sc", b"</sc", b"<sub", b"<sup", b"</su", b"<styled", b"<u")
_LINKED = (b"<xref", b"<label")
_DASH = re.compile(rf"(?:{_TO})", re.I)


def may_cite_in_words(xml: bytes) -> bool:
    """Whether the XML as bytes may cite a figure in plain words: "Fig. 2" that stands in neither a link nor a label.

    Most articles do not, and then their passages need not be looked through one by one.
    """
    if b"\0" in xml[:100]:  # UTF-16
        return True
    for match in itertools.chain.from_iterable(pattern.finditer(xml) for pattern in _IN_BYTES):
        tag = match.start()
        while (tag := xml.rfind(b"<", 0, tag)) >= 0 and xml.startswith(_INLINE, tag):
            pass
        if not xml.startswith(_LINKED, tag):
            return True
    return False


def mentions_of(
    article: Element, owners: Iterable[Element], images: Mapping[Element, Sequence[Element]], in_words: bool = True
) -> dict[Element, tuple[Mention, ...]]:
    """For each figure of the article itself the passages that cite it, each once, in order of the document.

    in_words: whether any passage may cite a figure without a link, see `may_cite_in_words`.
    """
    figures = _Figures(owners, images)
    found: defaultdict[Element, dict[str, Mention]] = defaultdict(dict)
    if not figures.own:
        return {}
    for passage in _passages(article) if in_words else _linking(article, figures):
        prose = _prose(passage, figures)
        if prose is None:
            continue
        inside = _figures_around(passage)
        section = None
        for fig, start, end, kind in _citations(passage, prose, figures):
            if fig in inside or prose.text in found[fig]:
                continue
            section = _section(passage) if section is None else section
            found[fig][prose.text] = Mention(prose.text, section, start, end, kind)
    return {fig: tuple(mentions.values()) for fig, mentions in found.items() if mentions}


class _Figures:
    """The figures of the article itself, by each id and by the number of their labels."""

    def __init__(self, owners: Iterable[Element], images: Mapping[Element, Sequence[Element]]) -> None:
        self.own: list[Element] = []
        self.by_id: defaultdict[str, list[Element]] = defaultdict(list)
        self.by_number: defaultdict[str, list[Element]] = defaultdict(list)
        for owner in owners:
            if name_of(owner) not in ("fig", "fig-group") or _is_foreign(owner):
                continue
            self.own.append(owner)
            groups = owner.iterancestors("{*}fig-group")
            parts = owner.iterchildren("{*}fig") if name_of(owner) == "fig-group" else ()
            for named in (owner, *groups, *parts, *images.get(owner, ()), *owner.iterchildren("{*}alternatives")):
                if named.get("id"):
                    self.by_id[str(named.get("id"))].append(owner)
            if label := _LABEL.fullmatch(title_of(child(owner, "label"))):
                self.by_number[label[1].upper()].append(owner)
        self.numbered = {fig for figs in self.by_number.values() for fig in figs}
        self.order = {fig: i for i, fig in enumerate(self.own)}

    def cited(self, ref: Element) -> list[Element]:
        return [fig for rid in (ref.get("rid") or "").split() for fig in self.by_id.get(rid, ())]

    def between(self, first: Element, last: Element) -> list[Element]:
        return self.own[self.order[first] + 1 : self.order[last]]


def _passages(article: Element) -> Iterator[Element]:
    """All passages, but of the cells of tables, which are many, and of other elements only those that hold a link."""
    seen: set[Element] = set()
    for element in article.iter(*_WALKED):
        if name_of(element) != "xref":
            yield element
        elif (passage := _passage(element)) not in seen and name_of(passage) not in _WALKED_NAMES:
            seen.add(passage)
            yield passage


def _linking(article: Element, figures: _Figures) -> Iterable[Element]:
    """The passages with a link to a figure, each once."""
    return dict.fromkeys(_passage(ref) for ref in article.iter(*tags("xref")) if figures.cited(ref))


def _prose(passage: Element, figures: _Figures) -> Prose | None:
    """The text of a passage that may cite a figure; None for most, which do not, and for other articles' text."""
    raw = str(etree.tostring(passage, encoding="unicode", method="text", with_tail=False)).lower()
    if "fig" not in raw and "abb" not in raw and not any(figures.cited(r) for r in passage.iter("{*}xref")):
        return None
    return None if _is_foreign(passage) else prose_of(passage)


def _is_foreign(element: Element) -> bool:
    return next(element.iterancestors(*_FOREIGN), None) is not None


def _figures_around(passage: Element) -> set[Element]:
    return set(passage.iterancestors("{*}fig", "{*}fig-group"))


def _citations(passage: Element, prose: Prose, figures: _Figures) -> list[tuple[Element, int, int, str]]:
    """Figure, offsets and kind of each citation that is the passage's own, the surest kind first."""
    own = [(r, a, b) for r, a, b in prose.refs if _passage(r) is passage]
    found = [(fig, a, b, "direct") for r, a, b in own for fig in figures.cited(r)]
    found += _linked_ranges(prose.text, own, figures)
    nested = [prose_of(e).text for e in passage.iter(*_TELLS) if e is not passage]
    for match in _CITED.finditer(prose.text):
        if not any(match[0] in text for text in nested):
            found += _plain(match, prose.refs, figures)
    return sorted(found, key=lambda c: (_RANK[c[3]], c[1]))


def _passage(ref: Element) -> Element:
    """The passage that a link stands in: a heading of a kind unknown here is one too."""
    parent = ref.getparent()
    return next(ref.iterancestors(*_TELLS), ref if parent is None else parent)


def _linked_ranges(
    text: str, refs: Sequence[tuple[Element, int, int]], figures: _Figures
) -> Iterator[tuple[Element, int, int, str]]:
    """The figures between two links that are joined by a dash or "to", where no labels say which these are."""
    for (one, start, end), (other, begin, stop) in itertools.pairwise(refs):
        first, last = figures.cited(one), figures.cited(other)
        if (
            first
            and last
            and not figures.numbered.issuperset((first[-1], last[0]))
            and _DASH.fullmatch(text[end:begin])
        ):
            for fig in figures.between(first[-1], last[0]):
                yield fig, start, stop, "range"


def _plain(
    match: re.Match[str], refs: Sequence[tuple[Element, int, int]], figures: _Figures
) -> Iterator[tuple[Element, int, int, str]]:
    """What "Figs 1, 3–5" in plain words, or in the words of a link, cites beside what links say."""
    before: str | None = None
    for item in _ITEM.finditer(match[1]):
        start, end = match.start(1) + item.start("number"), match.start(1) + item.end()
        number = item["number"].upper()
        around = [r for r, a, b in refs if a <= start and end <= b]
        if any((r.get("ref-type") or "fig").lower() not in ("fig", "figure", "other") for r in around):
            before = None
            continue
        for key in _numbers_between(before, number) if item["to"] else ():
            for fig in figures.by_number.get(key, ()):
                yield fig, match.start(), match.end(), "range"
        for fig in figures.by_number.get(number, ()):
            yield fig, match.start() if before is None else start, end, "range" if item["to"] and around else "text"
        before = number


def _numbers_between(first: str | None, last: str) -> list[str]:
    """The numbers between the ends of a range: "S2" to "S5" gives S3 and S4."""
    one, other = (re.fullmatch(r"([SA]?)(\d+)", n or "") for n in (first, last))
    if not one or not other or one[1] != other[1] or int(other[2]) - int(one[2]) > 50:
        return []
    return [f"{one[1]}{n}" for n in range(int(one[2]) + 1, int(other[2]))]


def _section(passage: Element) -> str:
    """Titles of the sections around a passage, the outermost first; a caption goes by its figure's label."""
    path = []
    for above in passage.iterancestors():
        name = name_of(above)
        if name in ("sec", "app", "ack", "boxed-text", "abstract", "trans-abstract", "glossary", "notes"):
            if title := title_of(child(above, "title") if child(above, "title") is not None else child(above, "label")):
                path.append(title)
            elif "abstract" in name:
                path.append("Abstract")
            elif box := title_of(child(above, "caption", "title")):
                path.append(box)
        elif name == "caption":
            label = text_of(child(above.getparent(), "label"))
            path.append(f"caption of {label}" if label else "caption")
    return " / ".join(reversed(path))
