"""Which licence an article has."""

from __future__ import annotations

import pytest

from roco.sources.licenses import Terms, from_code, from_url, from_words, normalise


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


@pytest.mark.parametrize(
    ("words", "id"),
    [
        ("under the terms of the Creative Commons Attribution License, which permits unrestricted use", "CC-BY"),
        ("the Creative Commons Attribution-NonCommercial 4.0 International License", "CC-BY-NC"),
        ("Creative Commons Attribution\u2011Non\u2011Commercial\u2011No\u00a0Derivatives", "CC-BY-NC-ND"),
        ("Creative Commons Attribution Non-Commercial License, permits unrestricted non-commercial use", "CC-BY-NC"),
        ("sob a licença Creative Commons Atribuição-NãoComercial", "CC-BY-NC"),
        ("Distributed under CC BY-NC-SA 4.0.", "CC-BY-NC-SA"),
        ("Distributed under CC0", "CC0"),
        ("Creative Commons Public Domain Declaration", "CC0"),
        ("CC BY; the Creative Commons Public Domain Dedication waiver applies to the data", "CC-BY"),
        ("a work of the US Government", "PDM"),
        ("under a Creative Commons licence", "CC-UNSPECIFIED"),
        ("Creative Commons by the authors", "CC-UNSPECIFIED"),
        ("Creative Commons Attribution License, for non-commercial use", "CONFLICT"),
        ("CC BY for the text, CC BY-NC for the images", "CONFLICT"),
        ("an ACS AuthorChoice article", "PUBLISHER-OA"),
        ("All rights reserved.", None),
    ],
)
def test_words_count_by_the_terms_that_follow_the_name(words: str, id: str | None) -> None:
    grant = from_words(words)
    assert (grant.id if grant else None) == id


BY = "http://creativecommons.org/licenses/by/4.0/"
NC = "http://creativecommons.org/licenses/by-nc/4.0/"
ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"


def test_the_evidence_says_what_each_place_said() -> None:
    assert normalise("CC BY", [Terms(href=BY)]) == ("CC-BY", BY, "index CC BY; href by/4.0")


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
        (None, [Terms(href=NC, words="Creative Commons Attribution License")], "CC-BY-NC"),  # words are for people
        (None, [Terms(links=(BY, ZERO))], "CC-BY"),  # the waiver is for the data
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
