"""Recognises titles with which journals mark a retracted paper, or head the notice of a retraction.

Called by `status.py`. A word such as "retraction" alone marks nothing, because radiology uses it for brains, nipples
and muscles, and papers about retractions use it, too: journals set it off by a colon, brackets or a dash, at the start
or at the end of the title.
"""

from __future__ import annotations

import re
from enum import StrEnum

from roco.base.patterns import later


class Mark(StrEnum):
    """What a title says about its article.

    RETRACTED: the paper with this title is retracted ("RETRACTED: …", "… [Retracted]")
    RETRACTION: the same, or the article is the notice ("Retraction: …", "Notice of retraction")
    PARTIAL: it is the notice of a partial retraction, after which the paper remains valid
    """

    RETRACTED = "retracted"
    RETRACTION = "retraction"
    PARTIAL = "partial"


_RETRACTED = (
    r"(?:retracted|withdrawn|retratad[oa]s?|retractad[oa]s?|retirad[oa]s?|r[eé]tract[eé]e?s?|zur[uü]ckgezogen"
    r"|(?-i:REMOVED|TEMPORARILY REMOVED))"
)
_RETRACTION = (
    r"(?:retraction|(?-i:WITHDRAWAL|REMOVAL|TEMPORARY REMOVAL)|article (?:withdrawal|removal)|retrata[cç][aã]o"
    r"|retractaci[oó]n|r[eé]tractation)"
)
_PAPER = r"(?:articles?|papers?|chapters?|publications?|manuscripts?|artigo|art[ií]culo|artikel|beitrag)"
_RETRACTED_PAPER = (
    rf"(?:(?:this|the)\s+{_PAPER}\s+(?:has\s+been|was|is)\s+{_RETRACTED}|(?:{_PAPER}\s+)?{_RETRACTED}(?:\s+{_PAPER})?)"
)
# A hyphen is a dash only between spaces: "retracted-eardrum".
_DASH = r"(?:\s*[\u2012-\u2015]\s*|\s+-\s*|\s*-\s+)"
_OPEN, _CLOSE, _INSIDE = r"[\[({\u3010*]", r"[\])}\u3011*]", r"[^\])}]*"
_NOTICE_OF = r"(?:notice|note|statement|announcement|letter) of"
_ANNOUNCEMENT = r"(?:notice|note|statement|announcement)\s*(?:[:.\u2012-\u2015\"“‘'«]|(?:to|for|of|regarding)\b|$)"
_CAPITALISED = r"(?-i:RETRACTED|WITHDRAWN|Retracted|Withdrawn)"

