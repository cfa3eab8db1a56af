"""Drops figures to which others hold the rights, and quotes the words that credit them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError, nearest
from roco.base.guarantees import RIGHTS
from roco.base.licenses import DEFAULT_LICENSES, LICENSES
from roco.core.contract import Reason
from roco.core.stage import Decision, drop, each
from roco.models.text.licenses import Terms, normalise


@dataclass(frozen=True, kw_only=True)
class Rights(Decision):
    """Drops figures that are credited to others, or that their own terms or their article exclude from redistribution.

    allow: accepted licences of figures with permissions of their own. third_party: "keep" also accepts figures of
    articles that exclude third-party material from their licence. licensed: "keep" also accepts figures credited to
    others if the credit names an allowed licence. docs/rights.md describes the rule and its measured precision.
    """

    needs = ("extract",)
    reads = ("authors", "caption_raw", "credit", "figure_license", "third_party")
    reasons = {"rights": Reason("the figure is credited to somebody else", quotes=True)}
    ensures = (RIGHTS,)

    allow: tuple[str, ...] = DEFAULT_LICENSES
    third_party: str = "drop"
    licensed: str = "drop"

    def __post_init__(self) -> None:
        for name in self.allow:
            if name not in LICENSES:
                raise RecipeError(f"unknown licence '{name}' (rights)", nearest(name, LICENSES))
        for option in ("third_party", "licensed"):
            value = getattr(self, option)
            if value not in _CHOICES:
                raise RecipeError(f"invalid value: {option} = '{value}' (rights)", nearest(value, _CHOICES))

    def __call__(self, batch: pa.Table) -> pa.Table:
        # Each reason is tested only for the figures that passed the previous one.
        own_terms = self._own_terms(batch)
        batch = drop(batch, own_terms.is_valid(), "rights", own_terms)
        for column in ("credit", "caption_raw"):
            credits = self._credits(batch, column)
            batch = drop(batch, credits.is_valid(), "rights", credits)
        if self.third_party == "drop":
            excluded = each(batch["third_party"], _article_detail, _TEXT)
            batch = drop(batch, excluded.is_valid(), "rights", excluded)
        return batch

    def _own_terms(self, batch: pa.Table) -> pa.Array:
        """Returns the drop detail of figures whose own permissions do not name an allowed licence."""
        details: list[str | None] = []
        for license, credit in zip(batch["figure_license"].to_pylist(), batch["credit"].to_pylist(), strict=True):
            if license is None or license in self.allow:
                details.append(None)
            else:
                details.append(f"permissions: {license} {_quote(credit)}" if credit else f"permissions: {license}")
        return pa.array(details, _TEXT)

    def _credits(self, batch: pa.Table, column: str) -> pa.Array:
        """Returns the drop detail of figures whose text credits others; the first kind of credit counts."""
        texts, authors = batch[column], batch["authors"]
        details: dict[int, str] = {}
        for kind in _KINDS:
            # The hint is tested on the whole column at once; the slower pattern only where it can match.
            candidates = pc.and_(
                pc.match_substring_regex(texts, kind.hint, ignore_case=True), pc.is_null(batch["drop"])
            )
            if kind.name == "license" and column == "credit":
                # In a credit line with a figure licence, the licence is the figure's own and was tested before.
                candidates = pc.and_(candidates, pc.is_null(batch["figure_license"]))
            for row in pc.indices_nonzero(candidates).to_pylist():
                if row in details:
                    continue
                text = texts[row].as_py()
                words = _credit(kind, text[:_LONGEST], authors[row].as_py() or ())
                if words is None or (self.licensed == "keep" and self._allowed(text)):
                    continue
                details[row] = f"{kind.name}: {_quote(words)}"
        return pa.array([details.get(row) for row in range(len(batch))], _TEXT)

    def _allowed(self, text: str) -> bool:
        return normalise(None, (Terms(words=text),)).id in self.allow


def credited(text: str, authors: Sequence[str] = ()) -> tuple[str, str] | None:
    """Returns kind and clause of the first credit to others in a text, None if there is none.

    authors: `Surname, Given` as in the column. A picture by one of them, or their own copyright notice, is not a credit
    to others; a reprint from their earlier work is, because its publisher holds the rights.
    """
    for kind in _KINDS:
        words = _credit(kind, text[:_LONGEST], authors)
        if words:
            return kind.name, words
    return None


def _credit(kind: _Kind, text: str, authors: Sequence[str]) -> str | None:
    """Returns the clause of the first credit of one kind to others."""
    for match in kind.pattern.finditer(text):
        words = _clause(text, match)
        if kind.name == "permission":
            # Permission of a patient or an ethics committee concerns privacy, not the rights to the image.
            context = text[max(0, match.start() - 25) : match.end()]
            if _PATIENTS.search(words) or _NO_CREDIT.search(context):
                continue
        elif kind.name != "copied" and (_OWN.search(words) or _names_author(words, authors)):
            continue
        is_panel = match[0].startswith("(c)") and _PANEL.search(text)  # "(a) in 2009, (b) in 2010 and (c) 2011"
        if words and not is_panel:
            return words
    return None


def _clause(text: str, match: re.Match[str]) -> str:
    """Returns the credit and the rest of its clause, at most 120 characters more."""
    rest = text[match.end() : match.end() + 120]
    stop = _STOP.search(rest)
    if stop:
        rest = rest[: stop.start()]
    words = " ".join((match[0] + rest).strip(" .,:;[").split())
    if words.count("(") > words.count(")"):
        # The clause starts with the bracket, or ends before the bracket is closed.
        return words[1:].lstrip() if words.startswith("(") else f"{words})"
    return words


def _names_author(words: str, authors: Sequence[str]) -> bool:
    padded = f" {_normalised(words)} "
    surnames = (_normalised(author.partition(",")[0]) for author in authors)
    return any(f" {surname} " in padded for surname in surnames if surname)


def _normalised(words: str) -> str:
    """Returns words in lower case, without accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", words.casefold())
    letters = (character for character in decomposed if not unicodedata.combining(character))
    return " ".join("".join(letter if letter.isalnum() else " " for letter in letters).split())


