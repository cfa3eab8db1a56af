"""What words make of a licence."""

from __future__ import annotations

import pytest

from roco.models.text.license_words import from_words
from tests.waits import cpu_limit


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
        ("licensed under CC-BY for commercial and non-commercial use", "CC-BY"),
        ("Creative Commons Attribution License; no commercial use", "CONFLICT"),
        ("as long as the COVID-19 resource centre remains active", "PHE"),
        ("permissions for the duration of the WHO declaration of a pandemic", "PHE"),
        ("This file is available for text mining.", "TDM"),
        ("under the Open Government Licence", "OGL"),
        ("This is a U.S. government work", "PDM"),
        ("This work is not in the public domain", None),
        ("All rights reserved.", None),
    ],
)
def test_words_count_by_the_terms_that_follow_the_name(words: str, id: str | None) -> None:
    grant = from_words(words)
    assert (grant.id if grant else None) == id


@pytest.mark.parametrize("hostile", ["cc by ", "creative commons attribution, ", "creative commons licence ", "by nc "])
def test_words_without_end_are_read_in_time(hostile: str) -> None:
    with cpu_limit():
        from_words(hostile * 20_000)
