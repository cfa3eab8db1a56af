"""Captions in several languages, and English translations of articles in other languages."""

from __future__ import annotations

import pytest

from roco.sources.jats.article import Article, parse
from roco.sources.jats.figures import Figure

ITEM = '<list-item xml:lang="{}"><p>{}</p></list-item>'
GROUP = '<trans-title-group xml:lang="en">{}</trans-title-group>'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def article(body: str, more: str = "", lang: str | None = "pt") -> Article:
    language = f' xml:lang="{lang}"' if lang else ""
    return parse(f"<article {XLINK}{language}><body>{body}</body>{more}</article>".encode())


def fig(caption: str, id: str = "f1", label: str = "Figura 1", image: str | None = "f1.jpg", attrs: str = "") -> str:
    graphic = f'<graphic xlink:href="{image}"/>' if image else ""
    caption = f"<caption>{caption}</caption>" if caption else ""
    return f'<fig id="{id}" {attrs}><label>{label}</label>{caption}{graphic}</fig>'


def translation(body: str, lang: str = "en", kind: str = "translation", more: str = "") -> str:
    return f'<sub-article article-type="{kind}" xml:lang="{lang}"><body>{body}</body>{more}</sub-article>'


def kept(found: Article) -> list[Figure]:
    return [figure for figure in found.figures if figure.drop is None]


def caption(found: Article) -> str | None:
    (figure,) = kept(found)
    return figure.caption


# --- several languages in one caption


@pytest.mark.parametrize(
    "inner",
    [
        '<p xml:lang="pt">TC do tórax.</p><p xml:lang="en">CT of the chest.</p>',
        '<p xml:lang="en">CT of the chest.</p><p xml:lang="pt">TC do tórax.</p>',
        '<title xml:lang="pt">TC do tórax.</title><title xml:lang="en">CT of the chest.</title>',
        '<p>TC do tórax.</p><p xml:lang="en-US">CT of the chest.</p>',
        '<p>TC do tórax.</p><p xml:lang="eng">CT of the chest.</p>',
        '<sec xml:lang="pt"><p>TC do tórax.</p></sec><sec xml:lang="en"><p>CT of the chest.</p></sec>',
        '<sec xml:lang="pt"><p>TC</p><p>do tórax.</p></sec><sec xml:lang="en"><p>CT of</p><p>the chest.</p></sec>',
        f"<list>{ITEM.format('pt', 'TC')}{ITEM.format('en', 'CT of the chest.')}</list>",
        "<p><bold xml:lang='pt'>TC do tórax.</bold> / <italic xml:lang='en'>CT of the chest.</italic></p>",
        "<p><bold xml:lang='pt'>TC do tórax.</bold><break/><italic xml:lang='en'>CT of the chest.</italic></p>",
        "<title>TC do tórax.</title><trans-title>CT of the chest.</trans-title>",
        f"<title>TC do tórax.</title>{GROUP.format('<trans-title>CT of the chest.</trans-title>')}",
    ],
)
def test_of_a_caption_in_two_languages_the_english_part_is_the_caption(inner: str) -> None:
    assert caption(article(fig(inner))) == "CT of the chest."


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ('<p xml:lang="pt">TC.</p><p xml:lang="es">TAC.</p>', "TC."),  # no English: the language of the article
        ('<p xml:lang="es">TAC.</p><p xml:lang="fr">Scanner.</p>', "TAC."),
        ('<title xml:lang="en">CT.</title><p xml:lang="en">Axial.</p><p>Corte axial.</p>', "CT. Axial."),
        ('<p>TC de <italic xml:lang="la">Fasciola</italic> no fígado.</p>', "TC de Fasciola no fígado."),
        ('<title><italic xml:lang="la">Fasciola</italic></title><p>TC do fígado.</p>', "Fasciola TC do fígado."),
        ('<p xml:lang="pt">TC.</p><p xml:lang="en"> </p>', "TC."),  # an empty translation is none
        ('<p>TC (<named-content xml:lang="en">CT</named-content>) do tórax.</p>', "TC (CT) do tórax."),
    ],
)  # fmt: skip
def test_words_of_another_language_do_not_divide_a_caption(inner: str, text: str) -> None:
    assert caption(article(fig(inner))) == text


