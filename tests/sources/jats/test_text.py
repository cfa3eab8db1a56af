"""How formulas, characters that are images, links and LaTeX become text."""

from __future__ import annotations

import pytest
from lxml import etree

from roco.sources.jats.text import caption_text_of, plain_caption, title_of

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
PICTURE = "<inline-graphic xlink:href='e1'/>"


def caption(content: str) -> str:
    return plain_caption(caption_text_of(etree.fromstring(f"<p {XLINK}>{content}</p>")))


def formula(*forms: str) -> str:
    return f"<inline-formula><alternatives>{''.join(forms)}</alternatives></inline-formula>"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f"<inline-formula>{PICTURE}</inline-formula>", "[formula]"),
        (formula(PICTURE, "<graphic xlink:href='e1'/>"), "[formula]"),
        ("<disp-formula><label>(1)</label><graphic xlink:href='e1'/></disp-formula>", "[formula] (1)"),
        (f"<chem-struct>{PICTURE}</chem-struct>", "[formula]"),
        (formula(PICTURE, "<tex-math>$m$</tex-math>"), "$m$"),
        (formula(PICTURE, "<math><mi>m</mi></math>"), "m"),
        (f"<inline-formula>{PICTURE}k</inline-formula>", "k"),
        ("<inline-formula/>", ""),
        (PICTURE, "[symbol]"),
        (f"<alternatives>{PICTURE}</alternatives>", "[symbol]"),
        ("<private-char><glyph-data/></private-char>", "[symbol]"),
    ],
)
def test_a_formula_that_is_an_image_leaves_a_mark_and_every_other_one_its_text(content: str, text: str) -> None:
    assert caption(f"Uptake of {content} in bone.") == " ".join(f"Uptake of {text} in bone.".split())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "1/2"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a+b)/2"),
        ("<mfrac><mi>a</mi><mfrac><mi>b</mi><mi>c</mi></mfrac></mfrac>", "a/(b/c)"),
        ("<msqrt><mn>2</mn></msqrt>", "√2"),
        ("<mn>3</mn><msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "3√(x+1)"),
        ("<mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac>", "nk"),
        ("<semantics><mi>x</mi><annotation>\\frac{1}{2}</annotation></semantics>", "x"),
    ],
)
def test_a_fraction_or_root_in_mathml_keeps_its_sign(content: str, text: str) -> None:
    assert caption(f"Uptake of <math>{content}</math> in bone.") == f"Uptake of {text} in bone."


def test_a_title_has_the_same_marks() -> None:
    assert title_of(etree.fromstring(f"<t {XLINK}>The {PICTURE}-ray sign</t>")) == "The [symbol]-ray sign"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("CT. Data at <ext-link xlink:href='https://a.org'/>.", "CT."),
        ("CT (<uri xlink:href='https://a.org'> </uri>).", "CT."),
        (
            f"A brain atlas is at <ext-link xlink:href='https://a.org'>{PICTURE}</ext-link>.",
            "A brain atlas is at [link].",
        ),
        ("CT of the <ext-link xlink:href='https://a.org'>first series</ext-link>.", "CT of the first series."),
    ],
)
def test_a_link_without_text_leaves_no_gap(content: str, text: str) -> None:
    assert caption(content) == text


DOCUMENT = r"\documentclass[12pt]{minimal} \usepackage[a]{amsmath} \setlength{\oddsidemargin}{-69pt} "


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (rf"<tex-math>{DOCUMENT}\begin{{document}}$$\sqrt[3]{{x}}$$\end{{document}}</tex-math>", r"$$\sqrt[3]{x}$$"),
        (rf"<tex-math>{DOCUMENT}$\sqrt[3]{{x}}$</tex-math>", r"$\sqrt[3]{x}$"),
        (rf"{DOCUMENT}\begin{{document}}$y$\end{{document}}", "$y$"),
        (
            rf"{DOCUMENT}\begin{{document}}$y$\end{{document}} or {DOCUMENT}\begin{{document}}$z$\end{{document}}",
            "$y$ or $z$",
        ),
    ],
)
def test_the_preamble_of_a_formula_in_latex_is_no_text(content: str, text: str) -> None:
    assert caption(f"Uptake of {content} in bone.") == f"Uptake of {text} in bone."
