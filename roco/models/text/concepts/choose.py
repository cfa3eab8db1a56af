"""Applies the rules for concepts to what a caption mentions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from roco.base import labels
from roco.base.labels import KINDS, MODALITIES, NUCLEAR
from roco.models.text.concepts.rules import Rules, When
from roco.models.text.semantic_types import kept
from roco.models.text.terms import table as terms

COMBINED = "DRCO"

MOST_CACHED = 100_000
"""Different candidates whose verdicts are remembered; their words come from captions, so they never end."""


class Candidate(NamedTuple):
    """One mention or suggestion as the rules see it; tuis: `T023|T024`, empty if unknown; text: empty if suggested."""

    cui: str
    text: str = ""
    tuis: str = ""
    negated: bool = False
    uncertain: bool = False
    suggested: bool = False

    @classmethod
    def of(cls, mention: Mapping[str, Any]) -> Candidate:
        """Returns a mention of the column `mentions`, also of releases that lack the newer fields."""
        return cls(
            mention["cui"],
            mention.get("text") or "",
            mention.get("tui") or "",
            bool(mention.get("negated")),
            bool(mention.get("uncertain")),
        )


class Verdict(NamedTuple):
    """The concept that a candidate stands for after remaps, and the rule that drops it; None if it is kept."""

    cui: str
    rule: str | None = None


class Chooser:
    """Decides on candidates by the rules; equal candidates are mostly decided once."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._kept = kept(rules.types)
        self._blocked_words = {word: block.name for block in rules.blocks if not block.cuis for word in block.words}
        self._blocked_cuis = {cui: block.name for block in rules.blocks if not block.words for cui in block.cuis}
        self._blocked_pairs = {
            (cui, word): block.name
            for block in rules.blocks
            if block.words and block.cuis
            for cui in block.cuis
            for word in block.words
        }
        self._remapped = frozenset(cui for remap in rules.remaps for cui in remap.cuis)
        self._modalities = labels.cuis("modality") | {NUCLEAR, *_other_modalities()}
        self._verdicts: dict[Candidate, Verdict] = {}

    def verdict(self, candidate: Candidate) -> Verdict:
        """Returns what becomes of a candidate, apart from the rules for automatic modalities."""
        if candidate not in self._verdicts:
            if len(self._verdicts) >= MOST_CACHED:
                self._verdicts.clear()
            self._verdicts[candidate] = self._decide(candidate)
        return self._verdicts[candidate]

    def automatic(self, candidates: Iterable[Candidate], modality: str | None) -> list[str]:
        """Returns the automatic concepts of an image in order, each once; modality: its label, None if undetermined."""
        return list(dict.fromkeys(cui for cui, _ in self.kept(candidates, modality)))

    def kept(self, candidates: Iterable[Candidate], modality: str | None) -> list[tuple[str, Candidate]]:
        """Returns the candidates that are used, with their concepts after remaps."""
        return [(self.verdict(one).cui, one) for one in candidates if self.rule(one, modality) is None]

    def rule(self, candidate: Candidate, modality: str | None) -> str | None:
        """Returns the rule that drops a candidate; None if it is kept."""
        verdict = self.verdict(candidate)
        return verdict.rule or self._excluded_kind(verdict.cui, candidate.tuis, modality)

    def _decide(self, candidate: Candidate) -> Verdict:
        words = " ".join(candidate.text.casefold().split())
        cui, tuis = candidate.cui, candidate.tuis
        if cui in self._remapped:
            cui = self._remap(cui, words)
            tuis = tuis if cui == candidate.cui else ""  # the types are those of the concept before
        rules = self.rules
        if candidate.negated and rules.negated == "drop":
            return Verdict(cui, "negated")
        if candidate.uncertain and rules.uncertain == "drop":
            return Verdict(cui, "uncertain")
        if candidate.suggested and rules.suggested == "drop":
            return Verdict(cui, "suggested")
        name = self._blocked_words.get(words) or self._blocked_cuis.get(cui) or self._blocked_pairs.get((cui, words))
        if name:
            return Verdict(cui, f"block '{name}'")
        return Verdict(cui, self._type_rule(cui, tuis))

    def _remap(self, cui: str, words: str) -> str:
        for remap in self.rules.remaps:
            if cui in remap.cuis and (not remap.words or words in remap.words):
                return remap.to
        return cui

    def _type_rule(self, cui: str, tuis: str) -> str | None:
        types = tuis.split("|") if tuis else []
        if not types:
            return "no semantic type" if self.rules.untyped == "drop" and cui not in _LABELS else None
        if self._kept.isdisjoint(types) and cui not in _LABELS:
            return f"type {types[0]}"
        return None

    def _excluded_kind(self, cui: str, tuis: str, modality: str | None) -> str | None:
        """Returns the rule by which an automatic modality, region or direction is not used in an image."""
        automatic = self.rules.automatic
        is_combined = modality in (None, COMBINED)
        if cui in self._modalities or (tuis and not automatic.modality_types.isdisjoint(tuis.split("|"))):
            return _unless(automatic.modality, is_combined, "automatic modality")
        if cui in _REGIONS:
            return _unless(automatic.region, is_combined, "automatic region")
        if cui in _DIRECTIONS:
            return _unless(automatic.direction, is_combined, "automatic direction")
        return None


def _unless(when: When, is_combined: bool, rule: str) -> str | None:
    return None if when == "always" or (when == "combined" and is_combined) else rule


_REGIONS, _DIRECTIONS = labels.cuis("region"), labels.cuis("direction")
_LABELS = labels.cuis("modality") | _REGIONS | _DIRECTIONS


def _other_modalities() -> set[str]:
    """Returns the concepts of combined modalities, which are no single label: PET/CT."""
    return {concept.cui for concept in terms.load().concepts if concept.kind == "modality"}


def decided(modality: str | None, region: str | None, direction: str | None) -> list[str]:
    """Returns the concepts of the labels that were decided, in the paper's order: modality, region, direction."""
    labelled = (("modality", modality), ("region", region), ("direction", direction))
    found = [KINDS[kind][label].cui for kind, label in labelled if label and label in KINDS[kind]]
    return [cui for cui in found if cui]


# --- the frequency cut-off --------------------------------------------------------------------------------------------


def frequent(concepts: Iterable[Sequence[str]], more_than: int) -> frozenset[str]:
    """Returns the concepts that more images than this have; concepts: those of each image."""
    images = Counter(cui for cuis in concepts for cui in set(cuis))
    return frozenset(cui for cui, n in images.items() if n > more_than)


def protected(row: Mapping[str, Any], modalities: frozenset[str]) -> set[str]:
    """Returns the concepts of an image that are kept however rare they are.

    row: concepts_manual, modality, region and direction. modalities: those that a combined image keeps.
    """
    safe = {NUCLEAR, *(row["concepts_manual"] or ()), *decided(row["modality"], row["region"], row["direction"])}
    if row["modality"] == COMBINED:
        safe |= modalities
    return safe


def modalities() -> frozenset[str]:
    """Returns the concepts of all modalities, the combined ones included."""
    single = {term.cui for term in MODALITIES.values() if term.cui}
    return frozenset(single | _other_modalities())
