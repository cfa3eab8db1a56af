"""Reading articles."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from roco.base.errors import RejectedInput
from roco.base.ids import clean_doi, clean_pmcid
from roco.base.text import visible
from roco.models.text.licenses import normalise
from roco.sources.jats import tree as jats_tree
from roco.sources.jats.article import Article, parse
from roco.sources.jats.figures import Figure
from roco.sources.jats.text import plain_caption

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML"'


def article(body: str = "", meta: str = "", more: str = "", kind: str = "case-report", lang: str = "en") -> Article:
    xml = f"""<article {XLINK} article-type="{kind}" xml:lang="{lang}">
    <front><article-meta>{meta}</article-meta></front>
    <body>{body}</body>{more}</article>"""
    return parse(xml.encode())


def fig(caption: str = "<p>A CT scan.</p>", graphic: str = '<graphic xlink:href="f1.jpg"/>', id: str = "f1") -> str:
    return f'<fig id="{id}"><label>Figure 1</label><caption>{caption}</caption>{graphic}</fig>'


def only(found: Article) -> Figure:
    (figure,) = found.figures
    return figure


def test_a_figure_has_id_label_caption_and_image() -> None:
    figure = only(article(fig()))
    assert (figure.fig_id, figure.label, figure.caption, figure.hrefs) == ("f1", "Figure 1", "A CT scan.", ("f1.jpg",))
    assert figure.drop is None and figure.n_graphics == 1


@pytest.mark.parametrize("wrapper", ["<r>{}</r>", "<pmc-articleset><record>{}</record></pmc-articleset>"])
def test_the_article_is_found_in_a_wrapper_and_in_any_namespace(wrapper: str) -> None:
    inner = f'<article {XLINK} xmlns="http://x.org/jats"><body>{fig()}</body></article>'
    assert only(parse(wrapper.format(inner).encode())).caption == "A CT scan."


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("<title>CT scan.</title><p>T<sub>2</sub> image.</p><p>10<sup>3</sup></p>", "CT scan. T2 image. 103"),
        ("<p>CT of <italic>the</italic>\n  chest</p>", "CT of the chest"),
        ("<p>a<!-- note --><?width 50%?>b [<xref rid='b1'>1</xref>]</p>", "ab [1]"),
        (
            "<p>One</p><list><list-item><p>two</p></list-item><list-item><p>three</p></list-item></list>",
            "One two three",
        ),
        (
            """<p>is <inline-formula><alternatives><tex-math>\\documentclass{minimal}$x^2$</tex-math><mml:math>
            <mml:mi>x</mml:mi> <mml:mn>2</mml:mn></mml:math></alternatives></inline-formula>.</p>""",
            "is x2.",
        ),
        (
            "<p><inline-formula><tex-math>$x$</tex-math><mml:math><mml:mi>x</mml:mi></mml:math></inline-formula></p>",
            "x",
        ),
        ("<p><tex-math>\\documentclass{a}\\begin{document}$y$\\end{document}</tex-math></p>", "$y$"),
        ("<p>CT (https://a.org/b_(c)) or www.x.org.</p>", "CT."),
        ("<p>normal &lt; 30 mm\u202e and > 3\u200b</p>", "normal < 30 mm and > 3"),
        ("<p>cafe\u0301</p>", "caf\u00e9"),
        ("<p>Seen in 2012<xref ref-type='fn' rid='n'><sup>4</sup></xref>.</p>", "Seen in 2012."),
    ],
)
def test_flattened_captions_have_separated_blocks_and_each_formula_once(caption: str, text: str) -> None:
    assert only(article(fig(caption))).caption == text


def test_a_figure_without_a_caption_does_not_get_that_of_the_previous_figure() -> None:
    first, second = article(fig() + '<fig id="f2"><graphic xlink:href="f2.jpg"/></fig>').figures
    assert first.caption and second.caption is None and second.label is None


def test_the_label_is_that_of_the_figure_and_not_of_a_note() -> None:
    found = article('<fig><caption><p>x</p></caption><fn><label>*</label></fn><graphic xlink:href="a"/></fig>')
    assert only(found).label is None and only(found).key == "fig-1"


def test_each_image_of_a_figure_is_a_record() -> None:
    two = '<graphic xlink:href="f4a.jpg"/><p><graphic xlink:href="f4b.jpg"/></p>'
    assert [(f.k, f.hrefs, f.n_graphics) for f in article(fig(graphic=two)).figures] == [
        (0, ("f4a.jpg",), 2),
        (1, ("f4b.jpg",), 2),
    ]


@pytest.mark.parametrize(
    ("graphics", "hrefs"),
    [
        (
            """<alternatives><graphic xlink:href="a.thumb.jpg" content-type="scielo-267x140"/>
            <graphic xlink:href="a.tif"/><graphic xlink:href="a.png"/></alternatives>""",
            ("a.png", "a.tif", "a.thumb.jpg"),
        ),
        ('<graphic xlink:href="f1"/><graphic xlink:href="f1-s" specific-use="thumbnail"/>', ("f1", "f1-s")),
        ('<graphic xlink:href="f1.gif"/><graphic xlink:href="f1.jpg"/>', ("f1.jpg", "f1.gif")),
        (
            '<graphic content-type="print" xlink:href="p"/><graphic content-type="high" xlink:href="h"/>',
            ("h", "p"),
        ),
        ('<graphic xml:lang="pt" xlink:href="p"/><graphic xml:lang="en" xlink:href="e"/>', ("e", "p")),
        (
            """<alternatives><graphic xml:lang="pt" xlink:href="p.jpg"/><graphic xml:lang="en" xlink:href="e.tif"/>
            </alternatives>""",
            ("e.tif", "p.jpg"),
        ),
    ],
)
def test_renditions_are_one_image_with_the_best_one_first(graphics: str, hrefs: tuple[str, ...]) -> None:
    assert only(article(fig(graphic=graphics))).hrefs == hrefs


@pytest.mark.parametrize(
    ("body", "drop", "detail"),
    [
        (fig(graphic=""), "no_graphic", "names no image"),
        (fig(graphic="<table-wrap><table/></table-wrap>"), "no_graphic", "contains <table-wrap> instead of an image"),
        (fig(graphic='<media mimetype="video" xlink:href="v.mp4"/>'), "video", "v.mp4"),
        ('<media xlink:href="v.avi"/>', "video", "v.avi"),
        ('<table-wrap><graphic xlink:href="t1"/></table-wrap>', "table", "image of a table"),
        ('<p><inline-formula><inline-graphic xlink:href="e1"/></inline-formula></p>', "scope", "formula"),
        ('<disp-formula><graphic xlink:href="e1"/></disp-formula>', "scope", "formula"),
        ('<p><inline-graphic xlink:href="icon"/></p>', "scope", "inline graphic"),
        ('<bio><graphic xlink:href="me"/></bio>', "scope", "portrait of an author"),
        (f"<fn>{fig()}</fn>", "scope", "footnote"),
        (f"<supplementary-material>{fig()}</supplementary-material>", "scope", "supplementary material"),
    ],
)
def test_an_image_that_is_not_a_figure_has_a_reason(body: str, drop: str, detail: str) -> None:
    found = [f for f in article(body).figures if f.drop]
    assert [(f.drop, f.detail) for f in found] == [(drop, detail)]


def test_an_abstract_and_a_translation_are_out_of_scope_but_an_appendix_is_not() -> None:
    found = article(
        meta=f'<abstract abstract-type="graphical">{fig(id="g")}</abstract>',
        more=f"<back><app-group><app>{fig(id='a1')}</app></app-group></back><floats-group>{fig(id='f9')}</floats-group>"
        f'<sub-article article-type="translation"><body>{fig()}</body></sub-article>',
    )
    assert {f.key: f.detail for f in found.figures} == {
        "g": "graphical abstract",
        "a1": None,
        "f9": None,
        "f1": "sub-article: translation",
    }


@pytest.mark.parametrize(
    ("place", "located_in"),
    [
        ("{}", None),
        ("<sec>{}</sec>", None),
        ("<boxed-text><sec>{}</sec></boxed-text>", "box"),
        ("<sec sec-type='appendix'>{}</sec>", "appendix"),
        ("<floats-group>{}</floats-group>", None),
        ("<floats-group><boxed-text>{}</boxed-text></floats-group>", "box"),
        ("<back><sec>{}</sec></back>", "back matter"),
        ("<back><app-group><app>{}</app></app-group></back>", "appendix"),
        ("<back><app><boxed-text>{}</boxed-text></app></back>", "appendix / box"),
    ],
)
def test_a_figure_in_a_box_or_in_the_back_matter_is_kept_with_a_mark(place: str, located_in: str | None) -> None:
    figure = only(article(more=place.format(fig())))
    assert (figure.located_in, figure.drop) == (located_in, None)


def test_figures_of_a_sub_article_are_out_of_scope() -> None:
    assert article('<supplementary-material><media xlink:href="s1.doc"/></supplementary-material>').figures == ()


def test_a_figure_without_a_caption_gets_that_of_its_group() -> None:
    group = '<fig-group><caption><p>Both.</p></caption><fig id="a"><graphic xlink:href="a"/></fig></fig-group>'
    assert only(article(group)).caption == "Both."


def test_of_two_captions_the_one_in_the_language_of_the_article_is_used() -> None:
    two = '<fig><caption xml:lang="pt"><p>Uma.</p></caption><caption xml:lang="en"><p>One.</p></caption>'
    two += '<graphic xlink:href="a"/></fig>'
    assert only(article(two)).caption == "One."


def test_mentions_are_the_citing_paragraphs_without_the_figures_inside() -> None:
    body = f"""<p>See <xref rid="f0 f1">Fig 1</xref>.{fig("<p>As <xref rid='f1'>1</xref></p>")}</p><p>Nothing.</p>
    <p>Again <xref ref-type="Fig" rid="f1">1</xref>, <xref rid="f1">1</xref></p>"""
    assert [m.text for m in only(article(body)).mentions] == ["See Fig 1.", "Again 1, 1"]


def test_citations_in_a_translation_are_not_mentions() -> None:
    other = '<sub-article><body><p><xref rid="f1">1</xref></p></body></sub-article>'
    assert only(article(fig(), more=other)).mentions == ()


META = """
<article-id pub-id-type="pmcid">PMC12</article-id><article-id pub-id-type="pmcid-ver">PMC12.3</article-id>
<article-id pub-id-type="pmid">77</article-id><article-id pub-id-type="doi">https://doi.org/10.1000/ABC</article-id>
<article-id pub-id-type="publisher-id">10.1177_x</article-id>
<title-group><article-title>A <italic>case</italic><xref rid="n">*</xref></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Ng</surname><given-names>A B</given-names></name></contrib>
<contrib><collab>The Group<contrib-group><contrib><name><surname>In</surname></name></contrib></contrib-group></collab>
</contrib><contrib contrib-type="editor"><name><surname>Ed</surname></name></contrib></contrib-group>
<contrib-group content-type="editors"><contrib><name><surname>Tor</surname></name></contrib></contrib-group>
<pub-date pub-type="ppub"><year>2020</year></pub-date><pub-date pub-type="epub"><year>2019</year></pub-date>
<pub-date pub-type="pmc-release"><year>2011</year></pub-date>"""


def test_metadata_are_read_as_stated_in_the_article() -> None:
    found = article(meta=META)
    assert (found.pmcid, found.version, found.pmid, found.doi) == ("PMC12", 3, "77", "10.1000/abc")
    assert (found.title, found.year, found.article_type) == ("A case", 2019, "case-report")
    assert found.authors == ("Ng, A B", "The Group")


def test_a_publisher_id_is_never_a_doi() -> None:
    assert clean_doi("10.1177_0300") is None
    assert clean_doi("doi: 10.1/x") is None
    assert clean_pmcid("PMC0012.4") == ("PMC12", 4)
    assert clean_pmcid("12345.7.1") == (None, None)


@pytest.mark.parametrize(
    ("title", "kind", "retracted"),
    [
        ("RETRACTED: A case", "case-report", True),
        ("[Retracted] A case", "case-report", True),
        ("Retracted Article: A case", "case-report", True),
        ("A case", "retracted-article", True),
        ("Retracted eardrums in children", "case-report", False),
        ("Retraction: A case", "case-report", True),
        ("A case [Retracted]", "case-report", True),
        ("WITHDRAWN: A case", "case-report", True),
        ("Notice of retraction: A case", "case-report", True),
        ("RETRACTED: A case", "letter", True),  # letters report cases, too
        ("Retraction of the brain: A case", "case-report", False),
        ("Partial retraction: A case", "case-report", False),
        ("Retraction: A case", "retraction", False),
        ("Retraction: A case", "correction", False),
        ("RETRACTED: A case", "retraction", False),  # the notice quotes the title
    ],
)
def test_the_paper_is_retracted_but_not_the_notice(title: str, kind: str, retracted: bool) -> None:
    meta = f"<title-group><article-title>{title}</article-title></title-group>"
    assert article(meta=meta, kind=kind).retracted is retracted


BY = "http://creativecommons.org/licenses/by/4.0/"


def test_the_licence_is_that_of_the_article_and_not_of_a_figure_or_a_translation() -> None:
    license = f'<permissions><license xlink:href="{BY}"><p>Open.</p></license></permissions>'
    elsewhere = f"<fig>{license}<graphic xlink:href='a'/></fig>"
    assert article(elsewhere, more=f"<sub-article><front-stub>{license}</front-stub></sub-article>").terms == ()
    assert normalise(None, article(meta=license).terms).id == "CC-BY"


def test_a_licence_for_text_mining_only_is_not_the_licence_of_the_article() -> None:
    ali = '<ali:license_ref xmlns:ali="http://www.niso.org/schemas/ali/1.0/" specific-use="textmining">' + BY
    found = article(meta=f"<permissions><license>{ali}</ali:license_ref></license></permissions>")
    assert normalise(None, found.terms).id == "NONE"


def test_an_undeclared_entity_becomes_its_character() -> None:
    for head in (
        b"",
        b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "J.dtd">',
        b'<!DOCTYPE article [<!ENTITY x "y">]>',
    ):
        body = f"<article {XLINK}><body>{fig('<p>a&nbsp;b&mdash;&lt;</p>')}</body></article>".encode()
        found = parse(b'<?xml version="1.0"?>' + head + body)
        assert found.entity_fallback and only(found).caption == "a b\u2014<"


def test_an_external_entity_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    head = f'<!DOCTYPE article [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    xml = f"{head}<article {XLINK}><body>{fig('<p>a &x;</p>')}</body></article>".encode()
    try:
        assert "hidden" not in str(parse(xml).figures)
    except RejectedInput as err:
        assert "hidden" not in err.message


LAUGHS = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 12}">' for i in range(9))


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"no xml",
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"<article><body>",
        b"<book/>",
        b"<article>&nosuchthing;</article>",
        f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><article><body><p>&l9;</p></body></article>'.encode(),
        b"<a>" * 3000 + b"</a>" * 3000,
    ],
    ids=["empty", "text", "html", "cut", "book", "entity", "laughs", "deep"],
)
def test_a_document_that_is_not_an_article_is_rejected_with_a_reason(xml: bytes) -> None:
    with pytest.raises(RejectedInput) as caught:
        parse(xml)
    assert caught.value.message.startswith("XML: ")


def test_every_limit_of_the_parser_is_set_explicitly(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, object] = {}
    real = etree.XMLParser
    monkeypatch.setattr(etree, "XMLParser", lambda **options: told.update(options) or real(**options))
    article()
    assert told == {
        "resolve_entities": "internal",
        "no_network": True,
        "load_dtd": False,
        "dtd_validation": False,
        "huge_tree": False,
        "recover": False,
        "remove_comments": True,
        "remove_pis": True,
    }


def test_a_dtd_next_to_the_article_is_not_loaded(tmp_path: Path) -> None:
    dtd = tmp_path / "evil.dtd"
    dtd.write_text('<!ENTITY x "hidden">')
    body = f"<article {XLINK}><body>{fig('<p>a &x;</p>')}</body></article>"
    with pytest.raises(RejectedInput):
        parse(f'<!DOCTYPE article SYSTEM "{dtd.as_uri()}">{body}'.encode())


def test_xml_above_the_limit_is_rejected_before_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jats_tree, "MAX_BYTES", 10)
    with pytest.raises(RejectedInput, match="larger than"):
        article(fig())


@given(st.binary(max_size=300))
@example(b"<article>&nbsp;")
@example(b'<article xmlns:xlink="http://www.w3.org/1999/xlink"><fig><graphic xlink:href=""/></fig></article>')
def test_any_bytes_are_an_article_or_rejected(data: bytes) -> None:
    for xml in (data, b"<article><body><fig>" + data + b"</fig></body></article>"):
        try:
            assert isinstance(parse(xml), Article)
        except RejectedInput as err:
            assert err.message


@given(st.text(max_size=80))
def test_normalising_a_caption_twice_gives_the_same_caption(text: str) -> None:
    clean = plain_caption(text)
    assert clean == " ".join(clean.split())
    assert not set(clean) & set("\0\u202e\u2066\u200b\n")
    assert plain_caption(clean).split() == clean.split() or "/" in text


def closed_up(text: str | None) -> str:
    return "".join((text or "").split())


def unmarked(text: str | None) -> str:
    """Without placeholders, and without what stands at its end: the description has the marks of footnotes there."""
    text = visible(text or "").replace("[formula]", "").replace("[symbol]", "")
    return closed_up(text).rstrip("0123456789.")


WITH_ENGLISH_CAPTIONS_IN_CREDITS = ("10.1590_2236-8906-111_2020", "10.1590_2236-8906-76-2021")


@pytest.mark.shared
def test_all_real_articles_are_read_as_described(shared: Path) -> None:
    data = shared / "data"
    wrong = []
    for line in (data / "articles.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        found = parse((data / told["path"] / told["xml"]).read_bytes())
        figures = Counter((f.fig_id, unmarked(f.caption_raw)) for f in found.figures if f.k == 0)
        missed = Counter((f["id"], unmarked(f["caption"])) for f in told["figs"]) - figures
        # The description has captions in the language of the article, roco has those of its English translation.
        in_english = {f.fig_id for f in found.figures if f.caption_from == "translation"}
        if told["id"] not in WITH_ENGLISH_CAPTIONS_IN_CREDITS:
            wrong += [(told["id"], id) for id, _ in missed if id not in in_english]
        license = re.sub(r" [\d.]+$", "", told["license"]).replace("PD-mark", "PDM").replace(" ", "-")
        if normalise(None, found.terms).id != license:
            wrong.append((told["id"], "license"))
    # The first has no <permissions>, the other no licence in its XML.
    assert wrong == [("10.1371_journal.pone.0000217", "license"), ("manuscript.xml", "license")]
