"""Reading articles, side by side with what others read them with: figures got right, and articles a second."""

from __future__ import annotations

import contextlib
import io
import json
import re
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pubmed_parser  # type: ignore[import-untyped]
import pyarrow as pa
from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning
from lxml import etree
from tests.sources.pitfalls import PITFALLS, Pitfall

from benchmarks.corpora import SHARED
from roco.base.schema import ARTICLES
from roco.sources.jats.article import parse
from roco.sources.jats.figures import Figure, figures_of
from roco.sources.jats.renditions import stem_of
from roco.sources.jats.text import read_xml
from roco.stages.extract import Extract

Given = set[tuple[str, str]]
"""Stem of the image in the package, in lower case, and caption with its white space folded."""


def readers(repeats: int) -> list[str]:
    """The section of the page: the speeds first, then a table of all pitfalls."""
    marks = {name: [_mark(way, p) for p in PITFALLS] for name, way in _WAYS.items()}
    right = {name: sum(m == _RIGHT for m in marks[name]) for name in marks}
    lines = ["", "## Reading articles", ""]
    lines += _speeds(repeats, {name: f"{n} of {len(PITFALLS)}" for name, n in right.items()})
    lines += [
        "",
        "The pitfalls are the articles of `tests/sources/pitfalls`: each of 51 known pitfalls of JATS once or more,",
        "and without a number what articles hold beyond them; they and roco come from the same hands. A reader is",
        "right when the images it gives, with their captions, are those of the article: none left out, none from",
        "elsewhere, no caption of another figure. White space, labels and reasons do not count. For the others every",
        "name is looked up in the package, in any case and without extension, and what is not there does not count.",
        "An exception is wrong. What only roco gives (mentions, ids, dates, pixels) is held by the tests alone.",
        "",
        "| number | pitfall | " + " | ".join(marks) + " |",
        "|---|---|" + "---|" * len(marks),
    ]
    for i, p in enumerate(PITFALLS):
        lines.append(f"| {p.number or ''} | {p.name} | " + " | ".join(marks[name][i] for name in marks) + " |")
    return lines


# --- what is right

_RIGHT, _WRONG, _RAISED = "yes", "no", "raises"


def _mark(way: Callable[[Pitfall], Given], pitfall: Pitfall) -> str:
    told = {(stem_of(image.file or "").casefold(), _folded(image.caption)) for image in pitfall.kept}
    try:
        return _RIGHT if way(pitfall) == told else _WRONG
    except Exception:  # whatever a reader raises, its user has no figures
        return _RAISED


def _folded(text: str | None) -> str:
    return " ".join((text or "").split())


def _in_package(figures: Sequence[tuple[str | None, str | None]], pitfall: Pitfall) -> Given:
    """Stem and caption of each figure whose image the package has, looked up with the benefit of every doubt."""
    found = [(_stem(href, pitfall.files), _folded(caption)) for href, caption in figures if href]
    return {(stem.casefold(), caption) for stem, caption in found if stem}


def _stem(href: str, files: Sequence[str]) -> str | None:
    """The stem of the file that a name means: as written, without folders and query, in any case if that is unique."""
    stems = {stem_of(file) for file in files}
    base = re.sub(r"[?#].*", "", href).rpartition("/")[2]
    for name in (href, stem_of(href)):
        if name in stems:
            return name
    for same in (str, str.casefold):
        near = {s for s in stems if same(s.rpartition("/")[2]) in (same(base), same(stem_of(base)))}
        if len(near) == 1:
            return near.pop()
    return None


def _roco(pitfall: Pitfall) -> Given:
    package = {
        "article": "case",
        "place": "case",
        "origin": "package",
        "facts": pitfall.facts,
        "xml_name": "main.nxml",
        "xml": pitfall.xml,
        "files": [{"name": name, "size": 1} for name in pitfall.files],
    }
    rows = Extract()(pa.Table.from_pylist([package], schema=ARTICLES)).to_pylist()
    return {(stem_of(r["file"]).casefold(), _folded(r["caption"])) for r in rows if r["drop"] is None}