_SET_OFF = r"\s*(?::|\u2014|(?<=\s)[\u2012\u2013-]|-\s|\.\s)"
# The subtitle of a paper about retraction, as a finding or as a topic: "Retraction: a sign of …". After the mark of a
# journal the title of the retracted paper begins with a capital.
_ABOUT_RETRACTION = (
    r"\s*(?:(?-i:an?|the|its|is|are|what|when|why|how|who|where|not|from|beyond|more|of|in|on|for|and|or|does|do|can|should"
    r"|[a-z]+s?\s+(?:of|and|or|in|on))\b"
    r"|(?:(?:an?|the)\s+)?(?:[\w-]+\s+){0,2}?(?-i:Signs?|Causes?|Clues?|Hallmarks?|Pitfalls?|Mimics?)\s+(?:of|in|for|and|to)\b)"
)
_IS_RETRACTED = tuple(
    later(pattern, re.I)
    for pattern in (
        # at the start: "RETRACTED: …", "Retracted (2021): …", "[Retracted article] …", "Retracted – …", "Retracted. …"
        rf"\W*{_RETRACTED_PAPER}\s*(?:\([^)]*\d{{4}}\)\s*)?(?:{_CLOSE}|[:;]|{_DASH}|\.\s|\W*$)",
        # "RETRACTED A case of …", unless the whole title is in capitals
        r"\W*(?-i:RETRACTED|WITHDRAWN)(?-i:\s+ARTICLE|\s+PAPER)?\s(?!\s*(?-i:[A-Z]+S)\b)(?=.*(?-i:[a-z]{3}))",
        # at the end: "… [Retracted]", "… (Retracted article. See vol. 3, p. 5, 2013)", "… [Retracted in 2013]"
        rf".*{_OPEN}\s*{_RETRACTED_PAPER}\s*{_CLOSE}\W*$",
        rf".*{_OPEN}\s*{_RETRACTED_PAPER}\s*[.:,;]{_INSIDE}{_CLOSE}\W*$",
        rf".*{_OPEN}\s*{_RETRACTED}\s+{_PAPER}\b{_INSIDE}{_CLOSE}\W*$",
        rf".*{_OPEN}\s*retracted\s+(?:(?:in|on)\b{_INSIDE}\d|see\b){_INSIDE}{_CLOSE}\W*$",
        # "…. This article has been retracted"
        rf".*[.:?!\u2012-\u2015]\s*(?:this|the)\s+{_PAPER}\s+(?:has\s+been|was|is)\s+{_RETRACTED}\W*$",
        # "… – RETRACTED", "…: Retracted", "…. Retracted article"
        rf".*(?:[:\u2012-\u2015]|\s-)\s*{_CAPITALISED}(?:\s+{_PAPER})?\W*$",
        rf".*[.?!]\s+{_CAPITALISED}(?:\s+{_PAPER})?\W*$",
        # "… RETRACTED", unless the whole title is in capitals
        r"(?=.*(?-i:[a-z]{3})).*[^\w\s-]\s*(?-i:RETRACTED|WITHDRAWN)\W*$",
    )
)
_IS_RETRACTION = tuple(
    later(pattern, re.I)
    for pattern in (
        # "Retraction: …", "[Retraction] …", "Retraction – …", but not "Retraction–extension injury"; or alone
        rf"\W*{_RETRACTION}\s*{_CLOSE}|\W*{_RETRACTION}s?\W*$",
        rf"\W*(?:(?-i:RETRACTION)|{_RETRACTION}(?!{_SET_OFF}{_ABOUT_RETRACTION})){_SET_OFF}",
        # "… – RETRACTION", unless the whole title is in capitals
        r"(?=.*(?-i:[a-z]{3})).*(?:[:.\u2012-\u2015]|\s-)\s*(?-i:RETRACTION)\W*$",
        # "… [Retraction]"; in round brackets only with a capital, because lower-case ones may be a finding
        rf".*(?:\[\s*{_RETRACTION}|\(\s*(?-i:R[Ee][Tt][Rr][Aa][Cc][Tt][Ii][Oo][Nn]))\s*{_CLOSE}\W*$",
        r".*\[\s*retraction(?:\s*:|\s+(?:in|published)\b)",
        rf"\W*(?:[\w’' ]{{1,20}}:\s*)?{_NOTICE_OF} (?:the )?(?:article )?(?:retraction|withdrawal)\b",
        rf"\W*(?:article |paper |editorial )?(?:retraction|withdrawal) {_ANNOUNCEMENT}",
        # 'Retraction of "…"', "Retraction to: …", "Retraction for Doe et al."
        r"\W*retraction (?:of|to|for)\s*(?::|[\"“‘'«]|(?:the )?(?:article|paper)\b)",
        r"\W*retraction (?:of|for)\s.{2,80}?\bet al\b",
        r"\W*retract(?:ion|ed) and re(?:placement|publication|placed|published)\s*[:.\])]",
    )
)
_IS_PARTIAL_RETRACTION = re.compile(
    r"\W*(?:notice of )?(?:\(?partial(?:ly)?\)? retract|(?:retrata|retracta)\w+ parcial)", re.I
)
_HINT = re.compile(r"r[eé]tra|retir|withdr|remov|zur[uü]ck", re.I)  # is in every title that a pattern matches
_LONGEST = 2_000  # characters of a title that are searched


def mark_in(title: str) -> Mark | None:
    """Returns what a title says about its article; None for ordinary titles. title: white space folded."""
    title = title[:_LONGEST]
    if not _HINT.search(title):
        return None
    if _IS_PARTIAL_RETRACTION.match(title):
        return Mark.PARTIAL
    if any(pattern.match(title) for pattern in _IS_RETRACTED):
        return Mark.RETRACTED
    if any(pattern.match(title) for pattern in _IS_RETRACTION):
        return Mark.RETRACTION
    return None
