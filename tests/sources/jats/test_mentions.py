"""Where the text cites a figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.jats.article import parse
from roco.sources.jats.mentions import Mention

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def fig(n: int | str, caption: str = "An image.", label: str = "Figure {}") -> str:
    """A figure f1, f2 … with its label."""
    label = f"<label>{label.format(n)}</label>" if label else ""
    return f'<fig id="f{n}">{label}<caption><p>{caption}</p></caption><graphic xlink:href="f{n}.jpg"/></fig>'


def ref(n: int | str, words: str | None = None) -> str:
    return f'<xref ref-type="fig" rid="f{n}">{words or n}</xref>'


def cited(
    text: str, figures: str = "".join(map(fig, (1, 2, 3, 4, 5))), references: str = ""
) -> dict[str, list[Mention]]:
    """The mentions of each figure by its id."""
    body = f"<body><sec><title>Findings</title>{text}</sec>{figures}</body>"
    back = f"<back><ref-list>{references}</ref-list></back>"
    xml = f"<article {XLINK}>{body}{back}</article>"
    return {f.key: list(f.mentions) for f in parse(xml.encode()).figures if f.mentions}


def kinds(text: str, **more: str) -> dict[str, str]:
    return {key: mentions[0].kind for key, mentions in cited(text, **more).items()}


def test_a_mention_has_its_text_its_section_and_the_offsets_of_the_citation() -> None:
    (mention,) = cited(f"<p>The  <italic>mass</italic> (\n{ref(1, 'Fig. 1')} ) grew.</p>")["f1"]
    assert mention == Mention("The mass ( Fig. 1 ) grew.", "Findings", 11, 17, "direct")
    assert mention.text[mention.start : mention.end] == "Fig. 1"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"<p>{ref(1)} and {ref(3)}</p>", {"f1": "direct", "f3": "direct"}),
        ('<p><xref rid="f1 f2 gone">1, 2</xref></p>', {"f1": "direct", "f2": "direct"}),
        (f"<p>Figs {ref(1)}–{ref(3)}</p>", {"f1": "direct", "f2": "range", "f3": "direct"}),
        (f"<p>{ref(2, 'Figs 2')} to {ref(5)}</p>", {"f2": "direct", "f3": "range", "f4": "range", "f5": "direct"}),
        (f"<p>{ref(1, 'Figures 1-3')}</p>", {"f1": "direct", "f2": "range", "f3": "range"}),
        ("<p>As in Fig. 2B, and (FIGURE 4)</p>", {"f2": "text", "f4": "text"}),
        ("<p>See figs. 1, 3a and 5.</p>", {"f1": "text", "f3": "text", "f5": "text"}),
        ("<p>Figures 2–4 show it</p>", {"f2": "text", "f3": "range", "f4": "text"}),
        ("<p>na figura 1 o nódulo</p>", {"f1": "text"}),
        (f"<p>Fig. {ref(2)} then Fig. 2 again</p>", {"f2": "direct"}),
        ("<p>Fig. 12, Fig. 1st, Fig. 9 and Table 2</p>", {}),
        ("<p>Fig. 2 of [7] is not ours, nor is configuration 1</p>", {}),
        ("<p>Figure 1—figure supplement 2</p>", {}),
        ('<p><xref ref-type="bibr" rid="b1">Fig. 1</xref></p>', {}),
        ('<p><xref ref-type="Fig" rid="f1">here</xref></p>', {"f1": "direct"}),
        ('<p><xref rid="f2">there</xref></p>', {"f2": "direct"}),
        (f"<list><list-item><p>x {ref(1)}</p></list-item></list>", {"f1": "direct"}),
        (f"<sec><title>Course ({ref(3)})</title></sec>", {"f3": "direct"}),
        (f"<table-wrap><table><tr><td>{ref(4)}</td></tr></table></table-wrap>", {"f4": "direct"}),
        (f"<ref-list><ref><p>{ref(1)} Fig. 2</p></ref></ref-list>", {}),
        (f"<sub-article><p>{ref(1)} Fig. 2</p></sub-article>", {}),
    ],
)  # fmt: skip
def test_every_citation_has_its_kind(text: str, found: dict[str, str]) -> None:
    assert kinds(text) == found


def test_a_range_without_labels_follows_the_order_of_the_figures() -> None:
    unlabelled = "".join(fig(n, label="") for n in (1, 2, 3))
    assert kinds(f"<p>{ref(1)}–{ref(3)}</p>", figures=unlabelled) == {"f1": "direct", "f2": "range", "f3": "direct"}


def test_a_figure_without_a_label_gets_the_number_at_the_start_of_its_caption() -> None:
    bare = fig(1, caption="Figure 1 Course of the disease.", label="")
    assert kinds("<p>shown in Figure 1</p>", figures=bare) == {"f1": "text"}


def test_a_link_to_the_graphic_or_to_the_group_cites_the_figure() -> None:
    named = fig(2).replace("<graphic", '<graphic id="gr2"')
    group = f'<fig-group id="g">{fig(1)}{named}</fig-group>'
    assert kinds('<p><xref rid="g">all</xref></p>', figures=group) == {"f1": "direct", "f2": "direct"}
    assert kinds('<p><xref rid="gr2">that</xref></p>', figures=group) == {"f2": "direct"}


def test_a_link_to_an_id_in_the_caption_cites_the_figure() -> None:
    inner = fig(1, caption='<named-content id="panel-b">B: a cyst</named-content>').replace(
        "<caption>", '<caption id="c">'
    )
    for rid in ("c", "panel-b"):
        assert kinds(f'<p><xref ref-type="fig" rid="{rid}">here</xref></p>', figures=inner) == {"f1": "direct"}
        assert kinds(f'<p><xref rid="{rid}">here</xref></p>', figures=inner) == {"f1": "direct"}
    # A formula in the caption is cited as a formula, and a figure inside the figure for itself.
    formula = fig(1, caption='<disp-formula id="e1">x</disp-formula>')
    assert kinds('<p><xref ref-type="disp-formula" rid="e1">(1)</xref></p>', figures=formula) == {}
    nested = f'<fig id="f9"><label>Figure 9</label>{fig(1)}</fig>'
    assert kinds(f"<p>{ref(1)}</p>", figures=nested) == {"f1": "direct"}


def test_a_link_or_words_for_a_figure_cite_its_parts() -> None:
    parts = f'<fig id="f9"><label>Figure 9</label>{fig("a", label="({})")}{fig("b", label="")}</fig>'
    assert kinds(f"<p>{ref(9)}</p>", figures=parts) == {"f9": "direct", "fa": "direct", "fb": "direct"}
    assert kinds("<p>see Figure 9</p>", figures=parts) == {"f9": "text", "fa": "text", "fb": "text"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>see Supplementary Figure 1</p>", {"fs": "text"}),
        ("<p>see Figure S1</p>", {"fs": "text"}),
        ("<p>see Supplementary Figures 1 and 2 and Figure 2</p>", {"fs": "text", "f2": "text"}),
        ("<p>see Figure 1 of Doe et al. and their Figure 2</p>", {}),
        ("<p>see Extended Data Figure 1</p>", {}),
    ],
)
def test_words_for_a_supplement_cite_only_the_figure_with_that_label(text: str, found: dict[str, str]) -> None:
    figures = fig(1) + fig(2) + fig("s", label="Supplementary Figure 1")
    assert kinds(text, figures=figures) == found


@pytest.mark.parametrize(
    "reference",
    [
        "<element-citation><name><surname>van der Doe</surname></name></element-citation>",
        "<mixed-citation><string-name>J. Doe</string-name>. Imaging of Europe.</mixed-citation>",
        "<label>7.</label><mixed-citation>7. Doe J, Roe R. Imaging of Europe.</mixed-citation>",
    ],
)
def test_a_figure_of_an_author_in_the_references_is_not_cited(reference: str) -> None:
    references = f"<ref id='b7'>{reference}</ref>"
    assert cited("<p>Figure 1 of Doe.</p>", references=references) == {}
    assert cited("<p>Figure 1 of J. Doe and Roe</p>", references=references) == {}
    assert list(cited("<p>Figure 1 of Europe.</p>", references=references)) == ["f1"]
    assert list(cited("<p>Figure 1 of Doe.</p>")) == ["f1"]


@pytest.mark.parametrize("link", ["{}", "<sup>{}</sup>", "({})", "[{}]"])
def test_a_figure_of_a_linked_reference_is_not_cited(link: str) -> None:
    link = link.format('<xref ref-type="bibr" rid="b7">7</xref>')
    assert cited(f"<p>Figure 1 of {link}</p>") == {}
    assert list(cited("<p>Figure 1 of 7 patients</p>")) == ["f1"]
    assert list(cited(f"<p>Figure 1 shows the cyst {link}</p>")) == ["f1"]


def test_of_two_figures_with_one_number_that_in_the_same_part_of_the_article_is_cited() -> None:
    appendix = f"<app>{fig('a', label='Figure 1')}<p>In the appendix: Figure 1</p></app>"
    assert kinds("<p>In the text: Figure 1</p>", figures=fig(1) + appendix) == {"f1": "text", "fa": "text"}
    found = cited("<p>In the text: Figure 1</p>", figures=fig(1) + appendix)
    assert {key: mention.text for key, (mention,) in found.items()} == {
        "f1": "In the text: Figure 1",
        "fa": "In the appendix: Figure 1",
    }


def test_the_label_of_a_supplement_in_its_caption_is_no_citation() -> None:
    caption = "<caption><title>Figure 1. More slices</title><p>Same case as Figure 2</p></caption>"
    assert kinds(f"<supplementary-material>{caption}</supplementary-material>") == {"f2": "text"}


def test_the_text_of_a_mention_contains_no_figure_and_a_caption_does_not_cite_its_own_figure() -> None:
    text = f"<p>Before {ref(1)} {fig(1, caption=f'As {ref(1)} and {ref(2)}')} after</p>"
    found = cited(text, figures=fig(2))
    assert [m.text for m in found["f1"]] == ["Before 1 after"]
    assert [(m.text, m.section) for m in found["f2"]] == [("As 1 and 2", "Findings / caption of Figure 1")]


def test_each_passage_counts_once_with_its_most_certain_kind() -> None:
    (mention,) = cited(f"<p>Fig. 1 is plain, {ref(1, 'Fig. 1')} is a link, {ref(1)} comes again</p>")["f1"]
    assert (mention.kind, mention.start) == ("direct", 17)
    assert len(cited(f"<p>Same {ref(1)}</p><p>Same {ref(1)}</p>")["f1"]) == 1


def test_a_citation_in_a_list_belongs_to_the_item_and_not_to_the_paragraph_around_it() -> None:
    text = "<p>Signs:<list><list-item><p>mass (Fig. 1)</p></list-item></list></p>"
    assert [m.text for m in cited(text)["f1"]] == ["mass (Fig. 1)"]


def test_section_titles_are_ordered_from_the_outermost_inwards() -> None:
    text = f"<sec><title>CT<xref rid='n'>*</xref></title><boxed-text><p>{ref(1)}</p></boxed-text></sec>"
    assert cited(text)["f1"][0].section == "Findings / CT"


@given(st.text(alphabet="Figs. 1234567890-–,and()SaB\u202e\u0301 \n", max_size=60))
def test_offsets_are_always_within_the_text(words: str) -> None:
    for mentions in cited(f"<p>{words}{ref(1, words or 'x')}{words}</p>").values():
        for mention in mentions:
            assert 0 <= mention.start <= mention.end <= len(mention.text)
            assert mention.text == " ".join(mention.text.split())
