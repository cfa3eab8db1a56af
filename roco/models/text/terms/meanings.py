"""Decides whether a name of the vocabulary has its radiological meaning in a caption, or a well-known other one."""

from __future__ import annotations

import re
from collections.abc import Callable

from roco.base.patterns import later
from roco.models.text.terms.expansions import long_forms
from roco.models.text.terms.other_meanings import (
    AFTER_STATE,
    ANY_ABBREVIATION,
    ANY_CITY,
    CITY_OF_STATE,
    MEANINGS,
    PCR,
    Meaning,
)

_IMAGING = re.compile(
    r"tomogra|resonan|imag|\bscan|ultraso|sonogra|radiogra|angiogra|x[\s-]?ray|roentgen|emission|\becho|doppler|\bfilm"
    r"|\bviews?\b|coronal|axial|sagittal|transvers|contrast|projection|\bplane|weighted|\bslice|\bsection|spectroscop",
    re.I,
)
# Signs that a caption is about an image of a body.
_BODY = later(
    r"tomogra|resonan|\bscan|ultraso|sonogra|radiogra|radiolog|angiogra|x[\s-]?ray|roentgen|coronal|axial|sagittal|arter|\bvein|venous|ventric|atri(?:um|al)|aort|\blung|liver|hepat|kidney|renal|\bbone|fractur|tumou?r|\bmass\b|lesion"
    r"|cyst|abscess|chest|thora|abdom|pelvi|skull|brain|cereb|spin(?:e|al)|vertebr|pancrea|spleen|bowel|colon|stomach"
    r"|\bknee|\bhip\b|\bhand\b|mandib|maxill|teeth|tooth|nodule|effusion|thromb|stenosis|aneurysm|calcif|arrow|uter[ui]"
    r"|f(?:o)?etus|gravid|muscle|tendon|gallbladder|h(?:a)?ematoma|lobe",
    re.I,
)
# Words of one image that begin and end like an abbreviation: "hepatic cyst (CT)".
_FINDING = re.compile(
    r"c(?:yst|lot|alcif|avit|athet|ort|ontu|onsol|ollect|onstric|ontras|hest|artil|arot|ardio)|u(?:ter|ret|lcer|mbil)"
    r"|m(?:arrow|axill|andib|olar|uscul|acul|urmur|etast)|patient|placent|pelvi",
    re.I,
)
_OTHER_ABBREVIATION_IN_BRACKETS = re.compile(r"\w [(\[]([A-Z][A-Za-z]{1,4})[)\],;]")

_NEAR = 80  # characters around a name that are searched for words of another meaning
_CODE_BEFORE = re.compile(r"\b[A-Z]{1,4}[/-]\d+-$")  # "strain BR/07-MR"
_CODE_AFTER = re.compile(r"-\d+\b(?!\s?[DT]\b)")  # "CT-26 cells"
_WORDS_IN_CAPITALS = frozenset({"US", "PET", "TOE", "STIR", "MR", "PA", "RA", "LA", "ECHO"})

# After initials or the name of a ship, but not the first word of the next sentence.
_SURNAME = re.compile(r"\s+(?!(?:The|A|An|In|It|On|At|There|This|These|Note|No|Arrows?|[A-Z][a-z]+ing)\b)[A-Z][a-z]+\b")

_PROJECTION = re.compile(
    r"radiogra|roentgen|x[\s\-\u2010-\u2015]?ray|\bfilm|\bview|projection|cephalo|\bCXR\b|fluorosc", re.I
)
_PULMONARY_ARTERY = re.compile("pulmonary arter", re.I)

