"""What is no credit to others: the authors' own work, and permissions of patients or authorities."""

from __future__ import annotations

import re

from roco.base.patterns import later

# --- the authors' own work

# "the original authors", "authors of [3]" and "our previous study" are or may be published by others.
_NOT_OTHER = r"(?<!original\s)(?<!these\s)(?<!those\s)(?<!other\s)(?<!respective\s)"
_OF_THIS = r"(?!['’]?\s+of\s+(?!(?:the\s+)?(?:this|present|current|article|paper|manuscript)\b))"
_NOT_EARLIER = r"(?!previous|earlier|prior|former|other|published|recent)"
_ESTABLISHMENT = (
    r"(?:archives?|calculations?|cases?|center|centre|clinic|cohort|collection|data|database|department|division"
    r"|elaboration|files?|group|hospital|images?|institut\w*|investigation|laborator(?:y|ies)|lab|pacs|patients?"
    r"|records?|research|series|study|survey|team|unit|university|work)"
)
_KIND_OF_DATA = (
    r"(?:clinical|experimental|field|hospital|institutional|laboratory|medical|patients?['’]?s?|primary|questionnaire|research|study"
    r"|survey|trial)"
)
_DATA = (
    r"(?:archives?|charts?|data|databases?|files?|findings|images?|notes|pacs|population|records?|research|results|stud(?:y|ies)|surveys?"
    r"|teams?|work)"
)
# "thanks to Dr. Doe for this image" credits Doe, "Source: this image" nobody.
_NOT_THIS_IMAGE = r"(?::\s*|\b(?!this\s+(?:images?|cases?|patients?)\b))"
_ENGLISH = (
    rf"{_NOT_OTHER}\bauthors?\b{_OF_THIS}(?!\s*\[\s*\d)(?!\d)",
    r"\bown\b",
    r"\b(?:by|one\s+of)\s+(?-i:us)\b",
    r"\bself[- ]?(?:made|drawn|elaborated|created|generated)\b",
    r"\bper?sonal\s+(?:archive|collection|file|photo\w*)s?\b(?!\s+of\b)",
    rf"\bour\s+(?:{_NOT_EARLIER}\w+\s+){{0,2}}?{_NOT_EARLIER}{_ESTABLISHMENT}\b",
    rf"{_NOT_THIS_IMAGE}(?:this|present|current)\s+(?:{_ESTABLISHMENT}|article|archive|paper|project|report)\b",
    r"\bresearch\s+data\b|\bdata\s+(?:of|from)\s+(?:the\s+)?(?:study|survey|research)\b",
    r"(?::\s*(?:the\s+)?|\bby\s+(?:the\s+)?)(?:researchers?|investigators?)\b(?!\s+(?:at|from|in|of)\b)",
    # "Source: medical records", but not "Source: Medical Research Council"
    rf":\s*(?:from\s+)?(?:the\s+)?(?:{_KIND_OF_DATA}\s+){{1,2}}{_DATA}\b(?!\s+(?-i:[A-Z]))",
    r":\s*(?:field\s?work|self|(?:analysis\s+)?results|collected\s+data)\b(?!\s+(?:by|from)\b)",
    r":\s*(?:images?|photo\w*|scans?)\s+of\s+(?:the|our)\s+patient",
)
_ARCHIVE = r"(?:ar(?:qu|ch)ivo|acervo|archivio|archives?|cole[cç]\w+|collection|foto\w*|photos?)"
_STUDY = r"(?:pesquisa|estudo|presente|investigación|estudio|étude|recherche|studio|ricerca)"
_ROMANCE = (
    r"\baut(?:or(?:es|as?|e|i|ia)?|rice)\b(?!\s+(?:d[aeo]s?\s+(?:artigo\s+)?)?origina)|\bauteure?s?\b|\bautrices?\b",
    r"\bpr[oó]pri[oae]?s?\b|\bpropi[oa]s?\b|\bpropre\b",
    rf"\b{_ARCHIVE}\s+(?:personale?|pessoal|personnelles?|particular)\b",
    r"\b(?:archivo|arquivo)\s+d[eo]l?\s+(?:servicio|serviço)\s*(?:[.,)]|$)",
    rf"\b(?:dados|datos|données|dati)\s+(?:d[aeo]l?(?:la)?|de\s+l['’]|dell?['’])?\s*{_STUDY}\b",
    r"\b(?:este|esta|presente)\s+(?:estud[io]+|trabalho|trabajo|pesquisa|investigación|artículo|artigo)\b",
    r"\b(?:travail|iconographie|images?|clichés?|documents?)\s+personnel(?:le)?s?\b",
    r"\b(?:pesquisa\s+de\s+campo|trabajo\s+de\s+campo|historias?\s+cl[ií]nicas?|prontu[aá]rios?)\b",
    r"\b(?:pesquisador(?:a|es|as)?|investigador(?:a|es|as)?|ricercator[ei])\b",
    # "our", but not hospitals of Our Lady
    r"\b(?:nuestr[oa]s?|noss[oa]s?|nostr[oaie])\b(?!\s+s[ei][nñg]\w*or[aei])|\bnotre\s+(?!dame)",
    r"\bnos\s+(?:données|patients|images|résultats|archives)\b",
)
_GERMAN_AND_POLISH = (
    r"\beigene[nrms]?\b|\bselbst\s?(?:erstellt|gezeichnet)?\b|\bverfasser(?:in)?\b|\bautoren\b|\bautorin(?:nen)?\b",
    r"\bwłasn\w+|\bautorzy\b",
)
OWN = later("|".join(_ENGLISH + _ROMANCE + _GERMAN_AND_POLISH), re.I)
OWN_MATERIAL = later(
    rf"(?:our|my)\s+(?:{_NOT_EARLIER}\w+\s+){{0,2}}?{_NOT_EARLIER}{_ESTABLISHMENT}\b"
    rf"|(?:the\s+)?(?:present|current|authors?['’]?s?)\s+(?:own\s+)?{_ESTABLISHMENT}\b|this\s+{_ESTABLISHMENT}\b",
    re.I,
)
"""What the authors may copy from without a publisher that holds the rights."""

