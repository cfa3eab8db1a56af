"""From the names in the caption to the concepts of the release: modality, region, direction, then the rest."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from roco.base.labels import DIRECTIONS, KINDS, MODALITIES, NUCLEAR, REGIONS
from roco.base.schema import types
from roco.core.stage import Decision, drop, put
from roco.models.text.vocabulary import SHIPPED, Vocabulary, load

_JOINED = re.compile(r"\s*\)?\s*[-/+&\u2010-\u2015]?\s*(?:and\s+)?\(?\s*")
_FEW_WORDS = re.compile(r"[\s\-]*(?:\w+[\s\-]+){0,2}")
# Words that name a technique in passing; they count only where no other modality is named.
_WEAK = re.compile(r"fluoroscop|radiographic|cinefluoro|gadolinium", re.IGNORECASE)
_MAMMOGRAPHY = re.compile(r"mammogra", re.IGNORECASE)
_VIEW = re.compile(r"view|projection|plane|radiogra|x[\s-]?ray|film|image", re.IGNORECASE)
_LATERAL = re.compile(
    r"\blateral\b(?:\s[\w-]+){0,3}?\s(?:radiogra|x[\s-]?ray|roentgen|film|cephalo|projection|view)", re.IGNORECASE
)

# What the words of an X-ray's caption say of its region, where they do not name the region itself (Table S15).
_REGION_WORDS: dict[str, re.Pattern[str]] = {
    region: re.compile(rf"\b(?:{words})", re.IGNORECASE)
    for region, words in {
        "abdomen": r"kidney|renal|ureter|bladder|bowel|colon|stomach|gastric|gastro|duoden|intestin"
        r"|barium (?:meal|enema)|urogra|pyelogra|cystogra|cystourethro|urethrogra|cholangio|biliary"
        r"|ERCP\b|KUB\b|AXR\b|IV[UP]\b|hysterosalping",
        "breast": r"mammogra",
        "chest": r"lungs?\b|pulmonary|pleura|hemithora|pneumothora|mediastin|CXR\b|cardiomegaly|ribs?\b|clavic|esophag"
        r"|oesophag|diaphragm|barium swallow|stern(?:um|al)\b|pacemaker|tracheo|bronch",
        "cranium": r"panoramic|orthopanto|OPG\b|periapical|bitewing|IOPAR?\b|occlusal|intraoral|tooth|teeth|molar"
        r"|premolar|incisor|canine|dental|root canal|mandib|maxill|jaw|cephalo|facial|orbit|crani(?:o|al)",
        "lower_extremity": r"femur|femoral|knee|tibia|fibula|patell|ankle|foot\b|feet\b|toes?\b|hallux|calcane|talus"
        r"|hips?\b|metatars|thigh|weight.bearing",
        "pelvis": r"acetabul|sacrum|sacral|sacroilia|iliac (?:bone|crest|wing)|pubi[cs]|ischi",
        "spine": r"vertebra|lumbar|cervical|scolio|kypho|lordo|spondyl|cobb|odontoid|intervertebral|pedicle screw",
        "upper_extremity": r"shoulder|humer|elbow|radius\b|ulna|wrist|(?<!other )hands?\b|fingers?\b|thumb|metacarp"
        r"|carpal|scaphoid|scapula|gleno",
    }.items()
}


class Word(NamedTuple):
    """A mention with what its concept is: kind and label of the vocabulary."""

    cui: str
    kind: str
    label: str | None
    start: int
    end: int
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge(Decision):
    """Decides modality, region and direction by the words of the caption, and puts the concepts in order.

    Modality, region (X-rays only), direction (X-rays only), then all others as they appear, none twice; further
    modalities are kept for combined images alone (section Caption Processing and Concept Extraction).
    What people gave comes first, and their modality counts before that of the words; the column `modality_from` says
    which it is: label or guess. modality_from: which of the two may be taken, in order. given: what is believed of an
    earlier dataset (`kind = "release"`): manual (what people gave there), all (what its machine found too, in place
    of what is found now), none.
    require: drop figures in whose caption nothing was found. vocabulary: the file that `mentions` uses.
    """

    needs = ("mentions",)
    reads = ("caption", "mentions")
    optional = ("given_manual", "given_concepts")
    writes = types("modality", "modality_from", "region", "direction", "concepts_auto", "concepts_manual", "concepts")
    reasons = ("concepts",)
    version = 2

    given: Literal["manual", "all", "none"] = "manual"
    modality_from: tuple[Literal["label", "guess"], ...] = ("label", "guess")
    require: bool = False
    vocabulary: Path | None = None

    @property
    def content(self) -> tuple[Path, ...]:
        return (self.vocabulary or SHIPPED,)

    @cached_property
    def _known(self) -> Vocabulary:
        return load(self.vocabulary)

    def __call__(self, batch: pa.Table) -> pa.Table:
        there = {name: batch[name].to_pylist() for name in (*self.reads, *self.optional) if name in batch.column_names}
        rows = []
        for i in range(len(batch)):
            row = {name: values[i] for name, values in there.items()}
            given = self._given(row.get("given_manual"), row.get("given_concepts"))
            rows.append(self._decide(row["caption"] or "", row["mentions"] or [], *given))
        for name, kind in self.writes.items():
            batch = put(batch, name, pa.array([row[name] for row in rows], kind))
        if not self.require:
            return batch
        nothing = pa.array([not row["concepts"] for row in rows], pa.bool_())
        return drop(batch, nothing, "concepts", "no name of the vocabulary in the caption")

    def _given(self, manual: list[str] | None, concepts: list[str] | None) -> tuple[list[str], list[str] | None]:
        """What people gave, and what a machine found where that is to be believed."""
        people = list(manual or ()) if self.given != "none" else []
        return people, concepts if self.given == "all" else None

    def _decide(
        self, caption: str, mentions: Sequence[Mapping[str, Any]], manual: list[str], told: list[str] | None
    ) -> dict[str, Any]:
        words = [self._word(mention) for mention in mentions]
        kind = source = None
        for source in self.modality_from:
            if kind := _label("modality", manual) if source == "label" else modality(caption, words):
                break
        x_ray = kind == "DRXR"
        part = (_label("region", manual) or region(caption, words)) if x_ray else None
        side = (_label("direction", manual) or direction(caption, words)) if x_ray else None
        found = in_order(words, kind, part, side) if told is None else told
        return {
            "modality": kind,
            "modality_from": source if kind else None,
            "region": part,
            "direction": side,
            "concepts_auto": found,
            "concepts_manual": manual,
            "concepts": [*manual, *(cui for cui in found if cui not in manual)],
        }

    def _word(self, mention: Mapping[str, Any]) -> Word:
        concept = self._known.by_cui.get(mention["cui"])
        kind, label = (concept.kind, concept.label) if concept else ("concept", None)
        return Word(mention["cui"], kind, label, mention["start"], mention["end"], mention["text"])


def _label(kind: str, manual: Sequence[str]) -> str | None:
    """The one label of a kind whose CUI people gave; None where they gave none, or several."""
    of = {term.cui: label for label, term in KINDS[kind].items() if term.cui}
    named = {of[cui] for cui in manual if cui in of}
    return named.pop() if len(named) == 1 else None


def modality(caption: str, words: Sequence[Word]) -> str | None:
    """The modality that the caption names: DRAN DRCO DRCT DRMR DRPE DRUS DRXR, or None.

    The first named one counts, with these rules before (Table S14): PET or SPECT joined to CT or MR is combined;
    angiography in the same breath as CT or MR is CT or MR; fluoroscopy and the like count only when alone.
    """
    named = [word for word in words if word.kind == "modality" or word.cui == NUCLEAR]
    strong = [word for word in named if not _WEAK.search(word.text)] or named
    for at, word in enumerate(strong):
        after = strong[at + 1] if at + 1 < len(strong) else None
        gap = caption[word.end : after.start] if after else ""
        if after and _combined(word, after) and _JOINED.fullmatch(gap):
            return "DRCO"
        if after and word.label == "DRAN" and after.label in ("DRCT", "DRMR") and _FEW_WORDS.fullmatch(gap):
            return after.label
        if word.label:
            return word.label
    return None


def region(caption: str, words: Sequence[Word]) -> str | None:
    """The body region of an X-ray: the one that is named first, mammograms always being of the breast."""
    if _MAMMOGRAPHY.search(caption):
        return "breast"
    named = [(word.start, word.label) for word in words if word.kind == "region" and word.label]
    hinted = [(hint.start(), label) for label, pattern in _REGION_WORDS.items() if (hint := pattern.search(caption))]
    return min(named + hinted)[1] if named or hinted else None


def direction(caption: str, words: Sequence[Word]) -> str | None:
    """The direction of an X-ray; None where several are named, for one image is not both (Table S16)."""
    named = {word.label for word in words if word.kind == "direction" and _is_view(caption, word)}
    if _LATERAL.search(caption):
        named.add("sagittal")
    return named.pop() if len(named) == 1 else None


def in_order(words: Sequence[Word], kind: str | None, part: str | None, side: str | None) -> list[str]:
    """CUIs in the paper's order, each once; modality words beside the decided one stay for combined images only."""
    decided = [
        MODALITIES[kind].cui if kind else None,
        REGIONS[part].cui if part else None,
        DIRECTIONS[side].cui if side else None,
    ]
    kept = ("concept", "region", "modality") if kind == "DRCO" else ("concept", "region")
    rest = [word.cui for word in words if word.kind in kept]
    return list(dict.fromkeys(cui for cui in (*decided, *rest) if cui))


def _combined(one: Word, other: Word) -> bool:
    def nuclear(word: Word) -> bool:
        return word.label == "DRPE" or word.cui == NUCLEAR

    return (nuclear(one) and other.label in ("DRCT", "DRMR")) or (nuclear(other) and one.label in ("DRCT", "DRMR"))


def _is_view(caption: str, word: Word) -> bool:
    """AP and PA always are views; `transverse fracture` and `sagittal balance` are none."""
    if word.label in ("coronal_ap", "coronal_pa"):
        return True
    return bool(_VIEW.search(caption, word.start, word.end + 25))
