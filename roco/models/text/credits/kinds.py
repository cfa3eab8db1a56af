"""The kinds of credits: the words of each, and a hint, which is fast on a whole column.

A pattern ends where the one who is credited begins, so that `credits/__init__.py` can look at the words after it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from roco.base.patterns import later
from roco.models.text.credits.holders import AGENCIES, PUBLISHERS
from roco.models.text.credits.parts import (
    AFTER,
    BE,
    BEGINS,
    CAPITAL,
    CITATION,
    CITED,
    CITED_NAME,
    DIGIT,
    END,
    FROM,
    FROM_CITED_HINT,
    FULL_NAME,
    IMAGE,
    NAME,
    NUMBERS,
    ONLY_CITATION,
    ORGANISATION,
    PERSON,
    PICTURE,
    TITLE,
    WORK,
)


class Kind(NamedTuple):
    """One kind of credit; hint: a regular expression for Arrow that matches every text in which the pattern matches."""

    name: str
    hint: str
    pattern: re.Pattern[str]


class _Rule(NamedTuple):
    hint: str
    pattern: str


def _rule(hint: str, *parts: str) -> _Rule:
    """Joins the parts of a pattern."""
    return _Rule(hint, "".join(parts))


def _kind(name: str, *rules: _Rule) -> Kind:
    hints = dict.fromkeys(rule.hint for rule in rules)
    # In Arrow `\s` is ASCII only and `.` is no line break, but captions contain both no-break spaces and line breaks.
    hint = "(?s)" + "|".join(hints).replace(r"\s", r"[\s\p{Z}]")
    return Kind(name, hint, later("|".join(rule.pattern for rule in rules), re.I))


_WORDS = r"(?:[\w’'-]+\s+)"
_USED = r"(?:used|reproduced|re-?printed|published|republished|adapted|shown|included|displayed|distributed)"
# "under an open licence", "under CC BY": the licence of the article itself
_NOT_OPEN = r"(?!(?:attribution|cc|creative|open|free|gnu|gpl|mit|apache|public)\b)"

_PERMISSION = (
    # "with kind permission of"; a citation may follow without a space: "with permission12"
    _rule("permiss", rf"\b(?:with|by|under|after|upon|per)\s+{_WORDS}{{0,3}}?permissions?(?![^\W\d_])"),
    _rule("permiss", rf"\bpermissions?\s+{BE}(?:kindly\s+)?(?:granted|obtained|received|given|from|of|by)\b"),
    _rule("permiss", r"\bpermission\s+to\s+(?:re)?(?:produce|print|use|publish)"),
    _rule("permiss", r"\bpermissions?\s*(?:[:#]|no\.|number\b)"),
    # "image used under license from", "used under license."
    _rule(
        "licen",
        rf"(?:{BEGINS}|\b(?:{PICTURE}|{_USED})\s+{BE}(?:used\s+)?)(?:under|with|by)\s+(?:{_NOT_OPEN}[\w’'-]+\s+){{0,3}}?",
        r"licen[cs]es?\s+(?:agreement\s+)?(?:from|of|by|with|to)\b",
    ),
    _rule(
        "licen",
        rf"\b(?:used|reproduced|re-?printed)\s+under\s+(?:{_NOT_OPEN}[\w’'-]+\s+){{0,2}}?licen[cs]e\s*(?=[.;,)(]|$)",
    ),
    _rule(
        "licen",
        rf"(?:{BEGINS}|\b{PICTURE}\s+{BE})(?:(?:used|adapted|reproduced)\s+(?:and|as)\s+)?",
        r"licen[cs]ed\s+(?:from|by|to|through|via)\b",
    ),
    _rule("licen", rf"\b{PICTURE}\s+{BE}licen[cs]ed\s+under\s+{_NOT_OPEN}(?={NAME})"),
    _rule("licen", rf"{BEGINS}licen[cs]es?\s+{BE}(?:(?:obtained|granted|purchased|acquired)\s+)?(?:from|by)\b"),
    # the numbers of the Copyright Clearance Center
    _rule("licen", r"\blicen[cs]e\s+(?:number|no\.?|id)\s*:?\s*\d{10,}"),
    _rule("rightslink|clearance", r"\brightslink\b|\bcopyright\s+clearance\s+cent"),
    _rule(
        r"stock\s|royalty|purchased|bought",
        rf"\bstock\s+{PICTURE}(?!\w)|\broyalty[\s-]free\b|\b{PICTURE}\s+{BE}(?:purchased|bought)\s+from\b",
    ),
    _rule("arrangement", r"\bby\s+(?:\w+\s+)?arrangement\s+with\b"),
    # "with the authorization of the publisher"
    _rule(
        "authori[sz]ation|approval|agreement|consent",
        r"\bwith\s+(?:the\s+)?(?:\w+\s+){0,2}(?:authori[sz]ation|approval|agreement|consent)\s+(?:of|from|by)\s+",
        r"(?=(?:the\s+)?(?:original\s+)?(?:publisher|journal|editor|copyright|rights|owner|author|photographer|artist",
        rf"|{PUBLISHERS}|{TITLE}))",
    ),
    _rule("permis|autori[sz]a", r"\b(?:con|avec|com)\s+(?:[\w’']+\s+){0,2}(?:l['’])?(?:permis|autori[sz]a)\w*"),
    _rule(
        "licen|lizenz",
        r"\b(?:bajo|sob|sous|unter)\s+(?:\w+\s+)?(?:l[aei]\s+)?(?:licen[cç]\w+|lizenz)\s+(?:d[aeou]|von)",
    ),
    _rule("genehm|erlaub", r"\bmit\s+(?:\w+\s+){0,2}(?:genehmigung|erlaubnis)"),
    _rule("permesso|toestemming", r"\bcon\s+(?:il\s+)?permesso\b|\bmet\s+toestemming\b"),
)

_COURTESY = (
    # The adjective is no credit: "a courtesy visit", "as a courtesy".
    _rule(
        "courtesy",
        r"(?<!\bas a )(?<!professional )(?<!common )\bcourtesy(?:\s+(?:of|from|by|to)\b|\s*(?=[^\w\s]|$)",
        rf"|\s+(?=(?:the|our|his|her|their|{TITLE})\b|{CAPITAL}|\d))",
    ),
    _rule("cortes[ií]a|courtoisie|gentileza", r"\bcortes[ií]a\s*(?:\bd[aeo]l?\b|:)|\bcourtoisie\b|\bgentileza\b"),
    _rule("gentil", r"\bgentil(?:e\b|mente)\s+(?:concess|ced|conced|fornec|fornit|offer)\w*"),
    _rule("freundlich", r"\bfreundlicherweise\b"),
)

_COPIED = (
    # Verbs that need no work after them: "reprinted with changes from X", "adapted from12"
    _rule(
        r"(?:adapted|produced|printed|published|drawn).*from",
        r"\b(?:adapted|re-?produced|re-?printed|re-?published|re-?drawn)[\s,/]+",
        # "reproduced the pain from" has another object
        rf"(?!(?:the|an?|his|her|their)\s+(?!{IMAGE}))(?:[\w’',-]+\s+){{0,3}}?",
        rf"{FROM}(?=[^\s\d]|\d{{4}}|{CITED}|$)",
    ),
    _rule(
        r"(?:modified|adopted|borrowed|copied|excerpted|used|duplicated).*from",
        r"\b(?:modified|adopted|borrowed|copied|excerpted|re-?used|duplicated)\s+",
        rf"{_WORDS}{{0,3}}?{FROM}(?={WORK})",
    ),
    _rule(
        r"(?:altered|amended|simplified|edited|created|worked|digiti[sz]ed|traced|cropped|translated|scanned).*from",
        r"\b(?:altered|amended|simplified|edited|re-?created|re-?worked|digiti[sz]ed|traced|cropped|translated|scanned)\s+",
        rf"{_WORDS}{{0,3}}?{FROM}(?={CITED})",
    ),
    # "redrawn after Other", "(after Other, 1999)"
    _rule(
        r"after\d|(?:adapted|modified|drawn|copied)\s+after",
        rf"\b(?:adapted|modified|(?:re-?)?drawn|copied)\s+{AFTER}(?={CITED})",
    ),
    _rule(
        r"(?:adapted|modified|drawn)\s+after",
        r"\b(?:adapted|modified|re-?drawn)\s+after\s+(?=(?-i:[A-ZÀ-Þ][a-zà-ÿ]+)\s*(?:[.,;)\]]|$|and\b|et\b|\())",
    ),
    _rule(r"[(\[]\s*after\s", rf"[(\[]\s*after\s+(?={CITED_NAME})"),
    # "After Other (1999)." and nothing else, but not "After Surgery (2015)."
    _rule(r"after\s[^.;]*(?:et\s+al|(?:19|20)\d\d)", rf"{BEGINS}after\s+(?={ONLY_CITATION})"),
    _rule(r"after\d", rf"{BEGINS}after(?={NUMBERS}{END})"),
    # "image from [7]", "taken from Other et al."
    _rule(
        FROM_CITED_HINT,
        r"\b(?:taken|obtained|retrieved|downloaded|sourced|captured|accessed",
        rf"|{IMAGE}(?:\s+{BE}(?:extracted|derived)|\s+(?:is|are|was|were))?)\s+{FROM}(?={CITED}|{TITLE})",
    ),
    # Values, not pictures, are extracted from "the literature" or "the book".
    _rule(
        FROM_CITED_HINT,
        rf"{BEGINS}(?:extracted|derived)\s+{FROM}(?={CITED})|\b(?:extracted|derived)\s+{FROM}(?={CITATION})",
    ),
    _rule(
        FROM_CITED_HINT,
        rf"{BEGINS}{FROM}(?=\[|\(?ref|https?:|www\.|(?<=from){DIGIT}|{CITED_NAME}",
        r"|the (?:internet|web|literature|atlas)\b)",
    ),
    _rule(
        r"from:?\s*(?:the\s+)?(?:(?-i:NASA|CDC|WHO|NIH|NOAA|USGS|NLM)|world|centers|national)",
        rf"\b{PICTURE}\s+{BE}{FROM}(?={ORGANISATION})",
    ),
    _rule(
        r"(?:published|appeared|printed)\s",
        r"\b(?:previously|originally|first|already|formerly)\s+(?:been\s+)?(?:published|appeared|printed)\s+",
        r"(?=in\b|by\b|as\b|elsewhere\b|[\[(]|\d)",
    ),
    _rule(
        r"(?:published|appeared|printed)\s",
        rf"\b{PICTURE}\s+{BE}(?:published|appeared|printed)\s+(?:in|by|as|elsewhere)\b",
    ),
    # Portuguese and Spanish, French, Italian, German
    _rule(r"(?:adaptad|reprodu[zc]id)[oa]", r"\b(?:adaptad|reproduzid|reproducid)[oa]s?\s+d[eoa]s?\b"),
    _rule(
        r"(?:adaptad|modificad)[oa]",
        rf"\b(?:adaptad|modificad)[oa]s?\s+(?:pel[oa]s?|por)\s+(?:\w+\s+){{1,3}}d[eoa]s?\s+(?={CITED})",
    ),
    _rule(
        r"(?:tomad|extra[ií]d|retirad|modificad)[oa]",
        rf"\b(?:tomad|extra[ií]d|retirad|modificad)[oa]s?\s+d[eoa]s?\s+(?={CITED})",
    ),
    _rule(r"(?:adapt|modifi|tir)[ée]e?s?\s+d", rf"\b(?:adapt|modifi|tir)[ée]e?s?\s+(?:de|du|d['’])\s*(?={CITED})"),
    _rule(r"d['’]apr[èe]s", rf"\bd['’]apr[èe]s\s+(?={CITED})"),
    _rule(r"(?:adattat|modificat|tratt)[oaie]", rf"\b(?:adattat|modificat|tratt)[oaie]\s+da\s+(?={CITED})"),
    _rule(
        r"modifiziert|adaptiert|gezeichnet|verändert|entnommen",
        rf"\b(?:modifiziert|adaptiert|gezeichnet|verändert|entnommen)\s+(?:nach|aus|von)\s+(?={CITED})",
    ),
)

_KINDLY = r"(?:kindly|generously|graciously)\s+"
_GIVEN = r"(?:provided|supplied|contributed|donated|shared|offered|lent|given|made\s+available)"
_GIVEN_BY_HINT = r"(?:provided|supplied|contributed|donated|shared|offered|lent|given|available)\s+by"
_MADE = r"(?:taken|drawn|made|prepared|painted|created|designed)"
_GOT = r"(?:(?:acquired|downloaded|extracted|obtained|retrieved|selected|sourced|taken)\s+)"
_OF_THE_HOSPITAL = r"(?-i:PACS|RIS|[Hh]ospital|[Ii]nstitut|[Dd]epartment|[Cc]linic|[Uu]niversity|[Oo]ur)"
_COLLECTION = r"(?:collections?|archives?|(?:image |picture |photo )?library|teaching\s+files?|files)"

_CREDIT = (
    # "photo credit", "image source:", but "X-ray source:" is a tube
    _rule(r"credit", rf"\b{IMAGE}\s+credits?\b|\bcredits?\s+(?:goes\s+)?to\b|\bcredited\s+to\b"),
    _rule(r"source", rf"\b{IMAGE}\s+(?<!ray )(?<!rays )sources?\s*:|\bsources?\s+of\s+(?:the\s+)?{PICTURE}\s*:"),
    _rule(
        r"cr[ée]dit",
        rf"{BEGINS}(?:credits?\s*:|cr[ée]dito?s?\s*(?:(?:da|de|la|photo|foto\w*|imagem|imagen)\s*){{0,3}}:)",
    ),
    # "images kindly provided by"
    _rule(_GIVEN_BY_HINT, rf"\b{IMAGE}\s+{BE}(?:{_KINDLY})?{_GIVEN}\s+by\b"),
    _rule(r"kindly|generously|graciously", rf"\b{_KINDLY}{_GIVEN}\b(?:\s+by\b)?"),
    _rule(
        _GIVEN_BY_HINT,
        rf"(?:{BEGINS}|\b(?:{PICTURE}|\w+grams?|CT|MRI|ultrasound)\b[^.;]{{0,80}}?\s){_GIVEN}\s+by\s+(?={TITLE})",
    ),
    # "drawings made by Jane Doe", "photographed by Jane Doe", "artist: Jane Doe"
    _rule(r"by:?\s+(?-i:[A-ZÀ-Þ]|dr|prof)", rf"\b{IMAGE}\s*{BE}(?:{_MADE}\s+)?by:?\s+(?={PERSON})"),
    _rule(
        r"(?:photographed|illustrated|painted)\s+by",
        rf"\b(?:photographed|illustrated|painted)\s+by\s+(?={TITLE}|[^.;:]{{0,30}}?{FULL_NAME}\s*[).,;])",
    ),
    _rule(r"(?:photographer|illustrator|artist)s?\s*:", r"\b(?:photographer|illustrator|artist)s?\s*:\s*(?=\S)"),
    _rule(
        r"(?:photo|photograph|illustration|drawing|artwork|foto|fotografia|fotografía|ilustração|ilustración)s?\s*:",
        r"\b(?:photos?|photographs?|illustrations?|drawings?|artwork|fotos?|fotograf[ií]as?|ilustra(?:ção|ción))\s*:\s*",
        rf"(?={PERSON}|{ORGANISATION}|(?:personal|private)\s+{_COLLECTION}\s+of\b)",
    ),
    # "Image: Dr. Doe", "Radiograph: J. Doe"; two words with capitals may describe the picture: "Image: Lateral View"
    _rule(
        rf"{PICTURE}\s*:\s*(?:the\s+)?(?-i:[A-Zdp])",
        rf"\b{PICTURE}\s*:\s*(?={TITLE}\.?\s+{CAPITAL}|{ORGANISATION}|{CAPITAL}\.\s*(?:{CAPITAL}\.\s*)*{NAME}\s*(?:[).,;]|$))",
    ),
    _rule("gift", rf"\b{IMAGE}\s+{BE}(?:an?\s+)?(?:[\w-]+\s+)?gifts?\s+(?:of|from)\b"),
    _rule(
        r"thank|grateful|indebted|acknowledge",
        r"\b(?:we\s+thank|thanks\s+(?:are\s+due\s+)?to|grateful\s+to|indebted\s+to|acknowledge)\s+(?:the\s+)?",
        rf"(?={TITLE}|{NAME})(?=[^;]{{0,90}}\bfor\s+(?:\w+\s+){{0,4}}",
        rf"(?:{PICTURE}|providing|permission|supplying|sharing)\b)",
    ),
    # "image from the collection of", "Example Archives"
    _rule(
        r"from\s+[^,;]*(?:collection|archive|library|files)\s+of",
        rf"(?:{BEGINS}|\b{PICTURE}\s+{BE}(?:(?:taken|obtained|selected)\s+)?)from\s+(?:the\s+)?(?:[\w'’.-]+\s+){{0,4}}?",
        rf"{_COLLECTION}\s+of\b",
    ),
    _rule(
        r"(?-i:Collection|Archive|Library)",
        rf"(?:{BEGINS}|\b{PICTURE}\s+{BE})(?:from\s+)?(?:the\s+)?[‘“\"]?(?:{NAME}[’”\"]?\s+){{1,4}}",
        r"(?-i:Collection|Archives?|Library)\b",
    ),
    # "images downloaded from the Example Imaging Archive", but not from the hospital's own
    _rule(
        r"from\s+[^,;]*(?:archive|atlas|database|data\s?set|repository|library|collection)",
        rf"\b{PICTURE}\s+{BE}{_GOT}?from\s+(?:the\s+)?(?!{_OF_THE_HOSPITAL})(?:{NAME}\s+){{1,5}}",
        r"(?:\((?-i:[A-Z-]+)\)\s+)?(?:archives?|atlas|databases?|data\s?sets?|repository|library|collection)\b",
    ),
    _rule(AGENCIES, AGENCIES),
    # "Created from BioRender" names a tool of the authors, "icons from BioRender" pictures of others.
    _rule("biorender", r"(?<!created\s)(?<!made\s)(?<!generated\s)\bfrom\s+biorender\b|©\s*biorender\b"),
)

_COPYRIGHT = (
    _rule("copyright", r"\bcopyright"),
    # A sign after the name of a product is no notice: "OsiriX ©", "Photoshop © software".
    _rule("©", r"(?<![\w°])(?<!(?-i:[A-Z])\s)©\s*(?=\d{4})"),
    _rule("©", rf"(?:^|[^\w\s°]\s*|\b(?:(?-i:[a-z])[\w-]*|{PICTURE})\s+)©\s*(?=(?:by\s+)?(?:the\s+)?(?-i:[A-ZÀ-Þ]))"),
    _rule(r"\(c\)\s*(?:19|20)", r"\(c\)\s*(?:19|20)\d\d\b"),
    _rule(rf"\(c\)\s*(?:by\s+)?{PUBLISHERS}", rf"\(c\)\s*(?:by\s+)?(?={PUBLISHERS})"),
    _rule("rights", r"\ball\s+rights\s+reserved\b"),
)

_NO_PICTURE = (
    "data", "light", "energy", "power", "ray", "heat", "sound", "signal", "bleeding", "embolic", "infection",
    "radiation", "infectious", "photon", "laser", "ion", "voltage", "fuel", "food", "water", "carbon", "nitrogen",
)  # fmt: skip
_SOURCE = (
    _rule(r"source|fonte|fuente|quelle", rf"{BEGINS}(?:sources?|fontes?|fuentes?|quellen?)\s*[:=]\s*(?=\S)"),
    # a paragraph of its own after a text without a full stop; "Light Source:" is none
    _rule(
        r"source|fonte|fuente|quelle",
        *(rf"(?<!{word}\s)" for word in _NO_PICTURE),
        r"\b(?-i:Source|Fonte|Fuente|Quelle)s?\s*:\s*(?=\S)",
    ),
)

_LICENSE = (
    _rule(r"creative|cc[- ]by", r"\bcreative\s+commons\b|\b(?-i:CC[- ]BY)\b"),
    _rule(r"public\s+domain", r"\bpublic\s+domain\b"),
    _rule(r"gnu|gfdl", r"\bgnu\s+(?:free|general)\b|\bgfdl\b"),
)

KINDS = (
    _kind("permission", *_PERMISSION),
    _kind("courtesy", *_COURTESY),
    _kind("copied", *_COPIED),
    _kind("credit", *_CREDIT),
    _kind("copyright", *_COPYRIGHT),
    _kind("source", *_SOURCE),
    _kind("license", *_LICENSE),
)
"""Kinds of credits, in the order in which they are tested."""
