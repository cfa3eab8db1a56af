"""Any tree of JATS elements, in any order and depth, gives rows that add up."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.test_extract import XLINK, extract, unit

pytestmark = pytest.mark.slow

TAGS = (
    *("fig", "fig-group", "graphic", "media", "alternatives", "caption", "title", "p", "label", "xref", "sec", "list"),
    *("list-item", "table-wrap", "td", "sub-article", "supplementary-material", "inline-formula", "disp-formula", "fn"),
    *("tex-math", "permissions", "license", "attrib", "boxed-text", "abstract", "inline-graphic", "floats-group"),
)
NAMES = ("f1", "f1.jpg", "F1.JPG", "f2.tif", "../f1.jpg", "x.mp4", "", "f1 f2", "f1-thumb.jpg", "http://a.b/f2.tif?x#y")
FILES = ("f1.jpg", "f1.gif", "f2.tif", "sub/f1.jpg", "F1.JPG", "other.png")

KEYS = ("id", "rid", "xlink:href", "xml:lang", "content-type", "specific-use", "ref-type", "mimetype")
VALUES = (*NAMES, "thumbnail", "print", "online", "bibr", "fig", "video", "pt")
VALUE = st.one_of(st.sampled_from(VALUES), st.text("ab.\u202e&<\"'", max_size=5))
ATTRIBUTES = st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=4)
LABELS = ("Figs. 1–3", "Fig. 2", " to ", "–", "Figure 1")
TEXT = st.one_of(st.sampled_from(LABELS), st.text("aé\u0301 \n\u202e<&$\\^{}", max_size=8))


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def made(tag: str, attributes: dict[str, str], inner: list[str]) -> str:
        written = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
        return f"<{tag}{written}>{''.join(inner)}</{tag}>"

    return st.builds(made, st.sampled_from(TAGS), ATTRIBUTES, st.lists(children, max_size=4))


TREES = st.recursive(TEXT.map(escape), element, max_leaves=25)


@settings(max_examples=150)
@given(st.lists(TREES, min_size=1, max_size=4), st.lists(st.sampled_from(FILES), unique=True))
def test_any_tree_gives_rows_with_files_and_reasons_that_add_up(trees: list[str], files: list[str]) -> None:
    body = "".join(trees)
    xml = f"<article {XLINK}><front><article-meta>{body}</article-meta></front><body>{body}</body></article>".encode()
    rows, _ = extract(unit(xml, tuple(files)))  # it checks ids and counts itself
    for row in rows:
        assert row["file"] is None or row["file"] in files
        assert (row["drop"] is None) <= (row["file"] is not None)
        assert row["drop"] is None or row["drop_detail"]
        for mention in row["mentions_in_text"]:
            assert 0 <= mention["start"] <= mention["end"] <= len(mention["text"])
        assert all(c.isprintable() for c in row["caption"] or "")
