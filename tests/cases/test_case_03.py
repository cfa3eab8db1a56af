"""The letter of a panel before a year is no copyright sign."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_panel_letters_before_years_are_kept_and_copyright_notices_dropped(case: Callable[[str], Case]) -> None:
    figures = case("03").figures("fig_id", "drop")
    assert {figure["fig_id"]: figure["drop"] for figure in figures if figure["fig_id"]} == {
        "f1": None,
        "f2": None,
        "f3": None,
        "f4": "rights",
        "f5": "rights",
    }
