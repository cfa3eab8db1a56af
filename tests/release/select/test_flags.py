"""Options make SQL: values of one flag are alternatives, flags restrict each other, years are ranges."""

from __future__ import annotations

from typing import Any

import pytest

from roco.base.errors import UsageError
from roco.base.licenses import COMMERCIAL_LICENSES
from roco.release.select.flags import SelectOptions, Years, query, years


@pytest.mark.parametrize(
    ("written", "range"),
    [
        ("2018", Years(2018, 2018)),
        ("2018-2022", Years(2018, 2022)),
        ("2018-2018", Years(2018, 2018)),
        ("2018-", Years(2018, None)),
        ("-2018", Years(None, 2018)),
        (" 2018 ", Years(2018, 2018)),
    ],
)
def test_years_are_one_year_or_a_range(written: str, range: Years) -> None:
    assert years(written) == range


@pytest.mark.parametrize("written", ["", "-", "18", "2018-22", "2018,2019", "2018-2019-2020", "x", "20180", "2018--"])
def test_anything_else_is_no_year(written: str) -> None:
    with pytest.raises(UsageError, match=r"invalid year .* \(--year\)"):
        SelectOptions(year=(written,))


def test_a_range_that_ends_before_it_begins_is_an_error_with_the_range_that_was_meant() -> None:
    with pytest.raises(UsageError) as error:
        SelectOptions(year=("2022-2018",))
    assert error.value.hint == "did you mean '2018-2022'?"


def test_a_text_is_one_value_and_a_list_gives_alternatives() -> None:
    options = SelectOptions(modality="DRCT", license=["CC-BY", "CC0"])
    assert options == SelectOptions(modality=("DRCT",), license=("CC-BY", "CC0"))
    assert options.stated() == {"modality": ["DRCT"], "license": ["CC-BY", "CC0"]}


def test_values_of_one_flag_are_alternatives_and_flags_restrict_each_other() -> None:
    sql = query(SelectOptions(modality=("DRCT", "DRMR"), split=("train",), year=("2018", "2020-", "-2001")), None)
    assert sql.splitlines() == [
        "SELECT id FROM figures",
        "WHERE modality IN ('DRCT', 'DRMR')",
        "AND split = 'train'",
        "AND (year = 2018 OR year >= 2020 OR year <= 2001)",
    ]


def test_a_condition_is_put_in_parentheses_so_that_or_does_not_widen_the_others() -> None:
    sql = query(SelectOptions(where="a OR b", license=("CC-BY",)), None)
    assert sql == "SELECT id FROM figures\nWHERE (a OR b)\nAND license = 'CC-BY'"


def test_a_comment_in_a_condition_does_not_hide_what_follows() -> None:
    assert query(SelectOptions(where="a -- b", commercial=True), None).splitlines()[1:3] == ["WHERE (a -- b", ")"]


def test_few_concepts_are_searched_in_the_list_and_many_are_joined() -> None:
    assert query(SelectOptions(), ["C0000001"]).endswith("WHERE list_contains(concepts, 'C0000001')")
    two = query(SelectOptions(), ["C0000002", "C0000001"])
    assert two.endswith("(list_contains(concepts, 'C0000001') OR list_contains(concepts, 'C0000002'))")
    many = query(SelectOptions(), [f"C000000{n}" for n in range(9)])
    assert "unnest(concepts)" in many and "list_contains" not in many
    assert query(SelectOptions(), []).endswith("WHERE false")


def test_a_quote_in_a_value_does_not_end_the_literal() -> None:
    assert query(SelectOptions(language=("e'n",)), None).endswith("WHERE language = 'e''n'")


def test_commercial_use_is_allowed_by_no_nc_licence_and_by_none_that_forbids_redistribution() -> None:
    assert {"CC-BY", "CC0", "CC-BY-SA"} <= set(COMMERCIAL_LICENSES)
    assert not [name for name in COMMERCIAL_LICENSES if "NC" in name.split("-")]
    assert not {"NO-CC", "NONE", "UNKNOWN", "CONFLICT"} & set(COMMERCIAL_LICENSES)


def test_stated_flags_are_those_that_are_set() -> None:
    assert SelectOptions().stated() == {}
    assert SelectOptions(seed=3).stated() == {}
    assert SelectOptions(sample=5, year=("2018",)).stated() == {"sample": 5, "seed": 0, "year": ["2018"]}


def test_a_sample_needs_at_least_one_image() -> None:
    with pytest.raises(UsageError, match="a sample of 0 images"):
        SelectOptions(sample=0)


def test_years_may_be_numbers() -> None:
    assert query(SelectOptions(year=2018), None) == query(SelectOptions(year="2018"), None)
    assert query(SelectOptions(year=[2018, "2020-"]), None) == query(SelectOptions(year=["2018", "2020-"]), None)


@pytest.mark.parametrize(
    "options", [{"commercial": "no"}, {"one_per_article": 1}, {"sample": "10"}, {"modality": 3}, {"license": [None]}]
)
def test_a_value_of_another_type_is_an_error_that_names_its_field(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"for {next(iter(options))}\n"):
        SelectOptions(**options)
