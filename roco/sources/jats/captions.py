"""Chooses the caption of a figure: its own, its group's, or both; and the one in the right language.

Called by `figures.py`. The text comes from `text.caption_text_of`; the next step, also in `figures.py`, is
`text.plain_caption`.
"""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

from roco.base.text import fold
from roco.sources.jats.meta import LANG
from roco.sources.jats.nesting import wholes_of
from roco.sources.jats.text import caption_text_of, text_of
from roco.sources.jats.tree import child, children

Element = etree._Element


class Caption(NamedTuple):
    """The text of a caption and its origin: "figure", "group", "group and figure", "parts"; None without a caption."""

    text: str
    origin: str | None


def caption_of(fig: Element, language: str | None) -> Caption:
    """Returns the caption of a figure after those of the groups and figures of which it is a part, the outermost first.

    The caption of a whole usually describes what its parts have in common, so that a part's own is incomplete alone.
    language: of the article; None if unknown.
    """
    own = _own_caption(fig, language)
    wholes_outermost_first = reversed(list(wholes_of(fig)))
    captions_of_wholes = [_own_caption(whole, language) for whole in wholes_outermost_first]
    shared = " ".join(caption for caption in captions_of_wholes if caption)
    if own and shared:
        return Caption(f"{shared} {own}", "group and figure")
    if own:
        return Caption(own, "figure")
    if shared:
        return Caption(shared, "group")
    return Caption("", None)


def caption_and_label_of_parts(group: Element, language: str | None, label: str | None) -> tuple[Caption, str | None]:
    """Returns caption and label of a group whose image is its own but whose captions are those of its figures.

    The figures are either panels, whose captions are joined, or the same figure in two languages (SciELO), of which
    one is chosen: English, else the language of the group, else the first. label: the group's own, None if missing.
    """
    parts = [fig for fig in children(group, "fig") if _own_caption(fig, language)]
    languages = [_language(fig, language) for fig in parts]
    if len(set(languages)) > 1:
        chosen = languages[0]
        for preferred in ("en", _language(group, language)):
            if preferred in languages:
                chosen = preferred
                break
        parts = [parts[languages.index(chosen)]]
    if len(parts) == 1 and label is None:
        label = fold(text_of(child(parts[0], "label"))) or None
    text = " ".join(_own_caption(fig, language) for fig in parts)
    return Caption(text, "parts" if text else None), label


def _own_caption(owner: Element, language: str | None) -> str:
    """Returns the text of the element's own <caption>, empty if it has none.

    Of several captions those for print are ignored, and those in English, else in the language of the element, come
    first; the first with any text is returned.
    """
    captions = children(owner, "caption")
    if len(captions) > 1:
        on_screen = [caption for caption in captions if caption.get("specific-use") != "print"]
        captions = on_screen or captions
        captions = _in_preferred_language(captions, owner, language)
    for caption in captions:
        text = caption_text_of(caption)
        if text:
            return text
    return ""


def _in_preferred_language(captions: list[Element], owner: Element, language: str | None) -> list[Element]:
    """Returns the captions in English, else those in the language of the element, else all."""
    for preferred in ("en", _language(owner, language)):
        matching = [caption for caption in captions if _language(caption, language) == preferred]
        if matching:
            return matching
    return captions


def _language(element: Element, default: str | None) -> str:
    """Returns the language of an element without its region, `en` for `en-US`; English if it is not stated."""
    return (element.get(LANG) or default or "en").partition("-")[0].lower()
