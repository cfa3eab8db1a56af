"""Which licence an article has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.license_codes import bare_url, from_code, from_url
from roco.models.text.licenses import Terms, normalise
from roco.models.text.third_party import third_party
from roco.sources.jats.article import parse
from tests.waits import cpu_limit


@pytest.mark.parametrize(
    ("address", "id"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "CC-BY"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/", "CC-BY-NC-ND"),  # holds "by", and "by-nc"
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND"),  # another order
        ("(http://creativecommons.org/licenses/by-nc/3.0/).", "CC-BY-NC"),
        ("creativecommons.org/licenses/by/2.0", "CC-BY"),  # no scheme
        ("www.creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA"),
        ("http:/creativecommons.org/licenses/by/3.0", "CC-BY"),
        ("https://creativecommons.org/licences/by-nc-sa/4.0/", "CC-BY-NC-SA"),
        ("https://creativecommons.org/licenses/by", "CC-BY"),  # no version
        ("https://creativecommons.org/licenses/by/4.0/deed.en", "CC-BY"),
        ("https://creativecommons.org/licenses/by-nc/3.0/us/legalcode", "CC-BY-NC"),
        ("https://creativecommons.org/licenses/by/3.0/igo/", "CC-BY"),
        ("HTTPS://CREATIVECOMMONS.ORG/LICENSES/BY-NC/4.0", "CC-BY-NC"),
        ("https://creativecommons.org/licenses/by%2Dnc%2Dsa/4.0/", "CC-BY-NC-SA"),
        ("https://creativecommons.org/licenses/by-nc/4.0/?ref=chooser-v1", "CC-BY-NC"),
        ("http://creativecommons.org/licenses/by\u2011nc\u2013nd/4.0/", "CC-BY-NC-ND"),
        ("\u00a0https://creativecommons.org/licenses/by/4.0/\u00a0", "CC-BY"),
        ("https://creativecommons.org/licenses/nc-sa/1.0/", "CC-NC-SA"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0"),
        ("http://creativecommons.org/publicdomain/mark/1.0/", "PDM"),
        ("http://creativecommons.org/licenses/publicdomain/", "PDM"),
        ("http://creativecommons.org", "CC-UNSPECIFIED"),  # no path
        ("http://creativecommons.org/licenses/by-xx/4.0/", "CC-UNSPECIFIED"),
        ("http://creativecommons.org/licenses/by-by/4.0/", "CC-UNSPECIFIED"),
        ("http://www.elsevier.com/open-access/userlicense/1.0/", "PUBLISHER-OA"),
        ("https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL"),
        ("https://evil.org/creativecommons.org/licenses/by/4.0/", None),
        ("https://creativecommons.org@evil.net/licenses/by/4.0/", None),
        ("https://creativecommons.org.evil.net/licenses/by/4.0/", None),
        ("https://notcreativecommons.org/licenses/by/4.0/", None),
        ("http://[::1/licenses/by/4.0", None),
        ("4.0", None),
        ("open-access", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_counts_by_its_host_and_the_set_of_its_terms(address: str | None, id: str | None) -> None:
    grant = from_url(address)
    assert (grant.id if grant else None) == id


@pytest.mark.parametrize(
    ("code", "id"),
    [
        ("CC BY", "CC-BY"),
        ("CC BY-NC", "CC-BY-NC"),
        ("CC BY-NC-ND", "CC-BY-NC-ND"),
        ("CC\u00a0BY\u2011NC\u2011SA", "CC-BY-NC-SA"),
        ("CC BY-ND", "CC-BY-ND"),
        ("cc-by-sa", "CC-BY-SA"),
        ("CC-BY-NC 3.0 IGO", "CC-BY-NC"),
        ("CC0", "CC0"),
        ("NO-CC CODE", "NO-CC"),
        ("cc_no", "NO-CC"),
        ("TDM", "TDM"),
        ("ccbylicense", "CC-BY"),
        ("ccbyncndlicense", "CC-BY-NC-ND"),
        ("cc0license", "CC0"),
        ("CC BYGARBAGE", None),
        ("open-access", None),
        ("4.0", None),
        ("", None),
        (None, None),
    ],
)
def test_a_code_is_known_whole_or_not_at_all(code: str | None, id: str | None) -> None:
    grant = from_code(code)
    assert (grant.id if grant else None) == id


BY = "http://creativecommons.org/licenses/by/4.0/"
NC = "http://creativecommons.org/licenses/by-nc/4.0/"
ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"


def test_the_evidence_quotes_every_place() -> None:
    found = normalise("CC BY", [Terms(href=BY)])
    assert (found.id, found.url, found.evidence) == ("CC-BY", BY, "index CC BY; href by/4.0")


@pytest.mark.parametrize(
    ("code", "terms", "id"),
    [
        ("CC BY-NC", [Terms(href=BY)], "CONFLICT"),  # index and XML
        ("NO-CC CODE", [Terms(href=BY)], "CONFLICT"),
        ("CC BYGARBAGE", [Terms(href=BY)], "CONFLICT"),  # a code nobody can read is no consent
        (None, [Terms(href=BY, kind="cc-by-nc")], "CONFLICT"),
        (None, [Terms(href=BY, ali=(NC,))], "CONFLICT"),
        (None, [Terms(href=BY), Terms(href=NC)], "CONFLICT"),
        (None, [Terms(href=BY), Terms(href=BY)], "CC-BY"),
        (None, [Terms(href=BY, kind="open-access")], "CC-BY"),
        (None, [Terms(kind="open-access")], "NONE"),
        (None, [Terms(href="http://creativecommons.org/"), Terms(href=NC)], "CC-BY-NC"),
        (None, [Terms(kind="cc-by", links=(NC,))], "CONFLICT"),  # the attribute and the link beside it
        (None, [Terms(href=BY, kind="creative-commons-attribution")], "CC-BY"),
        (None, [Terms(href=BY), Terms(words="Creative Commons Atribución-NoComercial")], "CONFLICT"),  # a translation
        (None, [Terms(href="https://www.elsevier.com/tdm/userlicense/1.0/"), Terms(href=BY)], "CC-BY"),
        ("TDM", [Terms(href=BY)], "CONFLICT"),  # here the index says that mining is all that is allowed
        ("CC BY", [Terms(words="This file is available for text mining.")], "CC-BY"),
        (None, [Terms(words="This file is available for text mining.")], "TDM"),
        (None, [Terms(ali=("ccbyncndlicense",), href=BY)], "CONFLICT"),  # what PMC writes beside an ali:license_ref
        (None, [Terms(href="https://www.nationalarchives.gov.uk/doc/open-government-licence/")], "OGL"),
        (None, [Terms(href=NC, words="Creative Commons Attribution License")], "CC-BY-NC"),  # words are for people
        (None, [Terms(links=(BY, ZERO))], "CC-BY"),  # the waiver is for the data
        (None, [Terms(links=(ZERO,), words="Creative Commons Attribution License; data: CC0")], "CC-BY"),
        (None, [Terms(links=(ZERO,))], "CC0"),
        (None, [Terms(words=f"open access ({NC}), which permits")], "CC-BY-NC"),
        (None, [Terms(words="Creative Commons Attribution License")], "CC-BY"),
        ("CC BY", [Terms(words="Creative Commons Attribution Non-Commercial License")], "CONFLICT"),
        ("CC BY", [], "CC-BY"),
        ("CC BY", [Terms(words="All rights reserved.")], "CC-BY"),
        (None, [Terms(words="All rights reserved.")], "NO-CC"),
        (None, [], "NONE"),
        ("", [], "NONE"),
        ("TDM", [], "TDM"),
    ],
)
def test_places_that_disagree_on_the_family_are_a_conflict(code: str | None, terms: list[Terms], id: str) -> None:
    assert normalise(code, terms).id == id


def test_the_custom_metadata_of_pmc_are_a_place_too() -> None:
    assert normalise(None, [], BY).id == "CC-BY"
    assert normalise(None, [Terms(href=BY)], NC).id == "CONFLICT"
    assert normalise(None, [], "CC BY-NC").id == "CC-BY-NC"
    assert normalise(None, [Terms(href=BY)], "gibberish").id == "CONFLICT"


@pytest.mark.parametrize(
    ("code", "statement", "id"),
    [
        ("CC BY", "© 2009 Doe. Creative Commons Attribution-NonCommercial-NoDerivs License.", "CONFLICT"),
        ("CC BY", f"© 2009 Doe ({NC}).", "CONFLICT"),
        ("CC BY", f"© 2009 Doe ({BY}).", "CC-BY"),
        ("CC BY-NC", f"© 2009 Doe ({BY}).", "CC-BY-NC"),
        ("CC BY", "© 2009 Doe. All rights reserved.", "CC-BY"),
        ("CC BY", "A work of the US government in the public domain.", "CC-BY"),
        (None, "© 2009 Doe. Creative Commons Attribution License.", "NONE"),
    ],
)
def test_a_copyright_statement_grants_nothing_but_may_contradict(code: str | None, statement: str, id: str) -> None:
    assert normalise(code, [], copyright=statement).id == id


@pytest.mark.parametrize(
    ("code", "terms", "custom", "trust"),
    [
        ("CC BY", [Terms(href=BY)], None, "agreed"),
        ("CC BY", [Terms(words="Creative Commons Attribution License")], None, "agreed"),
        ("CC BY", [Terms(links=(BY,))], None, "agreed"),
        ("CC BY", [], BY, "agreed"),
        (None, [Terms(href=BY, ali=(BY,))], None, "agreed"),
        ("CC BY", [], None, "stated"),
        (None, [], BY, "stated"),
        (None, [Terms(href=BY)], None, "stated"),
        (None, [Terms(href=BY), Terms(href=BY)], None, "stated"),  # one place, in two languages
        (None, [Terms(href=BY, kind="cc-by")], None, "stated"),  # free text proves nothing
        (None, [Terms(links=(BY,))], None, "linked"),
        (None, [Terms(words=f"under CC BY ({BY})")], None, "linked"),
        (None, [Terms(words="Creative Commons Attribution License")], None, "weak"),
        (None, [Terms(kind="cc-by")], None, "weak"),
        ("CC BY-NC", [Terms(href=BY)], None, None),
        (None, [Terms(words="All rights reserved.")], None, None),
        (None, [], None, None),
    ],
)
def test_trust_depends_on_number_and_kind_of_places(
    code: str | None, terms: list[Terms], custom: str | None, trust: str | None
) -> None:
    assert normalise(code, terms, custom).trust == trust


@pytest.mark.parametrize(
    ("code", "terms", "version", "port"),
    [
        (None, [Terms(href=BY)], "4.0", None),
        (None, [Terms(href="https://creativecommons.org/licenses/by/3.0/igo/")], "3.0", "igo"),
        (None, [Terms(href="https://creativecommons.org/licenses/by-nc/3.0/us/legalcode")], "3.0", "us"),
        (None, [Terms(href="https://creativecommons.org/licenses/by/2.5/scotland/")], "2.5", "scotland"),
        (None, [Terms(href="https://creativecommons.org/licenses/by/4.0/pt")], "4.0", None),  # a language, no port
        (None, [Terms(href="https://creativecommons.org/licenses/by/4.0).")], "4.0", None),
        (None, [Terms(href="https://creativecommons.org/licenses/by")], None, None),
        (None, [Terms(href=ZERO)], "1.0", None),
        ("CC BY-NC 3.0 IGO", [], "3.0", "igo"),
        ("CC BY", [Terms(href=BY)], "4.0", None),
        ("CC BY", [Terms(words="Creative Commons Attribution 4.0 International License")], "4.0", None),
        (None, [Terms(href=BY[:-4], words="the Creative Commons Attribution License 3.0 (CC-BY)")], "3.0", None),
        (None, [Terms(words="Creative Commons Attribution 3.0 IGO License")], "3.0", "igo"),
        (None, [Terms(words="Creative Commons Attribution Non-Commercial 3.0 United States")], "3.0", "us"),
        (None, [Terms(href=BY, words="the Creative Commons Attribution License 3.0")], "4.0", None),
        ("CC BY-NC", [Terms(href=BY)], None, None),  # of a conflict nothing is certain
    ],
)
def test_version_and_port_are_taken_from_wherever_they_are_written(
    code: str | None, terms: list[Terms], version: str | None, port: str | None
) -> None:
    found = normalise(code, terms)
    assert (found.version, found.port) == (version, port)


def test_the_url_is_that_of_the_resulting_licence() -> None:
    tdm = "https://www.elsevier.com/tdm/userlicense/1.0/"
    assert normalise(None, [Terms(ali=(tdm, BY))]).url == BY


@pytest.mark.parametrize(
    "words",
    [
        "Open access. The magazine may contain pictures copyrighted by other firms or individuals.",
        "CC BY. This licence does not apply to Figure 2.",
        "CC BY. Figures 1 and 4 are not covered by this licence.",
        "CC BY, with the exception of the photograph in Figure 3, © Museum of Somewhere.",
        "Copyright of individual images remains with their owners.",
        "The bank does not necessarily own each component of the content.",
        "Images that were reprinted are excluded from the licence.",
    ],
)
def test_a_sentence_that_reserves_material_of_others_is_found(words: str) -> None:
    said = third_party(words)
    assert said is not None
    assert said in words


@pytest.mark.parametrize(
    "words",
    [
        # what some publishers print in every article: it names no material, or covers it
        "Images or other third party material here are included in the licence, unless a credit line says otherwise.",
        "If material is not included in the licence, permission must be asked of the copyright holder.",
        "Covered by CC BY; if an image is not included under it, users need the permission of its owner.",
        "Use is permitted if the authors and the copyright owners are credited. Other use is not permitted.",
        "Use is permitted, subject to any copyright notices concerning any third-party graphics etc.",
        "The dedication to the public domain applies to the data made available in this article.",
        "The copyright of the content remains with the authors.",
        "Permissions beyond the scope of this licence are handled by the press.",
        "",
    ],
)
def test_a_sentence_of_every_article_excepts_nothing(words: str) -> None:
    assert third_party(words) is None


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_words_and_codes_end_in_a_licence(code: str, words: str) -> None:
    assert normalise(code, [Terms(href=words, ali=(words,), kind=code, links=(words,), words=words)], code).id
    third_party(words)


@pytest.mark.shared
def test_one_of_the_real_articles_excepts_material_of_others(shared: Path) -> None:
    entries = map(json.loads, (shared / "data" / "articles.jsonl").read_text(encoding="utf-8").splitlines())
    found = {e["id"] for e in entries if parse((shared / "data" / e["path"] / e["xml"]).read_bytes()).third_party}
    assert found == {"10.1289_ehp.11570"}


@pytest.mark.parametrize("around", [("", ""), ("(", ")."), (" \n<", ">;")])
def test_a_url_is_read_without_the_punctuation_around_it(around: tuple[str, str]) -> None:
    before, after = around
    assert bare_url(f"{before}https://example.org/a?b=c#d/{after}") == "https://example.org/a?b=c#d/"


def test_a_megabyte_of_spaces_is_read_in_time() -> None:
    with cpu_limit():
        assert bare_url("a" + " " * (1 << 20) + "b").startswith("a ")