_ULTRASOUND_ELSEWHERE = re.compile(r"ultraso|sonogra|\becho|doppler|\bUSG\b|\bCEUS\b|\bEUS\b|transduc", re.I)
_ULTRASOUND_BEFORE = later(
    r"\b(?:endoscopic|(?:trans)?abdominal|(?:trans|endo)vaginal|transrectal|doppler|colou?r|duplex|gr[ae]y|scale|enhanced"
    r"|renal|breast|thyroid|scrotal|pelvic|f(?:o)?etal|obstetric|cardiac|lung|hepatic|liver|kidney|neck|soft.tissue|on|via"
    r"|under|using|by|with|compression|intra\w+|resolution|real.time|mode|longitudinal|transverse|axial|sagittal|coronal"
    r"|oblique|bedside|portable|postnatal|prenatal|antenatal|CT|MRI?|EUS|[234]D|testicular|ovarian|gyna?ecologic\w*"
    r"|musculoskeletal|shoulder|knee|hip|prostate|gallbladder|ocular|orbital|cranial|head|chest|spinal|repeat"
    r"|diagnostic)["
    r"\s,/\-\u2010-\u2015]*(?:and\s+|or\s+|the\s+|an?\s+)?$",
    re.I,
)
_ULTRASOUND_AFTER = later(
    r"[\s\-\u2010-\u2015/]*(?:imag|scan|guid|exam|probe|transduc|find|show|demonstr|reveal|view|appear|of\b|abdomen|doppler"
    r"|elasto|feature|detect|depict|confirm|picture|display|sono|(?:and|or)\s+(?:\(\w\)\s*)?(?:CT|MRI?)\b"
    r"|,?\s*CT\b|,?\s*MRI?\b|long(?:itudinal)?|transverse|with\s+(?:colou?r|doppler|contrast)"
    r"|FNA|biops|was\b|is\b|suggest|identif|assess|measur)",
    re.I,
)
# "Follow-up US after 3 months", but not "initial US cases"
_EXAMINATION_BEFORE = re.compile(
    r"\b(?:first|follow[\s-]?up|initial|pre-?operative|post-?operative|repeat(?:ed)?|routine|second|serial|subsequent)\s+$",
    re.I,
)
_EXAMINATION_AFTER = re.compile(r"\s*(?:[.,;:()]|$|(?:after|at|before|during|on|performed|was)\b)")
_COUNTRY_BEFORE = re.compile(r"\b(?:in|of|from|across)\s+(?:the\s+)?$|\bthe\s+$", re.I)
_COUNTRY_AFTER = re.compile(
    r"\s+(?:army|navy|air|dollars?|food|FDA|department|national|patent|citizens|population|states?|adults?|prevalence"
    r"|county|counties|census|veterans?|hospitals?|centers? for)\b",
    re.I,
)

_IN_COUNTRY = re.compile(r"\b(?:in|from|across)\s+the\s+$", re.I)
_CLAUSE_END = re.compile(r"\s*(?:[.,;)]|$)")


def _is_state(name: str, before: str, after: str) -> bool:
    """Returns whether an abbreviation is a state of the USA: "Stamford, CT", "Example Town, PA, USA"."""
    if CITY_OF_STATE[name].search(before):
        return True
    return bool(ANY_CITY.search(before) and AFTER_STATE.match(after))