def _article_detail(sentence: str) -> str:
    return f"article: {_quote(sentence)}"


def _quote(words: str) -> str:
    return f'"{words[:157]}…"' if len(words) > 160 else f'"{words}"'


_TEXT = pa.string()
_CHOICES = ("drop", "keep")
_LONGEST = 20_000
"""Characters of a text that are searched; captions are a hundred times shorter."""
_STOP = re.compile(r"[;)\n]|(?<=\w\w\w)(?<!Prof)\.(?=\s|$)")
_PANEL = re.compile(r"\([ab]\)")

_PEOPLE = (
    r"(?:patient|parent|guardian|famil(?:y|ies)|relative|next of kin|mother|father|subject|participant|volunteer|child"
    r"|individual|model)"
)
_PATIENTS = re.compile(rf"\b{_PEOPLE}|\b(?:ethic|consent|committee|(?:review|institutional) board|irb)", re.I)
_NO_CREDIT = re.compile(rf"\b(?:{_PEOPLE}s?['’]?s?|without|no)\s+(?:\w+\s+){{0,2}}permission", re.I)
_OWN = re.compile(
    r"\b(?:authors?|autor(?:es|as?)?|(?:by|the|his|her|their)\s+own|pr[oó]pri[oa]s?|propi[oa]s?)\b"
    r"|\b(?:per?sonal\s+(?:file|archive|coll)|ar(?:qu|ch)ivo\s+personal|arquivo\s+pessoal)"
    r"|\b(?:research\s+data|dados\s+da\s+pesquisa|datos\s+de\s+la\s+investigación)"
    r"|\b(?:this|present|our|current)\s+(?:study|data|patient|research|survey|institution|hospital|department|group"
    r"|laboratory|archive|collection)",
    re.I,
)

