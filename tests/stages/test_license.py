"""Which licences are kept."""

from __future__ import annotations

import pyarrow as pa
import pytest

from roco.base.errors import RecipeError
from roco.models.text.licenses import Terms, normalise
from roco.stages.license import License

Decision = tuple[str | None, str | None]

STRICT = License()
EXTENDED = License(allow=("CC-BY", "CC-BY-NC", "CC0", "PDM"))


def decided(stage: License, *rows: dict[str, object]) -> list[Decision]:
    """Reason and detail of each row; a row gives only the columns that differ from the usual ones."""
    usual = {"license": "CC-BY", "license_trust": "stated", "open_access": None, "retracted": False}
    types = {"license": pa.string(), "license_trust": pa.string(), "open_access": pa.bool_(), "retracted": pa.bool_()}
    columns = {n: pa.array([(usual | row)[n] for row in rows], t) for n, t in types.items()}
    blank = pa.nulls(len(rows), pa.string())
    out = stage(
        pa.table({"figure_id": [str(i) for i in range(len(rows))], **columns, "drop": blank, "drop_detail": blank})
    )
    return list(zip(out["drop"].to_pylist(), out["drop_detail"].to_pylist(), strict=True))


def test_only_allowed_licences_of_articles_that_are_not_retracted_are_kept() -> None:
    names = ("CC-BY", "CC-BY-NC", "CC-BY-ND", "CONFLICT", None)
    assert decided(STRICT, *({"license": name} for name in names), {"retracted": True}) == [
        (None, None),
        (None, None),
        ("license", "CC-BY-ND"),
        ("license", "CONFLICT"),
        ("license", "NONE"),
        ("retracted", None),
    ]


CC = "https://creativecommons.org/licenses/"
TABLE = [  # index code and terms of an article, its licence, and whether each of the two stages keeps it
    ("CC BY", Terms(href=f"{CC}by/4.0/"), "CC-BY", True, True),
    ("CC BY", Terms(href=f"{CC}by/2.0/uk/"), "CC-BY", True, True),
    ("CC BY", Terms(href=f"{CC}by/3.0/igo/"), "CC-BY", True, True),
    ("CC BY-NC", Terms(ali=(f"{CC}by-nc/3.0/",)), "CC-BY-NC", True, True),
    ("CC BY-SA", Terms(href=f"{CC}by-sa/4.0/"), "CC-BY-SA", False, False),
    ("CC BY-ND", Terms(href=f"{CC}by-nd/4.0/"), "CC-BY-ND", False, False),
    (None, Terms(href=f"{CC}by-nd-nc/1.0/"), "CC-BY-NC-ND", False, False),
    ("CC BY-NC-SA", Terms(href=f"{CC}by-nc-sa/4.0/"), "CC-BY-NC-SA", False, False),
    (None, Terms(href=f"{CC}nc/1.0/"), "CC-NC", False, False),
    (None, Terms(href=f"{CC}sa/1.0/"), "CC-SA", False, False),
    (None, Terms(href=f"{CC}nc-sa/1.0/"), "CC-NC-SA", False, False),
    (None, Terms(href=f"{CC}nd/1.0/"), "CC-ND", False, False),
    ("CC0", Terms(href="https://creativecommons.org/publicdomain/zero/1.0/"), "CC0", False, True),
    (None, Terms(href="https://creativecommons.org/publicdomain/mark/1.0/"), "PDM", False, True),
    (None, Terms(words="This is a work of the US Government."), "PDM", False, True),
    (None, Terms(words="Under a Creative Commons licence."), "CC-UNSPECIFIED", False, False),
    ("NO-CC CODE", Terms(), "NO-CC", False, False),
    ("TDM", Terms(), "TDM", False, False),
    (None, Terms(href="https://www.elsevier.com/open-access/userlicense/1.0/"), "PUBLISHER-OA", False, False),
    (None, Terms(words="An ACS AuthorChoice article."), "PUBLISHER-OA", False, False),
    (None, Terms(href="https://www.nationalarchives.gov.uk/doc/open-government-licence/"), "OGL", False, False),
    ("phe_timebound", Terms(), "PHE", False, False),
    (None, Terms(), "NONE", False, False),
    ("CC BY-NC", Terms(href=f"{CC}by/4.0/"), "CONFLICT", False, False),
    (None, Terms(href=f"{CC}by/4.0/", kind="cc-by-nc"), "CONFLICT", False, False),
]


@pytest.mark.parametrize(("code", "terms", "id", "strict", "extended"), TABLE)
def test_each_licence_is_kept_or_dropped(code: str | None, terms: Terms, id: str, strict: bool, extended: bool) -> None:
    found = normalise(code, (terms,))
    assert found.id == id
    row = {"license": found.id, "license_trust": found.trust}
    for stage, stays in ((STRICT, strict), (EXTENDED, extended)):
        assert decided(stage, row) == [(None, None) if stays else ("license", id)]


def test_retracted_articles_are_kept_with_an_option() -> None:
    assert decided(License(retracted=True), {"retracted": True}) == [(None, None)]


def test_licences_named_in_the_text_only_are_dropped_with_an_option() -> None:
    rows = ({"license_trust": "weak"}, {"license_trust": "linked"}, {"license_trust": None})
    assert decided(STRICT, *rows) == [(None, None)] * 3
    assert decided(License(weak=False), *rows) == [("license", "named in the text only"), (None, None), (None, None)]


def test_articles_outside_the_open_access_subset_are_dropped_whatever_their_licence() -> None:
    assert decided(STRICT, {"open_access": False}, {"open_access": True}, {"open_access": None}) == [
        ("license", "not in the open access subset"),
        (None, None),
        (None, None),
    ]


def test_retraction_is_tested_before_the_licence() -> None:
    assert decided(STRICT, {"retracted": True, "license": "TDM", "open_access": False}) == [("retracted", None)]


@pytest.mark.parametrize("allow", [(), ("CC BY",)])
def test_an_unknown_licence_is_an_error_of_the_recipe(allow: tuple[str, ...]) -> None:
    with pytest.raises(RecipeError):
        License(allow=allow)


def test_a_row_dropped_before_keeps_its_reason() -> None:
    columns = {"license": ["NONE"], "license_trust": ["weak"], "open_access": [False], "retracted": [True]}
    batch = pa.table({"figure_id": ["0"], **columns, "drop": ["missing"], "drop_detail": ["f1.jpg"]})
    assert License()(batch)["drop"].to_pylist() == ["missing"]
