"""Drops figures whose caption says nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from roco.base.errors import RecipeError
from roco.core.stage import Decision, drop

# What a label is made of, in the languages met in PMC and SciELO; none of it says what is seen.
_KINDS = """
    fig figs figure figures figura figuras figuur abb abbildung abbildungen bild abbildg ill illustration illustrations
    ilustração ilustración image images imagen imágenes imagem imagens immagine foto fotos photo photos photograph
    photographs picture pictures plate plates planche tafel scheme schemes schema schéma esquema panel panels graph
    graphs gráfico gráficos grafico graphique chart charts diagram box exhibit table tables tabla tablas tabela tabelas
    tabelle tableau quadro cuadro video videos vidéo movie movies slika kuva obr obrázek rys rysunek şekil resim рис
    рисунок supplementary supplement supplemental suppl supporting additional extended appendix annex online only data
    file files material information continued cont contd legend and und et y e to of
    """
_KIND = frozenset(_KINDS.split())
_NUMBER = re.compile(r"[se]?\d+[a-z]?|[a-z]|(?=[ivx])x{0,2}(?:ix|iv|v?i{0,3})|(?:図|图|圖|그림|表|표)\d*[a-z]?")
_TOKEN = re.compile(r"[^\W_]+")
_FILLER = re.compile(
    r"(?:x{2,}|n\s*[/.]?\s*a|none|null|nil|tb[ad]|to ?do|title|untitled|unknown|lorem ipsum|idem|ibid|as above"
    r"|(?:no |figure |image |insert )?(?:caption|legend|title)(?: (?:here|text|not available|missing))?"
    r"|(?:image|figure|photo) (?:not available|unavailable)"
    r"|(?:please )?see (?:the )?(?:main )?(?:text|legend|caption|article|above|below)(?: for (?:more |further )?"
    r"(?:details?|explanations?|description|information|legend))?"
    r"|(?:see|voir|ver|siehe) (?:le |el |o )?text[eo]?|explanation in (?:the )?text"
    r"|click (?:here|on (?:the )?(?:image|link)) (?:for|to) [\w ]{1,60}(?:files?|image|version|view|larger|enlarge)"
    r")\W*",
    re.I,
)
_SUFFIX = r"(?:jpe?g|png|tiff?|gif|bmp|webp|eps|svg|pdf|dcm|docx?|xlsx?|pptx?|csv|zip|mp4|mov|avi|wmv|mpe?g)"
_SIZE = r"[\d.,]+\s*[km]i?b"
_FILE = re.compile(
    rf"(?:[\w.()+-]+ ){{0,2}}[\w.()+-]*\w\.{_SUFFIX}|\W*(?:{_SIZE}\W+)?{_SUFFIX}(?:\W+{_SIZE})?\W*",
    re.I,
)
_RIGHTS_FIRST = re.compile(
    r"\W*(?:this (?:is an |article |work |figure |image )?"
    r"(?:open[- ]access|is (?:licen[cs]ed|distributed|published))"
    r"|©|\(c\)\s|copyright(?!-)|licen[cs]ed? (?:under|by|to) |published under|distributed under|all rights reserved"
    r"|creative commons|cc[ -]by|(?:reproduced|reprinted|used|republished) (?:with|by) (?:kind )?permission)",
    re.I,
)
_RIGHTS = re.compile(
    r"open[- ]access|creative commons|cc[ -]by|©|\(c\)\s|copyright|licen[cs]|all rights reserved|permission|distribut"
    r"|properly cited|original (?:work|author)",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[a-z)]{2})[.;]\s+")
_TEX = re.compile(
    r"\$\$?[^$]*\$\$?|\\\(.*?\\\)|\\\[.*?\\\]|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\\[a-zA-Z]+(?:\{[^{}]*\})*", re.S
)
_TEX_SIGN = re.compile(r"[\\$]")
_ADDRESS = re.compile(r"(?:(?:https?|ftp)://|www\.|doi\.org/)\S+|\bdoi:\s*10\.\S+", re.I)
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST = 120
"""Characters; fillers and names of files are shorter, and nothing longer is tried for them."""


@dataclass(frozen=True, kw_only=True)
class Caption(Decision):
    """Drops captions that are empty or shorter than min_words, or nothing but what is no description.

    That is a label or its copy, a filler, the name of a file, a statement of rights, LaTeX, an address. A caption of
    one word that says something stays: the paper drops empty and "very short" captions, gives no number of words for
    it, and its Table 4 has captions of one word.
    """

    needs = ("extract",)
    reads = ("caption", "caption_raw", "label")
    reasons = ("caption",)
    version = 2

    min_words: int = 1
    max_characters: int = 50_000  # the longest captions of the paper have 778 words; longer ones are texts gone astray

    def __post_init__(self) -> None:
        if self.min_words < 0:
            raise RecipeError(f"caption: min_words is {self.min_words}", "a number from 0 on")
        if self.max_characters < 1:
            raise RecipeError(f"caption: max_characters is {self.max_characters}", "a number from 1 on")

    def __call__(self, batch: pa.Table) -> pa.Table:
        columns = (batch[name].to_pylist() for name in ("caption", "caption_raw", "label"))
        details = pa.array([self._why(*row) for row in zip(*columns, strict=True)], pa.string())
        return drop(batch, details.is_valid(), "caption", details)

    def _why(self, caption: str | None, raw: str | None, label: str | None) -> str | None:
        if len(caption or "") > self.max_characters:
            return f"{len(caption or '')} characters"
        why = says_nothing(caption or "", raw or "", label or "")
        if why is None and (n := len((caption or "").split())) < self.min_words:
            return f"{n} words"
        return why


def says_nothing(caption: str, raw: str = "", label: str = "") -> str | None:
    """Why a caption says nothing, or null when it does; raw tells an address that was removed from an absence."""
    text = caption.strip()
    if not text:
        return "address only" if _ADDRESS.search(raw) else "empty"
    # The costly patterns are tried only where they can match: this runs over every caption of the corpus.
    low = text.casefold()
    bare = _ADDRESS.sub(" ", text) if "://" in low or "www." in low or "doi" in low else text
    if not _LETTER.search(bare):
        return "no letters" if bare == text else "address only"
    if len(text) <= _LONGEST and (why := _says_little(text, label)):
        return why
    if _TEX_SIGN.search(bare) and not _LETTER.search(_TEX.sub(" ", bare)):
        return "LaTeX only"
    if _RIGHTS_FIRST.match(text) and all(_RIGHTS.search(s) for s in _SENTENCE.split(bare) if _LETTER.search(s)):
        return "rights only"
    return None


def _says_little(text: str, label: str) -> str | None:
    words = _TOKEN.findall(text.casefold())
    # "CT" and "T1" are no labels: they may be all that the author has to say.
    if words and not _TEX_SIGN.search(text) and all(w in _KIND or _NUMBER.fullmatch(w) for w in words):
        return "label only"
    if _FILLER.fullmatch(text):
        return "filler"
    if _FILE.fullmatch(text):
        return "file name only"
    if any(map(str.isdigit, label)) and words == _TOKEN.findall(label.casefold()):
        return "copy of the label"
    return None