def test_an_english_caption_has_no_part_in_another_language() -> None:
    inner = '<p>CT of the chest.</p><p xml:lang="pt">TC do tórax.</p>'
    assert caption(article(fig(inner), lang="en")) == "CT of the chest."
    assert caption(article(fig(inner), lang=None)) == "CT of the chest."
    assert caption(article(fig("<title>CT.</title><trans-title xml:lang='pt'>TC.</trans-title>"), lang="en")) == "CT."


def test_a_figure_with_two_captions_or_labels_has_those_in_english() -> None:
    labels = '<label xml:lang="pt">Figura 1</label><label xml:lang="en">Figure 1</label>'
    captions = '<caption xml:lang="pt"><p>TC.</p></caption><caption xml:lang="en"><p>CT.</p></caption>'
    (figure,) = kept(article(f'<fig>{labels}{captions}<graphic xlink:href="a"/></fig>'))
    assert (figure.label, figure.caption) == ("Figure 1", "CT.")


@pytest.mark.parametrize(
    ("attrib", "lang", "text", "credit"),
    [
        ("Figure 1. Axial CT of the chest with a nodule.", "pt", "Axial CT of the chest with a nodule.", None),
        ("Figure 2. Axial CT of another patient.", "pt", "TC.", "Figure 2. Axial CT of another patient."),
        ("Figure 1. Source: prepared by the authors.", "pt", "TC.", "Figure 1. Source: prepared by the authors."),
        ("Source: the hospital's archive of images.", "pt", "TC.", "Source: the hospital's archive of images."),
        ("Figure 1. Scanner du thorax avec un nodule.", "fr", "TC.", "Figure 1. Scanner du thorax avec un nodule."),
    ],
)  # fmt: skip
def test_a_credit_line_that_is_the_english_caption_is_the_caption(
    attrib: str, lang: str, text: str, credit: str | None
) -> None:
    (figure,) = kept(article(fig("<p>TC.</p>").replace("</fig>", f"<attrib>{attrib}</attrib></fig>"), lang=lang))
    assert (figure.caption, figure.credit) == (text, credit)


# --- translations


@pytest.mark.parametrize(
    "english",
    [
        fig("<p>CT.</p>", "f1", "Figure 1", "f1.jpg"),  # everything repeated
        fig("<p>CT.</p>", "x", "", "f1.jpg"),  # by the file
        fig("<p>CT.</p>", "x", "", "f1-en.jpg"),  # by the file in English
        fig("<p>CT.</p>", "f1_en", "", "y.jpg"),  # by the id
        fig("<p>CT.</p>", "x", "Figure 1", "y.jpg"),  # by the number
        fig("<p>CT.</p>", "x", "", "y.jpg"),  # the only one
        fig("<p>CT.</p>", "x", "Figure 1", None),  # without an image
    ],
)
@pytest.mark.parametrize("lang", ["pt", "es", "fr", None])
def test_a_figure_has_the_caption_and_label_of_the_english_translation(english: str, lang: str | None) -> None:
    found = article(fig("<p>TC do tórax.</p>"), translation(english), lang)
    (figure,) = kept(found)
    assert (figure.key, figure.caption, figure.caption_from) == ("f1", "CT.", "translation")
    assert figure.hrefs[0] == "f1.jpg" and figure.label in ("Figure 1", "Figura 1")
    assert [f.detail for f in found.figures if f.drop] == ["sub-article: translation"]


def test_several_figures_are_paired_by_what_they_share_and_not_by_their_order() -> None:
    own = fig("<p>Um.</p>", "f1", "Figura 1", "a.jpg") + fig("<p>Dois.</p>", "f2", "Figura 2", "b.jpg")
    english = fig("<p>Two.</p>", "g1", "Figure 2", "y.jpg") + fig("<p>One.</p>", "g2", "Figure 1", "x.jpg")
    assert [f.caption for f in kept(article(own, translation(english)))] == ["One.", "Two."]


def test_a_figure_that_only_the_english_translation_has_is_kept_and_others_keep_their_caption() -> None:
    own = fig("<p>Um.</p>", "f1", "Figura 1", "a.jpg")
    english = fig("<p>One.</p>", "g1", "Figure 1", "a.jpg") + fig("<p>Two.</p>", "g2", "Figure 2", "b.jpg")
    assert [(f.caption, f.hrefs) for f in kept(article(own, translation(english)))] == [
        ("One.", ("a.jpg",)),
        ("Two.", ("b.jpg",)),
    ]
    assert [f.caption for f in kept(article("<p>Sem figura.</p>", translation(english)))] == ["One.", "Two."]


