"""What a pitfall is: a small article, the files beside it, and what an honest reader makes of the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

XLINK = "http://www.w3.org/1999/xlink"
NAMESPACES = f'xmlns:xlink="{XLINK}" xmlns:mml="http://www.w3.org/1998/Math/MathML"'
IDS = """<article-id pub-id-type="pmid">31000001</article-id><article-id pub-id-type="pmc">7000001</article-id>
<article-id pub-id-type="doi">10.5555/rad.2020.1</article-id>"""
DATES = '<pub-date pub-type="epub"><day>3</day><month>4</month><year>2020</year></pub-date>'


@dataclass(frozen=True, slots=True)
class Cited:
    """A mention to be found: the passage in full, its section, words of the citation in it, and its kind.

    section: null where a reader may name it as it likes.
    """

    text: str
    section: str | None
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Image:
    """One image that a reader gives, in the order of the document.

    file: its name in the package, null where it is not there; drop: why it is no image of the dataset, and then
    caption and label do not count; mentions: null where they do not count; columns: more of what its row must hold.
    """

    file: str | None
    caption: str | None = None
    label: str | None = None
    drop: str | None = None
    mentions: tuple[Cited, ...] | None = None
    columns: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pitfall:
    """One article that readers stumble over.

    number: its row in the list of 52 pitfalls of JATS, null for what articles hold beyond it; files: the package;
    article: attributes of the article as read; facts: what a source tells of the article, JSON.
    """

    number: int | None
    name: str
    xml: bytes
    truth: tuple[Image, ...]
    files: tuple[str, ...]
    article: Mapping[str, object]
    facts: str | None

    @property
    def kept(self) -> tuple[Image, ...]:
        return tuple(image for image in self.truth if image.drop is None)


def pitfall(
    number: int | None,
    name: str,
    xml: str | bytes,
    *truth: Image,
    spare: tuple[str, ...] = (),
    article: Mapping[str, object] | None = None,
    facts: str | None = None,
) -> Pitfall:
    """A pitfall whose package holds the files of its truth and `spare`, for which no row stands."""
    files = dict.fromkeys([*(i.file for i in truth if i.file), *spare])
    return Pitfall(number, name, xml.encode() if isinstance(xml, str) else xml, truth, (*files,), article or {}, facts)


def article(
    body: str,
    *,
    front: str = "",
    journal: str = "",
    ids: str = IDS,
    dates: str = DATES,
    more: str = "",
    lang: str = "en",
) -> str:
    """A complete article; front: further metadata, journal: of the journal, more: what follows the body."""
    return f"""<article {NAMESPACES} article-type="case-report" xml:lang="{lang}">
<front>
<journal-meta><journal-title-group><journal-title>Letters of Imaging</journal-title></journal-title-group>
<issn>0000-0000</issn><publisher><publisher-name>Imaging Press</publisher-name></publisher>{journal}</journal-meta>
<article-meta>{ids}
<title-group><article-title>An uncommon finding</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Rivers</surname><given-names>Ada</given-names></name>
</contrib></contrib-group>
{dates}
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/">
<license-p>This is an open access article under CC BY.</license-p></license></permissions>{front}
</article-meta>
</front>
<body>{body}</body>
{more}
</article>"""


def fig(n: int, caption: str = "", graphic: str | None = None, *, label: str = "Figure {}", attrs: str = "") -> str:
    """Figure fN with its label; caption: its text, or its blocks; graphic: what holds the image, by default fN."""
    if caption and not caption.startswith("<"):
        caption = f"<p>{caption}</p>"
    return "".join([
        f'<fig id="f{n}"{attrs and " "}{attrs}>',
        f"<label>{label.format(n)}</label>" if label else "",
        f"<caption>{caption}</caption>" if caption else "",
        image(f"f{n}") if graphic is None else graphic,
        "</fig>\n",
    ])  # fmt: skip


def image(href: str, attrs: str = "") -> str:
    return f'<graphic xlink:href="{href}"{attrs and " "}{attrs}/>'


def kept(
    n: int,
    caption: str | None,
    file: str | None = None,
    *,
    mentions: tuple[Cited, ...] | None = None,
    **columns: object,
) -> Image:
    """The image of a figure that `fig` writes, fN.jpg by default."""
    return Image(file or f"f{n}.jpg", caption, f"Figure {n}", mentions=mentions, columns=columns)


def dropped(drop: str, file: str | None = None) -> Image:
    return Image(file, drop=drop)
