"""Determines where in the document an image is: in the article's own text, or in a part whose images are dropped.

Called by `figures.py`; what these functions return becomes `drop_detail` of figures that are dropped as `scope`, or
`located_in` of those in a box or an appendix, which are kept.
"""

from __future__ import annotations

from lxml import etree

from roco.sources.jats.tree import name_of, tags

Element = etree._Element

FORMULAS = frozenset({"inline-formula", "disp-formula", "disp-formula-group", "chem-struct", "chem-struct-wrap"})
"""Elements whose graphics are rendered formulas."""
OTHER_DOCUMENTS = frozenset({"sub-article", "response"})
"""Elements that contain a document of their own: a translation, a review, a reply."""

_REASON_BY_ELEMENT = {
    "supplementary-material": "supplementary material",
    "bio": "portrait of an author",
    "author-notes": "portrait of an author",
    "contrib": "portrait of an author",
    "contrib-group": "portrait of an author",
    "journal-meta": "logo",
    "abstract": "graphical abstract",
    "trans-abstract": "graphical abstract",
    "front": "front matter",
    "front-stub": "front matter",
    "fn": "footnote",
    "ack": "acknowledgement",
    "ref-list": "reference list",
    "ref": "reference list",
    "glossary": "glossary",
    "license": "logo",
}
_REASON_BY_FIG_TYPE = {
    "graphical-abstract": "graphical abstract",
    "teaser": "graphical abstract",
    "author-photo": "portrait of an author",
    "portrait": "portrait of an author",
    "cover": "cover",
    "logo": "logo",
}
_SPECIAL_PART_BY_ELEMENT = {"boxed-text": "box", "app": "appendix", "app-group": "appendix", "back": "back matter"}
_SPECIAL_PARTS = tags(*_SPECIAL_PART_BY_ELEMENT, "sec")
_GRAPHICAL_ABSTRACTS = ("graphical", "visual", "teaser")


def out_of_scope(element: Element, document: Element | None = None) -> str | None:
    """Returns the part of the document around an element, such as "footnote"; None inside the article's own text.

    document: the translation whose text counts as the article's own; by default the article.
    """
    reason = None
    for ancestor in element.iterancestors():
        if ancestor is document:
            return reason
        name = name_of(ancestor)
        if name in OTHER_DOCUMENTS:
            # The outermost document decides: a footnote of a translation belongs to the translation.
            kind = ancestor.get("article-type") or ancestor.get("response-type") or "no type"
            return f"{name}: {kind}"
        if name == "abstract" and _is_text_abstract(ancestor):
            # Unlike the other parts it replaces an inner one: what is in a text abstract is not a graphical abstract.
            reason = "abstract"
        elif reason is None:
            reason = _REASON_BY_ELEMENT.get(name)
    return reason


def located_in(element: Element) -> str | None:
    """Returns the special parts of an article around an element, the outermost first; None in its ordinary text.

    The parts are "back matter", "appendix" and "box": "appendix / box".
    """
    parts: list[str] = []
    for ancestor in element.iterancestors(*_SPECIAL_PARTS):
        part = _SPECIAL_PART_BY_ELEMENT.get(name_of(ancestor))
        if part is None and "appendix" in (ancestor.get("sec-type") or "").lower():
            part = "appendix"
        # An appendix is always back matter.
        if part and part not in parts and not (part == "back matter" and "appendix" in parts):
            parts.append(part)
    return " / ".join(reversed(parts)) or None


def out_of_scope_fig_type(fig: Element) -> str | None:
    """Returns the `fig-type` of an image that is not a figure of the article, such as "cover"; None for all others."""
    return _REASON_BY_FIG_TYPE.get((fig.get("fig-type") or "").lower())


def image_outside_figures(image: Element, ancestors: set[str]) -> tuple[str, str]:
    """Returns `drop` and `drop_detail` of an image outside of figures; ancestors: names of the elements around it."""
    if name_of(image) == "supplementary-material":
        return "scope", "supplementary material"
    if ancestors & FORMULAS:
        return "scope", "formula"
    if "table-wrap" in ancestors:
        return "table", "image of a table"
    if name_of(image) == "inline-graphic":
        return "scope", "inline graphic"
    return "scope", "image outside any figure"


def _is_text_abstract(abstract: Element) -> bool:
    # An abstract without a type that contains an image is a graphical one.
    kind = abstract.get("abstract-type") or "graphical"
    return kind not in _GRAPHICAL_ABSTRACTS
