"""The summary of what extraction found, over a few articles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import roco
from roco.base.errors import DataError
from roco.sources import FolderSource
from roco.stages.extract import Extract
from roco.stages.extract_summary import articles
from roco.stages.license import License
from roco.stages.retraction import Retraction

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
BY = '<permissions><license xlink:href="http://creativecommons.org/licenses/by/4.0/"/></permissions>'


def fig(n: int, caption: str = "<caption><p>A chest radiograph shows a mass in the lung.</p></caption>") -> str:
    return f'<fig id="f{n}"><label>Figure {n}</label>{caption}<graphic xlink:href="f{n}.jpg"/></fig>'


def write(path: Path, body: str, meta: str = BY, kind: str = "case-report") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<article {XLINK} article-type="{kind}" xml:lang="en"><front><article-meta>{meta}</article-meta></front>'
        f"<body>{body}</body></article>"
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A paper with two figures, of which one has its image; its notice of retraction; one without; one broken."""
    root = tmp_path / "corpus"
    doi = '<article-id pub-id-type="doi">10.1000/paper</article-id>'
    cites = '<p><xref rid="f1">Fig. 1</xref></p>'
    write(
        root / "a" / "paper.xml",
        cites + fig(1) + fig(2, caption="") + "<disp-formula><graphic xlink:href='e1'/></disp-formula>",
        doi + BY,
    )
    (root / "a" / "f1.jpg").write_bytes(b"x")
    of = '<related-article related-article-type="retracted-article" ext-link-type="doi" xlink:href="10.1000/paper"/>'
    write(root / "b" / "notice.xml", "", of, kind="retraction")
    write(root / "c" / "plain.xml", "<p>No figure.</p>")
    (root / "d").mkdir()
    (root / "d" / "broken.xml").write_text("<article><body>")
    return root  # fmt: skip


def ran(corpus: Path, *stages: roco.Stage) -> tuple[roco.Run, dict[str, Any]]:
    pipeline = roco.Pipeline(FolderSource(path=corpus), stages)
    run = roco.Run(pipeline, corpus.parent / "run")
    return run, run.do(workers=0).funnel


def test_every_article_and_every_figure_is_counted_with_its_reason(corpus: Path) -> None:
    run, _ = ran(corpus, Extract(), License())
    summary = articles(run, lambda caption: "en")
    assert summary["totals"]["articles"] == 4 and summary["totals"]["articles_unreadable"] == 1
    assert summary["totals"]["articles_without_figures"] == 2
    assert summary["figures"]["figures of the articles"] == 2 and summary["figures"]["with their image"] == 1
    assert {(r["reason"], r["n"]) for r in summary["rows"]} == {
        ("kept", 1),
        ("missing", 1),
        ("scope", 1),
        ("article", 1),
    }
    assert summary["captions"] == {"figure": 1, "none": 1}
    assert summary["citations"] == {"direct": 1, "not cited": 1}
    assert summary["licenses"] == {"CC-BY | stated | href": 2, "NONE | none | nowhere": 1}
    assert summary["caption_languages"] == [
        {"article": "en", "caption": "en", "n": 1},
        {"article": "en", "caption": "no caption", "n": 1},
    ]
    assert summary["standing"] == {"notice of retraction": 1}
    paper = next(a for a in summary["articles"] if a["place"] == "a/paper.xml")
    assert (paper["figures"], paper["with_image"], paper["dropped"]) == (2, 1, {"missing": 1, "scope": 1})


def test_a_notice_in_the_corpus_drops_the_figures_of_its_paper(corpus: Path) -> None:
    _, funnel = ran(corpus, Extract(), License(), Retraction())
    assert funnel["stages"][-1]["dropped"] == {"retracted": 1}
    (corpus / "b" / "notice.xml").unlink()
    _, funnel = ran(corpus, Extract(), License(), Retraction())
    assert funnel["stages"][-1]["dropped"] == {}


def test_a_run_that_has_not_started_is_refused(corpus: Path, tmp_path: Path) -> None:
    pipeline = roco.Pipeline(FolderSource(path=corpus), [Extract()])
    with pytest.raises(DataError, match="nothing has been run"):
        articles(roco.Run(pipeline, tmp_path / "none"), str)
