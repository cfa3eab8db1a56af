"""A <license> for the data beside the <license> of the article."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_a_waiver_for_the_data_is_not_a_licence_of_the_article(case: Callable[[str], Case]) -> None:
    found = case("01").figures("doi", "license", "license_url", "stage", "drop")
    decided = {row["doi"]: (row["license"], row["drop"]) for row in found}
    assert decided == {
        "10.9999/waiver1": ("CC-BY", None),
        "10.9999/waiver2": ("CC-BY", None),
        "10.9999/waiver3": ("CONFLICT", "license"),
    }
