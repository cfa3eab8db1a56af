"""Turns what a caption mentions into modality, region, direction and the ordered concepts of the release."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from roco.base.labels import KINDS, NUCLEAR
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.models.text import caption_rules, rule_files
from roco.models.text.caption_rules import Word
from roco.models.text.concepts import rules as concept_rules
from roco.models.text.concepts.checked import load_checked
from roco.models.text.concepts.choose import COMBINED, Candidate, Chooser, decided
from roco.models.text.terms import table as terms
from roco.stages import labelled


class Labels(NamedTuple):
    """What `merge` decides for one figure; the fields are the columns it writes."""

    modality: str | None
    modality_from: str | None
    region: str | None
    direction: str | None
    concepts_auto: list[str]
    concepts_manual: list[str]
    concepts: list[str]
    caption_keywords: list[str]
    concept_conflicts: list[dict[str, Any]] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge(Decision):
    """Determines modality, region and direction from labels or the caption, and chooses and orders the concepts.

    Order: modality, region (X-rays only), direction (X-rays only), then the automatic concepts that the rules keep, in
    the order of the caption, each once (section Caption Processing and Concept Extraction). Manual concepts come first,
    those of the stage `label` before those of a dataset that is a source, and a manual modality takes precedence; the
    column `modality_from` records the source: label or guess. The guess is that of the stage `guess`, if the recipe has
    it before, else the caption's alone. docs/modality.md describes how a caption is read, docs/concepts.md the rules
    for concepts. Where a manual label and the caption disagree, the label is kept and `concept_conflicts` lists both.

    modality_from: the sources that may be used, in order. given: which concepts of a previous dataset
    (`kind = "release"`) are used: manual (its manual concepts), all (its automatic concepts too, instead of those
    detected now) or none. require: drops figures without any concept. rules: a file of rules for concepts; none for the
    shipped one.
    """

    needs = ("terms", "mentions")
    reads = ("caption", "terms", "mentions", "suggested")
    optional = ("given_manual", "given_concepts", "modality_guess", *labelled.COLUMNS)
    writes = types(*Labels._fields)
    reasons = {"concepts": Reason("the figure has no concept")}
    version = 6

    given: Literal["manual", "all", "none"] = "manual"
    modality_from: tuple[Literal["label", "guess"], ...] = ("label", "guess")
    require: bool = False
    rules: Path | None = None

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.rules or concept_rules.SHIPPED, terms.SHIPPED, *rule_files.files())

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(load_checked(self.rules))

    def prepare(self) -> None:
        _ = self._chooser
        for kind in rule_files.FILES:
            caption_rules.rules(kind)

    def __call__(self, batch: pa.Table) -> pa.Table:
        names = [name for name in (*self.reads, *self.optional) if name in batch.column_names]
        labels = [self._labels(row) for row in batch.select(names).to_pylist()]
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([getattr(one, name) for one in labels], kind))
        if not self.require:
            return batch
        without = pa.array([not one.concepts for one in labels], pa.bool_())
        return drop(batch, without, "concepts", "the caption names no concept that the rules keep")

    def _labels(self, row: Mapping[str, Any]) -> Labels:
        caption = row["caption"] or ""
        words = caption_rules.words(row["terms"] or (), terms.load())
        manual = list(row.get("given_manual") or ()) if self.given != "none" else []
        manual = labelled.with_labels(manual, row)

        kind, source = self._modality(caption, words, manual, row)
        part = side = None
        if kind == "DRXR":
            part = _of_x_ray("region", manual, row, caption_rules.region(caption, words).of_paper)
            side = _of_x_ray("direction", manual, row, caption_rules.direction(caption, words).of_paper)

        kept = self._chooser.kept(_candidates(row), kind)
        auto = list(dict.fromkeys([*decided(kind, part, side), *_parts(kind, words), *(cui for cui, _ in kept)]))
        if self.given == "all" and row.get("given_concepts") is not None:
            auto = row["given_concepts"]
        concepts = [*manual, *(cui for cui in auto if cui not in manual)]
        keywords = dict.fromkeys(" ".join(one.text.lower().split()) for _, one in kept if one.text)
        conflicts = _conflicts(caption, words, manual, kind, [cui for cui, _ in kept]) if manual else None
        return Labels(kind, source, part, side, auto, manual, concepts, list(keywords), conflicts)

    def _modality(
        self, caption: str, words: Sequence[Word], manual: Sequence[str], row: Mapping[str, Any]
    ) -> tuple[str | None, str | None]:
        """Returns the modality and its source: the first allowed source that determines one."""
        guess = row.get("modality_guess")
        for source in self.modality_from:
            if source == "label":
                kind = row.get("labelled_modality") or _manual_label("modality", manual)
            elif guess:
                kind = None if guess == rule_files.OTHER else guess
            else:
                kind = caption_rules.modality(caption, words).of_paper
            if kind:
                return kind, source
        return None, None


def _candidates(row: Mapping[str, Any]) -> list[Candidate]:
    """Returns mentions in the order of the caption, then suggestions, the most probable first."""
    mentions = [Candidate.of(mention) for mention in row["mentions"] or ()]
    suggested = sorted(row["suggested"] or (), key=lambda one: (-(one["score"] or 0), one["cui"]))
    return mentions + [Candidate.of(one)._replace(suggested=True) for one in suggested]


def _parts(kind: str | None, words: Sequence[Word]) -> list[str]:
    """Returns what the caption names of the modality of an image without a single label: PET/CT, CT; scintigraphy."""
    if kind == COMBINED:
        return [word.cui for word in words if word.kind == "modality" or word.cui == NUCLEAR]
    return [NUCLEAR] if kind is None and any(word.cui == NUCLEAR for word in words) else []


def _conflicts(
    caption: str, words: Sequence[Word], manual: Sequence[str], kind: str | None, automatic: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns the manual labels that the caption contradicts; region and direction are compared for X-rays.

    A caption contradicts a label if it names others of the kind and not this one. Several images of an examination
    have often one caption, so a caption that names the label among others does not contradict it.
    """
    found = []
    for name in KINDS:
        label = _manual_label(name, manual)
        if label is None or (name != "modality" and kind != "DRXR"):
            continue
        cuis = {term.cui for term in KINDS[name].values() if term.cui}
        read = caption_rules.rules(name).read(caption, words).of_paper
        named = [KINDS[name][read].cui] if read else []
        if name == "modality" and (read is None or read == label):
            continue
        named += [cui for cui in automatic if cui in cuis]
        others = list(dict.fromkeys(cui or COMBINED for cui in named))
        if others and KINDS[name][label].cui not in others:
            found.append({"kind": name, "manual": KINDS[name][label].cui, "automatic": others})
    return found


def _of_x_ray(kind: str, manual: Sequence[str], row: Mapping[str, Any], of_caption: str | None) -> str | None:
    """Returns region or direction: as people labelled it, else as the dataset gives it, else as the caption says."""
    is_labelled, label = labelled.label_of(kind, row)
    return label if is_labelled else _manual_label(kind, manual) or of_caption


def _manual_label(kind: str, manual: Sequence[str]) -> str | None:
    """Returns the label of a kind among the manual concepts; None if there is none, or several."""
    label_of = {term.cui: label for label, term in KINDS[kind].items() if term.cui}
    labels = {label_of[cui] for cui in manual if cui in label_of}
    return labels.pop() if len(labels) == 1 else None
