"""Divides a licence statement into what it grants for the article and what for other material, such as its data.

Called by `licenses.normalise`. Journals print a waiver for the data, or the licence of the software or of a supplement,
beside the licence of the article: in a <license> of its own, in another paragraph, or in the same sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from roco.base.patterns import later
from roco.models.text.license_words import URL, plain


class Scope(NamedTuple):
    """The two parts of a licence statement, each empty if it says nothing.

    article: sentences about the article, or about nothing in particular; other: those that grant only other material
    """

    article: str
    other: str


# All patterns but the first match the output of `plain`: lower case, without accents, hyphens and apostrophes.
_END_OF_SENTENCE = re.compile(r"\n|;\s+|(?<=[.!?])\s+(?=[\"“(\[]?[A-Z\u00c0-\u00dd])")
_OTHER = (
    r"(?:supplement\w*(?: (?:materials?|information|files?|data|figures?|tables?|videos?|texts?))?"
    r"|(?:supporting|additional) (?:information|files?|materials?|data)"
    r"|(?:video |graphical )?abstracts?|videos?|audio|podcasts?|data|datasets?|databases?|metadata|software"
    r"|(?:source )?codes?|scripts?"
    r"|(?:peer )?review(?:er)? (?:reports?|comments)|referee reports?|dados|datos|donnees|daten)\b"
)
_ARTICLE = (
    r"(?:articles?|papers?|works?|manuscripts?|publications?|texts?|contents?|journals?|chapters?|documents?|letters?"
    r"|reports?|stud(?:y|ies)|reviews?|figures?|images?|illustrations?|photographs?|artigos?|articulos?|trabalhos?"
    r"|trabajos?|obras?)\b"
)
# "This data paper" is an article.
_ARTICLE_ABOUT_OTHER = re.compile(
    r"\b(?:data|dataset|database|software|code) (?:articles?|papers?|descriptors?|notes?|publications?|reports?)\b"
)
# "The data made available in this article", "data generated or analysed during this study", "the article s data" are
# data, but "the data and this article" are both.
_NO_AND = r"(?:\w+ed (?:and|or) \w+ed |(?!(?:and|or|e|y|et|as)\b)[\w.,()]+ )"
_OF = r"(?:(?:of|in|with|within|from|for|to|by|during|via|underlying|supporting|accompanying|de|en|em|du|dans) )"
_THIS = r"(?:(?:this|the|our|an?|each|este|esta|cet|cette|do|del) )"
_OTHER_OF_ARTICLE = later(
    rf"\b{_OTHER}[ ,]*{_NO_AND}{{0,6}}?(?:{_OF}{_THIS}|(?:deste|neste|do|del) )(?:\w+ ){{0,2}}?{_ARTICLE}"
    rf"|\b{_ARTICLE}(?: s)? (?=(?:\w+ )?{_OTHER})(?!(?:and|or|e|y|et) )"
)
_GRANTS = re.compile(
    r"creative ?commons|\bcc (?:by|zero|0)|\bcc0\b|licen[cs]|public domain|open access|\bwaive|\bpermit|\bdistribut"
    r"|https?:|\b(?:l?gpl|agpl|gnu|apache|bsd)\b"
)
_VERB = re.compile(r"\b(?:is|are|was|were|be|has|have|can|may|will|estao|sao|estan|son|sont)\b")
# Where a sentence about the article goes on to other material: ", and its data are", "while the source code is". It
# begins at a comma or at the first of several spaces, so that a long run of them is read once.
_TURN = re.compile(
    r"(?:,|(?<![\s,]))\s+(?:and|but|while|whereas|with|except(?:ing)?(?:\s+for)?|excluding)\s+"
    r"(?=(?:(?:the|all|any|its|our|their|associated|underlying|source|raw|research)\s+)*"
    r"(?:supplement|supporting\s+info|additional\s+file|data|metadata|software|code|scripts?\b|abstract|video))",
    re.I,
)


def divide(words: str) -> Scope:
    """Divides a licence statement; paragraphs end with a line break."""
    article: list[str] = []
    other: list[str] = []
    for sentence in _sentences(words):
        part = other if _is_about_other_material(sentence) else article
        part.append(sentence)
    return Scope("\n".join(article), "\n".join(other))


def grants_something(words: str) -> bool:
    """Returns whether a text grants anything, instead of only naming the owner or asking for a citation."""
    return _GRANTS.search(plain(words)) is not None


def _sentences(words: str) -> Iterator[str]:
    """Yields the sentences, and the two parts of one that grants first the article and then other material."""
    for sentence in _END_OF_SENTENCE.split(words):
        turn = _TURN.search(sentence)
        if turn and grants_something(sentence[: turn.start()]) and grants_something(sentence[turn.end() :]):
            yield sentence[: turn.start()]
            yield sentence[turn.end() :]
        elif sentence.strip():
            yield sentence


def _is_about_other_material(sentence: str) -> bool:
    """Returns whether a sentence grants only other material: it names some, and the article only as its origin."""
    text = plain(URL.sub(" ", sentence))
    text = _ARTICLE_ABOUT_OTHER.sub("article", text)
    text = _OTHER_OF_ARTICLE.sub("data ", text)
    without_other = re.sub(rf"\b{_OTHER}", " ", text)
    if without_other == text or re.search(rf"\b{_ARTICLE}", without_other):
        return False
    # "Data are available on request" grants nothing; "For the data" says what the licence beside it is for.
    return grants_something(sentence) or not _VERB.search(text)