_CAPITAL = r"(?-i:[A-Z\u00c0-\u00de])"
_NAME = rf"{_CAPITAL}[\w'’-]+"
_TITLE = r"(?:drs?|prof|professor|pr|mrs?|ms)\b"
_PARTICLE = r"(?:(?:dos?|das?|del?|la|van|von|den|der|di)\s+)*"
_FULL_NAME = rf"(?:{_NAME}|{_CAPITAL}\.)\s+(?:(?:{_CAPITAL}\.?|{_NAME})\s+){{0,2}}{_PARTICLE}{_NAME}"
_PERSON = rf"(?:{_TITLE}|{_FULL_NAME}\s*(?:[).,;\[]|$))"
_MONTH = r"(?!(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Oct|Nov|Dec)[a-z]*\b)"
_CITED = (
    rf"(?:\[\s*\d|\(?ref(?:erence)?s?\b|https?:|www\."
    rf"|{_MONTH}{_NAME}(?:\s+(?:and|&)\s+{_NAME})?,?\s+(?:et\s+al|\(?(?:19|20)\d\d|\[)"
    r"|the (?:internet|web|literature|atlas|text ?book|book)\b)"
)
_IMAGE = (
    r"(?:images?|figures?|fig\.|photos?|photographs?|photomicrographs?|micrographs?|pictures?|illustrations?|drawings?"
    r"|diagrams?|cartoons?|artwork|radiographs?|radiograms?|x-?rays?|scans?|slides?|videos?|maps?|panels?|cases?)"
)
_BE = r"(?:(?:is|are|was|were|has\s+been|have\s+been)\s+)?"
_KINDLY = r"(?:kindly|generously|graciously)\s+"
_GIVEN = r"(?:provided|supplied|contributed|donated|shared|offered|lent|given|made\s+available)"
_BEGINS = r"(?:^|[.(\[;])\s*"
_NO_SOURCE = r"(?!(?:the\s+)?(?:same|patient|ct|mri?|scan|raw|original\s+(?:ct|mr|image|data|scan)))"
_WORK = (
    rf"(?:{_CITED}|{_NAME}|\(|(?:the|a|an|our|their|previous\w*)\s+(?:\w+\s+){{0,2}}"
    r"(?:work|article|paper|publication|study|book|report|figure|website)\b)"
)
_TAKEN = rf"(?:taken|obtained|retrieved|downloaded|extracted|derived|{_IMAGE}(?:\s+(?:is|are|was|were))?)\s+from\s*:?"


class _Kind(NamedTuple):
    """One kind of credit; hint: a regular expression for Arrow that matches every text in which the pattern matches."""

    name: str
    hint: str
    pattern: re.Pattern[str]


def _kind(name: str, hint: str, *patterns: str) -> _Kind:
    return _Kind(name, hint, re.compile("|".join(patterns), re.I))


