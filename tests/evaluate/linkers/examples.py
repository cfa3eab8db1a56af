"""A linker for tests, and captions with known concepts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from roco.models.text.linking.linker import Described, Mention, Suggestion
from roco.release.captioned import Captioned, Row

CT, CHEST, NODULE, FLUID, HEART = "C0040405", "C0817096", "C0028259", "C0444611", "C0018787"
NAMES = {
    CT: Described("X-Ray Computed Tomography", ("T060",)),
    CHEST: Described("Chest", ("T029",)),
    NODULE: Described("Nodule", ("T033", "T046")),
    HEART: Described("Heart", ("T023",)),
}


class WordLinker:
    """Links each word to a concept; `no` before a word negates it."""

    name, heavy = "words", False

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def link(self, captions: Sequence[str]) -> list[list[Mention]]:
        return [self._mentions(caption) for caption in captions]

    def _mentions(self, caption: str) -> list[Mention]:
        mentions = []
        for match in re.finditer(r"(no )?(\w+)", caption):
            cui = self.words.get(match[2].lower())
            if cui:
                mention = Mention(
                    match.start(2), match.end(2), match[2], cui, 0.5, negated=bool(match[1]), linker="words"
                )
                mentions.append(mention)
        return mentions


class SuggestingLinker(WordLinker):
    """Suggests a concept for every caption as well."""

    def link_and_suggest(self, captions: Sequence[str]) -> list[tuple[list[Mention], list[Suggestion]]]:
        return [(mentions, [Suggestion(HEART, 0.25, "words")]) for mentions in self.link(captions)]


LINKER = WordLinker({"ct": CT, "nodule": NODULE, "chest": CHEST})


def captioned(*rows: tuple[str, Sequence[str]]) -> Captioned:
    """Captions of an article each, by text and concepts."""
    return Captioned([Row(f"{n}", f"PMC{n}", text, tuple(cuis)) for n, (text, cuis) in enumerate(rows, start=1)])
