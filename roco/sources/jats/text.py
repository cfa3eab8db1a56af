r"""Flattens JATS elements to the text that a reader sees: markup removed, one copy of each formula, blocks separated.

`caption_text_of` is used for captions, `title_of` for titles, `prose_of` for passages that cite figures, and `text_of`
for the rest. A caption goes on to `plain_caption`, which gives the text that ends up in the column `caption`.

`_collect` walks an element and appends pieces to a list. Three control characters, which XML cannot contain, mark
structure in the pieces: `\0` the border of a block, `\1` and `\2` start and end of a citation.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from roco.base.text import FORMULA, SYMBOL, fold
from roco.sources.jats.address_removal import without_addresses
from roco.sources.jats.mathml import mathml_text
from roco.sources.jats.scope import FORMULAS
from roco.sources.jats.tree import HREF, name_of

Element = etree._Element

_BLOCKS = frozenset({
    "title", "p", "sec", "list", "list-item", "def-list", "def-item", "def", "term", "disp-quote",
    "disp-formula", "disp-formula-group", "break", "tr", "td", "th", "table", "table-wrap", "fig",
    "boxed-text", "preformat", "verse-line", "statement", "caption", "label", "subtitle",
})  # fmt: skip
# Elements whose text is not part of the text around them: descriptions, metadata, graphics, rights.
_SKIPPED = frozenset({
    "alt-text", "long-desc", "object-id", "graphic", "media", "annotation", "annotation-xml", "permissions",
    "attrib", "processing-meta", "supplementary-material",
})  # fmt: skip
# Characters that are images; without a mark, the text would have a gap there.
_CHARACTERS_AS_IMAGES = frozenset({"inline-graphic", "private-char", "inline-media"})
_IMAGES = ("{*}graphic", "{*}inline-graphic", "{*}media", "{*}inline-media")
_LINKS = frozenset({"ext-link", "uri", "email"})
_FOOTNOTE_TYPES = frozenset({"fn", "table-fn", "corresp", "aff"})

_BLOCK, _CITATION_START, _CITATION_END = "\0", "\1", "\2"
_CITATION_MARK = re.compile("([\1\2])")

_TEX_DOCUMENT = re.compile(
    r"(?:\\documentclass(?:(?!\\end\{document\}).)*?)?\\begin\{document\}(.*?)\\end\{document\}", re.S
)
_TEX_PREAMBLE = re.compile(
    r"\\(?:documentclass|usepackage|setlength|DeclareMathSizes|newcommand|pagestyle)\*?"
    r"(?:\s?\[[^\]]*\]|\s?\{(?:[^{}]|\{[^{}]*\})*\})*\s*"
)


class _Rules(NamedTuple):
    """How an element becomes text. empty_links: links without text become their address, which a reader can follow."""

    skipped: frozenset[str]
    empty_links: bool = False


_IN_TEXT = _Rules(_SKIPPED)
_IN_TITLES = _Rules(_SKIPPED | {"fn", "xref"})
_IN_CAPTIONS = _Rules(_SKIPPED, empty_links=True)
_IN_PROSE = _Rules(
    _SKIPPED | {"fig", "fig-group", "table-wrap", "table-wrap-group", "disp-formula", "boxed-text"}, empty_links=True
)


class Prose(NamedTuple):
    """The text of a passage, white space folded; refs: each <xref> with its start and end in the text."""

    text: str
    refs: list[tuple[Element, int, int]]


def text_of(element: Element | None) -> str:
    """Returns the text of a label, name or statement; blocks are joined by a space, other white space is kept."""
    return _text(element, _IN_TEXT)


def caption_text_of(element: Element | None) -> str:
    """Returns the text of a caption as `text_of` does, with the addresses of links that have no text."""
    return _text(element, _IN_CAPTIONS)


def is_text(element: Element) -> bool:
    """Returns whether the text of an element is part of the text around it; not for descriptions, graphics, rights."""
    return name_of(element) not in _SKIPPED


def title_of(element: Element | None) -> str:
    """Returns the text of a title without footnotes and their marks, white space folded."""
    return fold(_text(element, _IN_TITLES))


def prose_of(element: Element) -> Prose:
    """Returns the text of a passage without the figures, tables and boxes in it, and the offsets of its citations."""
    pieces: list[str] = []
    citations: list[Element] = []
    _collect(element, _IN_PROSE, pieces, citations)
    text, spans = _fold_with_spans(_joined(pieces))
    refs = [(citation, start, end) for citation, (start, end) in zip(citations, spans, strict=True)]
    return Prose(text, refs)


def plain_caption(raw: str) -> str:
    """Returns a caption as in the release: white space folded, addresses removed with the words that lead to them."""
    text = fold(raw)
    if "\\documentclass" in text or "\\begin{document}" in text:
        text = fold(_without_preamble(text))
    return without_addresses(text)


# --- from elements to pieces of text


def _text(element: Element | None, rules: _Rules) -> str:
    if element is None:
        return ""
    pieces: list[str] = []
    _collect(element, rules, pieces)
    return _joined(pieces)


def _joined(pieces: list[str]) -> str:
    """Joins pieces; white space around a border of blocks becomes one space."""
    text = "".join(pieces)
    if _BLOCK in text:
        blocks = (block.strip() for block in text.split(_BLOCK))
        text = " ".join(block for block in blocks if block)
    return text.strip()


def _collect(element: Element, rules: _Rules, pieces: list[str], citations: list[Element] | None = None) -> None:
    """Appends the text of an element; if `citations` is a list, notes each <xref> there and marks it in the text."""
    if element.text:
        pieces.append(element.text)
    for part in element:
        _collect_part(element, part, rules, pieces, citations)
        if part.tail:
            pieces.append(part.tail)


def _collect_part(
    parent: Element, part: Element, rules: _Rules, pieces: list[str], citations: list[Element] | None
) -> None:
    name = name_of(part)
    if name == "math":
        pieces.append(mathml_text(part))
    elif name == "tex-math":
        # LaTeX is the last choice: beside MathML or plain text it would repeat the formula.
        if not _has_other_form(parent):
            pieces.append(_tex_text(part))
    elif name == "alternatives":
        _collect_first_form(part, rules, pieces)
    elif not name or name in rules.skipped:
        return
    elif name in FORMULAS:
        _collect_formula(part, rules, pieces, citations)
    elif name in _CHARACTERS_AS_IMAGES:
        pieces.append(SYMBOL)
    elif name in _LINKS and rules.empty_links and not "".join(map(str, part.itertext())).strip():
        pieces.append(f" {part.get(HREF) or ''}")
    elif name == "xref" and part.get("ref-type") in _FOOTNOTE_TYPES:
        # The mark of a footnote is not text: "2012" with mark "4" would become the year 20124.
        return
    elif name == "xref" and citations is not None and _may_cite_figure(part, pieces):
        citations.append(part)
        pieces.append(_CITATION_START)
        _collect(part, rules, pieces, citations)
        pieces.append(_CITATION_END)
    elif name in _BLOCKS:
        pieces.append(_BLOCK)
        _collect(part, rules, pieces, citations)
        pieces.append(_BLOCK)
    else:
        _collect(part, rules, pieces, citations)


def _may_cite_figure(ref: Element, before: list[str]) -> bool:
    """Returns whether a link may cite a figure, or the paper that a figure is from: "Fig. 1 of 7".

    Most links are numbers of references, and marking them all is slow.
    """
    return ref.get("ref-type") != "bibr" or "ig" in (ref.text or "") or (bool(before) and "ig" in before[-1][-40:])


# --- formulas


def _collect_formula(formula: Element, rules: _Rules, pieces: list[str], citations: list[Element] | None) -> None:
    """Appends the text of a formula, or a placeholder if it is only an image."""
    border = [_BLOCK] if name_of(formula) in _BLOCKS else []
    pieces += border
    if _is_image(formula):
        pieces.append(FORMULA)
    _collect(formula, rules._replace(skipped=rules.skipped | _CHARACTERS_AS_IMAGES), pieces, citations)
    pieces += border


def _is_image(formula: Element) -> bool:
    """Returns whether a formula is an image without any text but a number: "(1)"."""
    if next(formula.iter(*_IMAGES), None) is None:
        return False
    text: list[str] = []
    _collect(formula, _Rules(_SKIPPED | _CHARACTERS_AS_IMAGES | {"label"}), text)
    return not "".join(text).replace(_BLOCK, "").strip()


def _collect_first_form(alternatives: Element, rules: _Rules, pieces: list[str]) -> None:
    """Appends the best form in <alternatives> that has any text: MathML, else plain text, else LaTeX."""
    order = {"math": 0, "tex-math": 2}
    forms = [form for form in alternatives if name_of(form)]
    for form in sorted(forms, key=lambda form: order.get(name_of(form), 1)):
        text: list[str] = []
        if name_of(form) == "math":
            text.append(mathml_text(form))
        elif name_of(form) == "tex-math":
            text.append(_tex_text(form))
        elif name_of(form) not in rules.skipped | _CHARACTERS_AS_IMAGES:
            _collect(form, rules, text)
        if "".join(text).strip():
            pieces += text
            return
    if any(name_of(form) in _CHARACTERS_AS_IMAGES - rules.skipped for form in forms):
        pieces.append(SYMBOL)


def _has_other_form(parent: Element) -> bool:
    """Returns whether the parent of a <tex-math> also contains the formula as MathML, or as plain text in a formula."""
    if any(name_of(part) == "math" for part in parent):
        return True
    if name_of(parent) not in ("inline-formula", "disp-formula"):
        return False  # in a paragraph the text beside it is ordinary text
    if (parent.text or "").strip():
        return True
    for part in parent:
        if (part.tail or "").strip():
            return True
        if name_of(part) != "tex-math" and "".join(map(str, part.itertext())).strip():
            return True
    return False


def _tex_text(element: Element) -> str:
    text = "".join(str(piece) for piece in element.itertext())
    return _without_preamble(text).strip()


def _without_preamble(text: str) -> str:
    """Returns LaTeX without preambles: Springer wraps each formula into a complete document."""
    return _TEX_PREAMBLE.sub("", _TEX_DOCUMENT.sub(r"\1", text))


# --- offsets of citations


def _fold_with_spans(raw: str) -> tuple[str, list[tuple[int, int]]]:
    r"""Folds white space as `fold` does; also returns start and end of each piece between `\1` and `\2`, in order."""
    if _CITATION_START not in raw:
        return fold(raw), []
    out: list[str] = []
    length = 0
    starts: list[int] = []
    ends: list[int] = []
    open_spans: list[int] = []  # spans may be nested
    without_words: list[int] = []  # spans whose first word has not been reached: a space before it is not part of them
    pending_space = False

    for piece in _CITATION_MARK.split(raw):
        if piece == _CITATION_START:
            open_spans.append(len(starts))
            without_words.append(len(starts))
            starts.append(length)
            ends.append(length)
        elif piece == _CITATION_END:
            ends[open_spans.pop()] = length
        elif piece:
            text = fold(piece)
            pending_space = pending_space or piece[:1].isspace()
            if text:
                if pending_space and length:
                    out.append(" ")
                    length += 1
                for span in without_words:
                    starts[span] = length
                without_words.clear()
                out.append(text)
                length += len(text)
            pending_space = piece[-1:].isspace() or (pending_space and not text)

    # An empty citation has no first word, so its start is now after its end.
    spans = [(min(start, end), end) for start, end in zip(starts, ends, strict=True)]
    return "".join(out), spans
