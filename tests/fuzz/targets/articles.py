"""Article XML: mutated articles of PMC and of publishers, through the stage `extract`."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
from lxml import etree

from roco.base.ids import clean_pmcid
from roco.base.schema import ARTICLES
from roco.stages.extract import Extract
from tests.attacks.documents import ADDRESSES, DOCUMENTS, TEXTS
from tests.attacks.packing import article
from tests.fuzz import mutations
from tests.fuzz.target import Format, Target, require
from tests.fuzz.trap import SECRET, made

LARGEST = 20_000  # bytes of a seed; larger articles are mutated too slowly
FILES = ("f1.jpg", "f1.gif", "f2.tif", "sub/f1.jpg", "F1.JPG", "other.png", "a-g001.jpg", "a-g002.tif")
NAMES = ("fig", "fig-group", "graphic", "media", "alternatives", "caption", "title", "p", "label", "xref", "sec",
         "list", "table-wrap", "sub-article", "response", "supplementary-material", "inline-formula", "disp-formula",
         "tex-math", "mml:math", "permissions", "license", "license-p", "copyright-statement", "attrib", "boxed-text",
         "abstract", "floats-group", "article-id", "related-article", "pub-date", "year", "contrib", "name", "ref",
         "trans-abstract", "kwd-group", "ali:license_ref", "article", "pmc-articleset", "custom-meta", "break", "sup",
         "ext-link")  # fmt: skip
VALUES = ("f1", "f1.jpg", "F1.JPG", "../f1.jpg", "f2.tif", "http://a.b/f2.tif?x#y", "bibr", "fig", "retraction",
          "pmcid", "PMC1", "PMC0099999999999", "en", "fr", "epub", "2020", "20200000000000", "Figs. 1–3", "Figure 1",
          "(A–C)", "A, B", "https://creativecommons.org/licenses/by/4.0/", "CC BY-NC",
          "Reproduced with permission from", "&x;")  # fmt: skip


def make() -> Target:
    def seeds() -> list[bytes]:
        return [article(), *made((*DOCUMENTS, *ADDRESSES, *TEXTS), LARGEST), *_real()]

    promise = (
        "any XML: rows with unique ids, files of the package, offsets inside their text and counts that add up, or a "
        "row with the reason; no file outside is read, no entity is expanded from outside"
    )
    format = Format("JATS", seeds, _read, mutations.xml(NAMES, VALUES))
    return Target("articles", promise, (format,))


def _real() -> list[bytes]:
    """Returns the smaller of the real articles, shortened, where there are any."""
    shared = Path(os.environ.get("ROCO_SHARED", "shared")) / "data" / "articles"
    paths = sorted(path for path in shared.rglob("*") if path.suffix in (".xml", ".nxml") and path.is_file())
    shortened = [_shortened(path.read_bytes()) for path in paths]
    return [data for data in shortened if len(data) <= LARGEST]


def _shortened(xml: bytes) -> bytes:
    """Returns an article without references, tables and paragraphs that cite no figure: it is mutated faster."""
    root = etree.fromstring(xml, etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False))
    for name in ("ref-list", "table-wrap", "floats-wrap", "math", "disp-formula"):
        for one in list(root.iter(f"{{*}}{name}")):
            one.getparent().remove(one)
    for one in list(root.iter("{*}p")):
        is_cited = any(xref.get("ref-type") == "fig" for xref in one.iter("{*}xref"))
        in_body = any(above.tag == "body" for above in one.iterancestors())
        in_figure = any(above.tag in ("fig", "caption") for above in one.iterancestors())
        if in_body and not in_figure and not is_cited:
            one.getparent().remove(one)
    return etree.tostring(root, encoding="utf-8")


def _read(data: bytes, folder: Path) -> None:
    unit = {
        "article": "PMC1", "place": "00/PMC1.tar.gz", "origin": "package", "facts": '{"license": "CC BY"}',
        "xml_name": "main.nxml", "xml": data, "files": [{"name": n, "size": 1} for n in ("main.nxml", *FILES)],
        "error": None,
    }  # fmt: skip
    out = Extract()(pa.Table.from_pylist([unit], schema=ARTICLES))
    rows = out.figures.to_pylist()
    require(rows or out.counts["00/PMC1.tar.gz"], "an article is counted")
    require(len({row["figure_id"] for row in rows}) == len(rows), "ids of figures are unique")
    for place, count in out.counts.items():
        files = {row["file"] for row in rows if row["archive"] == place and row["file"]}
        images = count.get("images_in_packages", 0)
        rest = count.get("renditions", 0) + len(files)
        require(images == rest, "the counts of images add up")
    for row in rows:
        require(row["file"] is None or row["file"] in FILES, "a file is one of the package")
        require(row["drop"] is not None or row["file"] is not None, "a row without a file has a reason")
        require(row["drop"] is None or row["drop_detail"], "a reason has a detail")
        require(clean_pmcid(row["pmcid"] or "PMC1")[0], "a PMCID is valid")
        for mention in row["mentions_in_text"] or ():
            inside = 0 <= mention["start"] <= mention["end"] <= len(mention["text"])
            require(inside, "a mention lies inside its text")
        require(all(c.isprintable() for c in row["caption"] or ""), "a caption has no control characters")
    require(SECRET not in repr(rows), "no text from outside is read")
