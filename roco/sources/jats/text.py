"""Text of JATS elements as a reader sees it: markup flattened, one copy of each formula, blocks kept apart."""

from __future__ import annotations

import html.entities
import re
from collections.abc import Container
from functools import cache, lru_cache
from typing import NamedTuple

from lxml import etree

from roco.base.errors import RejectedInput
from roco.base.text import fold

MAX_BYTES = 64 << 20
"""Larger XML is refused; the largest article met so far has a few MB."""

_BLOCKS = frozenset({
    "title", "p", "sec", "list", "list-item", "def-list", "def-item", "def", "term", "disp-quote",
    "disp-formula", "disp-formula-group", "break", "tr", "td", "th", "table", "table-wrap", "fig",
    "boxed-text", "preformat", "verse-line", "statement", "caption", "label", "subtitle",
})  # fmt: skip
# Not part of the text: other wordings of what is beside them, and what is no wording at all.
_SILENT = frozenset({
    "alt-text", "long-desc", "object-id", "graphic", "inline-graphic", "media", "inline-media",
    "annotation", "annotation-xml", "permissions", "attrib", "private-char", "processing-meta",
    "supplementary-material",
})  # fmt: skip
_IN_PROSE = _SILENT | {"fig", "fig-group", "table-wrap", "table-wrap-group", "disp-formula", "boxed-text"}
_NOTES = frozenset({"fn", "xref"})
_MARKS = frozenset({"fn", "table-fn", "corresp", "aff"})
_TEX = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.S)
_ADDRESS = re.compile(r"(?:\b(?:https?|ftp)://|\bwww\.|\b(?:dx\.)?doi\.org/)[^\s<>\"]+", re.I)
_HOLLOW = re.compile(r"\(\s*[,;.]?\s*\)|\[\s*[,;.]?\s*\]")
# Categories Cc and Cf, but for the controls that are white space.
_BLOCK = re.compile(r"\s*\0[\s\0]*")
_UNDECLARED = re.compile(r"Entity '[^']{1,80}' not defined")
_DOCTYPE = re.compile(
    rb"<!DOCTYPE\s+[\w:.-]+(?:\s+(?:PUBLIC\s+(?:\"[^\"]*\"|'[^']*')|SYSTEM))?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*"
)


class Prose(NamedTuple):
    """The text of a paragraph, white space folded; refs holds each <xref> with its offsets in the text."""

    text: str
    refs: list[tuple[etree._Element, int, int]]


def read_xml(xml: bytes) -> tuple[etree._Element, bool]:
    """Parses XML from outside; says too whether undeclared entities were filled in by their HTML meaning.

    No network, no external entity, no huge tree, no recovery. Raises RejectedInput with the parser's reason.
    """
    if len(xml) > MAX_BYTES:
        raise RejectedInput(f"the XML is larger than {MAX_BYTES >> 20} MB")
    try:
        return _tree(xml), False
    except etree.XMLSyntaxError as err:
        reason = _reason(err)
        if not _UNDECLARED.search(reason):
            raise RejectedInput(f"XML: {reason}") from err
    try:
        return _tree(_with_entities(xml)), True
    except etree.XMLSyntaxError as err:
        raise RejectedInput(f"XML: {_reason(err)}") from err


@lru_cache(4096)  # bounded: the names come from outside
def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def name_of(element: etree._Element) -> str:
    """The local name, whatever the namespace; empty for comments, instructions and entities."""
    return _local(element.tag)


@cache
def tags(*names: str) -> tuple[str, ...]:
    """Patterns of lxml for elements of the given local names in any namespace; it matches them faster than Python."""
    return tuple(f"{{*}}{name}" for name in names)


def children(element: etree._Element | None, *names: str) -> list[etree._Element]:
    """Direct children of the given local names, in order."""
    return [] if element is None else list(element.iterchildren(*tags(*names)))


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first child at a path of local names."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren(*tags(name)), None)
    return element


def text_of(element: etree._Element | None) -> str:
    """The text of a caption, label or name; blocks are joined by a space, other white space is as written."""
    return _text(element, _SILENT)


def title_of(element: etree._Element | None) -> str:
    """The text of an article's title without notes and their marks, white space folded."""
    return fold(_text(element, _SILENT | _NOTES))


def prose_of(element: etree._Element) -> Prose:
    """The text of a paragraph without the figures, tables and boxes that stand in it, and where its citations are."""
    out: list[str] = []
    seen: list[etree._Element] = []
    _collect(element, _IN_PROSE, out, seen)
    text, spans = _fold_marked(_joined(out))
    return Prose(text, [(e, *span) for e, span in zip(seen, spans, strict=True)])


def _fold_marked(raw: str) -> tuple[str, list[tuple[int, int]]]:
    """Folds a text as `fold` does, and tells the offsets of what stands between \\1 and \\2, in order."""
    if "\1" not in raw:
        return fold(raw), []
    out: list[str] = []
    length = 0
    spans: list[list[int]] = []
    open_: list[int] = []
    waiting: list[int] = []  # spans whose first word is still to come
    space = False
    for piece in _MARK.split(raw):
        if piece == "\1":
            open_.append(len(spans))
            waiting.append(len(spans))
            spans.append([length, length])
        elif piece == "\2":
            spans[open_.pop()][1] = length
        elif piece:
            text = fold(piece)
            space = space or piece[:1].isspace()
            if text:
                if space and length:
                    out.append(" ")
                    length += 1
                for i in waiting:
                    spans[i][0] = length
                waiting.clear()
                out.append(text)
                length += len(text)
            space = piece[-1:].isspace() or (space and not text)
    return "".join(out), [(min(a, b), b) for a, b in spans]