class CaptionMeanings:
    """The meanings of names in one caption; what depends on the whole caption is computed once for each name."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_in_capitals = text.isupper() and len(text.split()) > 2
        self._contained: dict[re.Pattern[str], bool] = {}
        self._expanded: dict[str, bool] = {}

    def is_other_word(self, name: str, start: int, end: int) -> bool:
        """Returns whether words around a name show another meaning: "X-ray crystallography"; name: in lower case."""
        meaning = MEANINGS.get(name) or MEANINGS.get(name.removesuffix("s"))
        if meaning is None and name.startswith("x ray "):
            meaning = MEANINGS["x ray"]._replace(after=None)
        return meaning is not None and self._shows(meaning, *self._around(start, end))

    def is_other_abbreviation(
        self, name: str, start: int, end: int, *, is_expanded_by: Callable[[str], bool], is_of_imaging: bool
    ) -> bool:
        """Returns whether an abbreviation has another meaning than in the vocabulary.

        is_expanded_by: whether a long form has the meaning of the vocabulary; is_of_imaging: not one of other concepts,
        for which the name of a molecule may be right.
        """
        name = name.removesuffix("s")
        before, after = self._around(start, end)
        if name in MEANINGS and self._shows(MEANINGS[name], before, after):
            return True
        if is_of_imaging and self._names_molecule_or_code(before, after):
            return True
        if self._is_other_by_rule(name, before, after, is_dotted="." in self._text[start:end]):
            return True
        if name not in self._expanded:
            self._expanded[name] = self._is_expanded_otherwise(name, is_expanded_by)
        return self._expanded[name]

    def is_country(self, start: int, end: int) -> bool:
        """Returns whether US is the country in a caption in which it otherwise is ultrasound."""
        before, after = self._around(start, end)
        return bool(_COUNTRY_AFTER.match(after) or (_IN_COUNTRY.search(before) and _CLAUSE_END.match(after)))

    def _around(self, start: int, end: int) -> tuple[str, str]:
        return self._text[max(0, start - _NEAR) : start], self._text[end : end + _NEAR]

    def _contains(self, pattern: re.Pattern[str]) -> bool:
        if pattern not in self._contained:
            self._contained[pattern] = pattern.search(self._text) is not None
        return self._contained[pattern]

    def _shows(self, meaning: Meaning, before: str, after: str) -> bool:
        """Returns whether a caption has the words of another meaning, or lacks words that a name needs."""
        if meaning.before and meaning.before.search(before):
            return True
        if meaning.after and meaning.after.match(after):
            return True
        if meaning.needs_before and meaning.needs_after:
            return not meaning.needs_before.search(before) and not meaning.needs_after.match(after)
        if meaning.needs_anywhere and not self._contains(meaning.needs_anywhere):
            return True
        return meaning.anywhere is not None and self._contains(meaning.anywhere)

    def _names_molecule_or_code(self, before: str, after: str) -> bool:
        if self._shows(ANY_ABBREVIATION, before, after) or _CODE_BEFORE.search(before):
            return True
        return bool(_CODE_AFTER.match(after)) and not self._contains(_IMAGING)

    def _is_other_by_rule(self, name: str, before: str, after: str, *, is_dotted: bool) -> bool:
        if name in _WORDS_IN_CAPITALS and self._is_in_capitals:
            return True
        if name in CITY_OF_STATE and _is_state(name, before, after):
            return True
        if is_dotted or name == "USS":
            is_surname = _SURNAME.match(after) and not _IMAGING.match(after.strip())
            if is_surname:
                return True
        if name == "US":
            return not self._is_ultrasound(before, after, is_dotted=is_dotted)
        if name == "CT":
            return bool(re.match(r"\s*values?\b", after)) and self._contains(PCR)
        if name in ("AP", "PA") and not self._contains(_PROJECTION):
            return True
        return name == "PA" and self._contains(_PULMONARY_ARTERY)

    def _is_ultrasound(self, before: str, after: str, *, is_dotted: bool) -> bool:
        """Returns whether US is ultrasound: the country unless something shows the opposite."""
        if _COUNTRY_AFTER.match(after):
            return False
        if _ULTRASOUND_AFTER.match(after):
            return True
        if _EXAMINATION_BEFORE.search(before) and _EXAMINATION_AFTER.match(after):
            return True
        if is_dotted or _COUNTRY_BEFORE.search(before):
            return False
        if _ULTRASOUND_BEFORE.search(before) or self._contains(_ULTRASOUND_ELSEWHERE):
            return True
        # "US: mass" and "Gravid uterus (US)" are captions that name nothing else.
        is_alone = re.match(r"\s*(?:[:.)]|$)", after) is not None
        return is_alone and (before.endswith("(") or not before.strip())

    def _is_expanded_otherwise(self, name: str, is_expanded_by: Callable[[str], bool]) -> bool:
        """Returns whether the caption itself says that an abbreviation stands for something else."""
        found = list(long_forms(self._text, name))
        if not found or any(_IMAGING.search(long.words) or is_expanded_by(long.words) for long in found):
            return False
        if any(long.certain for long in found):
            return True
        others = [other for other in _OTHER_ABBREVIATION_IN_BRACKETS.findall(self._text) if other != name]
        if others or len(re.findall(rf"\b{name}s?\b", self._text)) > 1:
            return not all(_FINDING.match(long.words) for long in found)
        # Words that may be a finding are the long form only in a caption without any sign of an image.
        return not self._contains(_BODY)
