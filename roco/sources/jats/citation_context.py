"""Reads the words around a citation: whether "Figure 1" is a figure of the supplement, or of another paper.

Called by `citations.py`. Plain words are read cautiously: what may be a figure of somebody else is not taken for one of
the article.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from roco.base.patterns import later

_WINDOW = 100  # characters before and after a citation that are read

# --- series: the figures of a supplement, of an appendix …, which are numbered apart

_FILE = r"(?:files?|texts?|appendix|protocol|dataset|data|note|table of contents)"
_CONTENT = (
    r"(?:information|materials?|files?|data|appendix|text|resource|digital|content|document|notes?|online|only|SI)"
)
_SUPPLEMENTARY = (
    r"(?:supp?l?\.|supplement(?:ary|al)|supporting\s+information|supporting\s+files?|additional\s+files?"
    r"|(?-i:Supporting|Additional|SI|ESM)|online\s+resource|(?:online|data|web|digital|electronic)\s+supplement"
    r"|(?:materia(?:l|les|is)\s+)?(?:suplementar(?:es)?|suplementari[oa]s?|complementar(?:es)?|complementari[oa]s?))"
)
_NUMBER = r"(?:(?-i:[A-Z])?\d{1,2}(?-i:[A-Z])?|(?-i:[A-Z]))"
_PAGES = r"pp?\.?\s*\d+(?:[\u2010-\u2015-]\d+)?"
_TO_FIGURE = r"[\s,:(\u2010-\u2015-]*"
_APPENDIX = r"(?:e?appendix|appendices|ap[eê]ndice|anexo|annexe?)"

_BEFORE: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (series, later(rf"(?<![^\W_]){pattern}$", re.I))
    for series, pattern in (
        # "Extended Data Fig. 1"
        ("ED", rf"(?:ext(?:ended|\.)[\s-]+data{_TO_FIGURE}|(?-i:Extended|ED)\s+)"),
        # "Supplementary Figure 1", "Additional file 2: Figure 1", "supplementary material online, Fig. 1"
        ("S", rf"{_SUPPLEMENTARY}(?:\s+{_CONTENT})*(?:[\s_]*{_NUMBER})?{_TO_FIGURE}"),
        # "supplement Figure 1"; in brackets after it the figure may show a supplement that somebody takes
        ("S", rf"suppl?(?:ement)?(?:\s+{_NUMBER})?[\s,]+"),
        # "File S1, Fig. 2", "S1 Text: Fig. 2"
        ("S", rf"(?:{_FILE}\s+(?-i:S)\d+|(?-i:S)\d+\s+{_FILE}){_TO_FIGURE}"),
        # "Appendix Figure 1", "Appendix A (Fig. 1)", but not the organ: "a thickened appendix (Fig. 1)"
        ("A", rf"{_APPENDIX}(?:\s+|\s+(?:{_NUMBER}|[IVX]+|{_PAGES})(?!\w){_TO_FIGURE})"),
        ("A", r"(?-i:App)\.\s+"),
        ("A", r"(?:(?-i:Appendix)|(?:online|web)[\s-]+appendix)\s*[,:]\s*"),
        # "Online Figure 1", "Web extra Figure 1", "eFigure 1", "e-Figure 1"
        ("E", r"(?:(?:online|web|electronic)(?:[\s-]+(?:only|extra))?\s*|(?-i:[eE])[-\u2010-\u2012]?)"),
    )
)
# A cheap test that most citations fail; it matches whenever one of the patterns does.
_MAY_NAME_SERIES = later(
    r"supp|supl|\bsup\.|additional|ext(?:ended|\.)|append|\bapp\.|ap[eê]ndi|ann?ex|resource|online|web|electronic|complementar"
    r"|\b(?:ed|si|esm)(?:\b|_)|\bs\d|(?<![^\W_])e[-\u2010-\u2012]?$",
    re.I,
)
_IN = (
    r"\s+(?:of|in|from|within|via|en|em|dans|del?|du|d[oa]|n[oa])\s+(?:(?:the|our|this|an?|el|la|le|o)\s+)?"
    r"(?:(?:online|web|electronic|multimedia)[\s-]+)?"
)
_AFTER: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (series, later(pattern, re.I))
    for series, pattern in (
        ("ED", rf"{_IN}extended[\s-]data\b"),
        # "Figure 1 in the supplement", "Figure 1 in S1 Text", "Figure 1 (supplementary material)"
        ("S", rf"{_IN}(?:{_SUPPLEMENTARY}|supplements?|{_FILE}\s+(?-i:S)\d+|(?-i:S)\d+\s+{_FILE})(?!\w)"),
        ("S", rf"\s*[(\[,]\s*(?:{_SUPPLEMENTARY}|supplement)(?:\s+{_CONTENT})*\s*(?:[)\].]|$)"),
        ("A", rf"{_IN}{_APPENDIX}\b"),
        ("A", rf"\s*[(\[]\s*{_APPENDIX}(?:\s*{_NUMBER})?\s*[)\]]"),
        # "Figure 1 (online)"
        ("E", r"\s*[(\[,]\s*(?:available\s+)?online(?:[\s-]+only)?\s*[)\]]"),
    )
)

# --- other papers

# The second letter is small: CT and MRI are no authors.
_NAME = (
    r"(?-i:(?:(?:[dD]e|[vV]an|[vV]on|[dD]e[rnl]|[lL][ae]|[dD]i|[dD]os|[dD]a|[aA]l|[eE]l|[tT]e[nr]|[A-Z]\.)[\s-]?)*"
    r"(?:O['’]|Mc|Mac)?[A-Z\u00c0-\u00de][^\W\d_A-Z][^\W\d_]*(?:-[^\W\d_]+)?)"
)
_NO_NAME = (
    r"(?!(?:Patients?|Cases?|Subjects?|Groups?|Cohorts?|Sections?|Tables?|Parts?|Panels?|Chapters?|Box|Fig|Methods?"
    r"|Results|Discussion|Materials?|Text|Experiments?|Stud|The|Th[ei]s|Those|Our|Algorithm|Eq|Step|Phase|Stage|Type"
    r"|Class|Model|Video|Movie|Day|Week|Year|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
    r"|Spring|Summer|Autumn|Winter|Append|Suppl|Support|Add"
    r"|Online|Extended)\w*\b)"
)
_AUTHOR = rf"{_NO_NAME}{_NAME}"
_YEAR = r"(?:19|20)\d\d[a-z]?\b"
_WORK = (
    r"(?:papers?|articles?|stud(?:y|ies)|reports?|works?|publications?|reviews?|letters?|guidelines?|patents?|books?"
    r"|textbook|atlas|thesis)"
)
_OF = r"\s+(?:of|in|from|by|de|en|em|dans|von|bei|aus)\s+(?:the\s+)?"
_REFERENCES = r"\d{1,3}(?:\s*[,\u2010-\u2015-]\s*\d{1,3})*"
_SEE = r"(?:(?:see|cf\.?|in|also|e\.g\.,?)\s+)*"
_WORK_OR_PART = rf"(?:an?\s+)?(?:[\w-]+\s+){{0,2}}?(?:{_WORK}|(?:chapter|section|part|volume)\s+\w+)"
_AND_NAME = rf"\s+(?:and|&|y|e|et|und)\s+{_NAME}"
_AND_COLLEAGUES = (
    r"\s+(?:and|&)\s+(?:colleagues|associates|others|(?:co[\u2010-]?)?(?:workers|authors|investigators))\b"
)
_OF_ANOTHER = later(
    rf"{_OF}(?:"
    # "of [7]", "in ref. 7", "of (7)", "from 7)"
    r"[(\[]?\s*ref(?:s|erences?)?\b|\[\s*\d|\(\s*\d{1,3}\s*[,)]|\d{1,3}\s*[)\]]|https?:|doi\b"
    # "of their paper", "in the original article", "of the review by Doe"
    rf"|(?:their|his|her|that|those|another|other|(?:(?:our|my|an?)\s+)?(?:earlier|previous|original|companion"
    rf"|accompanying|cited|quoted|same)|(?-i:WHO|NEJM|JAMA|BMJ|FDA|US))\s+(?:[\w-]+\s+){{0,2}}?{_WORK}\b|guidelines?\b"
    rf"|{_WORK_OR_PART}\s+by\s+{_AUTHOR}"
    # "of Doe et al.", "of the review of Doe et al.", "in Doe (2010)", "of Doe [7]", "of Doe's book"; but "in Crohn's
    # disease"
    rf"|(?:{_WORK_OR_PART}\s+of\s+)?{_AUTHOR}(?:{_AND_NAME})?"
    rf"(?:,?\s+et\s+al\b|{_AND_COLLEAGUES}|['’]s?\s+(?:\w+\s+)?{_WORK}\b|,?\s*[(\[]?\s*{_YEAR}|\s*\[\s*\d)"
    rf"|{_AUTHOR}\s+&\s+{_NAME}"
    r")",
    re.I,
)
# "of Doe and Roe", "of Doe", "in Doe7": without anything else, "of Doppler and Duplex" and "in Ki67" look the same.
_OF_NAME = later(
    rf"{_OF}(?:{_WORK_OR_PART}\s+of\s+)?(?P<name>{_AUTHOR})"
    rf"(?:{_AND_NAME}|\d|\s+(?:shows?|showed|depicts?|illustrates?|is|was)\b|\s*(?:[).,;\]]|$))",
    re.I,
)
_OF_LINK = later(rf"{_OF}[(\[]?\s*", re.I)  # what is between a citation and a link to a reference
_BY_ANOTHER = tuple(
    later(pattern, re.I)
    for pattern in (
        # "their Figure 1", "Doe et al.'s Figure 1", "the authors' Figure 1"
        r"\b(?:their|his|her|whose|leurs?)\s+(?:(?:own|original|previous|earlier)\s+)?$",
        rf"(?:\b{_AUTHOR}|\bet\s+al\.?\s?|\bauthors?)['’]s?\s+$",
        # "ref. 7, Fig. 1", "see [7], Fig. 1"
        rf"\b(?:refs?\.?|references?)\s*\[?{_REFERENCES}\]?\s*[,:(]\s*$",
        rf"\b(?:see|cf\.?)\s+\[\s*{_REFERENCES}\s*\]\s*[,:]\s*$",
    )
)
# ", ", ": ", ", p. 23, ", ": 23–25, "
_TO_FIGURE_OF_YEAR = rf"(?:[,:]?\s*(?:{_PAGES}\s*,\s*)?|:\s*\d+(?:[\u2010-\u2015-]\d+)?\s*,\s*)"
# Outside of brackets the comma may begin a clause: "unlike in Doe 2010, Fig. 1 shows a cyst".
_BY_ANOTHER_IN_BRACKETS = tuple(
    later(pattern, re.I)
    for pattern in (
        # "(Doe et al., 2010, Fig. 1)", "Doe (2010: Fig. 1)", "(Doe 2010: 23, Fig. 1)"
        rf"(?:\bet\s+al\.?,?|\b{_AUTHOR},?)\s*[(\[]?\s*{_YEAR}\s*{_TO_FIGURE_OF_YEAR}(?:see\s+)?$",
        # "[7, Fig. 1]", "(see 7: Fig. 1)"; "(see ref. 7; Fig. 1)", but not "(reviewed in ref. 7; Fig. 1)"
        rf"[(\[]\s*{_SEE}{_REFERENCES}\s*[,:]\s*$",
        rf"[(\[]\s*{_SEE}(?:refs?\.?|references?)\s*\[?{_REFERENCES}\]?\s*;\s*$",
        # "[7; Fig. 1]", "[7 (Fig. 1)]"; in round brackets a semicolon divides a number from the article's own figure
        rf"\[\s*{_SEE}{_REFERENCES}(?:\s*;\s*{_REFERENCES})*\s*[;(]\s*$",
    )
)
# A cheap test that most citations fail; it matches whenever one of the patterns before a citation does.
_MAY_NAME_OTHERS = later(
    r"(?:[,:;]|\d\d[a-z]?|\d\]?\s*\(|['’]s?|\b(?:their|his|her|whose|leurs?|own|original|previous|earlier|see))\s*$",
    re.I,
)


def series_of(text: str, start: int, end: int) -> str:
    """Returns the series of a cited figure, from the words around: S, A, E or ED; empty for the article's own."""
    before, after = text[max(0, start - _WINDOW) : start], text[end : end + _WINDOW]
    if _MAY_NAME_SERIES.search(before):
        for series, pattern in _BEFORE:
            if pattern.search(before):
                return series
    for series, pattern in _AFTER:
        if pattern.match(after):
            return series
    return ""


def _is_nobody(_name: str) -> bool:
    return False


def is_of_another_paper(
    text: str,
    start: int,
    end: int,
    is_author: Callable[[str], bool] = _is_nobody,
    links: Collection[int] = (),
) -> bool:
    """Returns whether the words around a citation say that the figure is another paper's.

    is_author: whether a name is that of an author in the list of references; links: where links to that list start.
    """
    before, after = text[max(0, start - _WINDOW) : start], text[end : end + _WINDOW]
    if _OF_ANOTHER.match(after):
        return True
    named = _OF_NAME.match(after)
    if named and is_author(named["name"]):
        return True
    linked = _OF_LINK.match(after)
    if linked and end + linked.end() in links:
        return True
    if not _MAY_NAME_OTHERS.search(before):
        return False
    if any(pattern.search(before) for pattern in _BY_ANOTHER):
        return True
    is_in_brackets = any(before.rfind(opening) > before.rfind(closing) for opening, closing in ("()", "[]"))
    return is_in_brackets and any(pattern.search(before) for pattern in _BY_ANOTHER_IN_BRACKETS)