_MARK = re.compile("([\1\2])")


def plain_caption(raw: str) -> str:
    """A caption as the dataset holds it: folded, addresses removed with the brackets that held only them."""
    text = fold(raw)
    if "/" not in text and "www." not in text.lower():
        return text
    bare = _ADDRESS.sub(lambda m: _tail(m[0]), text)
    return text if bare == text else " ".join(_HOLLOW.sub("", bare).split())


def _text(element: etree._Element | None, silent: Container[str]) -> str:
    if element is None:
        return ""
    out: list[str] = []
    _collect(element, silent, out)
    return _joined(out)


def _joined(out: list[str]) -> str:
    # A block begins with \0: white space around it becomes the one space that joins it to the block before.
    text = "".join(out)
    return (_BLOCK.sub(" ", text) if "\0" in text else text).strip()


def _collect(
    element: etree._Element, silent: Container[str], out: list[str], seen: list[etree._Element] | None = None
) -> None:
    """Appends the text of an element; with `seen`, citations are noted there and set between \\1 and \\2."""
    if element.text:
        out.append(element.text)
    for part in element:
        name = name_of(part)
        if name == "math":
            out.append(_math(part))
        elif name == "tex-math":
            out.append("" if _has_other(element) else _tex(part))
        elif name == "alternatives":
            _collect_one(part, silent, out)
        elif name and name not in silent:
            if name == "xref" and part.get("ref-type") in _MARKS:
                out.append(part.tail or "")
                continue  # the mark of a footnote: after a year it would make another year
            before, after = ("\0", "\0") if name in _BLOCKS else ("", "")
            if name == "xref" and seen is not None and _may_cite_figure(part):
                seen.append(part)
                before, after = "\1", "\2"
            out.append(before)
            _collect(part, silent, out, seen)
            out.append(after)
        if part.tail:
            out.append(part.tail)


def _may_cite_figure(ref: etree._Element) -> bool:
    """Most links are to references and say a number; marking them all would cost more than all else."""
    return ref.get("ref-type") != "bibr" or "ig" in (ref.text or "")


def _collect_one(element: etree._Element, silent: Container[str], out: list[str]) -> None:
    """Of several forms of the same thing the first that is text: MathML, plain, then LaTeX."""
    order = {"math": 0, "tex-math": 2}
    forms = sorted((c for c in element if name_of(c)), key=lambda c: order.get(name_of(c), 1))
    for form in forms:
        said: list[str] = []
        if name_of(form) == "math":
            said.append(_math(form))
        elif name_of(form) == "tex-math":
            said.append(_tex(form))
        elif name_of(form) not in silent:
            _collect(form, silent, said)
        if "".join(said).strip():
            out += said
            return


def _has_other(element: etree._Element) -> bool:
    """Whether MathML or plain text beside a tex-math says the same."""
    if any(name_of(c) == "math" for c in element):
        return True
    if name_of(element) not in ("inline-formula", "disp-formula"):
        return False
    beside = (element.text or "", *(c.tail or "" for c in element))
    return any(s.strip() for s in beside) or any(
        "".join(map(str, c.itertext())).strip() for c in element if name_of(c) != "tex-math"
    )


def _math(element: etree._Element) -> str:
    """The signs of a MathML formula, closed up: its white space is indentation."""
    said: list[str] = []
    _collect(element, _SILENT, said)
    return "".join("".join(said).split())


def _tex(element: etree._Element) -> str:
    text = "".join(str(t) for t in element.itertext())
    body = _TEX.search(text)
    return (body[1] if body else text).strip()


def _tail(address: str) -> str:
    """What follows an address and does not belong to it: closing brackets, full stops."""
    bare = address.rstrip(".,;:!?'\"”’")
    while bare.endswith((")", "]")) and bare.count("(") + bare.count("[") < bare.count(")") + bare.count("]"):
        bare = bare[:-1].rstrip(".,;:")
    return address[len(bare) :]


def _tree(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities="internal",  # type: ignore[arg-type]  # since lxml 5.0; the stubs know only bool
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(xml, parser)


def _with_entities(xml: bytes) -> bytes:
    """The same XML with the named characters of HTML declared, before what the document declares itself."""
    declared = "".join(
        f'<!ENTITY {name} "&#{code};">' for name, code in html.entities.name2codepoint.items() if name not in _XML_OWN
    ).encode()
    found = _DOCTYPE.search(xml)
    if found is None:
        prolog = re.match(rb"\s*(?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?", xml)
        at = prolog.end() if prolog else 0
        return xml[:at] + b"<!DOCTYPE article [" + declared + b"]>" + xml[at:]
    at = found.end()
    if xml[at : at + 1] == b"[":
        return xml[: at + 1] + declared + xml[at + 1 :]
    return xml[:at] + b"[" + declared + b"]" + xml[at:]


_XML_OWN = frozenset({"lt", "gt", "amp", "quot", "apos"})


def _reason(err: etree.XMLSyntaxError) -> str:
    """The parser's words without the name of the input, which is no file."""
    words = str(err).removesuffix(")").split(" (<string>")[0]
    return fold(words)[:160] or "it is empty"
