"""Parts of the patterns in `kinds.py`: names of people, citations, works, and words for pictures."""

from __future__ import annotations

# --- people and organisations

CAPITAL = r"(?-i:[A-Z\u00c0-\u00de])"
NAME = rf"{CAPITAL}[\w'’-]+"
TITLE = r"(?:(?-i:[Dd]rs?|DR|[Pp]rof|[Pp]rofessor|PROF|Pr|Mrs?|Ms|Dra)\b)"
_PARTICLE = r"(?:(?:dos?|das?|del?|la|van|von|den|der|di)\s+)*"
FULL_NAME = rf"(?:{NAME}|{CAPITAL}\.)\s+(?:(?:{CAPITAL}\.?|{NAME})\s+){{0,2}}{_PARTICLE}{NAME}"
PERSON = rf"(?:{TITLE}|{FULL_NAME}\s*(?:[).,;\[]|$))"
ORGANISATION = (
    r"(?:the\s+)?(?:NASA|CDC|WHO|NIH|NOAA|USGS|NLM|World\s+Health\s+Organi[sz]ation|Centers\s+for\s+Disease"
    r"|National\s+(?:Library|Institutes?|Cancer|Museum|Archives?|Gallery))\b"
)

# --- citations and works

DIGIT = r"[\d¹²³⁰⁴-⁹]"
NUMBERS = r"\d{1,3}(?:\s*(?:[,–-]|and|&)\s*\d{1,3})*"
END = r"\s*(?:[.;)\]]|$|,?\s+(?:with|by|under)\b)"
_NO_NAME = (
    r"(?!(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Oct|Nov|Dec|Day|Week|Month|Year|Case|Patient|Subject|Participant"
    r"|Group|Table|Fig|Panel|Level|Left|Right|Baseline|Slice|Series|Sample|Zone|Segment|Rat|Mouse|Lot|Batch)[a-z]*\d*\b)"
)
CITED_NAME = (
    # Other et al., Other J (2015), Other and Else [7]
    rf"{_NO_NAME}(?:{_PARTICLE}{NAME}(?:\s+(?-i:[A-Z]{{1,3}})\b)?(?:(?:,\s*|\s+(?:and|&)\s+){NAME}){{0,3}}['’]?s?,?"
    r"\s+(?:et\s+al|\(?(?:19|20)\d\d|\[)"
    # Other7, where 7 was a superscript
    r"|(?-i:[A-Z][a-zà-ÿ]{3,})\d{1,3}(?!\w))"
)
_TREATMENT = r"(?!\w*(?:surgery|therapy|ectomy|plasty|otomy|ation|ment|birth|delivery|injection|admission|discharge)\b)"
ONLY_CITATION = (
    rf"{_NO_NAME}{_TREATMENT}{NAME}(?:(?:,\s*|\s+(?:and|&)\s+){NAME}){{0,3}}"
    r"(?:\s+et\s+al\.?(?:,?\s*\(?(?:19|20)\d\d[a-z]?\)?)?|,?\s+\(?(?:19|20)\d\d[a-z]?\)?)"
    r"\s*(?:[.;)\]](?!\s*(?:[\[(,]|(?-i:[a-z])))|$)"
)
"""A name with a year or "et al." at the end of a sentence."""
CITATION = (
    # (7), [7], from7, from⁷, "from 7 and 8."
    rf"(?:\(\s*{NUMBERS}\s*\)(?={END})|\[\s*\d|(?<=[a-z]){DIGIT}|[¹²³⁰⁴-⁹]|{NUMBERS}(?={END})"
    rf"|\(?ref(?:erence)?s?(?![a-z])|https?:|www\.|{CITED_NAME})"
)
CITED = (
    rf"(?:{CITATION}|the (?:internet|web|literature|atlas|text ?book|book)\b"
    r"|(?:the|an?)\s+(?:[\w-]+\s+){0,2}?(?:catalogue|catalog|brochure|web ?site|text ?book|magazine|newspaper|manual"
    r"|encyclop\w+|paper(?!\s+(?:charts?|records?|forms?|files?)))\b)"
)
WORK = (
    rf"(?:{CITED}|{NAME}|\(|[“\"‘]|(?:the|a|an|our|their|previous\w*)\s+(?:\w+\s+){{0,2}}"
    r"(?:work|article|paper|publication|study|book|report|figure|website|brochure|catalogue)\b)"
)
FROM = r"from(?![a-zà-ÿ])\s*:?\s*"
AFTER = r"after(?![a-z])\s*"
FROM_CITED_HINT = (
    r"from:?\s*(?:[\d(\[¹²³⁰⁴-⁹]|ref|http|www|drs?\b|prof|pr\b|mrs?\b|ms\b|dra\b|the\s+(?:internet|web|literature|atlas"
    r"|text|book))|from:?\s[^.;]*(?:et\s+al|(?:19|20)\d\d|\[)|from:?\s+[a-zà-ÿ]{4,}\d"
    r"|from:?\s+[^.;,]*(?:catalog|brochure|web|book|magazine|paper|manual|encyclop)"
)
"""A hint for `FROM` before `CITED`, `CITED_NAME` or `TITLE`."""

# --- pictures

_PICTURES = (
    r"images?|figures?|fig\.|photos?|photographs?|photomicrographs?|micrographs?|pictures?|illustrations?|drawings?"
    r"|diagrams?|cartoons?|art(?:work)?|graphics?|radiographs?|radiograms?|x-?rays?|scans?|videos?|portraits?"
    r"|sketch(?:es)?|schematics?|renderings?|screenshots?"
)
PICTURE = rf"(?:{_PICTURES})"
IMAGE = rf"(?:{_PICTURES}|slides?|maps?|panels?|cases?)"
BE = r"(?:(?:is|are|was|were|has\s+been|have\s+been)\s+)?"
BEGINS = r"(?:^|[.(\[;])\s*"
"""The begin of a text, sentence or bracket."""
