"""The rules for concepts, as they apply to known and to predicted concepts of captions."""

from __future__ import annotations

from collections.abc import Callable

from roco.models.text.concepts.choose import Candidate, Chooser
from roco.models.text.concepts.rules import Rules
from roco.models.text.linking.linker import Described, Mention, Suggestion

Describe = Callable[[str], Described | None]
"""Returns name and semantic types of a concept, None if it is unknown."""


class AppliedRules:
    """Applies a file of rules concept by concept: types, blocks, remaps, negated, uncertain and suggested concepts.

    What depends on the modality of the image or on other images (automatic modalities, the frequency cut-off) is not
    applied. A known concept has neither words nor flags; rules for words apply to its name instead.
    """

    def __init__(self, rules: Rules, describe: Describe) -> None:
        self._chooser = Chooser(rules)
        self._describe = describe

    def of_known(self, cui: str) -> str | None:
        described = self._describe(cui)
        return self._decided(Candidate(cui, described.name if described else "", self._tuis(cui)))

    def of_mention(self, mention: Mention) -> str | None:
        return self._decided(
            Candidate(
                mention.cui, mention.text, self._tuis(mention.cui), negated=mention.negated, uncertain=mention.uncertain
            )
        )

    def of_suggestion(self, suggestion: Suggestion) -> str | None:
        return self._decided(Candidate(suggestion.cui, tuis=self._tuis(suggestion.cui), suggested=True))

    def _decided(self, candidate: Candidate) -> str | None:
        verdict = self._chooser.verdict(candidate)
        return verdict.cui if verdict.rule is None else None

    def _tuis(self, cui: str) -> str:
        described = self._describe(cui)
        return "|".join(described.tuis) if described else ""
