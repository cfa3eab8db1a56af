"""Finds captions that do not describe an image: empty, a label, a filler, a file name, an address, LaTeX, a licence."""

from __future__ import annotations

import re

from roco.base.patterns import later
from roco.base.text import PLACEHOLDERS

# Words of labels in the languages of PMC and SciELO ("Figure 2", "Table 1"); none of them describes an image.
_LABEL_WORD_LIST = """
    fig figs figure figures figura figuras figuur abb abbildung abbildungen bild abbildg ill illustration illustrations
    ilustração ilustración image images imagen imágenes imagem imagens immagine foto fotos photo photos photograph
    photographs picture pictures plate plates planche tafel scheme schemes schema schéma esquema panel panels graph
    graphs gráfico gráficos grafico graphique chart charts diagram box exhibit table tables tabla tablas tabela tabelas
    tabelle tableau quadro cuadro video videos vidéo movie movies slika kuva obr obrázek rys rysunek şekil resim рис
    рисунок supplementary supplement supplemental suppl supporting additional extended appendix annex online only data
    file files material information continued cont contd legend and und et y e to of
    """
_LABEL_WORDS = frozenset(_LABEL_WORD_LIST.split())
_NUMBER = later(r"[se]?\d+[a-z]?|[a-z]|(?=[ivx])x{0,2}(?:ix|iv|v?i{0,3})|(?:図|图|圖|그림|表|표)\d*[a-z]?")
_TOKEN = re.compile(r"[^\W_]+")
_FILLER = later(
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
_FILE = later(
    rf"(?:[\w.()+-]+ ){{0,2}}[\w.()+-]*\w\.{_SUFFIX}|\W*(?:{_SIZE}\W+)?{_SUFFIX}(?:\W+{_SIZE})?\W*",
    re.I,
)
_RIGHTS_FIRST = later(
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
    r"\$\$?[^$]*\$\$?|\\\(.*?\\\)|\\\[.*?\\\]|\\begin\{(\w+\*?)\}.*?\\end\{\1\}"
    r"|\\[a-zA-Z]+\*?(?:\[[^\[\]]*\]|\{(?:[^{}]|\{[^{}]*\})*\})*",
    re.S,
)
# The placeholders of `extract`, for what a caption cannot contain.
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_TEX_SIGN = re.compile(r"[\\$]")
_URL = re.compile(r"(?:(?:https?|ftp)://|www\.|doi\.org/)\S+|\bdoi:\s*10\.\S+", re.I)
_LETTER = re.compile(r"[^\W\d_]")
_LONGEST_FILLER = 120
"""Characters; labels, fillers and file names are shorter, so longer captions are not tested for them."""


def no_description(caption: str, raw: str = "", label: str = "") -> str | None:
    """Returns why a caption does not describe an image, or None if it does.

    raw: the caption before addresses were removed; label: the label of the figure.
    """
    text = caption.strip()
    if not text:
        return "URL only" if _LETTER.search(raw) else "empty"

    # The expensive patterns are used only where they can match, since every caption of the corpus is tested.
    low = text.casefold()
    has_url = "://" in low or "www." in low or "doi" in low
    words = _PLACEHOLDER.sub(" ", text)
    without_urls = _URL.sub(" ", words) if has_url else words
    if not _LETTER.search(without_urls):
        return "no letters" if without_urls == words else "URL only"
    if len(text) <= _LONGEST_FILLER:
        detail = _short_without_description(text, label)
        if detail:
            return detail
    if _TEX_SIGN.search(without_urls) and not _LETTER.search(_TEX.sub(" ", without_urls)):
        return "LaTeX only"
    if _RIGHTS_FIRST.match(text):
        sentences = [sentence for sentence in _SENTENCE.split(without_urls) if _LETTER.search(sentence)]
        if all(_RIGHTS.search(sentence) for sentence in sentences):
            return "licence statement only"
    return None


def _short_without_description(text: str, label: str) -> str | None:
    words = _TOKEN.findall(text.casefold())
    # "CT" and "T1" are not labels: such a caption may be all that the author wrote.
    is_label = all(word in _LABEL_WORDS or _NUMBER.fullmatch(word) for word in words)
    if words and is_label and not _TEX_SIGN.search(text):
        return "label only"
    if _FILLER.fullmatch(text):
        return "filler"
    if _FILE.fullmatch(text):
        return "file name only"
    # A label without a number ("Chest CT") describes the image.
    has_number = any(character.isdigit() for character in label)
    if has_number and words == _TOKEN.findall(label.casefold()):
        return "copy of the label"
    return None
