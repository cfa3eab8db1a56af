"""Parses XML from outside safely, and looks up elements by local name whatever their namespace.

`article.parse` calls `read_xml`; all other files of this folder use `name_of`, `child`, `children` and `tags`.
"""

from __future__ import annotations

import html.entities
import re
from functools import cache, lru_cache

from lxml import etree

from roco.base.errors import RejectedInput
from roco.base.text import fold, visible

HREF = "{http://www.w3.org/1999/xlink}href"

MAX_BYTES = 64 << 20
"""Larger XML is rejected; the largest known article has a few MB."""

_UNDECLARED = re.compile(r"Entity '[^']{1,80}' not defined")
_DOCTYPE = re.compile(
    rb"<!DOCTYPE\s+[\w:.-]+(?:\s+(?:PUBLIC\s+(?:\"[^\"]*\"|'[^']*')|SYSTEM))?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*"
)
_XML_ENTITIES = frozenset({"lt", "gt", "amp", "quot", "apos"})


def read_xml(xml: bytes) -> tuple[etree._Element, bool]:
    """Parses XML; returns its root, and whether undeclared entities were replaced by the HTML characters of that name.

    Articles often use `&nbsp;` or `&alpha;` and leave their declaration to the DTD, which is never loaded. No network
    access, no external entities, no huge trees, no recovery. Raises RejectedInput with the message of the parser.
    """
    if len(xml) > MAX_BYTES:
        raise RejectedInput(f"the XML is larger than {MAX_BYTES >> 20} MB")
    try:
        return _parse(xml), False
    except etree.XMLSyntaxError as err:
        reason = _message(err)
        if not _UNDECLARED.search(reason):
            raise RejectedInput(f"XML: {reason}") from err
    try:
        return _parse(_with_html_entities(xml)), True
    except etree.XMLSyntaxError as err:
        raise RejectedInput(f"XML: {_message(err)}") from err


@lru_cache(4096)  # bounded, because the names come from outside
def _local_name(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def name_of(element: etree._Element) -> str:
    """Returns the local name of an element; empty for comments, processing instructions and entities."""
    return _local_name(element.tag)


def href_of(element: etree._Element) -> str:
    """Returns the address of an element as written; empty if it has none, or one without a visible character."""
    href = element.get(HREF) or ""
    return href if visible(href) else ""


@cache
def tags(*names: str) -> tuple[str, ...]:
    """Returns lxml patterns for local names in any namespace; lxml matches them faster than Python code could."""
    return tuple(f"{{*}}{name}" for name in names)


def children(element: etree._Element | None, *names: str) -> list[etree._Element]:
    """Returns the direct children with one of the local names, in order."""
    return [] if element is None else list(element.iterchildren(*tags(*names)))


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Returns the first child at a path of local names, None if there is none."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren(*tags(name)), None)
    return element


def _parse(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities="internal",  # type: ignore[arg-type]  # since lxml 5.0; the stubs only accept bool
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(xml, parser)


def _with_html_entities(xml: bytes) -> bytes:
    """Returns the XML with the entities of HTML declared before the declarations of the document itself.

    XML uses the first declaration of a name that it reads; so a document cannot change what `&nbsp;` means here.
    """
    declarations = []
    for name, code in html.entities.name2codepoint.items():
        if name not in _XML_ENTITIES:
            declarations.append(f'<!ENTITY {name} "&#{code};">')
    declared = "".join(declarations).encode()

    doctype = _DOCTYPE.search(xml)
    if doctype is None:
        prolog = re.match(rb"\s*(?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?", xml)
        start = prolog.end() if prolog else 0
        return xml[:start] + b"<!DOCTYPE article [" + declared + b"]>" + xml[start:]
    end = doctype.end()
    has_internal_subset = xml[end : end + 1] == b"["
    if has_internal_subset:
        return xml[: end + 1] + declared + xml[end + 1 :]
    return xml[:end] + b"[" + declared + b"]" + xml[end:]


def _message(err: etree.XMLSyntaxError) -> str:
    """Returns the message of the parser without the name of the input, which is not a file."""
    message = str(err).removesuffix(")").split(" (<string>")[0]
    return fold(message)[:160] or "the document is empty"