_KINDS = (
    _kind(
        "permission",
        r"permis|permiss|autori|genehm|erlaub",
        r"\b(?:with|by|under|after|upon)\s+(?:[\w’'-]+\s+){0,3}?permissions?\b",
        rf"\bpermissions?\s+{_BE}(?:kindly\s+)?(?:granted|obtained|received|given|from|of|by)\b",
        r"\bpermission\s+to\s+(?:re)?(?:produce|print|use|publish)",
        r"\b(?:con|avec|com)\s+(?:[\w’']+\s+){0,2}(?:permis|autori[sz]a)\w*",
        r"\bmit\s+(?:\w+\s+){0,2}(?:genehmigung|erlaubnis)",
    ),
    _kind("courtesy", r"courtesy|cortes[ií]a|courtoisie", r"\bcourtesy\b", r"\bcortes[ií]a\s+d", r"\bcourtoisie\b"),
    _kind(
        "copied",
        r"(?:adapted|reproduced|reprinted|republished|redrawn|modified|adopted|borrowed|copied|excerpted|reused|duplicated)"
        r"\b.{0,80}from|(?:adapted|modified|drawn)\s+after|published\s|(?:adaptad|reprodu[zc]id|tomad|extra[ií]d|retirad"
        r"|modificad)[oa]|(?:adapt|modifi|tir)[ée]e?s?\s+d|from\s*:?\s+(?:\[|\(?ref|https?:|www|the\s+(?:inter|web|liter"
        r"|atlas|text|book))|from\s*:?\s+\S+(?:\s+(?:and|&)\s+\S+)?\s+(?:et\s+al|\(?(?:19|20)\d\d|\[)",
        rf"\b(?:adapted|reproduced|reprinted|republished|redrawn)\s*,?\s+(?:[\w’',-]+\s+){{0,3}}?from\s+{_NO_SOURCE}",
        rf"\b(?:modified|adopted|borrowed|copied|excerpted|reused|duplicated)\s+(?:[\w’'-]+\s+){{0,3}}?from\s+{_WORK}",
        rf"\b(?:adapted|modified|redrawn|drawn)\s+after\s+{_CITED}",
        rf"\b{_TAKEN}\s+{_CITED}",
        rf"{_BEGINS}from\s*:?\s+{_CITED}",
        r"\b(?:previously|originally|first)\s+published\s+(?:in|by|as|elsewhere|\[|\()",
        r"\b(?:adaptad|reproduzid|reproducid)[oa]s?\s+d[eoa]s?\b",
        rf"\b(?:tomad|extra[ií]d|retirad|modificad)[oa]s?\s+d[eoa]s?\s+{_CITED}",
        rf"\b(?:adapt|modifi|tir)[ée]e?s?\s+(?:de|du|d['’])\s*{_CITED}",
    ),
    _kind(
        "credit",
        r"credit|source|kindly|generously|graciously|radiopaedia|wiki|stock|getty|science\s+photo|google"
        r"|(?:provided|supplied|contributed|donated|shared|offered|lent|given|available|taken|drawn|made|prepared|painted)"
        r"\s+by\s|(?:images?|figures?|fig\.|photos?|graphs?|pictures?|illustrations?|drawings?|diagrams?|cartoons?|artwork|panels?"
        r"|grams?|rays?|scans?|slides?|videos?|maps?|cases?)\s*(?:(?:is|are|was|were|has been|have been)\s+)?(?:by|:)",
        rf"\b{_IMAGE}\s+(?:credits?\b|sources?\s*:)",
        rf"{_BEGINS}credits?\s*:",
        r"\bcredits?\s+(?:goes\s+)?to\b",
        rf"\b{_IMAGE}\s+{_BE}(?:{_KINDLY})?{_GIVEN}\s+by\b",
        rf"\b{_KINDLY}{_GIVEN}\b",
        rf"\b{_GIVEN}\s+by\s+{_TITLE}",
        rf"\b{_IMAGE}\s*{_BE}(?:(?:taken|drawn|made|prepared|painted)\s+)?by:?\s+{_PERSON}",
        rf"\b(?:photos?|photographs?|illustrations?|drawings?|artwork)\s*:\s*{_PERSON}",
        r"\bradiopaedia|\bwiki(?:media|pedia)\b|\bshutterstock\b|\bgetty\s+images\b|\bistock\b",
        r"\bscience\s+photo\s+library\b|\bgoogle\s+(?:images|earth|maps)\b",
    ),
    _kind(
        "copyright",
        r"copyright|©|\(c\)|rights",
        r"\bcopyright",
        r"(?<![\w°])©\s*(?:\d{4}|[^\W\d_])",
        r"\(c\)\s*(?:19|20)\d\d\b",
        r"\ball\s+rights\s+reserved\b",
    ),
    _kind("source", r"source|fonte|fuente|quelle", rf"{_BEGINS}(?:sources?|fontes?|fuentes?|quellen?)\s*:\s*(?=\S)"),
    _kind(
        "license",
        r"creative|cc[- ]by|public|gnu|gfdl",
        r"\bcreative\s+commons\b|\b(?-i:CC[- ]BY)\b|\bpublic\s+domain\b",
        r"\bgnu\s+(?:free|general)\b|\bgfdl\b",
    ),
)
"""Kinds of credits, in the order in which they are tested."""
