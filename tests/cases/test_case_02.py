"""Names of modalities that mean something else in their caption."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case

pytestmark = pytest.mark.shared


def test_a_name_with_another_meaning_is_no_modality(case: Callable[[str], Case]) -> None:
    found = case("02").figures("fig_id", "modality", "concepts")
    modalities = {row["fig_id"]: row["modality"] for row in found if row["modality"]}
    assert modalities == {"f13": "DRCT", "f14": "DRXR"} and len(found) == 14
    assert [row["fig_id"] for row in found if row["concepts"]] == ["f13", "f14"]
