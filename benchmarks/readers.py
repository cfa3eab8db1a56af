"""Compares readers of JATS: roco, pubmed_parser and BeautifulSoup, by correct pitfalls and articles per second."""

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

from benchmarks.corpora import SHARED
from roco.base.schema import ARTICLES
from roco.sources.jats.article import parse
from roco.sources.jats.figures import Figure, figures_of
from roco.sources.jats.renditions import stem_of
from roco.sources.jats.tree import read_xml
from roco.stages.extract import Extract
from tests.sources.jats.pitfalls import PITFALLS, Pitfall

Given = set[tuple[str, str]]
"""Stem of the image in the package, in lower case, and caption with its white space folded."""


def readers(repeats: int) -> list[str]:
    """Returns the section "Reading articles" of docs/benchmarks.md: the speeds, then a table of all pitfalls."""
    marks = {name: [_mark(way, p) for p in PITFALLS] for name, way in _WAYS.items()}
    right = {name: sum(m == _RIGHT for m in marks[name]) for name in marks}
    lines = ["", "## Reading articles", ""]
    lines += _speeds(repeats, {name: f"{n} of {len(PITFALLS)}" for name, n in right.items()})
    lines += [
        "",
        "The pitfalls are the articles of `tests/sources/jats/pitfalls`: each of 51 known pitfalls of JATS at least",
        "once, and other cases without a number; they were written by the authors of roco. A reader is right if it",
        "returns exactly the images of the article with their captions: none missing, none from elsewhere, no caption",
        "of another figure. White space, labels and reasons do not count. For the other readers every name is looked",
        "up in the package, ignoring case and extension, and names without a file do not count. An exception is",
        "wrong. What only roco returns (mentions, ids, dates, pixels) is not compared here.",
        "",
        "| number | pitfall | " + " | ".join(marks) + " |",
        "|---|---|" + "---|" * len(marks),
    ]
    for i, p in enumerate(PITFALLS):
        lines.append(f"| {p.number or ''} | {p.name} | " + " | ".join(marks[name][i] for name in marks) + " |")
    return lines


# --- correctness

_RIGHT, _WRONG, _RAISED = "yes", "no", "raises"


def _mark(way: Callable[[Pitfall], Given], pitfall: Pitfall) -> str:
    truth = {(stem_of(image.file or "").casefold(), _folded(image.caption)) for image in pitfall.kept}
    try:
        return _RIGHT if way(pitfall) == truth else _WRONG
    except Exception:  # whatever a reader raises, its users get no figures
        return _RAISED


def _folded(text: str | None) -> str:
    return " ".join((text or "").split())


def _in_package(figures: Sequence[tuple[str | None, str | None]], pitfall: Pitfall) -> Given:
    """Returns stem and caption of each figure whose image is in the package; names are matched loosely."""
    given: Given = set()
    for href, caption in figures:
        stem = _stem(href, pitfall.files) if href else None
        if stem:
            given.add((stem.casefold(), _folded(caption)))
    return given


def _stem(href: str, files: Sequence[str]) -> str | None:
    """Returns the stem of the file for a name: as written, else without folders and query, else ignoring case."""
    stems = {stem_of(file) for file in files}
    base = re.sub(r"[?#].*", "", href).rpartition("/")[2]
    for name in (href, stem_of(href)):
        if name in stems:
            return name
    for spelling in (str, str.casefold):
        wanted = (spelling(base), spelling(stem_of(base)))
        matches = {stem for stem in stems if spelling(stem.rpartition("/")[2]) in wanted}
        if len(matches) == 1:
            return matches.pop()
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
    rows = Extract()(pa.Table.from_pylist([package], schema=ARTICLES)).figures.to_pylist()
    return {(stem_of(r["file"]).casefold(), _folded(r["caption"])) for r in rows if r["drop"] is None}


def _pubmed_parser(pitfall: Pitfall) -> Given:
    """Reads a path that ends in .nxml, because pubmed_parser removes namespaces only then."""
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


# --- the readers, called as their documentation does


def _figures_alone(xml: bytes) -> list[Figure]:
    """Returns only what the other readers return: no citations, licence, authors, ids or dates."""
    return list(figures_of(read_xml(xml)[0], cited=False))


def _read_pubmed_parser(path: str) -> list[tuple[str | None, str | None]]:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its errors
        figures = pubmed_parser.parse_pubmed_caption(path) or []
    return [(figure["graphic_ref"], figure["fig_caption"]) for figure in figures]


def _read_soup(xml: bytes, features: str) -> list[tuple[str | None, str | None]]:
    """Reads as published pipelines do: each <fig> with the first caption and the first graphic in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(xml, features)
    figures: list[tuple[str | None, str | None]] = []
    for fig in soup.find_all("fig"):
        graphic, caption = fig.find("graphic"), fig.find("caption")
        if graphic is not None:
            figures.append((str(graphic["xlink:href"]), caption.get_text() if caption is not None else None))
    return figures


# --- speed


def _speeds(repeats: int, right: dict[str, str]) -> list[str]:
    """Times the readers in turn over all real articles; pubmed_parser gets paths, which it reads faster than bytes."""
    paths = _articles()
    articles = [path.read_bytes() for path in paths]
    ways: dict[str, tuple[Callable[..., object], Sequence[object]]] = {
        "roco": (lambda xml: parse(xml).figures, articles),
        "roco, only figures and captions": (_figures_alone, articles),
        "pubmed_parser": (_read_pubmed_parser, [str(path) for path in paths]),
        "BeautifulSoup `lxml`": (lambda xml: _read_soup(xml, "lxml"), articles),
        "BeautifulSoup `lxml-xml`": (lambda xml: _read_soup(xml, "lxml-xml"), articles),
        "lxml, parsing only": (etree.fromstring, articles),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    raised: dict[str, int] = {}
    for _ in range(max(3, repeats)):
        for name, (way, inputs) in ways.items():
            started = time.perf_counter()
            raised[name] = sum(_raises(way, one) for one in inputs)
            times[name].append(time.perf_counter() - started)
    rates = {name: len(articles) / statistics.median(seconds) for name, seconds in times.items()}
    size = sum(map(len, articles)) / 1e6
    lines = [f"{len(articles)} real articles, {size:.1f} MB of XML, read in turn; {len(PITFALLS)} pitfalls.", ""]
    lines += ["| reader | pitfalls right | articles/s | articles that raise |", "|---|---|---|---|"]
    lines += [f"| {name} | {right.get(name, '')} | {rates[name]:.0f} | {raised[name]} |" for name in ways]
    soup = max(rate for name, rate in rates.items() if "Soup" in name)
    captions_only = rates["roco, only figures and captions"] / soup
    everything = rates["roco"] / soup
    tree_only = rates["lxml, parsing only"] / soup
    others = rates["pubmed_parser"] / soup
    lines += [
        "",
        f"For figures and captions only, roco is {captions_only:.1f} times as fast as the faster BeautifulSoup; with",
        f"mentions, licence, authors, ids and dates {everything:.1f} times (aim: 20). The limit is lxml, which only",
        f"builds the tree: {tree_only:.0f} times. pubmed_parser is {others:.0f} times as fast as BeautifulSoup, but",
        "articles that raise end early and count as fast.",
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
        sys.exit("the real articles are missing: set ROCO_SHARED to a folder with data/ and tools/")
    entries = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    return [SHARED / "data" / entry["path"] / entry["xml"] for entry in entries]
