"""Devices, scanners and vessels are no credit; a licence from others is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_scanners_needles_and_vessels_are_kept_and_credits_to_others_dropped(case: Callable[[str], Case]) -> None:
    figures = case("10").figures("fig_id", "drop")
    assert {figure["fig_id"]: figure["drop"] for figure in figures if figure["fig_id"]} == {
        "f1": None,
        "f2": None,
        "f3": None,
        "f4": "rights",
        "f5": "rights",
    }