# --- patients and authorities: their permission concerns privacy or ethics

_PEOPLE = (
    r"(?:patient|parent|guardian|famil(?:y|ies|le)|relative|next\s+of\s+kin|mother|father|subject|participant|volunteer"
    r"|child|individual|pacient|padres|pais\b|tutor|paziente|eltern)"
)
_AUTHORITIES = (
    r"(?:model|ethic|éti[ck]|etic|comit[éê]|consent|committee|(?:review|institutional)\s+board|irb|home\s+office"
    r"|animal)"
)
PATIENTS = later(rf"\b{_PEOPLE}", re.I)
PATIENTS_OR_AUTHORITIES = later(rf"\b(?:{_PEOPLE}|{_AUTHORITIES})", re.I)
PATIENTS_BEFORE = later(rf"\b(?:{_PEOPLE}s?['’]?s?|without|no)\s+(?:\w+\s+){{0,2}}permission", re.I)
FROM_PATIENT = later(
    r"(?:(?:the|an?|this|her|his|their|one|same)\s+)*(?:healthy\s+)?"
    rf"(?:{_PEOPLE}|same\b(?!\s+(?:source|ref|article|author|work|paper|book))|case\b(?!\s+(?:report|series))"
    r"|(?:\d+[\s-]+(?:year|month|week|day)s?[\s-]+(?:old\s+)?)?(?:old\s+)?"
    r"(?:man|woman|boy|girl|infant|neonate|male|female|cadaver|specimen|rat|mouse)\b)",
    re.I,
)
"""A patient, or the same image, as that from which an image was taken."""
