"""Finds the articles in an XML document: one, or several in the set that a service returned, or none."""

from __future__ import annotations

import re

from lxml import etree

from roco.base.errors import RejectedInput
from roco.sources.jats.tree import child, name_of

# Languages in which an element <article> is not an article of JATS.
_OTHER_LANGUAGES = ("http://www.w3.org/1999/xhtml", "http://docbook.org/ns/docbook")

# What servers return in place of an article: web pages, messages of S3 and NCBI, and sets of which no article is open.
_ANSWERS = frozenset({"html", "error", "errors", "efetchresult", "pmc-articleset"})
_OAI = "oai-pmh"  # an answer about something else, unless it contains an error

_ARTICLE_TAG = re.compile(rb"<(?:[\w.-]+:)?article[\s/>]")
_FIRST_TAG = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s/>]")
_HEAD = 4096  # bytes in which the first tag must be


class NoArticle(RejectedInput):
    """The XML is another document than an article, such as the list of the files of a package."""


def articles_in(root: etree._Element) -> list[etree._Element]:
    """Returns the articles of a document, in order: OAI-PMH, NCBI and Europe PMC wrap one or more of them.

    Raises NoArticle for documents of other kinds, and RejectedInput for what a server returned in place of an article.
    """
    found: list[etree._Element] = []
    is_web_page = name_of(root).lower() == "html"  # HTML has an element <article> as well
    if not is_web_page:
        for element in root.iter("{*}article"):
            is_inside_another = any(ancestor in found for ancestor in element.iterancestors("{*}article"))
            if not is_inside_another and etree.QName(element).namespace not in _OTHER_LANGUAGES:
                found.append(element)
    if found:
        return found
    name = name_of(root)
    problem = f"XML: no <article>, the root is <{name[:40]}>"
    is_error_of_oai = name.lower() == _OAI and child(root, "error") is not None
    if name.lower() in _ANSWERS or is_error_of_oai:
        raise RejectedInput(problem)
    raise NoArticle(problem)


def require_article(xml: bytes, err: RejectedInput) -> None:
    """Raises NoArticle in place of the parser's error if a malformed document cannot have been an article."""
    first = _FIRST_TAG.search(xml[:_HEAD])
    if first is None or _ARTICLE_TAG.search(xml):
        return
    name = first[1].decode(errors="replace")
    if name.lower() not in (*_ANSWERS, _OAI):
        raise NoArticle(f"XML: no <article>, the root is <{name[:40]}>") from err
