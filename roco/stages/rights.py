"""Drops figures that somebody else holds the rights to, with the words that say so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import RecipeError, nearest
from roco.base.licenses import DEFAULT_LICENSES, LICENSES
from roco.core.stage import Decision, drop, each
from roco.models.text.licenses import Terms, normalise


@dataclass(frozen=True, kw_only=True)
class Rights(Decision):
    """Drops figures that are credited to others, or whose own terms or article do not hand them on.

    allow: licences with which a figure's own permissions are eligible. third_party: "keep" lets figures in though
    their article excepts material of third parties from its licence. licensed: "keep" lets figures in that are
    credited to others if the credit names an allowed licence. Rule and measured precision: docs/rights.md.
    """

    needs = ("extract",)
    reads = ("authors", "caption_raw", "credit", "figure_license", "third_party")
    reasons = ("rights",)

    allow: tuple[str, ...] = DEFAULT_LICENSES
    third_party: str = "drop"
    licensed: str = "drop"

    def __post_init__(self) -> None:
        for name in self.allow:
            if name not in LICENSES:
                raise RecipeError(f"there is no licence '{name}'", nearest(name, LICENSES))
        for option in ("third_party", "licensed"):
            if (value := getattr(self, option)) not in _CHOICES:
                raise RecipeError(f"rights: {option} is '{value}'", nearest(value, _CHOICES))

    def __call__(self, batch: pa.Table) -> pa.Table:
        for why in (self._own_terms(batch), self._credits(batch, "credit"), self._credits(batch, "caption_raw")):
            batch = drop(batch, why.is_valid(), "rights", why)
        if self.third_party == "drop":
            batch = drop(batch, batch["third_party"].is_valid(), "rights", each(batch["third_party"], _article, _TEXT))
        return batch

    def _own_terms(self, batch: pa.Table) -> pa.Array:
        """Figures with permissions of their own, none of which is eligible."""
        rows = zip(batch["figure_license"].to_pylist(), batch["credit"].to_pylist(), strict=True)
        said = [
            f"permissions: {license}" + (f" {_quote(credit)}" if credit else "")
            if license is not None and license not in self.allow
            else None
            for license, credit in rows
        ]
        return pa.array(said, _TEXT)

    def _credits(self, batch: pa.Table, column: str) -> pa.Array:
        """The first credit to others in each text; only texts that hold a word of its kind are read."""
        found: dict[int, str] = {}
        for kind in _KINDS:
            hinted = pc.match_substring_regex(batch[column], kind.hint, ignore_case=True)
            if kind.name == "license" and column == "credit":
                hinted = pc.and_(hinted, pc.is_null(batch["figure_license"]))  # else the licence is the figure's own
            for i in pc.indices_nonzero(pc.and_(hinted, pc.is_null(batch["drop"]))).to_pylist():
                text, authors = batch[column][i].as_py(), batch["authors"][i].as_py() or ()
                words = None if i in found else _credit(kind, text[:_LONGEST], authors)
                if words and not (self.licensed == "keep" and self._allowed(text)):
                    found[i] = f"{kind.name}: {_quote(words)}"
        return pa.array([found.get(i) for i in range(len(batch))], _TEXT)

    def _allowed(self, text: str) -> bool:
        return normalise(None, (Terms(words=text),)).id in self.allow


def credited(text: str, authors: Sequence[str] = ()) -> tuple[str, str] | None:
    """Kind and clause of the first credit in a text that names others, null where there is none.

    authors: `Surname, Given` as in the column. A picture by one of them, or their own copyright notice, is no credit
    to others; what is reprinted from their earlier work is, since its publisher holds the rights.
    """
    found = ((kind.name, _credit(kind, text[:_LONGEST], authors)) for kind in _KINDS)
    return next(((name, words) for name, words in found if words), None)


def _credit(kind: _Kind, text: str, authors: Sequence[str]) -> str | None:
    """The clause of the first credit of one kind that names others."""
    for match in kind.pattern.finditer(text):
        words = _clause(text, match)
        if kind.name == "permission":
            before = text[max(0, match.start() - 25) : match.end()]
            if _PATIENTS.search(words) or _NO_CREDIT.search(before):
                continue
        elif kind.name != "copied" and (_OWN.search(words) or _names_one(words, authors)):
            continue
        if not (match[0].startswith("(c)") and _PANEL.search(text)):
            return words
    return None


def _clause(text: str, match: re.Match[str]) -> str:
    """The credit with what follows it in the same clause, at most 120 characters more."""
    rest = text[match.end() : match.end() + 120]
    stop = _STOP.search(rest)
    words = " ".join((match[0] + (rest[: stop.start()] if stop else rest)).strip(" .,:;[").split())
    if words.count("(") > words.count(")"):  # the clause ends before its bracket, or begins with one
        return words[1:].lstrip() if words.startswith("(") else f"{words})"
    return words


def _names_one(words: str, authors: Sequence[str]) -> bool:
    bare = f" {_bare(words)} "
    surnames = (_bare(author.partition(",")[0]) for author in authors)
    return any(f" {name} " in bare for name in surnames if name)


def _bare(text: str) -> str:
    """Lower case words without accents and punctuation."""
    letters = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def _article(sentence: str) -> str:
    return f"article: {_quote(sentence)}"


def _quote(words: str) -> str:
    return f'"{words[:157]}…"' if len(words) > 160 else f'"{words}"'


_TEXT = pa.string()
_CHOICES = ("drop", "keep")
_LONGEST = 20_000
"""Characters of a text that are read: captions are a hundredth of it."""
_STOP = re.compile(r"[;)\n]|(?<=\w\w\w)(?<!Prof)\.(?=\s|$)")
_PANEL = re.compile(r"\([ab]\)")

_PEOPLE = (
    r"(?:patient|parent|guardian|famil(?:y|ies)|relative|next of kin|mother|father|subject|participant|volunteer|child"
    r"|individual|model)"
)
_PATIENTS = re.compile(rf"\b{_PEOPLE}|\b(?:ethic|consent|committee|(?:review|institutional) board|irb)", re.I)
_NO_CREDIT = re.compile(rf"\b(?:{_PEOPLE}s?['’]?s?|without|no)\s+(?:\w+\s+){{0,2}}permission", re.I)
_OWN = re.compile(rf"\b{_PEOPLE}s?['’]?s?\s+(?:\w+\s+){{0,2}}permission", re.I)
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
    """One kind of credit: what its pattern needs, for the linear matcher that every caption passes, and the pattern."""

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
"""Kinds of credits in the order in which they are looked for."""
