"""Chooses the caption of a figure: its own, its group's, or both; and the one in the right language.

Called by `figures.py`. The text comes from `text.caption_text_of`; the next step, also in `figures.py`, is
`text.plain_caption`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.citations import number_of
from roco.sources.jats.languages import language_of
from roco.sources.jats.meta import LANG
from roco.sources.jats.nesting import own_number, wholes_of
from roco.sources.jats.text import caption_text_of, is_text, text_of
from roco.sources.jats.tree import children, name_of

Element = etree._Element

# Parts of a caption that may contain parts in several languages.
_CONTAINERS = frozenset({"caption", "trans-caption", "sec", "list", "list-item", "disp-quote", "boxed-text"})
# "Figure 1. Axial view": in an article in another language such a credit line is the translated caption (SciELO).
_CAPTION_IN_CREDIT = re.compile(
    r"(?P<label>Fig(?:ure|\.)\s*[A-Z]?\d+)\s*[.:|\u2012-\u2015-]\s*"
    r"(?P<text>(?!(?:Sources?|Fontes?|Fuentes?|Notes?|Credits?|Courtesy|Adapted|Reproduced|Photo\w*)\b|©)\S.{20,})"
)
_SAY_FIGURE = ("en", "fr")  # languages in which "Figure 1" is not a translation


class Caption(NamedTuple):
    """The text of a caption, its origin and its language, if the XML states one.

    origin: "figure", "group", "group and figure", "parts" or "translation"; None without a caption
    """

    text: str
    origin: str | None
    language: str | None = None


class _Part(NamedTuple):
    """A part of a caption in one language; None if it is not stated."""

    text: str
    language: str | None


def caption_of(fig: Element) -> Caption:
    """Returns the caption of a figure after those of the groups and figures of which it is a part, the outermost first.

    The caption of a whole usually describes what its parts have in common, so that a part's own is incomplete alone.
    """
    own = _own_caption(fig)
    wholes_outermost_first = reversed(list(wholes_of(fig)))
    captions_of_wholes = [_own_caption(whole) for whole in wholes_outermost_first]
    shared = [caption for caption in captions_of_wholes if caption.text]
    text = " ".join(caption.text for caption in shared)
    if own.text and text:
        return Caption(f"{text} {own.text}", "group and figure", own.language)
    if own.text:
        return Caption(own.text, "figure", own.language)
    if text:
        return Caption(text, "group", shared[-1].language)
    return Caption("", None)


def caption_and_label_of_parts(group: Element, label: str | None) -> tuple[Caption, str | None]:
    """Returns caption and label of a group whose image is its own but whose captions are those of its figures.

    The figures are either panels, whose captions are joined, or the same figure in two languages (SciELO), of which
    one is chosen: English, else the language of the group, else the first. label: the group's own, None if missing.
    """
    parts = [fig for fig in children(group, "fig") if _own_caption(fig).text]
    languages = [language_of(fig) for fig in parts]
    if len(set(languages)) > 1:
        parts = [parts[languages.index(_preferred(languages, group))]]
    if len(parts) == 1 and label is None:
        label = label_of(parts[0])
    captions = [_own_caption(fig) for fig in parts]
    if not captions:
        return Caption("", None), label
    return Caption(" ".join(caption.text for caption in captions), "parts", captions[0].language), label


def label_of(holder: Element) -> str | None:
    """Returns the label of a figure or group, of several that in the preferred language; None if it has none."""
    labels = children(holder, "label")
    if len(labels) > 1:
        languages = [language_of(label) for label in labels]
        labels = [labels[languages.index(_preferred(languages, holder))]]
    return (fold(text_of(labels[0])) or None) if labels else None


def caption_in_credit(attrib: Element) -> str | None:
    """Returns the caption that a credit line contains, without its label; None if it is a credit line."""
    if language_of(attrib) in (None, *_SAY_FIGURE):
        return None
    match = _CAPTION_IN_CREDIT.fullmatch(fold(text_of(attrib)))
    figure = attrib.getparent()
    if match is None or figure is None or own_number(figure) not in (None, number_of(match["label"])):
        return None
    return match["text"]


def _own_caption(owner: Element) -> _Part:
    """Returns the element's own <caption>, empty if it has none.

    Of parts in several languages those in English, else in the language of the element, are joined. Of several
    captions in this language those for print are ignored, and the first with any text is returned.
    """
    captions = children(owner, "caption", "trans-caption")
    on_screen = [caption for caption in captions if caption.get("specific-use") != "print"]
    parts_by_caption = [list(_parts(caption)) for caption in on_screen or captions]
    for attrib in children(owner, "attrib"):
        text = caption_in_credit(attrib)
        if text:
            parts_by_caption.append([_Part(text, "en")])

    languages = [part.language for parts in parts_by_caption for part in parts]
    if not languages:
        return _Part("", None)
    language = _preferred(languages, owner)
    for parts in parts_by_caption:
        text = " ".join(part.text for part in parts if part.language == language)
        if text:
            return _Part(text, language)
    return _Part("", None)


def _preferred(languages: Sequence[str | None], owner: Element) -> str | None:
    """Returns the language to choose: English, else that of the element, else the first."""
    for language in ("en", language_of(owner)):
        if language in languages:
            return language
    return languages[0]


def _parts(caption: Element) -> Iterator[_Part]:
    """Yields the parts of a caption that have a text: the whole caption, or its blocks if they differ in language."""
    blocks = [caption]
    if any(part.get(LANG) or _is_translated(part) for part in caption.iterdescendants("{*}*")):
        blocks = list(_blocks(caption))
    languages = [_stated_language(block) for block in blocks]
    if len(set(languages)) == 1:
        blocks, languages = [caption], languages[:1]
    for block, language in zip(blocks, languages, strict=True):
        text = caption_text_of(block)
        if text:
            yield _Part(text, language)


def _blocks(element: Element) -> Iterator[Element]:
    """Yields the smallest elements that may be in a language of their own: paragraphs, or parts in two languages."""
    children = [child for child in element.iterchildren("{*}*") if is_text(child)]
    is_container = name_of(element) in _CONTAINERS or _is_translated(element)
    if not children or not (is_container or _consists_of_languages(element, children)):
        yield element
        return
    for child in children:
        yield from _blocks(child)


def _consists_of_languages(element: Element, children: Sequence[Element]) -> bool:
    """Returns whether an element only contains parts in several languages; a foreign word in a text is no such part."""
    texts = [element.text, *(child.tail for child in children)]
    if any(character.isalnum() for text in texts for character in text or ""):
        return False
    languages = {child.get(LANG) for child in children if name_of(child) != "break"}
    return len(languages) > 1 and None not in languages


def _stated_language(element: Element) -> str | None:
    """Returns the language of an element; a translated title that states none is in English."""
    for holder in (element, *element.iterancestors()):
        if holder.get(LANG):
            break
        if _is_translated(holder):
            return "en"
    return language_of(element)


def _is_translated(element: Element) -> bool:
    return name_of(element).startswith("trans-")
