"""Which sentences of a licence statement are about the article, and which only about its data, code or supplement."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.models.text.license_scope import divide
from roco.models.text.licenses import Terms, normalise
from tests.waits import cpu_limit

BY = "https://creativecommons.org/licenses/by/4.0/"
NC = "https://creativecommons.org/licenses/by-nc/4.0/"
SA = "https://creativecommons.org/licenses/by-sa/4.0/"
ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"


@pytest.mark.parametrize(
    "words",
    [
        "The data of this article are given to the public domain (CC0 waiver).",
        "Data associated with the article are available under the terms of the Creative Commons Zero waiver.",
        f"The waiver ({ZERO}) applies to the data made available in this article, unless otherwise stated.",
        "All data generated or analysed during this study are released under CC0.",
        "The article's data are licensed under CC BY.",
        "The software is released under the MIT License.",
        "The source code accompanying this paper is licensed under CC BY-SA.",
        "Supplementary figures are licensed under CC BY-NC.",
        "Supplementary material to this article is distributed under CC BY-NC-ND.",
        "Additional files are licensed under CC BY-SA.",
        "Bibliographic metadata of the article: CC0.",
        "The video abstract is licensed under CC BY-NC.",
        "Peer review reports are licensed under CC BY.",
        "Os dados deste artigo estão sob a licença CC0.",
        "For the data of this article.",
    ],
)
def test_a_sentence_that_names_the_article_only_as_the_origin_is_about_other_material(words: str) -> None:
    assert divide(words) == ("", words)


@pytest.mark.parametrize(
    "words",
    [
        "Open access under CC BY 4.0.",
        "This article and its data are released under CC BY.",
        "This article, and its data, are released under CC BY.",
        "The waiver applies to the data and to this article.",
        "The waiver applies to this article and its data.",
        "This data paper is distributed under CC BY.",
        "This software article is licensed under CC BY.",
        "The text, figures and supplementary material are licensed under CC BY.",
        "This article, in all its parts, is given to the public domain (CC0 waiver).",
        "The images are licensed under CC BY-NC.",
        "Data are available on request.",
        "Please cite this article and its data.",
    ],
)
def test_a_sentence_about_the_article_its_images_or_nothing_in_particular_counts(words: str) -> None:
    assert divide(words) == (words, "")


@pytest.mark.parametrize(
    ("words", "article"),
    [
        ("The article is licensed under CC BY-NC. The data are licensed under CC BY.", "CC-BY-NC"),
        ("The article is licensed under CC BY-NC, and the data are licensed under CC BY.", "CC-BY-NC"),
        ("The article is licensed under CC BY-NC; the data are licensed under CC BY.", "CC-BY-NC"),
        ("The article is licensed under CC BY, except for the video, which is licensed under CC BY-NC.", "CC-BY"),
        ("The article is licensed under CC BY, except for Figure 2, which is licensed under CC BY-NC.", "CONFLICT"),
        ("The article is under CC BY, while the source code is licensed under CC BY-SA.", "CC-BY"),
        ("The article is under CC BY\nSupplementary material: CC BY-NC-ND", "CC-BY"),
        ("The software is licensed under CC BY-SA. The article is licensed under CC BY.", "CC-BY"),
        ("The article is licensed under CC BY, its figures are licensed under CC BY-NC.", "CONFLICT"),
        ("The data are licensed under CC BY.", "NO-CC"),
    ],
)
def test_the_licence_of_other_material_in_the_same_statement_does_not_count(words: str, article: str) -> None:
    assert normalise(None, [Terms(words=words)]).id == article


ARTICLE = Terms(href=BY, words="Open access under CC BY 4.0.")


@pytest.mark.parametrize(
    ("code", "terms", "id"),
    [
        (None, [ARTICLE, Terms(href=ZERO, kind="open-access", words="The data are given away (CC0 waiver).")], "CC-BY"),
        ("CC BY", [ARTICLE, Terms(href=ZERO, words="The data are given away (CC0 waiver).")], "CC-BY"),
        (None, [Terms(href=ZERO, words="The data are given away (CC0 waiver)."), ARTICLE], "CC-BY"),
        (None, [ARTICLE, Terms(href=ZERO, words="For the data.")], "CC-BY"),
        (None, [ARTICLE, Terms(href=ZERO, words="The software is released under the MIT License.")], "CC-BY"),
        (None, [ARTICLE, Terms(href=ZERO, words="Supporting information is licensed under CC BY-NC.")], "CC-BY"),
        (None, [ARTICLE, Terms(href=SA, words=f"The software is licensed under CC BY-SA ({SA}).")], "CC-BY"),
        (None, [ARTICLE, Terms(href=ZERO, words="This article is given away in all its parts (CC0).")], "CONFLICT"),
        (None, [ARTICLE, Terms(href=ZERO)], "CONFLICT"),
        (None, [Terms(href=ZERO, words="The data are given away (CC0 waiver).")], "NO-CC"),
        # one <license> for both: the attribute is the article's
        (None, [Terms(href=BY, words="The CC0 waiver applies to the data of this article.")], "CC-BY"),
        (None, [Terms(href=BY, words="The software is licensed under the MIT License.")], "CC-BY"),
        (None, [Terms(href=BY, words="An open access article. The data are licensed under CC BY.")], "CC-BY"),
        (None, [Terms(ali=(BY, ZERO), words=f"Licensed under CC BY ({BY}). Data: CC0 ({ZERO}).")], "CC-BY"),
        (None, [Terms(links=(NC, BY), words=f"This article: {NC}. The data: {BY}.")], "CC-BY-NC"),
    ],
)  # fmt: skip
def test_a_second_license_for_other_material_is_no_conflict(code: str | None, terms: list[Terms], id: str) -> None:
    assert normalise(code, terms).id == id


@given(st.text(alphabet="data article of this the CC BY.;,\n ", max_size=200))
def test_every_word_is_in_one_of_the_parts(words: str) -> None:
    divided = Counter(re.findall(r"\w+", " ".join(divide(words))))
    assert divided == Counter(re.findall(r"\w+", words))


@pytest.mark.parametrize(
    "hostile", ["data of ", "data made available ", "the article s ", ", and the data ", "code ", " " * 22]
)
def test_words_without_end_are_divided_in_time(hostile: str) -> None:
    with cpu_limit():
        divide(hostile * 3_000)
