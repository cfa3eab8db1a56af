"""Turns names of concepts into n-grams, which are evidence for concepts of few or no captions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from roco.models.text.learned.lexicon import Ints
from roco.models.text.learned.ngrams import LONGEST, Splitter, hashes

LONGEST_NAME = 100
"""Characters; longer names are in no caption."""

AT_ONCE = 5000

_COMMENT = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_GENERIC = re.compile(
    r"(?:entire|(?:bone |body |anatomical )?(?:structure|part) of(?: the)?)\s+(?P<first>.+)"
    r"|(?P<last>.+?)[\s,]+(?:structure|disorder|finding|procedure|body part|qualifier|morphology|nos)",
    re.IGNORECASE,
)
"""Words of names in terminologies that captions omit: structure of liver, pleural effusion disorder, entire femur."""


def name_pairs(names: Mapping[str, Sequence[str]], cuis: Sequence[str]) -> tuple[NDArray[np.uint64], Ints]:
    """Returns hash and concept of each name of at most six words; names: of concepts, by CUI."""
    number = {cui: place for place, cui in enumerate(cuis)}
    texts: list[str] = []
    concepts: list[int] = []
    for cui in sorted(names.keys() & number.keys()):
        forms = {form for name in names[cui] for form in written_forms(name)}
        texts += sorted(forms)
        concepts += [number[cui]] * len(forms)
    splitter = Splitter()
    found: list[tuple[int, int]] = []
    for begin in range(0, len(texts), AT_ONCE):
        words = splitter.split(texts[begin : begin + AT_ONCE])
        codes = hashes(words)
        first = np.searchsorted(words.row, np.arange(words.rows)) + 1  # after the begin of the text
        size = np.bincount(words.row, minlength=words.rows) - 2
        fits = (size >= 1) & (size <= LONGEST)
        code = codes[first[fits], size[fits] - 1]
        found += zip(code.tolist(), np.array(concepts[begin : begin + AT_ONCE])[fits].tolist(), strict=True)
    pairs = sorted(set(found))
    return np.array([code for code, _ in pairs], np.uint64), np.array([cui for _, cui in pairs], np.int64)


def written_forms(name: str) -> set[str]:
    """Returns a name as captions may have it: as it is, and without generic words of terminologies."""
    if len(name) > LONGEST_NAME:
        return set()
    forms = {name.strip(), _COMMENT.sub("", name).strip()}
    for form in list(forms):
        match = _GENERIC.fullmatch(form)
        if match:
            forms.add(match["first"] or match["last"])
        head, comma, rest = form.partition(", ")
        if comma and "," not in rest:
            forms.add(f"{rest} {head}")  # Constriction, Pathologic
    return {form for form in forms if len(form) > 2 or form.isupper()}
