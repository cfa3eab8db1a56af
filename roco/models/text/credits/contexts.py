"""What the words around a credit tell about it: whether it is about a tool, a patient, this article or a panel."""

from __future__ import annotations

import re

from roco.base.patterns import later
from roco.models.text.credits.holders import HOLDER, PUBLISHERS
from roco.models.text.credits.own_work import PATIENTS, PATIENTS_BEFORE, PATIENTS_OR_AUTHORITIES
from roco.models.text.credits.parts import IMAGE
from roco.models.text.credits.things import MATERIAL, MEASUREMENT, TOOL


def is_of_patients(before: str, permission: str, granted_by: str) -> bool:
    """Returns whether a permission is one of patients or an ethics committee: it concerns privacy, not the image."""
    # "from Acme, and consent was obtained", "from Acme and with consent": only the first is who gave the permission.
    holder = re.split(r"\s+and\s+", granted_by)[0]
    return bool(
        PATIENTS_OR_AUTHORITIES.search(holder)
        or PATIENTS.search(permission)
        or PATIENTS_BEFORE.search(before[-25:] + permission)
    )


def has_tool_as_subject(before: str) -> bool:
    """Returns whether the words before a verb of copying name a tool, a method or measurements instead of a picture.

    "The needle was", "with a technique", "Values". "Technique adapted from [3]" and "The figure of the needle was" are
    about pictures.
    """
    sentence = _SENTENCES.split(before[-160:])[-1]
    subject = _TOOL_SUBJECT.search(sentence)
    if not subject:
        return False
    return bool(subject["means"]) or not _PICTURE.search(sentence)


def is_licence_of_tool(before: str) -> bool:
    """Returns whether the words before "used under license" name software, a device or a drug and no picture."""
    sentence = _ENDS.split(before[-160:])[-1]
    return bool(_TOOL_AT_END.search(sentence)) and (bool(_MEANS.search(sentence)) or not _PICTURE.search(sentence))


def is_gift_of_material(before: str) -> bool:
    """Returns whether the words before "kindly provided" name a device or material: "The phantom was", "Cells were".

    "CT of the phantom, kindly provided by" may be about the picture.
    """
    sentence = _ENDS.split(before[-160:])[-1]
    return bool(_MATERIAL_AS_SUBJECT.fullmatch(sentence)) and not _PICTURE.search(sentence)


def is_any_object(phrase: str) -> bool:
    """Returns whether an object is indefinite and no work: "a surgical mask", but not "an old drawing"."""
    if not phrase.islower() or not _INDEFINITE.match(phrase):
        return False
    return not (HOLDER.search(phrase) or _PICTURE.search(phrase) or _ORIGINAL.search(phrase) or "[" in phrase)


def is_figure_of_this_article(after: str) -> bool:
    """Returns whether "modified from" refers to a figure of the same article: "Figure 2", but not "Figure 2 of [3]"."""
    return bool(_THIS_FIGURE.match(after))


def is_panel_letter(text: str, match: re.Match[str]) -> bool:
    """Returns whether "(C) 2015" is the third panel instead of a copyright notice."""
    if not match[0].lower().startswith("(c)"):
        return False
    if _UNIT.match(text, match.end()):
        return True
    # A publisher or a name up to the end of the sentence makes it a notice: "(A) CT. (C) 2015 Example Press."
    return bool(_OTHER_PANEL.search(text)) and not _NOTICE.match(text, match.end())


_SENTENCES = later(r"[.:;()\[\]]\s|[(\[]")
_THIS_FIGURE = later(
    r"(?:the\s+)?(?:fig(?:ure)?s?\.?|panels?|tables?)\s*S?\d+[a-z]?\b(?!\s*(?:of|in|from|by)\b"
    r"(?!\s+(?:this|the\s+present|our)\s+(?:article|manuscript|paper|study|work)\b))(?!\s*[\[(])",
    re.I,
)
_PICTURE = later(rf"\b{IMAGE}(?!\w)|\b(?:schem\w+|sketch\w*|graphs?|charts?|tables?|plots?)\b", re.I)
_BE = r"(?:is|are|was|were|(?:has|have|had)\s+been)(?:\s+\w+ly)?"
_TOOL_SUBJECT = later(
    rf"(?P<means>\b(?:with|using|by|via)\s+(?:[\w-]+\s+){{0,4}}?{TOOL}\s+$)"
    rf"|\b(?:an?|the|this|our|their|of|in)\s+(?:[\w-]+\s+){{0,4}}?{TOOL}\s+$"
    rf"|\b(?:{TOOL}\s+(?:[\w-]+\s+){{0,6}}?|{MEASUREMENT}\s+){_BE}\s+$|\b{MEASUREMENT}\s+$"
    r"|\b(?:measured|calculated|performed|graded|classified|defined|scored|assessed|determined)\s+(?:as\s+)?$",
    re.I,
)
_ENDS = later(r"[.;:]\s")
_TOOL_AT_END = later(rf"\b{TOOL}[\s,(]*(?:{_BE}\s+)?$", re.I)
_MEANS = later(rf"\b(?:with|using|by|via)\s+(?:[\w-]+\s+){{0,4}}?{TOOL}[\s,(]*$", re.I)
_MATERIAL_AS_SUBJECT = later(
    rf"\W*(?:(?!(?:CT|MRI?|US|of|with|in|from|show\w*)\b)[\w-]+\s+){{0,4}}(?:{TOOL}|{MATERIAL})[\s,(]*(?:{_BE}\s+)?",
    re.I,
)
_INDEFINITE = later(r"(?:an?|one|another)\s")
_ORIGINAL = later(r"\b(?:original|source|print|engraving|painting|plate|classification|lecture|presentation|talk)s?\b")
_NOTICE = later(
    rf"[\s,]*(?:by\s+)?(?:{PUBLISHERS}|(?!(?:\w+\s+)?(?:CT|MRI?|US|PET)\b)(?-i:[A-Z][\w.&'-]*)"
    rf"(?:\s+(?-i:[A-Z&][\w.&'-]*)){{0,4}}\s*(?:[.;)]\s*|$)|(?:the\s+)?authors?\b|all\s+rights)",
    re.I,
)
_UNIT = later(r"\s*(?:[ckm]?[gmlsV]\b|ms\b|mg|ml|Hz|kHz|Gy|HU\b|×|x\b|%|K\b)")
_OTHER_PANEL = later(
    # (A), (A, B), (A–B), (A: left), (II), panel B, A), "A, axial; B, coronal"
    r"[(\[]\s*[abd-qs-zABD-QS-Z](?:\s*[-–,;:&/]|\s+(?:and|to)\b|\s*[)\]])|[(\[][IVX]{1,3}[)\]]"
    r"|\b[Pp]anels?\s+[a-hA-H]\b|(?<![\w(])[abAB]\)|\([1-9]\)|\b[ABD]\s+\((?:19|20)\d\d\)|(?:^|[.;]\s)[AB][,:]\s"
)
