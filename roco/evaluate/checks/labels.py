"""Checks of labels and concepts against each other and against the caption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import chain

from roco.base.errors import DataError
from roco.base.ids import is_cui
from roco.base.labels import KINDS, MODALITIES, NUCLEAR, cuis
from roco.base.readers import UNREADABLE
from roco.evaluate.checks.check import Measured, Row
from roco.evaluate.report.content import NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.sections.labels import XRAY, label_of_images
from roco.models.text import caption_rules
from roco.models.text.concepts import choose
from roco.models.text.terms.matcher import TermMatcher
from roco.models.text.terms.table import load

SAMPLE = 2_000
"""Captions that are read again where a release has no guesses."""
RARE = 10
"""The paper keeps concepts of more than ten images."""


def modality_against_caption(inputs: Inputs) -> Measured:
    """X-ray, CT, MR, ultrasound, PET and angiography images whose caption names another modality, by the rules for
    captions; of a large dataset 2,000 captions are read, the first by the hash of the id."""
    modalities = [image.modality if image.modality in MODALITIES else None for image in inputs.images.images]
    if not any(modalities):
        raise NotAvailable("no image has a modality")
    return _against_caption(inputs, modalities, lambda caption: _read(caption).modality.label)


def direction_against_caption(inputs: Inputs) -> Measured:
    """X-ray images whose caption names another direction than their label, by the rules for captions; of a large
    dataset 2,000 captions are read. The agreement of people on directions was moderate (Table 7)."""
    pairs = zip(label_of_images(inputs, "direction"), inputs.images.images, strict=True)
    directions = [direction if image.modality == XRAY else None for direction, image in pairs]
    if not any(directions):
        raise NotAvailable("no X-ray image has a direction")
    return _against_caption(inputs, directions, lambda caption: _read(caption).direction.of_paper)


def _against_caption(inputs: Inputs, labels: Sequence[str | None], named_in: Callable[[str], str | None]) -> Measured:
    """Compares labels, None where there is none, with what a sample of the captions names."""
    ids, captions = inputs.values("id"), inputs.values("caption")
    known = [place for place, label in enumerate(labels) if label]
    rows, checked = [], 0
    for place in sorted(inputs.sample(known, SAMPLE)):
        caption = captions[place] or ""
        named = named_in(caption)
        checked += named is not None
        if named is not None and named != labels[place]:
            rows.append(Row(ids[place], f"label {labels[place]}, caption {named}: {caption[:160]}"))
    return Measured(len(rows), checked, rows)


def several_modalities(inputs: Inputs) -> Measured:
    """Images with one modality whose concepts name another one as well, other than combined modalities (DRCO)."""
    modalities = cuis("modality")
    label_of = {term.cui: label for label, term in MODALITIES.items() if term.cui}
    rows = []
    ids = inputs.values("id")
    for id, image in zip(ids, inputs.images.images, strict=True):
        named = {label_of[cui] for cui in image.concepts & modalities}
        if image.modality in MODALITIES and image.modality != "DRCO" and named - {image.modality}:
            rows.append(Row(id, f"{image.modality} with {', '.join(sorted(named - {image.modality}))}"))
    return Measured(len(rows), len(ids), rows)


def manual_against_automatic(inputs: Inputs) -> Measured:
    """X-ray images whose manual body region differs from a region among their other concepts: the cases by which Table
    S12 exceeds Table S3."""
    regions = cuis("region")
    label_of = {term.cui: label for label, term in KINDS["region"].items() if term.cui}
    rows, checked = [], 0
    for id, image in zip(inputs.values("id"), inputs.images.images, strict=True):
        manual = image.manual & regions
        if image.modality != XRAY or not manual:
            continue
        checked += 1
        others = (image.concepts & regions) - manual
        if others:
            named = ", ".join(sorted(label_of[cui] for cui in others))
            rows.append(Row(id, f"{', '.join(sorted(label_of[cui] for cui in manual))} with {named}"))
    if not checked:
        raise NotAvailable("no X-ray image has a manual body region")
    return Measured(len(rows), checked, rows)


def invalid_concepts(inputs: Inputs) -> Measured:
    """Distinct concepts that are no CUI (C and seven digits) or that cui_mapping.csv does not name."""
    try:
        known = set(inputs.release.concept_names())
    except (DataError, *UNREADABLE) as err:
        raise NotAvailable("the dataset has no readable cui_mapping.csv") from err
    used = set(chain.from_iterable(image.concepts for image in inputs.images.images))
    rows = [
        Row(cui, "not a CUI" if not is_cui(cui) else "not in cui_mapping.csv")
        for cui in sorted(used)
        if not is_cui(cui) or cui not in known
    ]
    return Measured(len(rows), len(used), rows)


def images_without_concepts(inputs: Inputs) -> Measured:
    """Images without any concept."""
    ids = inputs.values("id")
    rows = [Row(id, "no concept") for id, image in zip(ids, inputs.images.images, strict=True) if not image.concepts]
    return Measured(len(rows), len(ids), rows)


def rare_concepts(inputs: Inputs) -> Measured:
    """Distinct automatic concepts of ten images or fewer, which the paper leaves out. Manual concepts and those of
    modality, region and direction are kept however rare they are; small datasets have a lower cut-off."""
    kept = {NUCLEAR, *choose.modalities()}.union(
        *(cuis(kind) for kind in KINDS), *(image.manual for image in inputs.images.images)
    )
    counts = Counter(chain.from_iterable(image.concepts - kept for image in inputs.images.images))
    rows = [
        Row(cui, f"of {n} {'image' if n == 1 else 'images'}, {inputs.concept_names.get(cui, 'no name')}")
        for cui, n in sorted(counts.items())
        if n <= RARE
    ]
    return Measured(len(rows), len(counts), rows)


def concepts_unknown_to_train(inputs: Inputs) -> Measured:
    """Distinct concepts of valid and test that no image of train has: nothing can learn them."""
    if "train" not in inputs.splits or len(inputs.splits) < 2:
        raise NotAvailable("the dataset has no train split, or only that")
    train: set[str] = set()
    others: set[str] = set()
    for split, image in zip(inputs.values("split"), inputs.images.images, strict=True):
        (train if split == "train" else others).update(image.concepts)
    rows = [Row(cui, inputs.concept_names.get(cui, "")) for cui in sorted(others - train)]
    return Measured(len(rows), len(others), rows)


@lru_cache(maxsize=2 * SAMPLE)
def _read(caption: str) -> caption_rules.Reading:
    matcher = _matcher()
    words = caption_rules.words([mention._asdict() for mention in matcher.link(caption)], matcher.terms)
    return caption_rules.read(caption, words)


@cache
def _matcher() -> TermMatcher:
    return TermMatcher(load())
