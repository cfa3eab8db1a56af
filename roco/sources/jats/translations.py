"""Pairs the figures of an article in another language with those of its English translation.

Called by `figures.py`. The translation is a <sub-article>, as in SciELO's journals, or a figure without an image beside
the figure in a <fig-group>. Its caption becomes that of the figure; replies, reviews and other translations stay out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

from lxml import etree

from roco.sources.jats.languages import language_code, language_of
from roco.sources.jats.mentions import Mention, mentions_of
from roco.sources.jats.meta import LANG
from roco.sources.jats.nesting import GROUPS
from roco.sources.jats.renditions import stem_of
from roco.sources.jats.scope import out_of_scope
from roco.sources.jats.text import text_of
from roco.sources.jats.tree import HREF, child, children, name_of

Element = etree._Element

_TRANSLATIONS = ("translation", "translated")
# Endings of ids and file names that name a language: `f01_en`, `f1pt`.
_LANGUAGE_SUFFIX = re.compile(r"[-_.]?(?:en|eng|pt|por|es|esp|fr|de|it)$", re.I)


class Translation:
    """The English translation of an article in another language, if it has one.

    twins: the English figure of each figure that has one; only_here: its figures that the article itself lacks
    """

    def __init__(
        self, article: Element, figures: Sequence[Element], images: Mapping[Element, Sequence[Element]]
    ) -> None:
        self.document = _english_translation(article)
        self.figures: list[Element] = []
        if self.document is not None:
            inside = set(self.document.iter(*GROUPS))
            of_document = [figure for figure in figures if figure in inside]
            self.figures = [figure for figure in of_document if out_of_scope(figure, self.document) is None]
        own = [figure for figure in figures if out_of_scope(figure) is None]
        self.twins = _twins(own, self.figures, images)
        self.only_here = set(self.figures) - set(self.twins.values())

    def with_mentions(
        self,
        mentions: Mapping[Element, Sequence[Mention]],
        images: Mapping[Element, Sequence[Element]],
        in_words: frozenset[str] | None,
    ) -> Mapping[Element, Sequence[Mention]]:
        """Returns the mentions with those in the translation, which are added to the figure that they translate."""
        if self.document is None:
            return mentions
        joined = {figure: list(passages) for figure, passages in mentions.items()}
        figure_of = {twin: figure for figure, twin in self.twins.items()}
        in_translation = mentions_of(self.document, self.figures, images, in_words, linked=list(self.twins))
        for figure, passages in in_translation.items():
            joined.setdefault(figure_of.get(figure, figure), []).extend(passages)
        return joined


def _english_translation(article: Element) -> Element | None:
    """Returns the English translation of an article that is not in English; None if there is none."""
    if language_code(article.get(LANG)) == "en":
        return None
    for other in article.iter("{*}sub-article"):
        around = other.iterancestors("{*}sub-article", "{*}response")
        if any((part.get("article-type") or "").lower() not in _TRANSLATIONS for part in around):
            continue  # the translation of a reply
        holders = (other, child(other, "body"), child(other, "front-stub"), child(other, "front"))
        languages = [language_code(holder.get(LANG)) for holder in holders if holder is not None]
        if (other.get("article-type") or "").lower() in _TRANSLATIONS and "en" in languages:
            return other
    return None


def _twins(
    figures: Sequence[Element], translations: Sequence[Element], images: Mapping[Element, Sequence[Element]]
) -> dict[Element, Element]:
    """Returns the English figure of each figure that has one; images: the graphics of each.

    figures: of the article; translations: of its translation. Figures are the same if they share a file or an id,
    apart from an ending such as `_en`, or the number in their label; else, in articles with equally many, their place.
    """
    pairs: dict[Element, Element] = {}
    for figure in figures:
        twin = _twin_in_group(figure, images)
        if twin is not None:
            pairs[figure] = twin
    if not translations:
        return pairs
    for key in (_key_of_files(images), _key_of_id, _key_of_label):
        _pair(figures, translations, key, pairs)
    used = set(pairs.values())
    rest = [figure for figure in figures if figure not in pairs]
    rest_of_translations = [figure for figure in translations if figure not in used]
    if len(rest) == len(rest_of_translations):
        pairs.update(zip(rest, rest_of_translations, strict=True))
    return pairs


def _pair(
    figures: Sequence[Element],
    translations: Sequence[Element],
    key: Callable[[Element], Hashable],
    pairs: dict[Element, Element],
) -> None:
    """Adds the pairs of figures whose key occurs once on both sides."""
    used = set(pairs.values())
    ours = _by_unique_key([figure for figure in figures if figure not in pairs], key)
    theirs = _by_unique_key([figure for figure in translations if figure not in used], key)
    for value, figure in ours.items():
        if value in theirs:
            pairs[figure] = theirs[value]


def _by_unique_key(figures: Sequence[Element], key: Callable[[Element], Hashable]) -> dict[Hashable, Element]:
    by_key: defaultdict[Hashable, list[Element]] = defaultdict(list)
    for figure in figures:
        by_key[key(figure)].append(figure)
    return {value: sharing[0] for value, sharing in by_key.items() if value and len(sharing) == 1}


def _key_of_files(images: Mapping[Element, Sequence[Element]]) -> Callable[[Element], Hashable]:
    def key(figure: Element) -> Hashable:
        names = [stem_of(image.get(HREF) or "") for image in images.get(figure, ())]
        return tuple(_LANGUAGE_SUFFIX.sub("", name).casefold() for name in names)

    return key


def _key_of_id(figure: Element) -> Hashable:
    return _LANGUAGE_SUFFIX.sub("", figure.get("id") or "").casefold()


def _key_of_label(figure: Element) -> Hashable:
    return tuple(re.findall(r"[A-Z]?\d+[a-z]?", text_of(child(figure, "label"))))


def _twin_in_group(figure: Element, images: Mapping[Element, Sequence[Element]]) -> Element | None:
    """Returns the English figure without an image in the same group, if it is the only other figure there."""
    group = figure.getparent()
    if group is None or name_of(group) != "fig-group" or not images.get(figure) or language_of(figure) == "en":
        return None
    others = [other for other in children(group, "fig") if other is not figure]
    if len(others) != 1 or images.get(others[0]) or language_code(others[0].get(LANG)) != "en":
        return None
    return others[0]
