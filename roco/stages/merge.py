"""Turns the mentions in a caption into modality, region, direction and the ordered concepts of the release."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from roco.base.labels import DIRECTIONS, KINDS, MODALITIES, NUCLEAR, REGIONS
from roco.base.schema import types
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, put
from roco.models.text.vocabulary import SHIPPED, Vocabulary, load

# "PET/CT", "PET (…) and CT": nothing but joining characters between two modalities.
_JOINED = re.compile(r"\s*\)?\s*[-/+&\u2010-\u2015]?\s*(?:and\s+)?\(?\s*")
# "angiography by MRI": at most two words between them.
_FEW_WORDS = re.compile(r"[\s\-]*(?:\w+[\s\-]+){0,2}")
# Words that mention a technique in passing; they count only if no other modality is named.
_WEAK = re.compile(
    r"fluoro(?:scop|gra)|radioscop|radiographic|cinefluoro|contrast study|gadolinium|FDG.(?:uptake|avid)"
    r"|T[12].(?:signal|hyper|hypo|bright|dark)|echo(?:ic|gen|textur)|acoustic|insonation",
    re.IGNORECASE,
)
_MAMMOGRAPHY = re.compile(r"mammogra", re.IGNORECASE)
_VIEW = re.compile(r"view|projection|plane|radiogra|x[\s-]?ray|film|image", re.IGNORECASE)
_LATERAL = re.compile(
    r"\blateral\b(?:\s[\w-]+){0,3}?\s(?:radiogra|x[\s-]?ray|roentgen|film|cephalo|projection|view)", re.IGNORECASE
)

# Words that imply the region of an X-ray without naming it (Table S15).
_REGION_WORDS: dict[str, re.Pattern[str]] = {
    region: re.compile(rf"\b(?:{words})", re.IGNORECASE)
    for region, words in {
        "abdomen": r"kidney|renal|ureter|bladder|bowel|colon|stomach|gastric|gastro|duoden|intestin"
        r"|barium (?:meal|enema)|urogra|pyelogra|cystogra|cystourethro|urethrogra|cholangio|biliary"
        r"|ERCP\b|KUB\b|AXR\b|IV[UP]\b|hysterosalping|nephrosto|enteroclysis|loopogra|colostogra|invertogra|UGI\b"
        r"|upper GI\b|small.bowel|barium follow",
        "breast": r"mammogra|galactogra|ductogra|FFDM\b",
        "chest": r"lungs?\b|pulmonary|pleura|hemithora|pneumothora|mediastin|CXR\b|cardiomegaly|ribs?\b|clavic|esophag"
        r"|oesophag|diaphragm|barium swallow|stern(?:um|al)\b|pacemaker|tracheo|bronch",
        "cranium": r"panoramic|panorex|or?thopanto|pantomogra|OPG\b|RVG\b|periapical|bitewing|IOPAR?\b"
        r"|occlusal|intraoral|tooth|teeth|molar|premolar|incisor|canine|dental|root canal|mandib|maxill|jaw|cephalo"
        r"|facial|orbit|crani(?:o|al)",
        "lower_extremity": r"femur|femoral|knee|tibia|fibula|patell|ankle|foot\b|feet\b|toes?\b|hallux|calcane|talus"
        r"|hips?\b|metatars|thigh|weight.bearing",
        "pelvis": r"acetabul|sacrum|sacral|sacroilia|iliac (?:bone|crest|wing)|pubi[cs]|ischi",
        "spine": r"vertebra|lumbar|cervical|scolio|kypho|lordo|spondyl|cobb|odontoid|intervertebral|pedicle screw",
        "upper_extremity": r"shoulder|humer|elbow|radius\b|ulna|wrist|(?<!other )hands?\b|fingers?\b|thumb|metacarp"
        r"|carpal|scaphoid|scapula|gleno",
    }.items()
}


class Word(NamedTuple):
    """A mention together with the kind and label of its concept in the vocabulary."""

    cui: str
    kind: str
    label: str | None
    start: int
    end: int
    text: str


class Labels(NamedTuple):
    """What `merge` decides for one figure; the fields are the columns it writes."""

    modality: str | None
    modality_from: str | None
    region: str | None
    direction: str | None
    concepts_auto: list[str]
    concepts_manual: list[str]
    concepts: list[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge(Decision):
    """Determines modality, region and direction from labels or the caption, and orders the concepts.

    Order: modality, region (X-rays only), direction (X-rays only), then all other concepts in the order of the caption,
    each once. Further modalities are kept for combined images only (section Caption Processing and Concept Extraction).
    Manual concepts come first, and a manual modality takes precedence over the caption; the column `modality_from`
    records the source: label or guess.

    modality_from: the sources that may be used, in order. given: which concepts of a previous dataset
    (`kind = "release"`) are used: manual (its manual concepts), all (its automatic concepts too, instead of those
    detected now) or none. require: drops figures without any concept. vocabulary: the file that `mentions` uses.
    """

    needs = ("mentions",)
    reads = ("caption", "mentions")
    optional = ("given_manual", "given_concepts")
    writes = types("modality", "modality_from", "region", "direction", "concepts_auto", "concepts_manual", "concepts")
    reasons = {"concepts": Reason("the figure has no concept")}
    version = 3

    given: Literal["manual", "all", "none"] = "manual"
    modality_from: tuple[Literal["label", "guess"], ...] = ("label", "guess")
    require: bool = False
    vocabulary: Path | None = None

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.vocabulary or SHIPPED,)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return load(self.vocabulary)

    def prepare(self) -> None:
        _ = self._vocabulary

    def __call__(self, batch: pa.Table) -> pa.Table:
        names = [name for name in (*self.reads, *self.optional) if name in batch.column_names]
        labels = [self._labels(row) for row in batch.select(names).to_pylist()]
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([getattr(one, name) for one in labels], kind))
        if not self.require:
            return batch
        without = pa.array([not one.concepts for one in labels], pa.bool_())
        return drop(batch, without, "concepts", "no term of the vocabulary in the caption")

    def _labels(self, row: Mapping[str, Any]) -> Labels:
        caption = row["caption"] or ""
        words = [self._word(mention) for mention in row["mentions"] or ()]
        manual = list(row.get("given_manual") or ()) if self.given != "none" else []

        kind, source = self._modality(caption, words, manual)
        part = side = None
        if kind == "DRXR":
            part = _manual_label("region", manual) or region(caption, words)
            side = _manual_label("direction", manual) or direction(caption, words)

        auto = in_order(words, kind, part, side)
        if self.given == "all" and row.get("given_concepts") is not None:
            auto = row["given_concepts"]
        concepts = [*manual, *(cui for cui in auto if cui not in manual)]
        return Labels(kind, source, part, side, auto, manual, concepts)

    def _modality(self, caption: str, words: Sequence[Word], manual: Sequence[str]) -> tuple[str | None, str | None]:
        """Returns the modality and its source: the first allowed source that determines one."""
        for source in self.modality_from:
            kind = _manual_label("modality", manual) if source == "label" else modality(caption, words)
            if kind:
                return kind, source
        return None, None

    def _word(self, mention: Mapping[str, Any]) -> Word:
        concept = self._vocabulary.by_cui.get(mention["cui"])
        kind, label = (concept.kind, concept.label) if concept else ("concept", None)
        return Word(mention["cui"], kind, label, mention["start"], mention["end"], mention["text"])


def _manual_label(kind: str, manual: Sequence[str]) -> str | None:
    """Returns the label of a kind among the manual concepts; None if there is none, or several."""
    label_of = {term.cui: label for label, term in KINDS[kind].items() if term.cui}
    labels = {label_of[cui] for cui in manual if cui in label_of}
    return labels.pop() if len(labels) == 1 else None


def modality(caption: str, words: Sequence[Word]) -> str | None:
    """Returns the modality that the caption names: DRAN DRCO DRCT DRMR DRPE DRUS DRXR, or None.

    This is the modality named first, with three exceptions (Table S14): PET or SPECT joined to CT or MR is combined;
    angiography directly before CT or MR is CT or MR; fluoroscopy and similar words count only if no other is named.
    """
    named = [word for word in words if word.kind == "modality" or word.cui == NUCLEAR]
    strong = [word for word in named if not _WEAK.search(word.text)] or named
    for word, following in itertools.zip_longest(strong, strong[1:]):
        if following:
            between = caption[word.end : following.start]
            if _is_combined(word, following) and _JOINED.fullmatch(between):
                return "DRCO"
            if word.label == "DRAN" and following.label in ("DRCT", "DRMR") and _FEW_WORDS.fullmatch(between):
                return following.label
        # Scintigraphy has no label of its own, so the next modality counts.
        if word.label:
            return word.label
    return None


def region(caption: str, words: Sequence[Word]) -> str | None:
    """Returns the body region of an X-ray: the one named or implied first; a mammogram is always of the breast."""
    if _MAMMOGRAPHY.search(caption):
        return "breast"
    places = [(word.start, word.label) for word in words if word.kind == "region" and word.label]
    for label, pattern in _REGION_WORDS.items():
        implied = pattern.search(caption)
        if implied:
            places.append((implied.start(), label))
    return min(places)[1] if places else None


def direction(caption: str, words: Sequence[Word]) -> str | None:
    """Returns the direction of an X-ray; None if several are named, for one image has one direction (Table S16)."""
    named = {word.label for word in words if word.kind == "direction" and _is_view(caption, word)}
    if _LATERAL.search(caption):
        named.add("sagittal")
    return named.pop() if len(named) == 1 else None


def in_order(words: Sequence[Word], kind: str | None, part: str | None, side: str | None) -> list[str]:
    """Returns the CUIs in the paper's order, each once; other modalities are kept for combined images only."""
    decided = [
        MODALITIES[kind].cui if kind else None,
        REGIONS[part].cui if part else None,
        DIRECTIONS[side].cui if side else None,
    ]
    kinds = ("concept", "region", "modality") if kind == "DRCO" else ("concept", "region")
    others = [word.cui for word in words if word.kind in kinds]
    return list(dict.fromkeys(cui for cui in (*decided, *others) if cui))


def _is_combined(word: Word, following: Word) -> bool:
    """Returns whether one of the two is nuclear imaging and the other CT or MR."""

    def is_nuclear(one: Word) -> bool:
        return one.label == "DRPE" or one.cui == NUCLEAR

    anatomical = ("DRCT", "DRMR")
    if is_nuclear(word):
        return following.label in anatomical
    return is_nuclear(following) and word.label in anatomical


def _is_view(caption: str, word: Word) -> bool:
    """Returns whether a direction word describes a view: AP and PA always do, `transverse fracture` does not."""
    if word.label in ("coronal_ap", "coronal_pa"):
        return True
    return bool(_VIEW.search(caption, word.start, word.end + 25))