def test_the_image_of_the_translation_is_used_only_if_the_articles_own_is_missing() -> None:
    found = article(fig("<p>TC.</p>", image="a.jpg"), translation(fig("<p>CT.</p>", image="b.jpg")))
    assert kept(found)[0].hrefs == ("a.jpg", "b.jpg")
    found = article(fig("<p>TC.</p>", image=None), translation(fig("<p>CT.</p>", image="b.jpg")))
    assert (kept(found)[0].key, kept(found)[0].hrefs) == ("f1", ("b.jpg",))


@pytest.mark.parametrize(
    "other",
    [
        translation(fig("<p>CT.</p>"), kind="reply"),
        translation(fig("<p>CT.</p>"), kind="reviewer-report"),
        translation(fig("<p>CT.</p>"), kind="decision-letter"),
        translation(fig("<p>TAC.</p>"), lang="es"),
        f"<response response-type='reply' xml:lang='en'><body>{fig('<p>CT.</p>')}</body></response>",
        translation("<p>Text.</p>", more=translation(fig("<p>CT.</p>"), kind="reply")),
        translation(translation(fig("<p>CT.</p>")), kind="reply"),
        translation(fig("<p> </p>")),
        translation(f"<supplementary-material>{fig('<p>CT.</p>')}</supplementary-material>"),
    ],
)
def test_replies_reviews_and_other_translations_stay_out(other: str) -> None:
    (figure,) = kept(article(fig("<p>TC.</p>"), other))
    assert (figure.caption, figure.caption_from) == ("TC.", "figure")


def test_the_english_translation_may_be_within_another_translation_but_not_within_a_reply() -> None:
    english = translation(fig("<p>CT of the chest.</p>", "f1en", "Figure 1"))
    for kind, expected in (("translation", "CT of the chest."), ("reply", "TC do tórax.")):
        found = article(fig("<p>TC do tórax.</p>"), translation("<p>Texto.</p>", "es", kind, more=english))
        assert caption(found) == expected


def test_an_english_article_does_not_use_its_translations() -> None:
    for lang in ("pt", "en"):
        (figure,) = kept(article(fig("<p>CT.</p>"), translation(fig("<p>TC.</p>"), lang), lang="en-GB"))
        assert (figure.caption, figure.caption_from) == ("CT.", "figure")


def test_a_figure_that_has_an_english_caption_of_its_own_keeps_it() -> None:
    own = fig('<p xml:lang="pt">TC.</p><p xml:lang="en">Own CT.</p>')
    assert caption(article(own, translation(fig("<p>CT.</p>")))) == "Own CT."


def test_passages_of_the_translation_cite_the_figure_too() -> None:
    own = '<p>A TC (<xref ref-type="fig" rid="f1">Figura 1</xref>) mostra.</p>' + fig("<p>TC.</p>")
    english = '<p>CT (<xref ref-type="fig" rid="g1">Figure 1</xref>) shows.</p><p>Figure 1 again.</p>' + (
        fig("<p>CT.</p>", "g1", "Figure 1") + '<p>Linked to the <xref rid="f1">original</xref>.</p>'
    )
    (figure,) = kept(article(own, translation(english)))
    assert [(m.text, m.kind) for m in figure.mentions] == [
        ("A TC (Figura 1) mostra.", "direct"),
        ("CT (Figure 1) shows.", "direct"),
        ("Figure 1 again.", "text"),
        ("Linked to the original.", "direct"),
    ]


# --- groups


def test_an_english_figure_without_an_image_in_a_group_has_the_caption_of_the_figure_beside_it() -> None:
    own = fig("<p>TC.</p>", attrs='xml:lang="pt"')
    english = fig("<p>CT.</p>", "f2", "Figure 1", None, attrs='xml:lang="en"')
    (figure,) = kept(article(f"<fig-group>{own}{english}</fig-group>"))
    assert (figure.key, figure.caption, figure.label) == ("f1", "CT.", "Figure 1")
