"""Finds the names of a vocabulary in captions, in one pass: whole words, the longest match first."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, NamedTuple

import ahocorasick_rs

from roco.models.text.vocabulary import Vocabulary

LONGEST_ABBREVIATION = 4  # names of at most this many capitals are matched case-sensitively

# Words, or single punctuation marks. White space, hyphens and slashes only separate words: X-ray equals X ray, PET/CT
# equals PET-CT.
_TOKEN = re.compile(r"[^\W_]+|[^\w\s/\-\u00ad\u2010-\u2015\u2212'’`]")

# Phrases that contain a name of the vocabulary but mean something else. As the longer match they hide the name.
DECOYS = (
    *("cystic duct", "cystic artery", "cystic fibrosis", "renal pelvis", "heart rate", "heart failure"),
    *("chest pain", "abdominal pain", "pelvic pain", "C-arm", "study arm", "treatment arm", "control arm"),
    *("echo time", "echo planar", "echo train", "x-ray diffraction", "x-ray crystallography", "x-ray fluorescence"),
    *("fluorescein angiography", "fluorescein angiogram", "fundus fluorescein angiography", "OCT angiography"),
    *("indocyanine green angiography", "optical coherence tomography angiography", "cardiac arrest"),
    *("CT number", "PA catheter", "PA pressure", "AP diameter", "AP dimension", "cancer antigen", "duplex kidney"),
)

_PROJECTION = re.compile(
    r"radiogra|roentgen|x[\s\-\u2010-\u2015]?ray|\bfilm|\bview|projection|cephalo|\bCXR\b|fluorosc", re.IGNORECASE
)
_COUNTRY_BEFORE = {"the", "in", "of", "from", "across"}
_COUNTRY_AFTER = {
    *("army", "navy", "air", "dollar", "dollars", "food", "fda", "department", "national", "patent"),
    *("citizens", "population"),
}
_IMAGING = re.compile(
    r"imag|scan|guid|exam|probe|transduc|find|show|demonstr|reveal|view|appear|of|abdomen|doppler|elasto",
    re.IGNORECASE,
)


class Mention(NamedTuple):
    """One mention of a concept: CUI, character offsets in the text, and the text as written."""

    cui: str
    start: int
    end: int
    text: str


class _Token(NamedTuple):
    text: str
    start: int
    end: int


class Linker:
    """Links captions to the concepts of a vocabulary; its speed does not depend on the size of the vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        # Words of a name, joined -> its CUIs (None for a decoy), each with the exact spelling, or None for any case.
        self._targets: dict[str, list[tuple[str | None, str | None]]] = {}
        for concept in vocabulary.concepts:
            for name in concept.names:
                self._add(name, concept.cui)
        for decoy in DECOYS:
            self._add(decoy, None)
        self._patterns = list(self._targets)
        self._matcher: Any = ahocorasick_rs.AhoCorasick(
            self._patterns, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )

    def __reduce__(self) -> tuple[type[Linker], tuple[Vocabulary]]:
        return type(self), (self.vocabulary,)

    def link(self, text: str) -> list[Mention]:
        """Returns the mentions in a text, in order and without overlaps; offsets count code points of `text`."""
        tokens = _tokens(text)
        joined, starts = _joined(token.text for token in tokens)
        found = []
        for pattern, start, end in self._matcher.find_matches_as_indexes(joined):
            first, beyond = bisect_left(starts, start), bisect_left(starts, end)
            cui = self._cui(self._patterns[pattern], tokens, first, beyond, text)
            if cui is not None:
                left, right = tokens[first].start, tokens[beyond - 1].end
                found.append(Mention(cui, left, right, text[left:right]))
        return found

    def _cui(self, pattern: str, tokens: list[_Token], first: int, beyond: int, text: str) -> str | None:
        written = tokens[first].text
        for cui, exact in self._targets[pattern]:
            if exact is None or (beyond - first == 1 and written == exact):
                if exact and not _has_radiological_meaning(exact, tokens, first, text):
                    return None
                return cui
        return None

    def _add(self, name: str, cui: str | None) -> None:
        exact = len(name) <= LONGEST_ABBREVIATION and name.isalpha() and name.isupper()
        for form in _forms(name):
            words = [token.text for token in _tokens(form)]
            pattern, _ = _joined(words)
            if words:
                self._targets.setdefault(pattern, []).append((cui, words[0] if exact else None))


def _tokens(text: str) -> list[_Token]:
    return [_Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def _joined(words: Iterable[str]) -> tuple[str, list[int]]:
    """Joins words, each between two spaces of its own, so that a match begins and ends with a word."""
    parts, starts, at = [], [], 0
    for word in words:
        part = f" {word.casefold()} "
        parts.append(part)
        starts.append(at)
        at += len(part)
    return "".join(parts), starts


def _forms(name: str) -> list[str]:
    """Returns the spellings of a name: itself, without hyphens, and their plurals (X-ray, X-rays, Xray, Xrays)."""
    forms = [name]
    if re.search(r"\w-\w", name) and len(name) <= 12:
        forms.append(name.replace("-", ""))
    return [*forms, *(plural for form in forms for plural in _plurals(form))]


def _plurals(name: str) -> list[str]:
    last = name[-1]
    if not last.isalpha() or (name.endswith("s") and not name.endswith("is")):
        return []
    if last.isupper():
        return [f"{name}s"]
    if name.endswith("is"):
        return [f"{name[:-2]}es"]
    if last == "y" and name[-2:-1] not in tuple("aeiou"):
        return [f"{name[:-1]}ies"]
    return [f"{name}s"]


def _has_radiological_meaning(name: str, tokens: list[_Token], at: int, text: str) -> bool:
    """Returns whether an abbreviation has the meaning of the vocabulary here, not a well-known other one."""
    before = tokens[at - 1].text.casefold() if at else ""
    after = tokens[at + 1].text.casefold() if at + 1 < len(tokens) else ""
    if name == "US":
        if after in _COUNTRY_AFTER or not any(char.islower() for char in text):
            return False
        return before not in _COUNTRY_BEFORE or bool(_IMAGING.match(after))
    if name in ("AP", "PA"):
        pulmonary = name == "PA" and "pulmonary arter" in text.casefold()
        return bool(_PROJECTION.search(text)) and not pulmonary
    if name == "MR":
        return "mitral" not in text.casefold()
    if name == "RA":
        return "arthritis" not in text.casefold()
    return True
