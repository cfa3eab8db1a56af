"""Finds the concepts that a caption mentions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from roco.base.errors import DataError, RecipeError
from roco.base.files import file_digest
from roco.base.schema import types
from roco.base.user_modules import import_named
from roco.core.contract import Contract
from roco.core.stage import Measure, put
from roco.models.text.linking.fingerprint import fingerprint
from roco.models.text.linking.linker import Describes, Linker, Mention, Suggestion, Suggests
from roco.models.text.linking.open import open_linker
from roco.models.text.vocabulary.table import SHIPPED, Concept, load

HEAVY = 2 << 30
"""Bytes of memory that a worker needs for a heavy linker, such as a MedCAT model of all of SNOMED CT."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mentions(Measure):
    """Finds UMLS concepts in the caption, with their character offsets, and marks negated and uncertain ones.

    docs/linkers.md describes the linkers and what they find.

    linker: `dictionary` (names of a vocabulary), `learned` (a model of `roco vocab build --learn`), `medcat` (a MedCAT
    model pack, extra `medcat`), or `module:function` of your own. vocabulary: a table of concepts for `dictionary`,
    also one made by `roco vocab build`; none for the shipped one. model: the file or folder of `learned` or `medcat`.
    table: for `medcat`, a CSV file that maps the pack's SNOMED CT codes to CUIs. negated: `mark` leaves negated
    mentions to the rules of `merge`, of which the shipped ones drop them; `keep` returns them without the mark, so that
    they are concepts whatever the rules, as in ROCOv2. rare: `suggest` makes concepts that `learned` has learned from
    fewer than three captions suggestions, unless the caption contains their name.
    """

    needs = ("extract",)
    reads = ("caption",)
    writes = types("mentions", "suggested")
    version = 6

    linker: str = "dictionary"
    vocabulary: Path | None = None
    model: Path | None = None
    table: Path | None = None
    negated: Literal["mark", "keep"] = "mark"
    rare: Literal["mention", "suggest"] = "mention"

    @property
    def contract(self) -> Contract:
        return dataclasses.replace(super().contract, heavy=HEAVY if is_heavy(self.linker) else 0)

    @property
    def content(self) -> tuple[Path, ...]:
        return ()  # `fingerprint` covers the files, of which a model may be a folder

    def fingerprint(self) -> Any:
        """Returns what determines the mentions: vocabulary or model by content, also the shipped ones."""
        try:
            files = fingerprint(self.linker, **self._files)
        except DataError as err:
            hint = "check the path in the recipe (relative to the recipe)"
            raise RecipeError(f"{err.message} (stage '{self.name or 'mentions'}')", hint) from err
        # Names and types of concepts that a linker does not describe come from the shipped vocabulary.
        return files if self.linker == "dictionary" else {**files, "types": file_digest(SHIPPED)}

    @property
    def _files(self) -> dict[str, Path | None]:
        return {"vocabulary": self.vocabulary, "model": self.model, "table": self.table}

    @cached_property
    def _linker(self) -> Linker:
        return open_linker(self.linker, **self._files, rare=self.rare == "mention")

    @cached_property
    def _shipped(self) -> Mapping[str, Concept]:
        """Returns the concepts of the shipped vocabulary; none for a dictionary, which describes all that it links."""
        return {} if self.linker == "dictionary" else load().by_cui

    def prepare(self) -> None:
        _ = self._linker, self._shipped

    def __call__(self, batch: pa.Table) -> pa.Table:
        captions = batch["caption"].to_pylist()
        known = [at for at, caption in enumerate(captions) if caption is not None]
        linked, suggested = self._link([captions[at] for at in known])
        mentions: list[list[dict[str, Any]] | None] = [None] * len(captions)
        suggestions: list[list[dict[str, Any]] | None] = [None] * len(captions)
        for at, found, others in zip(known, linked, suggested, strict=True):
            if self.negated == "keep":
                found = [mention._replace(negated=False) for mention in found]
            mentions[at] = [self._described(mention) for mention in found]
            suggestions[at] = [self._described(one) for one in others]
        batch = put(batch, "mentions", pa.array(mentions, self.writes["mentions"]))
        return put(batch, "suggested", pa.array(suggestions, self.writes["suggested"]))

    def _link(self, captions: Sequence[str]) -> tuple[list[list[Mention]], list[list[Suggestion]]]:
        if isinstance(self._linker, Suggests):
            both = self._linker.link_and_suggest(captions)
            return [mentions for mentions, _ in both], [suggested for _, suggested in both]
        return self._linker.link(captions), [[] for _ in captions]

    def _described(self, found: Mention | Suggestion) -> dict[str, Any]:
        """Returns a row of the column, with name and types as the linker or the shipped vocabulary has them."""
        concept = self._linker.describe(found.cui) if isinstance(self._linker, Describes) else None
        shipped = self._shipped.get(found.cui)
        name = concept.name if concept and concept.name else shipped.name if shipped else None
        tuis = concept.tuis if concept and concept.tuis else shipped.tuis if shipped else ()
        return {**found._asdict(), "name": name, "tui": "|".join(tuis) or None}


def is_heavy(linker: str) -> bool:
    """Returns whether a linker declares that it is heavy; it is not loaded."""
    if ":" in linker:
        return bool(getattr(import_named(linker, "function"), "heavy", False))
    return linker == "medcat"
