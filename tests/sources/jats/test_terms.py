"""Terms of use in the XML of articles of every age, and of their figures."""

from __future__ import annotations

import pytest

from roco.models.text.licenses import License, normalise
from roco.sources.jats.article import Article, parse

NAMESPACES = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
BY = "http://creativecommons.org/licenses/by/4.0/"
NC_ND = "http://creativecommons.org/licenses/by-nc-nd/3.0/"
STATEMENT = "<copyright-statement>© 2004 Acme</copyright-statement>"
ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"


def article(meta: str, body: str = "") -> Article:
    front = f"<front><article-meta>{meta}</article-meta></front>"
    return parse(f"<article {NAMESPACES}>{front}<body>{body}</body></article>".encode())


def licensed(meta: str, code: str | None = None) -> License:
    found = article(meta)
    return normalise(code, found.terms, found.pmc_license)


# --- where <license> is


@pytest.mark.parametrize(
    "license",
    [
        f'<license xlink:href="{NC_ND}"><p>Open access.</p></license>',
        f'<license><p>Open access (<ext-link xlink:href="{NC_ND}">licence</ext-link>).</p></license>',
        f"<license>Open access under {NC_ND}.</license>",
        "<license><p>Creative Commons Attribution-NonCommercial-NoDerivs License</p></license>",
    ],
)
@pytest.mark.parametrize(
    "place", ["{}", "<permissions>{}</permissions>", "<permissions/><permissions>{}</permissions>"]
)
def test_a_license_counts_inside_permissions_and_directly_in_the_front_matter(license: str, place: str) -> None:
    meta = place.format(license)
    assert licensed(meta).id == "CC-BY-NC-ND"
    assert licensed(meta, "CC BY").id == "CONFLICT"


def test_a_license_outside_of_permissions_may_reserve_material_of_others() -> None:
    said = "Figure 2 is not covered by this licence."
    assert article(f"<license><p>CC BY. {said}</p></license>").third_party == said


def test_a_license_in_the_body_or_in_a_related_object_is_not_the_articles() -> None:
    other = f'<license xlink:href="{BY}"><p>Open.</p></license>'
    assert article(f"<related-object>{other}</related-object>", f"<sec>{other}</sec>").terms == ()


# --- what a <license> is for


@pytest.mark.parametrize(
    "attribute",
    ['license-type="data"', 'specific-use="software"', 'content-type="supplementary-material"', 'specific-use="tdm"'],
)
def test_a_license_whose_attribute_limits_it_to_other_material_does_not_count(attribute: str) -> None:
    own = f'<license xlink:href="{BY}"><license-p>Open access.</license-p></license>'
    other = f'<license {attribute} xlink:href="{ZERO}"><license-p>Open.</license-p></license>'
    assert licensed(f"<permissions>{own}{other}</permissions>").id == "CC-BY"


def test_a_link_belongs_to_the_sentence_that_it_is_in() -> None:
    own = f'This article is <ext-link xlink:href="{NC_ND}">open access</ext-link>.'
    data = f'The data are under <ext-link xlink:href="{BY}">this licence</ext-link>.'
    for words in (f"<license-p>{own} {data}</license-p>", f"<license-p>{own}</license-p><license-p>{data}</license-p>"):
        assert licensed(f"<permissions><license>{words}</license></permissions>").id == "CC-BY-NC-ND"


def test_paragraphs_without_a_full_stop_are_separate_statements() -> None:
    statements = ("Article: CC BY", "Data: CC0", "Software: CC BY-SA")
    words = "".join(f"<license-p>{statement}</license-p>" for statement in statements)
    assert licensed(f"<permissions><license>{words}</license></permissions>").id == "CC-BY"


# --- the URL


@pytest.mark.parametrize(
    "words",
    [
        f"Open access ({BY}), which permits use.",
        f"Open access ({BY}).",
        f"Open access, see \u201c{BY}\u201d.",
        f"Open access <ext-link xlink:href='{BY}).'>here</ext-link>.",
        f"Open access <uri>{BY};</uri>",
        f"Open access [{BY}], as stated.",
        f"Open access {BY}!",
        f"Open access ({BY})\u3002",
        f"Open access \u00ab{BY}\u00bb",
        f"Open access ({BY})which permits use.",
    ],
)
def test_the_url_of_a_licence_has_no_punctuation_of_the_text_around_it(words: str) -> None:
    found = licensed(f"<permissions><license><license-p>{words}</license-p></license></permissions>")
    assert (found.id, found.url) == ("CC-BY", BY)


def test_an_attribute_with_punctuation_gives_the_bare_url() -> None:
    assert licensed(f'<license xlink:href=" {BY}), "/>').url == BY
    assert licensed(f"<license><ali:license_ref>{BY}.\n</ali:license_ref></license>").url == BY