def _pubmed_parser(pitfall: Pitfall) -> Given:
    """By a path that ends in .nxml, for which it takes namespaces off."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.nxml"
        path.write_bytes(pitfall.xml)
        return _in_package(_read_pubmed_parser(str(path)), pitfall)


_WAYS: dict[str, Callable[[Pitfall], Given]] = {
    "roco": _roco,
    "pubmed_parser": _pubmed_parser,
    "BeautifulSoup `lxml`": lambda pitfall: _in_package(_read_soup(pitfall.xml, "lxml"), pitfall),
    "BeautifulSoup `lxml-xml`": lambda pitfall: _in_package(_read_soup(pitfall.xml, "lxml-xml"), pitfall),
}


# --- the readers, as their users call them


def _figures_alone(xml: bytes) -> list[Figure]:
    """What the other readers give: no citations, no licence, no authors, ids or dates."""
    return list(figures_of(read_xml(xml)[0], "en", cited=False))


def _read_pubmed_parser(path: str) -> list[tuple[str | None, str | None]]:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it cannot read
        found = pubmed_parser.parse_pubmed_caption(path) or []
    return [(f["graphic_ref"], f["fig_caption"]) for f in found]


def _read_soup(xml: bytes, features: str) -> list[tuple[str | None, str | None]]:
    """The plain reading of published pipelines: each <fig> with the first caption and the first graphic in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(xml, features)
    figures: list[tuple[str | None, str | None]] = []
    for fig in soup.find_all("fig"):
        graphic, caption = fig.find("graphic"), fig.find("caption")
        if graphic is not None:
            figures.append((str(graphic["xlink:href"]), caption.get_text() if caption is not None else None))
    return figures


# --- how fast


def _speeds(repeats: int, right: dict[str, str]) -> list[str]:
    """The readers in turn over all real articles; pubmed_parser by paths, which it reads faster than bytes."""
    paths = _articles()
    articles = [path.read_bytes() for path in paths]
    ways: dict[str, tuple[Callable[..., object], Sequence[object]]] = {
        "roco": (lambda xml: parse(xml).figures, articles),
        "roco, figures and captions alone": (_figures_alone, articles),
        "pubmed_parser": (_read_pubmed_parser, [str(path) for path in paths]),
        "BeautifulSoup `lxml`": (lambda xml: _read_soup(xml, "lxml"), articles),
        "BeautifulSoup `lxml-xml`": (lambda xml: _read_soup(xml, "lxml-xml"), articles),
        "lxml alone, nothing read": (etree.fromstring, articles),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    raised: dict[str, int] = {}
    for _ in range(max(3, repeats)):
        for name, (way, inputs) in ways.items():
            started = time.perf_counter()
            raised[name] = sum(_raises(way, one) for one in inputs)
            times[name].append(time.perf_counter() - started)
    rates = {name: len(articles) / statistics.median(found) for name, found in times.items()}
    size = sum(map(len, articles)) / 1e6
    lines = [f"{len(articles)} real articles, {size:.1f} MB of XML, read in turn; {len(PITFALLS)} pitfalls.", ""]
    lines += ["| reader | pitfalls right | articles/s | articles that raise |", "|---|---|---|---|"]
    lines += [f"| {name} | {right.get(name, '')} | {rates[name]:.0f} | {raised[name]} |" for name in ways]
    soup = max(rate for name, rate in rates.items() if "Soup" in name)
    like, whole, bare = (
        rates[n] / soup for n in ("roco, figures and captions alone", "roco", "lxml alone, nothing read")
    )
    lines += [
        "",
        f"Giving the same, figures with captions, roco is {like:.1f} times as fast as the faster BeautifulSoup;",
        f"with the passages that cite each figure, licence, authors, ids and dates {whole:.1f} times (aim: 20).",
        f"lxml alone, which makes the tree and reads nothing of it, is the limit: {bare:.0f} times. pubmed_parser",
        f"has {rates['pubmed_parser'] / soup:.0f} times the rate of BeautifulSoup; an article that raises is given up",
        "early, and so counts as speed.",
    ]
    return lines


def _raises(way: Callable[..., object], one: object) -> bool:
    try:
        way(one)
    except Exception:
        return True
    return False


def _articles() -> list[Path]:
    index = SHARED / "data" / "articles.jsonl"
    if not index.exists():
        sys.exit("the real articles are not here: set ROCO_SHARED to a folder with data/ and tools/")
    told = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    return [SHARED / "data" / one["path"] / one["xml"] for one in told]