@pytest.mark.parametrize("place", ["{}", "<permissions>{}</permissions>"])
def test_a_licence_reference_outside_of_a_licence_is_read(place: str) -> None:
    reference = f"<ali:free_to_read/><ali:license_ref>{NC_ND}</ali:license_ref>"
    assert licensed(place.format(reference)).id == "CC-BY-NC-ND"
    assert licensed(place.format(reference), code="CC BY").id == "CONFLICT"


def test_licence_references_beside_a_licence_agree_with_it_or_contradict_it() -> None:
    license = f'<license xlink:href="{BY}"><license-p>Open.</license-p></license>'
    for_all = '<ali:license_ref specific-use="vor">{}</ali:license_ref>'
    assert licensed(f"<permissions>{for_all.format(BY)}{license}</permissions>").id == "CC-BY"
    assert licensed(f"<permissions>{for_all.format(NC_ND)}{license}</permissions>").id == "CONFLICT"
    for_mining = for_all.replace("vor", "tdm").format("https://example.org/mining")
    assert licensed(f"<permissions>{for_mining}{license}</permissions>").id == "CC-BY"


# --- copyright


@pytest.mark.parametrize(
    ("year", "holder", "copyright"),
    [
        ("2017", "The Authors", "© 2017 The Authors"),
        ("2017", "Copyright © 2017", "© 2017"),
        ("2017", "Copyright © 2017 The Authors", "© 2017 The Authors"),
        ("2017", "© The Authors", "© 2017 The Authors"),
        ("2017", "(c) 2017 The Authors", "© 2017 The Authors"),
        ("2017", "The Author(s) 2017", "© The Author(s) 2017"),
        ("2017", "2016 The Authors", "© 2016 The Authors"),
        ("", "Copyright: The Authors", "© The Authors"),
    ],
)
def test_a_copyright_of_year_and_holder_names_each_once(year: str, holder: str, copyright: str) -> None:
    parts = f"<copyright-year>{year}</copyright-year><copyright-holder>{holder}</copyright-holder>"
    assert article(f"<permissions>{parts}</permissions>").copyright == copyright
    assert article(parts).copyright == copyright


@pytest.mark.parametrize(
    ("statement", "copyright"),
    [
        ("© 2017 Copyright © 2017 The Authors", "Copyright © 2017 The Authors"),
        ("Copyright 2017. © 2017 The Authors", "© 2017 The Authors"),
        ("Copyright © 2017 The Authors", "Copyright © 2017 The Authors"),
        ("© 2017 Doe et al. © 2017 Doe et al.", "© 2017 Doe et al."),
        ("© 2016 Acme, © 2017 The Authors", "© 2016 Acme, © 2017 The Authors"),
        ("© 2017 Doe et al. Copyright © 2017, Doe et al.", "© 2017 Doe et al."),
        ("©2017 Doe; ©2017 Doe, licensee Acme Ltd.", "©2017 Doe, licensee Acme Ltd."),
        ("© 2017 Doe. Protected by copyright.", "© 2017 Doe. Protected by copyright."),
    ],
)
def test_a_copyright_statement_that_repeats_its_year_is_shortened(statement: str, copyright: str) -> None:
    assert article(f"<copyright-statement>{statement}</copyright-statement>").copyright == copyright


@pytest.mark.parametrize("statement", ["© 2017", "Copyright 2017.", "2017 ©"])
def test_a_copyright_statement_without_a_holder_gets_the_holder_beside_it(statement: str) -> None:
    parts = f"<copyright-statement>{statement}</copyright-statement><copyright-year>2017</copyright-year>"
    holder = "<copyright-holder>Copyright © 2017 Acme</copyright-holder>"
    assert article(f"<permissions>{parts}{holder}</permissions>").copyright == "© 2017 Acme"
    assert article(f"<permissions>{parts}</permissions>").copyright == statement


def test_all_holders_of_the_copyright_are_named() -> None:
    holders = "<copyright-holder>Doe</copyright-holder><copyright-holder>Roe</copyright-holder>"
    assert article(f"<permissions><copyright-year>2017</copyright-year>{holders}</permissions>").copyright == (
        "© 2017 Doe, Roe"
    )


# --- figures


@pytest.mark.parametrize(
    ("terms", "license", "credit"),
    [
        (STATEMENT, "NONE", "© 2004 Acme"),
        (f'<license xlink:href="{NC_ND}"><p>Open.</p></license>', "CC-BY-NC-ND", "Open."),
        (
            f"<permissions>{STATEMENT}<copyright-holder>Acme</copyright-holder></permissions>",
            "NONE",
            "© 2004 Acme",
        ),
        ("", None, None),
    ],
)
def test_a_figure_states_its_own_terms_with_and_without_permissions(
    terms: str, license: str | None, credit: str | None
) -> None:
    (figure,) = article("", f"<fig>{terms}<graphic xlink:href='f1'/></fig>").figures
    assert (figure.license, figure.credit) == (license, credit)
